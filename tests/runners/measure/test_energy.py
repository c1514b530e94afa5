"""Against trees as the kernel documents them: no machine at hand has a counter to record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runners.measure import energy
from runners.measure.energy import EnergyMeter, find_counters, rise_uj

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

RANGE = 262_143_328_850


def zone(root: Path, folder: str, name: str, energy_uj: int, range_uj: int = RANGE) -> Path:
    at = root / folder
    at.mkdir(parents=True)
    (at / "name").write_text(f"{name}\n")
    (at / "energy_uj").write_text(f"{energy_uj}\n")
    (at / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return at / "energy_uj"


def two_packages(root: Path) -> tuple[Path, Path]:
    zone(root, "intel-rapl:0:0", "core", 5_000)
    zone(root, "intel-rapl:0:1", "dram", 7_000)
    zone(root, "intel-rapl:2", "psys", 9_000)
    first = zone(root, "intel-rapl:0", "package-0", 1_000_000)
    second = zone(root, "intel-rapl:1", "package-1", 2_000_000)
    zone(root, "intel-rapl-mmio:0", "package-0", 1_000_000)
    return first, second


def test_packages_are_added_up_and_nothing_twice(tmp_path: Path) -> None:
    first, second = two_packages(tmp_path)
    meter = EnergyMeter(tmp_path)
    first.write_text("4000000\n")  # 3 J
    second.write_text("2500000\n")  # 0.5 J
    assert meter.take() == pytest.approx(3.5)
    assert meter.take() == 0.0
    assert meter.source == ("RAPL package-0, package-1, all that ran on it and idle power included")
    assert meter.reason is None


def test_a_counter_that_starts_again(tmp_path: Path) -> None:
    # From 1 J below its end to 2 J above 0: 3 J. In the middle of the phase it is read as well.
    counter = zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 1_000_000)
    meter = EnergyMeter(tmp_path)
    counter.write_text("2000000\n")
    meter.add()
    counter.write_text("2500000\n")
    assert meter.take() == pytest.approx(3.5)
    assert rise_uj(RANGE - 1, 1, RANGE) == 2
    assert rise_uj(5, 5, RANGE) == 0


def test_no_counter_and_one_that_may_not_be_read(tmp_path: Path) -> None:
    meter = EnergyMeter(tmp_path / "missing")
    assert (meter.take(), meter.source) == (None, None)
    assert meter.reason == "this machine has no RAPL counter (few virtual machines have)"
    first, _ = two_packages(tmp_path)
    first.unlink()  # root may read anything: a file that is missing stands for one that is refused
    (tmp_path / "intel-rapl-mmio:0" / "energy_uj").unlink()
    counters, reason = find_counters(tmp_path)
    assert counters == ()
    assert reason is not None
    assert "may not be read" in reason


def test_a_counter_that_goes_away(tmp_path: Path) -> None:
    first, _ = two_packages(tmp_path)
    meter = EnergyMeter(tmp_path)
    first.unlink()
    assert meter.take() is None
    assert meter.reason == "the counter could no longer be read"


def test_a_record_has_the_joules_of_each_phase(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_packages(tmp_path)
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    found = bench.run().energy
    assert found is not None
    assert found.source is not None
    assert found.joules == dict.fromkeys(("load", "latency", "scoring", "generation"), 0.0)
    assert found.reason is None


def test_a_record_without_a_counter_says_why(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    found = bench.run().energy
    assert found is not None
    assert (found.source, found.joules) == (None, {})
    assert found.reason == "this machine has no RAPL counter (few virtual machines have)"
