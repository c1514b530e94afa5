"""Where llama.cpp's compiled libraries lie; nothing of them is loaded."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("*.so", "*.so.*", "*.dylib", "*.dll")
"""Patterns of their files' names."""


def library_folder() -> Path | None:
    """Folder of llama_cpp's libraries; nothing of it is imported, as that may end the process."""
    chosen = os.environ.get("LLAMA_CPP_LIB_PATH")  # llama_cpp's own variable
    if chosen:
        return Path(chosen)
    try:
        spec = find_spec("llama_cpp")
    except (ImportError, ValueError):
        return None
    origin = spec.origin if spec else None
    return Path(origin).parent / "lib" if origin else None
