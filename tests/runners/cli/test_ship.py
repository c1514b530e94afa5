from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from evals.errors import RecordError
from runners.cli.ship import command
from runners.records.record import JobError
from runners.records.store import Store
from tests.leaderboard.conftest import Maker, made
from tests.support.stores import able, empty, good, nightly

__all__ = ["Maker", "able", "empty", "good", "made", "nightly"]
REFERENCE = Path(__file__).parents[3] / "results" / "reference"


def ship(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--store", str(store)], standalone_mode=False)


def shipped(store: Path, *arguments: str) -> str | None:
    found: str | None = json.loads(ship(store, "--json", *arguments).stdout)["ship"]
    return found


@pytest.mark.slow
def test_of_a_tie_the_preferred_one_is_shipped():
    # Six quantisations without a significant difference: q4_1 has the least memory, q4_0 decodes
    # fastest, f16 has the highest estimate.
    for prefer, name in (("smallest", "q4_1"), ("fastest", "q4_0"), ("accurate", "f16")):
        assert shipped(REFERENCE, "--prefer", prefer) == f"smollm2-135m-instruct-{name}"


@pytest.mark.slow
def test_a_margin_of_fidelity_takes_quantisations_out_of_the_tie():
    # q4_0's answers are 1.19 times as perplexing as f16's, q2_k's 1.30, q4_1's 1.003 times; q4_1
    # decodes 124 tokens/s, q8_0 120.
    said = " ".join(ship(REFERENCE, "--prefer", "fastest").stdout.split())
    assert "its answers are 19% more perplexing than those of f16" in said
    fastest = shipped(REFERENCE, "--prefer", "fastest", "--fidelity", "2%")
    assert fastest == "smollm2-135m-instruct-q4_1"


def test_the_nearest_under_240_mib_is_q4_1():
    done = ship(REFERENCE, "--memory", "240MiB")
    assert done.return_value == 3
    assert "Closest is smollm2-135m-instruct-q4_1: peak memory 265 MiB" in done.stdout
    assert "weighin run smollm2-135m-instruct-q4_1 --memory 240MiB" in done.stdout
    assert shipped(REFERENCE, "--memory", "240MiB") is None


def test_limits_are_kept(good: Path):
    # `big` peaks at 400 MiB and decodes 40 tokens/s, `small` at 100 and 80.
    assert shipped(good, "--prefer", "accurate") == "big"
    for limit in (("--memory", "200MiB"), ("--decode", "50")):
        assert shipped(good, "--prefer", "accurate", *limit) == "small"
    # Of the reference runs q4_1, the smallest, takes 1.1 s to the first token; then comes q4_k_m.
    assert shipped(REFERENCE, "--ttft", "1s") == "smollm2-135m-instruct-q4_k_m"


def test_it_is_json(good: Path):
    found = json.loads(ship(good, "--json").stdout)
    assert (found["ship"], found["tied"], found["certainty"]) == ("small", ["big", "small"], None)
    assert found["against"]["candidate"] == "big"
    assert found["against"]["difference"] == pytest.approx(-0.04)
    assert [one["peak_bytes"] for one in found["fitting"]] == [400 * 2**20, 100 * 2**20]
    assert found["claim"].startswith("Ship small: no accuracy difference found against big")


def test_it_is_markdown(good: Path):
    text = ship(good, "--markdown").stdout
    assert "Ship small: no accuracy difference found" in text
    assert "| small |" in text


def test_what_crashed_is_said(tmp_path: Path, made: Maker):
    store = Store(tmp_path / "s")
    error = JobError(phase="latency", message="the worker was ended by SIGSEGV")
    for name in "ab":
        store.add(made.record(name, status="failed", error=error), None)
    done = ship(store.root)
    assert "2 of 2 runs crashed in latency (SIGSEGV)." in done.stdout
    assert "weighin doctor" in done.stdout
    assert done.return_value == 3


def test_what_is_wrong_is_said(good: Path, empty: Path):
    said = ship(good, "--suite", "tyny").exception
    assert 'no run of it here (did you mean "tiny"?)' in str(said)
    assert "not a percentage above 0" in str(ship(good, "--fidelity", "none").exception)
    assert isinstance(ship(empty).exception, RecordError)


def test_a_candidate_that_failed_its_check_is_not_shipped_silently(nightly: Path, good: Path):
    said = " ".join(ship(nightly).stdout.split())
    assert "It regressed in its newest check, 2026-01-08 03:00: accuracy." in said
    assert "regressed" not in ship(good).stdout


def test_weights_by_ability_choose_the_suite_and_the_candidate(able: Path):
    assert shipped(able) == "caller"
    done = ship(able, "--weights", "tools=1,code=3", "--json")
    found = json.loads(done.stdout)
    assert (found["ship"], found["weights"]) == ("coder", {"tools": 0.25, "code": 0.75})
    assert found["abilities"]["coder"] == {"tools": 0.1, "code": 0.9}
    assert "weights" not in json.loads(ship(able, "--json").stdout)
    # What is weighed says which suite is meant.
    said = ship(able, "--weights", "knowledge=1").stdout
    assert said.startswith("Ship caller for knowledge: the only candidate measured.")
    assert "Suite facts" in said


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("tools", "'tools' is not ABILITY=WEIGHT with a weight from 0 to 100"),
        ("tools=x", "'tools=x' is not ABILITY=WEIGHT"),
        ("tools=nan", "'tools=nan' is not ABILITY=WEIGHT"),
        ("tools=-1", "'tools=-1' is not ABILITY=WEIGHT"),
        ("tools=1,tools=2", "'tools=2' is not ABILITY=WEIGHT"),
        ("", "'' is not ABILITY=WEIGHT"),
        ("tools=0", "one weight must be above 0"),
        ("tool=1", 'suite tiny does not measure tool (did you mean "tools"?)'),
        ("tools=1,maths=1", "suite tiny does not measure maths"),
    ],
)
def test_wrong_weights_are_refused_in_a_line(able: Path, weights: str, words: str):
    done = ship(able, "--weights", weights)
    assert isinstance(done.exception, click.UsageError)
    assert words in done.exception.message
