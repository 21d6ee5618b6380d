"""`lookout backtest`: what the alerts would have done over the history that a Prometheus holds."""
