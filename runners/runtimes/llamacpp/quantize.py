"""Quantise a GGUF: `python -P -m runners.runtimes.llamacpp.quantize SRC DST TYPE [--threads N]`.

A process of its own, because llama.cpp ends its process where it meets what it did not expect,
and a build for another CPU dies of an illegal instruction.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from typing import Any

from runners.runtimes.converting import NOT_INSTALLED
from runners.worker.crashing import leave_no_core

FTYPES = {
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q8_0": 7,
    "Q2_K": 10,
    "Q3_K_M": 12,
    "Q4_K_M": 15,
    "Q5_K_M": 17,
    "Q6_K": 18,
    "BF16": 32,
}
"""llama.h `llama_ftype`."""
_LOG_ERROR = 4  # ggml.h; the numbers in llama_cpp/_logger.py are out of date
_alive: list[Any] = []
"""Log callbacks: llama.cpp calls them until the process ends, so they must not be collected."""


def quantize(source: str, target: str, type_name: str, threads: int) -> str | None:
    """Write `source` to `target` with another type.

    Returns:
        None, or what llama.cpp complained about.

    Raises:
        ImportError: llama_cpp is not installed.
        OSError: its library cannot be loaded.
        RuntimeError: the same, as llama_cpp reports it.
    """
    import llama_cpp

    complaints: list[str] = []

    def keep(level: int, text: bytes, _: Any) -> None:
        line = text.decode("utf-8", "replace").strip()
        if level == _LOG_ERROR and line:
            complaints.append(line)

    _alive.append(llama_cpp.llama_log_callback(keep))
    llama_cpp.llama_log_set(_alive[-1], ctypes.c_void_p(0))
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = FTYPES[type_name]
    params.nthread = threads
    params.allow_requantize = True
    failed = llama_cpp.llama_model_quantize(
        os.fsencode(source), os.fsencode(target), ctypes.byref(params)
    )
    return " · ".join(complaints[-2:]) or f"code {failed}" if failed else None


def main() -> int:
    """Exit code 0, or another one with one line on stderr."""
    leave_no_core()
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("type", choices=sorted(FTYPES))
    parser.add_argument("--threads", type=int, default=0, help="0: llama.cpp's own choice")
    arguments = parser.parse_args()
    try:
        complaint = quantize(arguments.source, arguments.target, arguments.type, arguments.threads)
    except (ImportError, OSError, RuntimeError) as error:
        sys.stderr.write(f"llama_cpp cannot be loaded: {' '.join(str(error).split())}\n")
        return NOT_INSTALLED
    if complaint:
        sys.stderr.write(complaint + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
