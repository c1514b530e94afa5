"""What is asked: suites, their tasks and items, and the files and data behind them."""
