"""What Ray itself takes of a node on which a block is about to run."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import psutil

WATCHED_S = 1.0
"""Time over which the processors' time of idle processes is taken."""


def ray_cost(node: str) -> dict[str, Any]:
    """The `executor` part of the records: Ray's processes on this node, while they are idle.

    Memory is the sum of their resident sets, in bytes, so that shared pages count more than once;
    `cpus` is the number of cores that they kept busy.
    """
    watched = _processes()
    started = time.monotonic()
    before = _cpu_seconds(watched)
    time.sleep(WATCHED_S)
    used_s = _cpu_seconds(watched) - before
    return {
        "name": "ray",
        "version": version("ray"),
        "node": node,
        "processes": len(watched),
        "rss_bytes": sum(map(_rss_bytes, watched)),
        "cpus": round(max(0.0, used_s) / (time.monotonic() - started), 4),
    }


def _processes() -> list[psutil.Process]:
    """The node's manager with all that it started, this task included, and the cluster's store of
    state where that is here.
    """
    above = psutil.Process().parents()
    manager = next((one for one in above if _is(one, "raylet")), None)
    found = {manager, *manager.children(recursive=True)} if manager else {psutil.Process()}
    found |= {one for one in psutil.process_iter() if _is(one, "gcs_server")}
    return sorted(found, key=lambda one: one.pid)


def _is(process: psutil.Process, name: str) -> bool:
    try:
        return process.name() == name
    except psutil.Error:
        return False


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _rss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
