"""The curves of TensorBoard that this package adds, and the means behind them."""
