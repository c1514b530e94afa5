"""Real records through a hub on this machine: once, whole, private, untrusted when they come."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from runners.cli import group
from runners.records.record import Record
from runners.records.store import RECORD, SAMPLES, Store
from tests.runners.conftest import Bench
from tests.support.dataset_hub import State

Weighin = Callable[..., Result]
REPO = "datasets/me/results"


@pytest.fixture
def weighin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weighin:
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(group, args, standalone_mode=False)


@pytest.fixture
def store(bench: Bench) -> Store:
    """Real runs of two fakes, one of which fails."""
    bench.store.create()
    bench.outcomes(bench.fake("good"), bench.fake("bad", fail_at="scoring"), keep_prompts=True)
    return bench.store


def test_what_is_pushed_comes_back_whole(hub: State, weighin: Weighin, store: Store) -> None:
    pushed = weighin("push", "me/results", "--store", str(store.root), "--yes",
                     "--with-own-questions")  # fmt: skip
    assert pushed.exception is None
    kept = hub.repositories[REPO]
    assert kept.private
    good = next(one for one in store.run_ids() if "good" in one)
    assert {f"runs/{one}/{RECORD}" for one in store.run_ids()} < set(kept.files)
    # No prompt leaves, though the run kept them.
    columns = pq.read_schema(io.BytesIO(kept.files[f"runs/{good}/{SAMPLES}"])).names
    assert "prompt" not in columns
    assert "prompt" in store.samples(good).column_names
    flat = pq.read_table(io.BytesIO(kept.files["runs.parquet"]))
    assert sorted(flat["run"].to_pylist()) == store.run_ids()
    front = yaml.safe_load(kept.files["README.md"].decode().split("---")[1])
    assert front["configs"] == [{"config_name": "runs", "data_files": "runs.parquet"}]

    pulled = weighin("pull", "me/results", "--store", "mine", "--json")
    assert json.loads(pulled.stdout)["added"] == store.run_ids()
    mine = Store(Path("mine"))
    before, after = store.read(good), mine.read(good)
    assert after.accuracy == before.accuracy
    assert after.latency == before.latency
    assert mine.answers(after).num_rows == store.answers(before).num_rows
    again = json.loads(weighin("pull", "me/results", "--store", "mine", "--json").stdout)
    assert (again["added"], again["known"]) == ([], store.run_ids())


def test_a_second_push_adds_what_is_new_and_touches_nothing(
    hub: State, weighin: Weighin, store: Store, bench: Bench
) -> None:
    options = ("--store", str(store.root), "--yes", "--with-own-questions")
    weighin("push", "me/results", *options)
    first = dict(hub.repositories[REPO].files)
    assert "has all 2 runs already" in weighin("push", "me/results", *options).stderr
    assert len(hub.repositories[REPO].commits) == 2  # made, and the one push
    bench.outcomes(bench.fake("third"))
    weighin("push", "me/results", *options)
    files = hub.repositories[REPO].files
    assert {path: files[path] for path in first if path.startswith("runs/")} == {
        path: body for path, body in first.items() if path.startswith("runs/")
    }
    assert pq.read_table(io.BytesIO(files["runs.parquet"])).num_rows == 3


def test_two_who_push_at_once_lose_nothing(hub: State, weighin: Weighin, store: Store) -> None:
    options = ("--store", str(store.root), "--yes", "--with-own-questions")
    bad, good = store.run_ids() if "bad" in store.run_ids()[0] else store.run_ids()[::-1]
    weighin("push", "me/results", bad, *options)

    def another() -> None:
        hub.before_commit = None
        hub.repositories[REPO].add({"runs/x/note.txt": b"of somebody else"})

    hub.before_commit = another
    assert weighin("push", "me/results", good, *options).exception is None
    files = hub.repositories[REPO].files
    assert files["runs/x/note.txt"] == b"of somebody else"
    assert f"runs/{good}/{RECORD}" in files
    assert pq.read_table(io.BytesIO(files["runs.parquet"])).num_rows == 2


def test_an_interrupted_push_goes_on(
    hub: State, weighin: Weighin, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runners.hub.push.RUNS_A_COMMIT", 1)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    options = ("--store", str(store.root), "--yes", "--with-own-questions")
    weighin("push", "me/results", store.run_ids()[0], *options)
    hub.fail_commits = [403]
    failed = weighin("push", "me/results", *options)
    assert "your token has no write right here" in str(failed.exception)
    assert weighin("push", "me/results", *options).exception is None
    names = [path for path in hub.repositories[REPO].files if path.endswith(RECORD)]
    assert len(names) == 2


def test_a_dry_run_pushes_nothing_and_says_all(hub: State, weighin: Weighin, store: Store) -> None:
    done = weighin("push", "me/results", "--store", str(store.root), "--dry-run", "--json",
                   "--with-own-questions")  # fmt: skip
    said = json.loads(done.stdout)
    assert said["exists"] is False
    assert len([f for f in said["files"] if f["path"].endswith(RECORD)]) == 2
    assert "the prompts" in said["taken_out"]
    assert hub.repositories == {}
    assert not any(line.startswith("POST") for line in hub.asked)


def test_own_task_files_stay_unless_they_are_asked_for(
    hub: State, weighin: Weighin, store: Store
) -> None:
    refused = weighin("push", "me/results", "--store", str(store.root), "--yes")
    assert "has no run that would be pushed" in str(refused.exception)
    assert "--with-own-questions" in refused.stderr
    assert hub.repositories == {}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("push", "results", "--yes"), "write a dataset repository of the hub as OWNER/NAME"),
        (("pull", "me/none"), "there is no such dataset repository"),
        (("pull", "a b"), "write a dataset repository"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_cannot_be_meant_is_one_line(
    args: tuple[str, ...], said: str, weighin: Weighin
) -> None:
    error = str(weighin(*args).exception)
    assert said in error
    assert "\n" not in error


@pytest.mark.usefixtures("hub")
def test_without_anybody_to_ask_nothing_is_pushed(weighin: Weighin, store: Store) -> None:
    refused = weighin("push", "me/x", "--store", str(store.root), "--with-own-questions")
    assert "--yes pushes, --dry-run shows what" in str(refused.exception)


def test_no_hub_is_one_line(
    weighin: Weighin, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    done = weighin("push", "me/x", "--store", str(store.root), "--yes", "--with-own-questions")
    assert "the hub cannot be reached" in str(done.exception)
    assert "the same command goes on" in str(done.exception)


def forged(hub: State, store: Store, change: Callable[[dict[str, object]], object]) -> str:
    """Put a good run that somebody changed on the hub; its id."""
    good = next(one for one in store.run_ids() if "good" in one)
    content = json.loads((store.root / good / RECORD).read_text(encoding="utf-8"))
    change(content)
    from tests.support.dataset_hub import Kept

    kept = hub.repositories.setdefault(REPO, Kept())
    kept.add({
        f"runs/{good}/{RECORD}": json.dumps(content).encode(),
        f"runs/{good}/{SAMPLES}": (store.root / good / SAMPLES).read_bytes(),
    })  # fmt: skip
    return good


def pulled(weighin: Weighin) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        weighin("pull", "me/results", "--store", "mine", "--json").stdout
    )
    return found


def test_a_score_that_its_samples_do_not_have_is_refused(
    hub: State, weighin: Weighin, store: Store
) -> None:
    def better(content: dict[str, object]) -> None:
        for task in content["accuracy"].values():  # type: ignore[attr-defined]
            task["value"] = 0.99

    forged(hub, store, better)
    found = pulled(weighin)
    assert found["added"] == []
    assert len(found["refused"]) == 1  # type: ignore[arg-type]
    assert Store(Path("mine")).run_ids() == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("candidate.weights_sha256", "0" * 64, "digest does not follow from its weights"),
        ("machine.cpu_model", "A better one", "fingerprint does not follow"),
        ("machine.usable_cpus", 64, "fingerprint does not follow"),
        ("created_at", "2019-01-01T00:00:00+00:00", "and the record 2019-01-01"),
        ("job.seconds", 0.0, "and the whole job 0"),
        ("memory.phases.load.peak_bytes", 1000, "below that of any process"),
        ("memory.phases.load.peak_bytes", 2**60, "above the machine's memory"),
    ],
)
def test_what_cannot_be_true_is_said(
    hub: State, weighin: Weighin, store: Store, key: str, value: object, said: str
) -> None:
    def change(content: dict[str, object]) -> None:
        place: object = content
        *path, last = key.split(".")
        for part in path:
            place = place[part]  # type: ignore[index]
        place[last] = value  # type: ignore[index]

    run = forged(hub, store, change)
    doubts: dict[str, list[str]] = pulled(weighin)["doubts"]  # type: ignore[assignment]
    assert said in "; ".join(doubts[run])
    # And for good: tables and the board show the flag.
    (flag,) = [one for one in Store(Path("mine")).read(run).flags if one.name == "doubtful"]
    assert (said in flag.detail, flag.level) == (True, "warning")


def test_an_honest_record_raises_no_doubt(hub: State, weighin: Weighin, store: Store) -> None:
    run = forged(hub, store, lambda _: None)
    assert pulled(weighin)["doubts"] == {}
    (flag,) = [one for one in Store(Path("mine")).read(run).flags if "measured" in one.name]
    assert (flag.name, flag.level) == ("not measured here", "note")


def test_a_repository_cannot_write_elsewhere(
    hub: State, weighin: Weighin, store: Store, tmp_path: Path
) -> None:
    run = forged(hub, store, lambda _: None)
    hub.repositories[REPO].add({
        f"runs/../../evil/{RECORD}": b"{}", f"runs/{run}/../../../evil.txt": b"x",
    })  # fmt: skip
    assert pulled(weighin)["added"] == [run]
    assert not list(tmp_path.rglob("evil*"))


def test_a_board_opens_what_was_pulled(hub: State, store: Store) -> None:
    from runners.hub.pull import board_store
    from runners.hub.repository import parse_repository

    run = forged(hub, store, lambda _: None)
    for _ in range(2):
        root, found = board_store(parse_repository("hf:me/results"), lambda _: None)
        assert isinstance(Store(root).read(run), Record)
    assert found.added == []
