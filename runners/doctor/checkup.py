"""All checks, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evals.fetch.cache import cache_root
from runners.doctor import counters, gpus, groups, network, quietness, software, storage
from runners.doctor.check import Check, ShowBytes
from runners.runtimes.packages import installed


def checkup(store: Path, show: ShowBytes, *, online: bool) -> Iterator[Check]:
    """Look at this machine.

    Args:
        store: the store that runs would be kept in.
        show: turns bytes into text.
        online: also ask the package index and the hub.

    The load is sampled first: the checks themselves would be seen in it.
    """
    load = quietness.sample_load()
    yield software.python_check()
    yield software.here()
    yield from software.runtime_checks()
    yield software.apps_check()
    yield from gpus.gpu_checks(show)
    built = installed("llama-cpp-python") is not None
    yield software.compiler_check(software.compiler(), built=built)
    if online:
        yield network.index_check()
        yield network.hub_check()
    yield storage.cache_check(cache_root(), show)
    yield storage.store_check(store, show)
    yield counters.peak_check()
    yield groups.limit_check()
    yield groups.container_check()
    yield groups.code_check()
    yield quietness.cpus()
    yield quietness.load_check(load)
    yield quietness.swap(show)
    yield quietness.governor_check()
    yield counters.pressure_check()
    yield counters.energy_check()
    yield counters.perf_check()
