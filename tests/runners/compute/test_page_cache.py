"""What is in the page cache is seen, dropped, and seen to be gone."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from evals.errors import MeasureError
from runners.compute.page_cache import describe, drop, resident_share

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mincore is asked on Linux alone")
PAGES = 256


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"w" * (PAGES * mmap.PAGESIZE - 7))
    return path


def kept_in_memory(path: Path) -> bool:
    """A file system such as tmpfs has its files in memory alone."""
    return drop(path) != 0.0


def test_a_file_that_was_just_written_is_warm_and_can_be_dropped(weights: Path):
    assert resident_share(weights) == 1.0
    if kept_in_memory(weights):
        pytest.skip("this file system keeps its files in memory")
    assert resident_share(weights) == 0.0


def test_a_part_that_is_read_comes_back(weights: Path):
    if kept_in_memory(weights):
        pytest.skip("this file system keeps its files in memory")
    with weights.open("rb", buffering=0) as file:
        file.read(mmap.PAGESIZE)
    share = resident_share(weights)
    assert share
    assert share < 1.0 or PAGES * mmap.PAGESIZE < 2**21  # readahead may bring the rest of 1 MiB


def test_what_another_has_mapped_stays(weights: Path):
    with weights.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            for at in range(0, len(mapped), mmap.PAGESIZE):
                mapped[at]
            assert drop(weights) == 1.0
        finally:
            mapped.close()


def test_an_empty_file_and_none(tmp_path: Path):
    empty = tmp_path / "empty"
    empty.touch()
    assert resident_share(empty) == 0.0
    with pytest.raises(MeasureError, match="cannot be looked at"):
        resident_share(tmp_path / "gone")
    with pytest.raises(MeasureError, match="cannot be looked at"):
        drop(tmp_path / "gone")


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "cold"), (1.0, "warm"), (0.374, "37% warm"), (None, "unknown")]
)
def test_the_state_is_said(share: float | None, said: str):
    assert describe(share) == said


def test_a_folder_is_all_its_files(tmp_path: Path):
    for name, pages in (("a", 96), ("b", 32)):
        (tmp_path / name).write_bytes(b"w" * (pages * mmap.PAGESIZE))
    (tmp_path / "empty").touch()
    assert resident_share(tmp_path) == 1.0
    if kept_in_memory(tmp_path / "b"):
        pytest.skip("this file system keeps its files in memory")
    assert resident_share(tmp_path) == 0.75  # 96 pages of 128
    assert drop(tmp_path) == 0.0
