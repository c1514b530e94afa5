"""GPUs that the installed llama.cpp can compute on, asked of ggml's registry of devices.

Run as a program (`python -m runners.runtimes.llamacpp.devices`) it prints them as JSON, for the
parent: asking a driver for its memory may take some of it, which no measured process shall.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp import llama_cpp as low_level

from runners.worker.offload import Device
from runners.worker.runtime import WorkerError

GPU, INTEGRATED = 1, 2
"""Types of a device (ggml_backend_dev_type) that layers are offloaded to."""
REMOTE = "RPC"
"""Devices of other machines, which are none of this one's."""
EXTRA = "GGML_BACKEND_PATH"
"""ggml's own variable: a library with one more backend."""
ALL = 9999
"""More layers than any model has: `all`, in every release of llama.cpp."""
Pointer, Size = ctypes.c_void_p, ctypes.c_size_t


def load_backends() -> None:
    """Load backends that lie in libraries of their own: of a build that has no other, and EXTRA."""
    if os.environ.get(EXTRA) or not _call("ggml_backend_dev_count", Size):
        folder = os.fsencode(Path(low_level._lib._name).parent)
        _call("ggml_backend_load_all_from_path", None, ctypes.c_char_p(folder))


def backends() -> tuple[str, ...]:
    """Interfaces of the GPUs that are here, e.g. `CUDA`; their memory is not asked for."""
    return tuple(dict.fromkeys(device.backend for _, device in gpus(memory=False)))


def gpus(*, memory: bool) -> list[tuple[int, Device]]:
    """The devices that layers can be offloaded to, each with its pointer in the library.

    Args:
        memory: also ask how large they are, which on CUDA makes a context on each.
    """
    if not llama_cpp.llama_supports_gpu_offload():
        return []
    return list(_found(memory=memory))


def chosen(name: str) -> list[tuple[int, Device]]:
    """The devices that a setting names.

    One that is named is looked up by its name alone: asking the others for their memory would make
    a context on each, in the measured process.

    Args:
        name: as the library calls one; `auto`: those that llama.cpp chooses, which are all that
            have memory of their own, each card once, else those of one interface that share the
            host's.

    Raises:
        WorkerError: there is none.
    """
    if name != "auto":
        found = gpus(memory=False)
        named = [(handle, with_memory(handle, one)) for handle, one in found if one.name == name]
        if not named:
            here = ", ".join(one.title for _, one in found) or "none"
            raise WorkerError(f"settings.device is {name}; this llama.cpp finds: {here}")
        return named
    found = gpus(memory=True)
    if not found:
        raise WorkerError("settings.gpu_layers: this llama.cpp finds no GPU")
    own: dict[str, tuple[int, Device]] = {}
    for handle, one in found:
        if not one.integrated:
            own.setdefault(one.bus_id or one.name, (handle, one))
    if own:
        return list(own.values())
    first = found[0][1].backend
    return [(handle, one) for handle, one in found if one.backend == first]


def listed(handles: list[int]) -> Any:
    """Devices as llama.cpp takes them: pointers, and a null pointer that ends the list."""
    return (Pointer * (len(handles) + 1))(*handles, None)


def _found(*, memory: bool) -> Iterator[tuple[int, Device]]:
    for index in range(_call("ggml_backend_dev_count", Size)):
        handle = _call("ggml_backend_dev_get", Pointer, Size(index))
        kind = _call("ggml_backend_dev_type", ctypes.c_int, Pointer(handle))
        if kind not in (GPU, INTEGRATED):
            continue
        registry = _call("ggml_backend_dev_backend_reg", Pointer, Pointer(handle))
        backend = _text("ggml_backend_reg_name", registry)
        if backend == REMOTE:
            continue
        device = Device(
            name=_text("ggml_backend_dev_name", handle),
            description=_text("ggml_backend_dev_description", handle),
            backend=backend,
            integrated=kind == INTEGRATED,
        )
        yield handle, with_memory(handle, device) if memory else device


def with_memory(handle: int, device: Device) -> Device:
    """A device with its size and address; on CUDA asking for them makes a context on it."""
    about = _properties(handle)
    return replace(
        device,
        total_bytes=about.memory_total or None,
        bus_id=(about.device_id or b"").decode("utf-8", "replace"),
    )


class _Properties(ctypes.Structure):
    """`ggml_backend_dev_props`, with room for capabilities that later releases add."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("description", ctypes.c_char_p),
        ("memory_free", Size), ("memory_total", Size),
        ("type", ctypes.c_int), ("device_id", ctypes.c_char_p), ("caps", ctypes.c_bool * 64),
    )  # fmt: skip


def _properties(handle: int) -> _Properties:
    found = _Properties()
    _call("ggml_backend_dev_get_props", None, Pointer(handle), ctypes.byref(found))
    return found


def _text(name: str, handle: int) -> str:
    said: bytes | None = _call(name, ctypes.c_char_p, Pointer(handle))
    return (said or b"").decode("utf-8", "replace").strip()


def _call(name: str, result: Any, *arguments: Any) -> Any:
    function = _function(name)
    function.restype = result
    return function(*arguments)


@cache
def _function(name: str) -> Any:
    """A function of ggml, which llama.cpp's own library brings with it; on Windows each has its
    own names.
    """
    folder = Path(low_level._lib._name).parent
    beside = (folder / f"{stem}.dll" for stem in ("ggml", "ggml-base"))
    others = (ctypes.CDLL(str(path)) for path in beside if path.is_file())
    for library in (low_level._lib, *others):
        found = getattr(library, name, None)
        if found is not None:
            return found
    raise WorkerError(f"this llama.cpp has no function {name}, so its devices cannot be asked for")


def main() -> int:
    """Print the devices, a list of their fields."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a driver prints goes to stderr
    load_backends()
    lines.write(json.dumps([asdict(device) for _, device in gpus(memory=True)]) + "\n")
    lines.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
