"""Advice for a missing torch or transformers; used in several places."""

MISSING = "torch and transformers are not installed: in the checkout: python tools/install.py hf"
NO_GPU = "install the build of torch for your GPU first (docs/gpus.md), or settings.device: auto"
