"""Choose the environment variables that a child process inherits."""

from __future__ import annotations

import os

DROPPED = (
    "LD_DEBUG", "LD_DEBUG_OUTPUT",
    "PYTHONASYNCIODEBUG", "PYTHONBREAKPOINT", "PYTHONDEBUG", "PYTHONDEVMODE", "PYTHONDUMPREFS",
    "PYTHONFAULTHANDLER", "PYTHONINSPECT", "PYTHONMALLOC", "PYTHONMALLOCSTATS",
    "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC", "PYTHONVERBOSE", "PYTHONWARNINGS",
)  # fmt: skip
"""Debugging variables. In a child they would start a debugger, take the last word on stderr, end a
worker on a warning, or change the memory that it takes."""


def child_environment(**given: str) -> dict[str, str]:
    """The user's environment without what is for debugging, and what is given.

    Libraries, allocators and devices (`LD_LIBRARY_PATH`, `LD_PRELOAD`, `CUDA_VISIBLE_DEVICES`) are
    the user's choice and stay. ggml's abort shall not attach a debugger to a process that has
    just read a file of anybody.
    """
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return {**kept, "GGML_NO_BACKTRACE": "1", **given}
