"""The command line of a llama-server that is measured: what one user's deployment has.

By default it keeps prompts in a cache of up to 8 GiB and has four slots, which spoils memory and
times: both are off. Flags that an older build lacks are left out, by what its `--help` shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runners.endpoint.served_model import DEFAULT_CONTEXT
from runners.worker.runtime import WorkerError

CLEARED = ("LLAMA_ARG_", "LLAMA_API_KEY", "LLAMA_CACHE", "LLAMA_LOG_")
"""Beginnings of variables that set flags beside the command line; a record would not show them."""


def arguments(
    settings: Mapping[str, Any], help_text: str, *, repacks: bool, users: int = 1
) -> list[str]:
    """Arguments of llama-server, with `{weights}` and `{port}` as places.

    Args:
        settings: the runtime's own.
        help_text: what its `--help` prints.
        repacks: False where repacked weights fail in this build.
        users: slots, each with the whole context of the settings: llama-server shares out what
            `-c` says.

    Raises:
        WorkerError: this build cannot be told something that a setting asks for.
    """
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_text))
    kv, flash = str(settings["kv_cache_type"]), "[on|off|auto]" in help_text
    # llama.cpp's flash attention casts an F32 cache to F16 at every batch.
    attention = ["-fa", "off" if kv == "f32" else "on"] if flash else ["-fa"] * (kv != "f32")
    given = [
        ["-m", "{weights}"],
        ["--host", "127.0.0.1"],
        ["--port", "{port}"],
        ["-c", str(users * (settings["context"] or DEFAULT_CONTEXT))],
        ["-t", str(settings["threads"])],
        ["-np", str(users)],
        attention,
        ["-ctk", kv, "-ctv", kv],
        ["-ngl", "0"],
    ]
    if not settings["mmap"]:
        given.append(_one_of(known, ["-lm", "none"], ["--no-mmap"], setting="mmap: false"))
    if not (settings["repack"] and repacks):
        given.append(_one_of(known, ["--no-repack"], setting="repack: false"))
    optional = [
        ["--no-cache-prompt"], ["-cram", "0"], ["--fit", "off"], ["--no-ui"], ["--offline"],
        ["--alias", "weights"], ["-lv", "2"],
    ]  # fmt: skip
    given += [part for part in optional if part[0] in known]
    return [*(word for part in given for word in part), *map(str, settings["arguments"])]


def _one_of(known: set[str], *spellings: Sequence[str], setting: str) -> list[str]:
    found = next((spelling for spelling in spellings if spelling[0] in known), None)
    if found is None:
        flags = " nor ".join(spelling[0] for spelling in spellings)
        raise WorkerError(f"this llama-server has no {flags}, which `{setting}` needs")
    return list(found)
