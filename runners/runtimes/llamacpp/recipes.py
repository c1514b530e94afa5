"""Ways of compiling llama.cpp for a processor: the options to try, in order, and which one first.

Standard library alone: set-up asks before anything is installed.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

X86 = ("x86_64", "amd64", "AMD64", "i686")
AMX = {"amx_tile", "amx_int8"}
KEEP_STORES = ("-fno-tree-dse", "-fno-dse")
"""Flags with which GCC stores all 64 bytes of a tile configuration. Some GCCs hold that loading it
reads 8; tools/compile_amx gives the flags to ggml's AMX sources alone."""
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
GGML_OPTIONS = {
    "GGML_SSE42": {"sse4_2"},
    "GGML_AVX": {"avx"},
    "GGML_AVX2": {"avx2"},
    "GGML_AVX_VNNI": {"avx_vnni"},
    "GGML_BMI2": {"bmi2"},
    "GGML_F16C": {"f16c"},
    "GGML_FMA": {"fma"},
    "GGML_AVX512": {"avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"},
    "GGML_AVX512_VBMI": {"avx512vbmi"},
    "GGML_AVX512_VNNI": {"avx512_vnni"},
    "GGML_AVX512_BF16": {"avx512_bf16"},
}
"""ggml's option -> what Linux calls the instruction sets that it compiles for."""
PROBE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to compile."""

    name: str
    says: str
    """Completes `compiling it …`."""
    cmake: tuple[str, ...]
    """Arguments of cmake."""

    @property
    def cmake_args(self) -> str:
        """The value of CMAKE_ARGS, which is split like a shell's command line."""
        return shlex.join(self.cmake)


def recipes(
    features: Collection[str], architecture: str, own: Sequence[str], flags: str, launcher: Path
) -> tuple[Recipe, ...]:
    """Ways to compile for a processor, the fastest first.

    Args:
        features: its instruction sets, as Linux names them.
        architecture: as `platform.machine` has it; x86's options are given to x86 alone.
        own: the user's arguments of cmake, which every way begins with.
        flags: the user's compiler flags, which cmake would take from CFLAGS.
        launcher: tools/compile_amx.
    """
    native = Recipe(name="native", says="for this processor", cmake=tuple(own))
    if architecture not in X86:
        plain = (*own, "-DGGML_NATIVE=OFF")
        return native, Recipe(name="portable", says="for any processor of its kind", cmake=plain)
    named = [
        f"-D{option}={'ON' if needs <= set(features) else 'OFF'}"
        for option, needs in GGML_OPTIONS.items()
    ]
    portable = Recipe(
        name="portable",
        says="for this processor's instruction sets by name, without AMX",
        cmake=(*own, "-DGGML_NATIVE=OFF", *named),
    )
    if not set(features) >= AMX:
        return native, portable
    keep = f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"
    without = f"{flags} {NO_AMX}".strip()
    return (
        native,
        Recipe(name="keep-stores", says="with the stores that AMX needs", cmake=(*own, keep)),
        Recipe(
            name="no-amx",
            says="without AMX",
            cmake=(*own, f"-DCMAKE_C_FLAGS={without}", f"-DCMAKE_CXX_FLAGS={without}"),
        ),
        portable,
    )


def first_recipe(ways: Sequence[Recipe], probe: Path, environment: Mapping[str, str]) -> Recipe:
    """The first way whose tile configuration is whole, as the compiler itself shows it.

    Args:
        ways: of `recipes`.
        probe: tools/tile_probe.cpp.
        environment: with the user's CXX and CXXFLAGS.
    """
    named = {way.name: way for way in ways}
    compiler = cxx_compiler(environment)
    if "keep-stores" not in named or compiler is None:
        return ways[0]
    own = shlex.split(environment.get("CXXFLAGS", ""))
    if stores_whole_tiles([*compiler, *own], probe) is not False:
        return named["native"]  # where the compiler knows no AMX, there is none to go wrong
    if stores_whole_tiles([*compiler, *own, *KEEP_STORES], probe):
        return named["keep-stores"]
    return named["no-amx"]


def stores_whole_tiles(compiler: Sequence[str], probe: Path) -> bool | None:
    """Test that all 64 bytes of a tile configuration are stored before it is loaded.

    Args:
        compiler: with its flags; -O3, as cmake's release builds have it, is added.
        probe: tools/tile_probe.cpp, which runs on any x86 processor.

    Returns:
        None where it cannot be compiled or run.
    """
    with tempfile.TemporaryDirectory(prefix="weighin-") as folder:
        program = Path(folder) / "probe"
        command = [*compiler, "-O3", "-mamx-tile", str(probe), "-o", str(program)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=PROBE_S)
            code = subprocess.run([program], check=False, timeout=PROBE_S).returncode
        except (OSError, subprocess.SubprocessError):
            return None
    return {0: True, 1: False}.get(code)


def cxx_compiler(environment: Mapping[str, str]) -> list[str] | None:
    """The command that cmake would compile C++ with: CXX, else the first of the usual ones."""
    chosen = shlex.split(environment.get("CXX", ""))
    if chosen:
        return chosen
    search = environment.get("PATH")
    usual = (name for name in ("c++", "g++", "clang++") if shutil.which(name, path=search))
    return next(([name] for name in usual), None)


def compiler_version(environment: Mapping[str, str]) -> str:
    """The first line that it says of itself; empty where there is none."""
    compiler = cxx_compiler(environment)
    if compiler is None:
        return ""
    try:
        said = subprocess.run(
            [*compiler, "--version"], capture_output=True, text=True, check=False, timeout=PROBE_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.partition("\n")[0].strip()
