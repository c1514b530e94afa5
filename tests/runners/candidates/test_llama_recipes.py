"""How llama.cpp is compiled for a processor, and what the compiler itself says of AMX."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from runners.runtimes.llamacpp.recipes import (
    KEEP_STORES,
    X86,
    Recipe,
    compiler_version,
    cxx_compiler,
    first_recipe,
    recipes,
    stores_whole_tiles,
)

pytestmark = pytest.mark.slow

TOOLS = Path(__file__).parents[3] / "tools"
PROBE, LAUNCHER = TOOLS / "tile_probe.cpp", TOOLS / "compile_amx"
EPYC = (
    "avx", "avx2", "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "avx512_vnni",
    "bmi2", "f16c", "fma", "sse4_2",
)  # fmt: skip
XEON = (*EPYC, "amx_tile", "amx_int8", "amx_bf16", "avx512_bf16")
OWN = ("-DLLAVA_BUILD=OFF",)
gcc = pytest.mark.skipif(
    platform.machine() not in X86 or shutil.which("g++") is None, reason="needs g++ for x86"
)


def ways(features: tuple[str, ...], architecture: str = "x86_64", flags: str = "") -> list[Recipe]:
    return list(recipes(features, architecture, OWN, flags, Path("/tools/compile_amx")))


def test_a_processor_with_amx_loses_it_only_when_nothing_else_helps() -> None:
    found = ways(XEON, flags="-O2 -g")
    assert [way.name for way in found] == ["native", "keep-stores", "no-amx", "portable"]
    native, keep, without, portable = (way.cmake for way in found)
    assert native == OWN
    assert keep == (*OWN, "-DCMAKE_CXX_COMPILER_LAUNCHER=/tools/compile_amx")
    no_amx = "-O2 -g -mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
    assert without == (*OWN, f"-DCMAKE_C_FLAGS={no_amx}", f"-DCMAKE_CXX_FLAGS={no_amx}")
    assert portable[:2] == (*OWN, "-DGGML_NATIVE=OFF")
    assert {"-DGGML_AVX512=ON", "-DGGML_AVX512_BF16=ON", "-DGGML_AVX_VNNI=OFF"} <= set(portable)
    assert not any("AMX" in option for option in portable)


def test_cmake_args_are_split_as_they_were_joined() -> None:
    without = ways(XEON)[2]
    assert shlex.split(without.cmake_args) == list(without.cmake)


def test_a_processor_without_amx_is_given_no_flag_of_it() -> None:
    native, portable = ways(EPYC)
    assert (native.name, portable.name) == ("native", "portable")
    assert "amx" not in f"{native.cmake_args} {portable.cmake_args}".lower()
    assert {"-DGGML_AVX512_VNNI=ON", "-DGGML_AVX512_VBMI=OFF"} <= set(portable.cmake)


@pytest.mark.parametrize("architecture", ["aarch64", "arm64", "riscv64"])
def test_other_architectures_are_given_no_flag_of_x86(architecture: str) -> None:
    native, portable = ways((), architecture)
    assert native.cmake == OWN
    assert portable.cmake == (*OWN, "-DGGML_NATIVE=OFF")


def compiler(folder: Path, script: str) -> dict[str, str]:
    """An environment whose C++ compiler is a shell script."""
    path = folder / "cxx"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"CXX": str(path), "PATH": os.environ["PATH"]}


# Stands for a compiler: what it "compiles" is a program that ends with the wanted code.
WRITES = (
    'while [ "$1" != -o ]; do shift; done; printf "#!/bin/sh\\nexit $code\\n" >"$2"; chmod +x "$2"'
)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (f"code=0; {WRITES}", "native"),
        (f'case "$*" in *-fno-dse*) code=0;; *) code=1;; esac; {WRITES}', "keep-stores"),
        (f"code=1; {WRITES}", "no-amx"),
        # It knows no AMX, so that it compiles none; or it cannot compile at all.
        ("exit 1", "native"),
        (f"code=7; {WRITES}", "native"),
    ],
)
def test_the_compiler_says_what_to_begin_with(tmp_path: Path, script: str, name: str) -> None:
    assert first_recipe(ways(XEON), PROBE, compiler(tmp_path, script)).name == name


def test_a_compiler_is_asked_only_where_there_is_amx(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    environment = compiler(tmp_path, f"touch {asked}; exit 1")
    assert first_recipe(ways(EPYC), PROBE, environment).name == "native"
    assert first_recipe(ways((), "aarch64"), PROBE, environment).name == "native"
    assert not asked.exists()


def test_a_compiler_of_ones_own_is_asked_with_its_flags(tmp_path: Path) -> None:
    told = tmp_path / "told"
    environment = compiler(tmp_path, f'echo "$*" >>{told}; exit 1')
    environment |= {"CXX": f"{environment['CXX']} -m64", "CXXFLAGS": "-O1 -g"}
    first_recipe(ways(XEON), PROBE, environment)
    assert told.read_text().startswith("-m64 -O1 -g -O3 -mamx-tile ")


def test_no_compiler_is_no_error() -> None:
    nowhere = {"PATH": "/nowhere"}
    assert cxx_compiler(nowhere) is None
    assert compiler_version(nowhere) == ""
    assert first_recipe(ways(XEON), PROBE, nowhere).name == "native"


@gcc
def test_gcc_stores_whole_tiles_with_the_flags_that_keep_amx() -> None:
    assert stores_whole_tiles(["g++", *KEEP_STORES], PROBE) is True


@gcc
def test_the_probe_sees_a_compiler_that_drops_stores(tmp_path: Path) -> None:
    # What GCC 12 says of the load, whatever this GCC says: that it reads the first 8 bytes.
    text = PROBE.read_text(encoding="utf-8")
    load = "_tile_loadconfig(&config);"
    assert text.count(load) == 1
    bad = '__asm__ volatile("ldtilecfg\\t%X0" : : "m"(*(const void **)&config));'
    probe = tmp_path / "bad.cpp"
    probe.write_text(text.replace(load, bad))
    assert stores_whole_tiles(["g++"], probe) is False
    assert stores_whole_tiles(["g++", *KEEP_STORES], probe) is True
    # And a sound one: that it reads all of them.
    good = '__asm__ volatile("ldtilecfg\\t%X0" : : "m"(config));'
    probe.write_text(text.replace(load, good))
    assert stores_whole_tiles(["g++"], probe) is True


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("/tmp/build/vendor/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp", list(KEEP_STORES)),
        ("/tmp/build/vendor/llama.cpp/ggml/src/ggml-cpu/amx/amx.cpp", list(KEEP_STORES)),
        ("/tmp/build/vendor/llama.cpp/ggml/src/ggml-cpu/ggml-cpu.cpp", []),
        ("/home/amx/llama.cpp/ggml/src/ggml-cpu/repack.cpp", []),
    ],
)
def test_only_amx_sources_are_compiled_otherwise(source: str, flags: list[str]) -> None:
    command = ["printf", "%s\\n", "-O3", "-o", "a b.o", "-c", source]
    done = subprocess.run([LAUNCHER, *command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*command[2:], *flags]
