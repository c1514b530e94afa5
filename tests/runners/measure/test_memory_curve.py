"""The pure parts of measuring memory: thinning the curve, reading a recorded status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.measure import linux
from runners.measure.memory import Curve, MemorySample


def sample(at: int, rss: int) -> MemorySample:
    return MemorySample(at_s=float(at), rss_bytes=rss, anon_bytes=rss, file_bytes=0)


def test_a_full_curve_keeps_the_greater_of_two_neighbours() -> None:
    curve = Curve(most=4)
    for at, rss in enumerate([1, 9, 2, 3]):
        curve.add(sample(at, rss))
    # Full at four: (1, 9) -> 9, (2, 3) -> 3. From now on two samples share a point.
    assert [(p.at_s, p.rss_bytes) for p in curve.points] == [(1.0, 9), (3.0, 3)]
    for at, rss in enumerate([5, 4, 8], start=4):
        curve.add(sample(at, rss))
    # (5, 4) -> 5; 8 waits for its neighbour, and shows meanwhile.
    assert [p.rss_bytes for p in curve.points] == [9, 3, 5, 8]


@given(st.lists(st.integers(0, 1000), max_size=200), st.integers(2, 9))
def test_a_curve_is_short_in_order_and_keeps_its_maximum(sizes: list[int], most: int) -> None:
    curve = Curve(most)
    samples = [sample(at, rss) for at, rss in enumerate(sizes)]
    for one in samples:
        curve.add(one)
    assert len(curve.points) <= most
    assert set(curve.points) <= set(samples)
    assert list(curve.points) == sorted(curve.points, key=lambda point: point.at_s)
    assert max((p.rss_bytes for p in curve.points), default=None) == max(sizes, default=None)


def test_a_curve_of_one_point_is_none() -> None:
    with pytest.raises(ValueError, match="2 or more"):
        Curve(most=1)


def test_a_status_is_read_in_kib() -> None:
    held = linux.parse_status(
        "Name:\tpython\nVmPeak:\t    9999 kB\nVmHWM:\t    1700 kB\nVmRSS:\t    1600 kB\n"
        "RssAnon:\t     116 kB\nRssFile:\t    1480 kB\nRssShmem:\t       4 kB\nThreads:\t1\n"
    )
    assert held is not None
    assert held.peak_bytes == 1_740_800  # 1700 * 1024
    assert held.rss_bytes == 1_638_400  # 1600 * 1024
    assert held.anon_bytes == 118_784  # 116 * 1024
    assert held.file_bytes == 1_519_616  # (1480 + 4) * 1024


def test_an_old_kernel_does_not_split() -> None:
    held = linux.parse_status("VmHWM:\t 1700 kB\nVmRSS:\t 1600 kB\n")
    assert held is not None
    assert (held.anon_bytes, held.file_bytes) == (None, None)


def test_a_zombie_holds_nothing() -> None:
    assert linux.parse_status("Name:\tpython\nState:\tZ (zombie)\n") is None
