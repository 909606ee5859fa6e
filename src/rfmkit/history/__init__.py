"""The tables of a log that models are fitted to: customers, gaps, and snapshots of past days."""
