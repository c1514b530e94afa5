"""Advice for a missing torch or transformers; used in several places."""

MISSING = "torch and transformers are not installed: in the checkout: python tools/install.py hf"
