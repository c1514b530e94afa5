"""`weighin run --against`: the reference runs first or comes from the store, and words follow."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.suites import find_suite
from runners.cli import main
from runners.records.record import Record
from runners.records.store import Store

TEXTS = [["one short word", "two"], ["a very long sentence indeed", "none at all"]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fakes that pick the first or the second choice, and a task whose choices are texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    for name, pick in (("first", 0), ("second", 1), ("copy", 0)):
        told = {"name": name, "runtime": "fake", "settings": {"fake": {"pick": pick}}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told))
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    rows = [{"q": f"What is {n}?", "options": TEXTS[n % 2], "gold": 0} for n in range(16)]
    (tasks / "texts.json").write_text("\n".join(map(json.dumps, rows)))
    (tasks / "texts.yaml").write_text(
        yaml.safe_dump(
            {
                "task": "texts",
                "dataset_path": "json",
                "dataset_kwargs": {"data_files": {"test": str(tasks / "texts.json")}},
                "test_split": "test",
                "output_type": "multiple_choice",
                "doc_to_text": "q",
                "doc_to_choice": "options",
                "doc_to_target": "gold",
                "metric_list": [
                    {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
                ],
            }
        )
    )
    suite = {
        "name": "few",
        "tasks": [{"task": "texts"}],
        "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
        "latency_repeats": 1,
        "probe_items": 0,
    }
    (tmp_path / "few.yaml").write_text(yaml.safe_dump(suite))
    task = yaml.safe_load((tasks / "texts.yaml").read_text())
    words = {"task": "words", "output_type": "generate_until", "doc_to_target": "q"}
    shared = ("dataset_path", "dataset_kwargs", "test_split", "doc_to_text")
    measured = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
    told = {**{key: task[key] for key in shared}, **words, "metric_list": [measured]}
    (tasks / "words.yaml").write_text(yaml.safe_dump(told))
    said = {**suite, "name": "said", "tasks": [{"task": "words", "limit": 2}]}
    (tmp_path / "alone.yaml").write_text(yaml.safe_dump(said))
    (tmp_path / "said.yaml").write_text(yaml.safe_dump({**said, "against": "few.yaml"}))
    return tmp_path


@pytest.fixture
def run(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """`weighin run` in this process: exit code, stdout on one line, stderr."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    before = signal.getsignal(signal.SIGTERM)

    def call(*args: str) -> tuple[int, str, str]:
        given = ("--suite", "few.yaml", "--include", "tasks", "--store", "store")
        monkeypatch.setattr(sys, "argv", ["weighin", "run", *given, *args])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), " ".join(said.out.split()), said.err

    yield call
    signal.signal(signal.SIGTERM, before)


def ran(here: Path) -> list[str]:
    """Candidates of the records, as often as they were run, by name."""
    records = Store(here / "store").records()
    return sorted(one.candidate.name for one in records if isinstance(one, Record))


def test_the_reference_runs_first_and_the_words_are_last(here: Path, run: Any):
    code, out, _ = run("second.yaml", "--against", "first.yaml")
    assert code == 0
    store = Store(here / "store")
    assert {store.find(n).job.position: n for n in ran(here)} == {0: "first", 1: "second"}
    # A fake has no weights that could be the same: nothing of it is called damage.
    _, said = out.split("second against first: ")
    assert said.startswith("answers differ: its answers are ")
    assert "choices changed: 100% of 16 items" in out


def test_damage_is_said_of_what_is_declared_to_be_made_from_the_reference(here: Path, run: Any):
    told = yaml.safe_load((here / "second.yaml").read_text())
    (here / "second.yaml").write_text(yaml.safe_dump({**told, "made_from": "first"}))
    code, out, _ = run("second.yaml", "--against", "first.yaml")
    assert code == 0
    _, said = out.split("second against first: ")
    # -0.001 nats a character of the pick, -1 of the other. Even items: 15 and 4 characters, from
    # -0.015 - 4 to -15 - 0.004, so 10.989 are lost; odd ones: 28 and 12, so 15.984.
    assert said.startswith("damaged: its answers are ")


def test_stored_answers_are_taken(here: Path, run: Any):
    assert run("first.yaml")[0] == 0
    code, out, _ = run("copy.yaml", "--against", "first.yaml")
    assert (code, ran(here)) == (0, ["copy", "first"])
    stored = Store(here / "store").find("first").run_id
    # The two have one digest: the same weights (none), runtime and settings.
    assert "copy against first: no damage beyond 2.0%: its answers are as perplexing as" in out
    assert f"first: its answers of {stored}" in out
    for text in ("first", stored):
        code, again, _ = run("copy.yaml", "--against", text)
        assert code == 0
        assert "copy against first: no damage" in again
    assert ran(here) == ["copy", "first"]
    run("copy.yaml", "--against", "first.yaml", "--fresh")
    assert ran(here) == ["copy", "copy", "first", "first"]


