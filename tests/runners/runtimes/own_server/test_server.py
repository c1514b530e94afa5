"""A candidate that is a command: the server it starts is measured, whatever it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import SpecError
from evals.spec_file import check_spec
from runners.candidates.spec import Candidate
from runners.runtimes.own_server.runtime import OwnServer
from runners.worker import protocol
from tests.support import mock_llama_server

if TYPE_CHECKING:
    from tests.runners.conftest import Bench


def candidate(*serve: str, **told: Any) -> Candidate:
    about = {"name": "mine", "serve": [sys.executable, *serve]}
    return check_spec({**about, **told}, Candidate, where="mine.yaml")


def test_a_command_is_a_candidate(bench: Bench, tmp_path: Path):
    script = str(mock_llama_server.program(tmp_path))
    told = {"environment": {"MOCK_TOLD": '{"echo": "ignored"}', "PORT": "{port}"}}
    one = candidate(script, "--port", "{port}", settings={"threads": 1, **told})
    assert one.runtime == "own-server"
    (outcome,) = bench.outcomes(one, tasks=("tiny_choice",))
    record = outcome.record
    assert record.error is None
    assert record.server is not None
    assert (record.server.url, record.server.kind) == (None, "llama-server")
    assert record.software.runtime_version == "b0-mock"
    assert record.software.runtime_digest  # the program's hash
    assert record.memory is not None
    assert list(record.memory.phases) == ["load", "latency", "scoring"]
    assert record.candidate.settings["serve"][1:] == [script, "--port", "{port}"]
    assert record.engine is not None
    assert record.engine.path == "token grammar"
    assert record.server.cached_tokens == 0
    assert [f.level for f in record.flags if f.name == "weights unknown"] == ["note"]


def test_a_command_without_a_place_for_the_port_is_refused():
    with pytest.raises(SpecError, match=r"mine.yaml: .*serve must say {port}"):
        candidate("--port", "8000")


def test_serve_and_url_are_two_candidates():
    with pytest.raises(SpecError, match="serve"):
        candidate("--port", "{port}", url="http://127.0.0.1:8000/v1")


def test_weights_that_are_asked_for_and_not_named(bench: Bench):
    (outcome,) = bench.outcomes(
        candidate("-m", "{weights}", "--port", "{port}"), tasks=("tiny_choice",)
    )
    assert outcome.record.error is not None
    assert "has {weights}, and the candidate names none" in outcome.record.error.message


def test_a_program_that_is_not_there(bench: Bench):
    content = {"name": "mine", "serve": ["no-such-program", "{port}"]}
    (outcome,) = bench.outcomes(Candidate.model_validate(content), tasks=("tiny_choice",))
    assert outcome.record.error is not None
    assert outcome.record.error.message == (
        'serve begins with "no-such-program", which is no program on the PATH'
    )


def test_a_command_that_says_users_is_started_for_each_number_of_them(tmp_path: Path) -> None:
    script = str(mock_llama_server.program(tmp_path))
    asked = {"context": 64, "threads": 1, "environment": {}, "model": "", "request": {}}

    def opened(*more: str) -> list[tuple[int | None, bool]]:
        """Slots at one, two and two users, and whether the server was started for them."""
        serve = [sys.executable, script, "--port", "{port}", *more]
        load = protocol.Load(
            path=None, settings={**asked, "serve": serve}, program=[sys.executable]
        )
        server = OwnServer()
        try:
            server.load(load)
            found = [server.open_users(protocol.OpenUsers(users=n)) for n in (1, 2)]
        finally:
            server.close()
        return [(one.slots, one.ready_s is not None) for one in found]

    assert opened("-np", "{users}") == [(1, True), (2, True)]
    assert opened("-np", "4") == [(4, False), (4, False)]
