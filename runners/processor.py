"""Which processor this is, as far as compiled code can tell: its model and its instruction sets.

Standard library alone: set-up asks before anything is installed.
"""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path

X86 = ("x86_64", "amd64", "i686", "i386")
_MODEL = (
    "vendor_id", "cpu family", "model", "model name", "stepping",
    "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision",
)  # fmt: skip
"""Keys of /proc/cpuinfo that name a model: x86's, then ARM's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What decides which compiled code runs."""

    architecture: str
    """As `platform.machine` has it: `x86_64`, `aarch64`."""
    model: str
    flags: frozenset[str]
    """Instruction sets, as the kernel names them; empty where it does not say."""

    @property
    def x86(self) -> bool:
        """Whether x86's compiler options mean anything."""
        return self.architecture.lower() in X86

    @property
    def amx(self) -> bool:
        """Whether llama.cpp compiles its AMX kernels for it."""
        return {"amx_tile", "amx_int8"} <= self.flags

    @property
    def digest(self) -> str:
        """16 hex digits: two processors with one digest run the same code."""
        parts = [self.architecture, self.model, *sorted(self.flags)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> Processor:
    """Look at this machine's first processor."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return parse(text, architecture=platform.machine(), otherwise=platform.processor())


def parse(cpuinfo: str, *, architecture: str, otherwise: str = "") -> Processor:
    """The first processor in the text of /proc/cpuinfo.

    Args:
        cpuinfo: empty where the system has none.
        otherwise: its model, where the text names none.
    """
    fields: dict[str, str] = {}
    for key, value in re.findall(r"^([\w ]+?)\s*:[ \t]*(.*)$", cpuinfo, re.MULTILINE):
        fields.setdefault(key, " ".join(value.split()))
    model = " ".join(fields[key] for key in _MODEL if fields.get(key))
    flags = fields.get("flags") or fields.get("Features") or ""
    return Processor(
        architecture=architecture, model=model or otherwise, flags=frozenset(flags.split())
    )