def test_answers_to_other_items_do_not_count(here: Path, run: Any):
    run("first.yaml", "--limit", "4")
    # As a candidate it is run on all of them; as a run it is refused.
    code, _, err = run("second.yaml", "--against", Store(here / "store").run_ids()[0])
    assert code == 3
    assert "lacks 12 of the 16 items that are asked" in err
    assert run("second.yaml", "--against", "first.yaml")[0] == 0
    assert ran(here) == ["first", "first", "second"]
    # The other way round they do: the first four of one permutation are among all.
    assert run("copy.yaml", "--against", "first.yaml", "--limit", "4")[0] == 0
    assert ran(here) == ["copy", "first", "first", "second"]


def test_another_tokenizer_is_refused_in_one_line(here: Path, run: Any):
    run("first.yaml")
    store = Store(here / "store")
    (run_id,) = store.run_ids()
    record, samples = store.read(run_id), store.samples(run_id)
    import pyarrow.compute as pc

    other = record.candidate.model_copy(update={"name": "foreign"})
    place = samples.column_names.index("tokens")
    samples = samples.set_column(place, "tokens", pc.add(samples.column("tokens"), 1).cast("int32"))
    changed = {"candidate": other, "run_id": run_id.replace("first", "foreign")}
    store.add(record.model_copy(update=changed), samples)
    code, _, err = run("second.yaml", "--against", "foreign")
    assert code == 3
    (line,) = [one for one in err.splitlines() if one.startswith("weighin: second cannot")]
    assert "other tokenizers: 16 of 16 items" in line


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("first.yaml", "--against", "first.yaml"), "that is the candidate itself"),
        (("first.yaml", "--against", "nobody"), "nobody"),
        (("first.yaml", "--against", "no/such.gguf"), "no/such.gguf"),
    ],
)
def test_what_cannot_be_a_reference(run: Any, args: tuple[str, ...], why: str):
    code, _, err = run(*args)
    assert code == 3
    assert why in err.splitlines()[-1]


def test_as_json(run: Any, here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run("copy.yaml", "--against", "first.yaml", "--json")
    assert code == 0
    said = json.loads(out)
    assert [one["candidate"]["name"] for one in said["runs"]] == ["first", "copy"]
    (held,) = said["against"]["candidates"]
    assert (held["candidate"], held["perplexity_ratio"], held["verdict"]) == ("copy", 1.0, "pass")


def test_of_a_suite_in_words_another_is_asked_for_it(here: Path, run: Any):
    code, out, _ = run("second.yaml", "--against", "first.yaml", "--suite", "said.yaml")
    assert code == 0
    # The reference is asked what can be held, and not the suite itself.
    records = [one for one in Store(here / "store").records() if isinstance(one, Record)]
    asked = sorted((one.candidate.name, one.suite.name) for one in records)
    assert asked == [("first", "few"), ("second", "few"), ("second", "said")]
    table, said = out.split("second against first: ")
    assert "said (version 1)" in table
    assert "few (version 1)" not in table
    assert said.startswith("answers differ: ")
    assert "by the answers to suite few: " in said

    _, out, _ = run("second.yaml", "--against", "first.yaml", "--suite", "said.yaml", "--json")
    found = json.loads(out)
    assert sorted(one["suite"]["name"] for one in found["runs"]) == ["few", "said"]
    assert [one["candidate"] for one in found["against"]["candidates"]] == ["second"]


def test_a_dry_run_names_it(run: Any):
    asked = ("second.yaml", "--against", "first.yaml", "--suite", "said.yaml", "--dry-run")
    code, out, _ = run(*asked)
    assert code == 0
    assert "for --against also suite few, once: first, second" in out
    _, out, _ = run(*asked, "--json")
    assert json.loads(out)["against"] == {"suite": "few", "candidates": ["first", "second"]}


def test_a_suite_in_words_that_names_none_is_refused_before_it_runs(here: Path, run: Any):
    code, _, err = run("second.yaml", "--against", "first.yaml", "--suite", "alone.yaml")
    assert (code, ran(here)) == (3, [])
    assert "add --suite damage" in err.splitlines()[-1]


def test_shipped_suites_in_words_name_one():
    for name in ("builder", "tools", "rag", "instruct", "math", "code", "long", "generation"):
        assert find_suite(find_suite(name).against or "").name == "damage"
