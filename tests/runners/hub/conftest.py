from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dataset_hub import TOKEN, State, serving


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A hub, and a user who is logged in."""
    with serving() as (address, state):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
        import huggingface_hub.constants as constants

        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        yield state
