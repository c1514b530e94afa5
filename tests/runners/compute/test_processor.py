"""Processors as their systems describe them: recorded texts, shortened to the lines that count."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.compute.processor import Processor, parse_cpuinfo, parse_sysctl

TEXTS = Path(__file__).parents[2] / "data" / "processors"
AVX512 = (
    "avx avx2 avx512_bf16 avx512_vbmi2 avx512_vnni avx512bw avx512cd avx512dq avx512f avx512ifma "
    "avx512vbmi avx512vl bmi2 f16c fma sse3 sse4_1 sse4_2 ssse3"
)


def read(name: str) -> Processor:
    text = (TEXTS / f"{name}.txt").read_text(encoding="utf-8")
    return parse_sysctl(text) if name.startswith("macos") else parse_cpuinfo(text)


@pytest.mark.parametrize(
    ("text", "name", "identity", "features"),
    [
        ("amd-zen4", "AMD EPYC", "AuthenticAMD family 25 model 17 stepping 1", AVX512),
        ("amd-zen5", "AMD EPYC", "AuthenticAMD family 26 model 2 stepping 1",
         f"{AVX512} avx_vnni"),
        ("intel-sapphire-rapids", "Intel(R) Xeon(R) Processor",
         "GenuineIntel family 6 model 143 stepping 8",
         f"{AVX512} amx_bf16 amx_int8 amx_tile avx512_fp16 avx_vnni"),
        ("raspberry-pi-5", "Raspberry Pi 5 Model B Rev 1.0",
         "implementer 0x41 part 0xd0b variant 0x4 revision 1", "asimd asimddp asimdhp"),
        # What one kind of core lacks, no kernel can count on.
        ("arm-two-kinds-of-cores", "ARM implementer 0x41 part 0xd05",
         "implementer 0x41 part 0xd05 variant 0x2 revision 0 + "
         "implementer 0x41 part 0xd0b variant 0x4 revision 1", "asimd asimdhp"),
        ("macos-m2", "Apple M2", "Apple family -634136515",
         "asimd asimddp asimdfhm asimdhp bf16 i8mm neon"),
        ("macos-intel", "Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz",
         "GenuineIntel family 6 model 158 stepping 13",
         "avx avx2 bmi2 f16c fma sse3 sse4_1 sse4_2 ssse3"),
    ],
)  # fmt: skip
def test_a_processor_is_more_than_its_name(text: str, name: str, identity: str, features: str):
    found = read(text)
    assert (found.name, found.identity) == (name, identity)
    assert found.features == tuple(sorted(features.split()))


def test_two_generations_under_one_name_differ():
    old, new = read("amd-zen4"), read("amd-zen5")
    assert old.name == new.name
    assert old.identity != new.identity
    assert set(new.features) - set(old.features) == {"avx_vnni"}


def test_other_processors_say_what_they_can():
    power = parse_cpuinfo("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n")
    assert power == Processor(identity="POWER9, altivec supported")
    riscv = parse_cpuinfo("processor\t: 0\nisa\t: rv64imafdcv\nuarch\t: sifive,u74-mc\n")
    assert riscv.identity == "sifive,u74-mc rv64imafdcv"


@pytest.mark.parametrize("text", ["", "\n\n", "processor\t: 0\n", "nonsense", ":\n: :\n"])
def test_a_text_that_says_nothing_gives_nothing(text: str):
    assert parse_cpuinfo(text) == parse_sysctl(text) == Processor()


def test_half_a_description_is_no_other_machines():
    found = parse_cpuinfo("cpu family\t: 6\nmodel\t\t: 143\nflags\t\t: avx\n\nflags\t:\n")
    assert found.identity == "unknown family 6 model 143 stepping unknown"
    assert found.features == ("avx",)
