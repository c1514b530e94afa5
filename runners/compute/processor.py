"""Identify the processor's generation and instruction sets, since clouds give several one name.

A generation is known by family, model and stepping (x86) or implementer, part, variant and
revision (ARM), and what its kernels may use by the instruction sets that the system offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_X86 = {
    "sse3", "ssse3", "sse4_1", "sse4_2", "avx", "avx2", "f16c", "fma", "bmi2", "avx_vnni",
    "avx_vnni_int8", "avx_vnni_int16", "avx_ifma", "avx_ne_convert", "avx512f", "avx512cd",
    "avx512bw", "avx512dq", "avx512vl", "avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "amx_complex",
}  # fmt: skip
_ARM = {
    "neon", "asimd", "asimdhp", "asimddp", "asimdfhm", "i8mm", "bf16", "sve", "sve2", "svei8mm",
    "svebf16", "sme", "sme2", "smei8i32", "smebf16",
}  # fmt: skip
KERNELS = frozenset(_X86 | _ARM)
"""The instruction sets, by Linux's names, for which llama.cpp, oneDNN or torch have kernels of
their own. A fixed list, so that a newer Linux, which knows more names, makes no new machine."""
_OTHER_NAMES = {
    "pni": "sse3", "avx1.0": "avx", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "feat_fp16": "asimdhp",
    "feat_dotprod": "asimddp", "feat_fhm": "asimdfhm", "feat_i8mm": "i8mm", "feat_bf16": "bf16",
    "feat_sme": "sme", "feat_sme2": "sme2", "advsimd": "asimd", "sme_i8i32": "smei8i32",
}  # fmt: skip
"""Linux's name for SSE3, and the names of macOS (lower case)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A processor as its system describes it; empty where it does not."""

    name: str = ""
    """Name for people: `AMD EPYC`, `Raspberry Pi 5 Model B Rev 1.0`."""
    identity: str = ""
    """`AuthenticAMD family 26 model 2 stepping 1`; cores of several kinds joined by ` + `."""
    features: tuple[str, ...] = ()
    """Instruction sets that every core has, of KERNELS, sorted."""


def parse_cpuinfo(text: str) -> Processor:
    """A processor from Linux's /proc/cpuinfo; every field is empty where the text does not say."""
    cores = [_fields(block) for block in re.split(r"\n\s*\n", text)]
    cores = [core for core in cores if core]
    known = [one for one in map(_identity, cores) if one]
    names = [core["model name"] for core in cores if "model name" in core]
    board = [core["Model"] for core in cores if "Model" in core]
    arm = [f"ARM {one}" for one in map(_arm_name, cores) if one]
    flags = [core.get("flags", core.get("Features")) for core in cores]
    return Processor(
        name=" ".join((board or names or arm or [""])[0].split()),
        identity=" + ".join(dict.fromkeys(known)),
        features=_common([one.split() for one in flags if one is not None]),
    )


def parse_sysctl(text: str) -> Processor:
    """A processor from macOS's `sysctl machdep.cpu hw`."""
    found = dict(re.findall(r"^([\w.]+): (.+)$", text, re.MULTILINE))
    flags = f"{found.get('machdep.cpu.features', '')} {found.get('machdep.cpu.leaf7_features', '')}"
    named = [key for key, value in found.items() if key.startswith("hw.optional.") and value == "1"]
    intel = ("vendor", "family", "model", "stepping")
    parts = {key: found.get(f"machdep.cpu.{key}") for key in intel}
    identity = f"Apple family {found['hw.cpufamily']}" if "hw.cpufamily" in found else ""
    return Processor(
        name=found.get("machdep.cpu.brand_string", "").strip(),
        identity=_x86(parts) if all(parts.values()) else identity,
        features=_common([[*flags.split(), *(key.rpartition(".")[2] for key in named)]]),
    )


def _fields(block: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w ]+?)\s*:[ \t]*(\S.*)$", block, re.MULTILINE))


def _identity(core: Mapping[str, str]) -> str:
    if "cpu family" in core:
        return _x86({**core, "vendor": core.get("vendor_id"), "family": core["cpu family"]})
    if "CPU part" in core:
        more = {key: core.get(f"CPU {key}", "unknown") for key in ("variant", "revision")}
        return f"{_arm_name(core)} variant {more['variant']} revision {more['revision']}"
    return " ".join(core[key] for key in ("cpu", "uarch", "isa") if key in core)  # POWER, RISC-V


def _x86(core: Mapping[str, str | None]) -> str:
    parts = [core.get(key) or "unknown" for key in ("vendor", "family", "model", "stepping")]
    return "{} family {} model {} stepping {}".format(*parts)


def _arm_name(core: Mapping[str, str]) -> str:
    if "CPU implementer" not in core or "CPU part" not in core:
        return ""
    return f"implementer {core['CPU implementer']} part {core['CPU part']}"


def _common(cores: Sequence[Iterable[str]]) -> tuple[str, ...]:
    """The instruction sets that every core has, under Linux's names."""
    named = [{_OTHER_NAMES.get(flag.lower(), flag.lower()) for flag in core} for core in cores]
    return tuple(sorted(set.intersection(*named) & KERNELS)) if named else ()
