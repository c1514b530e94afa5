"""What to do when torch or transformers is missing; said in several places."""

MISSING = "torch and transformers are not installed: in the checkout: python tools/install.py hf"
