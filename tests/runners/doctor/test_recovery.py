"""Known amounts are found by the code that measures runs; times are not asserted anywhere."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from runners.cli.doctor import command
from runners.doctor.recovery import MAPPED, SPIKES, Recovery, probe, recover_memory

pytestmark = pytest.mark.slow

MIB = 2**20
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/PID/status")


def bytes_of(expected: float, measured: float | None) -> Recovery:
    return Recovery(name="x", unit="bytes", expected=expected, measured=measured)


def seconds_of(expected: float, measured: float | None) -> Recovery:
    return Recovery(name="x", unit="s", expected=expected, measured=measured)


@on_linux
def test_known_peaks_and_mappings_are_found() -> None:
    found = list(recover_memory())
    assert (
        [one.expected for one in found]
        == [*SPIKES, MAPPED]
        == [8 * MIB, 32 * MIB, 256 * MIB, 64 * MIB]
    )
    assert [(one.name, one.error) for one in found if not one.ok] == []


def test_bars_by_hand() -> None:
    # 2 MiB up to 100 MiB, above that 2 %: of 256 MiB 5.12.
    assert bytes_of(8 * MIB, 10 * MIB).ok
    assert not bytes_of(8 * MIB, 10 * MIB + 1).ok
    assert bytes_of(256 * MIB, 250.9 * MIB).ok
    assert not bytes_of(256 * MIB, 250.8 * MIB).ok
    # 1 ms up to 50 ms, above that 2 %: of 1.2 s 24 ms.
    assert seconds_of(0.02, 0.0209).ok
    assert not seconds_of(0.02, 0.0189).ok
    assert seconds_of(1.2, 1.2239).ok
    assert not seconds_of(1.2, 1.2241).ok


def test_what_was_not_measured_is_not_found() -> None:
    assert (bytes_of(1, None).ok, bytes_of(1, None).error) == (False, None)


def test_a_probe_that_fails_says_why() -> None:
    record = probe(fail_at="latency", fail_how="refuse")
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.message == "the fake was told to refuse in latency"


def test_the_command_prints_each_amount_and_exits_by_them() -> None:
    done = CliRunner().invoke(command, ["--measure", "--json"], standalone_mode=False)
    found = json.loads(done.stdout)
    assert [one["unit"] for one in found] == ["bytes"] * 4 + ["s"] * 5
    assert [one["expected"] for one in found][4:] == [0.2, 0.02, 1.2, 0.2, 0.02]
    assert done.return_value == (0 if all(one["ok"] for one in found) else 3)
    for one in found:
        assert one["error"] == pytest.approx(one["measured"] - one["expected"])
