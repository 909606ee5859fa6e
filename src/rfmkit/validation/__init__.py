"""Validation: backtests of churn models on past days, baselines, and a recommendation."""
