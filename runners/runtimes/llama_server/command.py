"""The command line of a llama-server that is measured: what one user's deployment has.

By default it keeps prompts in a cache of up to 8 GiB and has four slots, which spoils memory and
times: both are off. Flags that an older build lacks are left out, by what its `--help` shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runners.endpoint.served_model import DEFAULT_CONTEXT
from runners.runtimes.llama_server.devices import FLAG
from runners.worker.runtime import WorkerError

CLEARED = ("LLAMA_ARG_", "LLAMA_API_KEY", "LLAMA_CACHE", "LLAMA_LOG_")
"""Beginnings of variables that set flags beside the command line; a record would not show them."""


ALL_LAYERS = 9_999
"""More than any model has: older builds take no word for all."""


def knows_devices(help_text: str) -> bool:
    """True where a build can be asked for its devices."""
    return FLAG in help_text


def arguments(
    settings: Mapping[str, Any],
    help_text: str,
    *,
    repacks: bool,
    users: int = 1,
    has_devices: bool = False,
) -> list[str]:
    """Arguments of llama-server, with `{weights}` and `{port}` as places.

    Args:
        settings: the runtime's own.
        help_text: what its `--help` prints.
        repacks: False where repacked weights fail in this build.
        users: slots, each with the whole context of the settings: llama-server shares out what
            `-c` says.
        has_devices: True where it finds GPUs here, which it would use for large batches although
            no layer is there.

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
        *_offloading(settings, has_devices=has_devices),
    ]
    if not settings["mmap"]:
        given.append(_one_of(known, ["-lm", "none"], ["--no-mmap"], setting="mmap: false"))
    if not (settings["repack"] and repacks):
        given.append(_one_of(known, ["--no-repack"], setting="repack: false"))
    optional = [
        ["--no-cache-prompt"], ["-cram", "0"], ["--fit", "off"], ["--no-ui"], ["--offline"],
        ["--alias", "weights"],
        ["-lv", "4" if settings["gpu_layers"] else "2"],  # 4: it says what went to the GPU
    ]  # fmt: skip
    given += [part for part in optional if part[0] in known]
    return [*(word for part in given for word in part), *map(str, settings["arguments"])]


def _offloading(settings: Mapping[str, Any], *, has_devices: bool) -> list[list[str]]:
    layers, device = settings["gpu_layers"], str(settings["device"])
    if not layers:
        return [["-ngl", "0"], *([["-dev", "none"]] if has_devices else [])]
    given = ["-ngl", str(ALL_LAYERS if layers == "all" else layers)]
    return [given] if device == "auto" else [given, ["-dev", device]]


def _one_of(known: set[str], *spellings: Sequence[str], setting: str) -> list[str]:
    found = next((spelling for spelling in spellings if spelling[0] in known), None)
    if found is None:
        flags = " nor ".join(spelling[0] for spelling in spellings)
        raise WorkerError(f"this llama-server has no {flags}, which `{setting}` needs")
    return list(found)
