import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import MeasureError
from runners.compute import cgroup
from runners.compute.cgroup import ControlGroup
from runners.measure import noise
from runners.measure.noise import Noise, NoiseReading, cpu_seconds, noise_between, read_noise

BEFORE = NoiseReading(
    load_1m=0.1,
    load_per_core=0.05,
    psi_some_avg10=0.0,
    psi_some_s=100.0,
    busy_s=500.0,
    steal_s=1.0,
    throttled_periods=7,
    throttled_s=0.5,
    cpu_mhz=2000.0,
    swapped_in_pages=40,
)


def test_between_two_readings() -> None:
    # 10 s: busy 500 -> 519 of which 15 were ours: 4 / 10 = 0.4 cores. Stolen 1 -> 2: 1 / (19 + 1).
    # Waited 100 -> 103: 3 / 10. Clock 2000 -> 1500: -25 %.
    after = replace(
        BEFORE,
        psi_some_s=103.0,
        busy_s=519.0,
        steal_s=2.0,
        throttled_periods=9,
        cpu_mhz=1500.0,
        swapped_in_pages=45,
    )
    found = noise_between(BEFORE, after, own_cpu_s=15.0, elapsed_s=10.0)
    assert found.others_cpus == pytest.approx(0.4)
    assert found.steal_share == pytest.approx(0.05)
    assert found.psi_some_share == pytest.approx(0.3)
    assert found.throttled_periods == 2
    assert found.swapped_in_pages == 5
    assert found.frequency_change == pytest.approx(-0.25)
    assert found.load_per_core == 0.05  # before: the run's own load comes after


def test_what_was_not_read_is_not_compared() -> None:
    blind = NoiseReading(
        load_1m=None,
        psi_some_avg10=None,
        psi_some_s=None,
        busy_s=None,
        steal_s=None,
        throttled_periods=None,
        throttled_s=None,
        cpu_mhz=None,
        swapped_in_pages=None,
    )
    found = noise_between(blind, BEFORE, own_cpu_s=1.0, elapsed_s=1.0)
    assert found == Noise(
        others_cpus=None,
        steal_share=None,
        psi_some_share=None,
        throttled_periods=None,
        swapped_in_pages=None,
        frequency_change=None,
    )


def test_ticks_cannot_make_others_negative() -> None:
    after = replace(BEFORE, busy_s=500.98)
    assert noise_between(BEFORE, after, own_cpu_s=1.0, elapsed_s=1.0).others_cpus == 0.0


def test_an_idle_machine_had_nothing_to_steal() -> None:
    assert noise_between(BEFORE, BEFORE, own_cpu_s=0.0, elapsed_s=1.0).steal_share is None


def test_no_time_between() -> None:
    with pytest.raises(MeasureError, match="noise over 0"):
        noise_between(BEFORE, BEFORE, own_cpu_s=0.0, elapsed_s=0.0)


def test_recorded_stat() -> None:
    # Recorded here. Busy: 51487 + 0 + 5573 + 0 + 51 = 57111 ticks of 10 ms; stolen 63.
    text = "cpu  51487 0 5573 94417 283 0 51 63 0 0\ncpu0 23318 0 2265 50260 27 0 5 26 0 0\n"
    assert noise.parse_stat(text, 100) == (571.11, 0.63)


def test_recorded_pressure() -> None:
    text = (
        "some avg10=0.36 avg60=0.48 avg300=8.64 total=123267417\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    assert noise.parse_pressure(text) == (0.0036, 123.267417)
    assert noise.parse_pressure("") == (None, None)


def test_recorded_clock_and_swap() -> None:
    cpuinfo = "processor\t: 0\ncpu MHz\t\t: 800.000\n\nprocessor\t: 1\ncpu MHz\t\t: 2596.132\n"
    assert noise.parse_mhz(cpuinfo) == 2596.132  # the core at work, not the one asleep
    assert noise.parse_mhz("processor\t: 0\n") is None
    assert noise.parse_swap_in("pgpgin 1\npswpin 17\npswpout 4\n") == 17
    assert noise.parse_swap_in("pgpgin 1\n") is None


def test_recorded_throttling(tmp_path: Path) -> None:
    v1 = "nr_periods 20\nnr_throttled 3\nthrottled_time 250000000\n"  # ns
    v2 = "usage_usec 900\nnr_periods 20\nnr_throttled 3\nthrottled_usec 250000\n"
    assert cgroup.parse_throttling(v1) == (3, 0.25)
    assert cgroup.parse_throttling(v2) == (3, 0.25)
    # A hierarchy without the CPU controller has the file, but not the counters.
    bare, counted = tmp_path / "unified", tmp_path / "cpu"
    for folder, text in ((bare, "usage_usec 900\n"), (counted, v1)):
        folder.mkdir()
        (folder / "cpu.stat").write_text(text)
    first = ControlGroup(version=2, mount=bare, path=bare)
    second = ControlGroup(version=1, mount=counted, path=counted)
    assert cgroup.throttling((first, second)) == (3, 0.25)
    assert cgroup.throttling((first,)) is None


SPIN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_the_cpu_of_children_that_were_waited_for_is_counted() -> None:
    before = cpu_seconds([os.getpid()])
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    if sys.platform == "linux":
        assert cpu_seconds([os.getpid()]) - before >= 0.28


def test_overlapping_trees_are_counted_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
    ) as process:
        own = cpu_seconds([os.getpid()])
        assert cpu_seconds([os.getpid(), process.pid, os.getpid()]) == pytest.approx(own, abs=0.1)
        process.communicate("\n")
    with pytest.raises(MeasureError, match="exited"):
        cpu_seconds([process.pid])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_own_work_is_not_others_work_and_another_process_is() -> None:
    before, own, start = read_noise(), cpu_seconds([os.getpid()]), time.perf_counter()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    elapsed = time.perf_counter() - start
    after, own_s = read_noise(), cpu_seconds([os.getpid()]) - own
    mine = noise_between(before, after, own_cpu_s=own_s, elapsed_s=elapsed)
    foreign = noise_between(before, after, own_cpu_s=0.0, elapsed_s=elapsed)
    assert mine.others_cpus is not None
    assert foreign.others_cpus is not None
    # Both readings are the same; what differs is whose the 0.3 s were.
    assert foreign.others_cpus - mine.others_cpus > 0.2 / elapsed
    assert before.busy_s is not None
    assert after.busy_s is not None
    assert after.busy_s - before.busy_s >= 0.2
