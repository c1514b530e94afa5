"""A llama-server that is the mock, found where a user would name his own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runners.runtimes.llama_server.program import VARIABLE
from tests.support import mock_llama_server, tiny_gguf

Served = Callable[..., None]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF of a few kilobytes, which the mock does not look at."""
    return tiny_gguf.write(tmp_path_factory.mktemp("weights") / "tiny.gguf", "llama")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Puts the mock in place of llama-server, with a fault and with what it is told."""

    def place(fault: str = "", **told: Any) -> None:
        monkeypatch.setenv(VARIABLE, str(mock_llama_server.program(tmp_path)))
        monkeypatch.setenv("MOCK_FAULT", fault)
        monkeypatch.setenv("MOCK_TOLD", json.dumps(told))

    return place
