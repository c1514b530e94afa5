"""See from its files whether the installed llama.cpp was compiled for a GPU; nothing is started."""

from __future__ import annotations

import os
from pathlib import Path

from runners.runtimes.llamacpp.libraries import LIBRARIES, library_folder

EXTRA = "GGML_BACKEND_PATH"
"""ggml's own variable: a library with one more backend."""
_OTHERS = ("base", "cpu", "blas", "rpc")
"""Parts of ggml that are for no GPU."""


def compiled_for_gpu(folder: Path | None = None) -> bool:
    """True where a library of a GPU's backend lies beside llama.cpp's, or a variable names one.

    Args:
        folder: of the libraries; by default where llama_cpp looks for them.
    """
    if os.environ.get(EXTRA):
        return True
    folder = folder or library_folder()
    names = [path.name for pattern in LIBRARIES for path in folder.glob(pattern)] if folder else []
    parts = (name.partition("ggml-")[2] for name in names if "ggml-" in name)
    return any(not part.startswith(_OTHERS) for part in parts)
