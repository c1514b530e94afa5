"""Settings that a worker with llama.cpp is given."""

from __future__ import annotations

from typing import Any

from runners.runtimes.table import find_runtime


def cpp_settings(**changes: Any) -> dict[str, Any]:
    """All of them: one thread and a cache in 32 bits, else the defaults but for `changes`."""
    usual = find_runtime("llamacpp").settings().model_dump()
    return {**usual, "threads": 1, "kv_cache_type": "f32", **changes}
