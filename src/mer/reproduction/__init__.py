"""The published tables, and the experiments behind them."""
