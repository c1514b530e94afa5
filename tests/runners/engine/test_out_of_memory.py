"""Memory that runs out is said to be that, and nothing of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runners.engine.out_of_memory import OutOfMemory, is_out_of_memory, memory_on
from runners.engine.self_check import _rows
from runners.worker.runtime import WorkerError

SAID = "CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has 24 GiB"


@pytest.mark.parametrize(
    "said",
    [SAID, "MPS backend out of memory (MPS allocated: 9 GB)", "CUDA error: out of memory",
     "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"],
)  # fmt: skip
def test_what_libraries_say(said: str):
    assert is_out_of_memory(RuntimeError(said))


def test_it_is_an_error_for_people_and_others_stay_as_they_are():
    with (
        pytest.raises(
            OutOfMemory, match=r"^out of memory on cuda:1: CUDA .* 2\.00 GiB\. GPU 0 has"
        ),
        memory_on("cuda:1"),
    ):
        raise RuntimeError(SAID)
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), memory_on("cuda:1"):
        raise RuntimeError("shapes differ")


def test_the_check_does_not_take_it_for_an_architecture_without_a_cache():
    def parts(error: Exception) -> Iterator[Any]:
        raise error
        yield

    assert _rows(parts(RuntimeError("shapes differ"))) is None
    with pytest.raises(WorkerError, match="out of memory while the model was checked: CUDA out"):
        _rows(parts(RuntimeError(SAID)))
    with pytest.raises(OutOfMemory, match=r"^cuda:0$"):  # already said
        _rows(parts(OutOfMemory("cuda:0")))
