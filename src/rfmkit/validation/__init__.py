"""Which model to trust: backtests on past days, baselines, and a recommendation."""
