"""Advice for a missing MLX; used in several places."""

MISSING = "mlx and mlx-lm are not installed: in the checkout: python tools/install.py mlx"
