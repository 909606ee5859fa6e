"""The audit of a log: counts of every rule, warnings, and outlying amounts."""
