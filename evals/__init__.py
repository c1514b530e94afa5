"""What to run: candidates, suites and budgets, and the files and data behind them."""
