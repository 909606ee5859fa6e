"""The tables that leave the log: purchases and gaps, customers, and snapshots of past days."""
