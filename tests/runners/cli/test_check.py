"""`weighin compare`, `check`, `baseline` and `import` as a user calls them, on runs of the fake."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from runners.candidates import catalogue
from runners.cli import main

pytestmark = pytest.mark.slow

SUITE = {
    "name": "tiny",
    "tasks": [{"task": "tiny_choice"}, {"task": "tiny_answer"}],
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    "latency_repeats": 1,
}
LENIENT = {
    "on_cannot_tell": "pass",
    "metrics": {"accuracy": {"margin": 0.9}, "cold_start_s": {"severity": "ignore"},
                "ttft_s": {"severity": "ignore"},
                "decode_tokens_per_s": {"margin": 0.5, "severity": "fail"}},
}  # fmt: skip
"""Twelve items show only a catastrophe, and starting a process is noisy."""
FAKES: dict[str, dict[str, Any]] = {
    "good": {"pick": 1, "delay_per_token_s": 0.02},
    "twin": {"pick": 1, "delay_per_token_s": 0.02},
    "slow": {"pick": 1, "delay_per_token_s": 0.06},
    "wrong": {"pick": 0, "delay_per_token_s": 0.02},
    "dies": {"fail_at": "scoring", "fail_how": "kill"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str


Call = Callable[..., Said]


def ended(*args: str) -> int:
    """The exit code of `main`, which leaves the process's settings as they were."""
    before = sys.argv, sys.excepthook, signal.getsignal(signal.SIGTERM)
    sys.argv = ["weighin", *args]
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        sys.argv, sys.excepthook = before[:2]
        signal.signal(signal.SIGTERM, before[2])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def measured(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five fakes, a suite, a policy, and a store of their runs, five of each."""
    folder = tmp_path_factory.mktemp("measured")
    for name, told in FAKES.items():
        content = {"name": name, "runtime": "fake", "settings": {"fake": told, "threads": 1}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SUITE))
    (folder / "policy.yaml").write_text(yaml.safe_dump(LENIENT))
    here = Path.cwd()
    os.chdir(folder)
    try:
        files = [f"{name}.yaml" for name in FAKES]
        run = ("run", *files, "--suite", "tiny.yaml", "--include", str(tiny), "--repeats", "5")
        assert ended(*run, "--store", "runs") == 3  # one dies
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def weighin(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:  # fmt: skip
    """`main` in this process, in a copy of that folder."""
    shutil.copytree(measured, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    def call(*args: str) -> Said:
        code = ended(*args)
        said = capsys.readouterr()
        return Said(code=code, out=said.out, err=said.err)

    return call


def check(call: Call, candidate: str, *more: str, against: str = "good") -> Said:
    usual = ("--against", against, "--store", "runs", "--policy", "policy.yaml")
    return call("check", candidate, *usual, *more)


def newest(store: Path, candidate: str) -> Path:
    """The newest run that answered the tasks."""
    return max(path.parent for path in store.glob(f"2*-{candidate}-*/samples.parquet"))


def test_compare_prints_both_tables(weighin: Call):
    said = weighin("compare", "good", "wrong", "--store", "runs")
    assert (said.code, said.err) == (0, "")
    assert "wrong (other) against good (first)" in said.out
    assert "-100.0" in said.out  # of tiny_choice
    assert "5 pairs" in said.out


def test_a_name_means_its_runs_though_a_folder_here_is_called_so(weighin: Call, tmp_path: Path):
    said = weighin("compare", "good", "wrong", "--store", "runs")
    for name in ("good", "wrong"):
        (tmp_path / name / "of something else").mkdir(parents=True)
    assert weighin("compare", "good", "wrong", "--store", "runs") == said
    assert check(weighin, "twin").code == 0
    kept = weighin("baseline", "set", "b", "good", "--reason", "r", "--store", "runs", "--force")
    assert (kept.code, kept.err) == (0, "")


def test_a_folder_of_records_is_meant_before_a_name(weighin: Call, tmp_path: Path):
    shutil.copytree(newest(tmp_path / "runs", "wrong"), tmp_path / "good" / "20260101T000000-w-0")
    run = json.loads((tmp_path / "good" / "20260101T000000-w-0" / "record.json").read_text())
    text = json.dumps({**run, "run_id": "20260101T000000-w-0"})
    (tmp_path / "good" / "20260101T000000-w-0" / "record.json").write_text(text)
    said = weighin("compare", "slow", "good", "--store", "runs")
    assert "wrong (other) against slow (first)" in said.out


def test_compare_as_json(weighin: Call):
    said = weighin("compare", "good", "slow", "wrong", "--store", "runs", "--json")
    slow, wrong = json.loads(said.out)
    assert slow["other"]["candidate"] == "slow"
    decode = next(a for a in slow["axes"] if a["axis"] == "decode_tokens_per_s")
    assert decode["ratio"]["ratio"] == pytest.approx(1 / 3, rel=0.1)
    choice = next(t for t in wrong["tasks"] if t["name"] == "tiny_choice")
    assert (choice["paired"]["lost"], choice["paired"]["gained"]) == (12, 0)


def test_compare_wants_two_to_four_sides(weighin: Call):
    said = weighin("compare", "good", "--store", "runs")
    assert (said.code, said.err) == (3, "weighin: 1 given: compare two to 4\n")


def test_a_candidate_passes_against_its_twin(weighin: Call, tmp_path: Path):
    said = check(weighin, "twin")
    assert said.code == 0, said.out
    assert "twin against good: pass on all 4 metrics that decide" in said.out
    assert newest(tmp_path / "runs", "twin").name in said.out
    assert newest(tmp_path / "runs", "good").name in said.out


def test_a_run_is_never_judged_against_itself(weighin: Call, tmp_path: Path):
    said = check(weighin, "good")
    assert said.code == 3
    assert "never judged against itself" in said.err
    run = newest(tmp_path / "runs", "good").name
    assert "-good-" in run
    assert "stands on both sides" in check(weighin, run, against=run).err
    assert "stands on both sides" in weighin("compare", "good", "good", "--store", "runs").err


def test_a_file_that_changed_since_its_runs_was_not_measured(weighin: Call, tmp_path: Path):
    assert check(weighin, "twin.yaml").code == 0
    shutil.copy(tmp_path / "twin.yaml", tmp_path / "kept.yaml")
    worse = yaml.safe_load((tmp_path / "wrong.yaml").read_text()) | {"name": "twin"}
    (tmp_path / "twin.yaml").write_text(yaml.safe_dump(worse))
    for args in (("check", "twin.yaml", "--against", "good"), ("compare", "good", "twin.yaml")):
        said = weighin(*args, "--store", "runs")
        assert said.code == 3
        assert "twin as it is now was not measured: run it" in said.err
        assert said.err.count("\n") == 1
    assert check(weighin, "twin").code == 0  # a name alone means the runs that bear it
    assert check(weighin, "kept.yaml").code == 0


def test_a_slower_and_a_wrong_candidate_regress(weighin: Call):
    slow, wrong = check(weighin, "slow"), check(weighin, "wrong")
    assert slow.code == 1, slow.out
    assert "slow against good: regressed: decode time per token 8+4" in slow.out
    assert "accuracy of tiny_choice" in wrong.out
    assert "regressed" in wrong.out


def test_a_candidate_that_was_killed_regressed(weighin: Call):
    said = check(weighin, "dies")
    assert said.code == 1
    assert "failed in scoring" in said.out


def test_a_baseline_that_failed_is_no_baseline(weighin: Call):
    said = check(weighin, "good", against="dies")
    assert said.code == 3
    assert "is failed: a gate needs completed runs" in said.err


def test_what_cannot_be_told_is_exit_2(weighin: Call):
    said = weighin("check", "twin", "--against", "good", "--store", "runs")
    assert said.code == 2
    assert "accuracy: cannot tell" in said.out


def test_json_and_reports(weighin: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = check(weighin, "slow", "--json", "--junit", "j.xml", "--markdown", "m.md")
    report = json.loads(said.out)
    assert (said.code, report["exit_code"], report["verdict"]) == (1, 1, "regressed")
    assert report["candidate"]["name"] == "slow"
    assert len(report["baseline"]["runs"]) == 5
    assert ET.parse(tmp_path / "j.xml").getroot().find("testsuite/testcase/failure") is not None
    assert (tmp_path / "m.md").read_text().startswith("### ❌ slow against good")
    (kept,) = (tmp_path / "runs" / "gates").glob("*.json")
    assert json.loads(kept.read_text()) == report
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    said = check(weighin, "slow", "--github")
    assert said.out.startswith("::error title=weighin%3A regressed::slow against good")
    assert (tmp_path / "summary.md").read_text() == (tmp_path / "m.md").read_text()
    assert check(weighin, "slow", "--github", "--json").code == 3


def test_a_report_that_cannot_be_written_takes_a_pass_away_and_no_regression(
    weighin: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "none/summary.md")
    for candidate, code in (("twin", 3), ("slow", 1)):
        said = check(weighin, candidate, "--github", "--junit", "none/j.xml")
        assert said.code == code
        assert said.err == (
            "weighin: none/j.xml: cannot be written (No such file or directory)\n"
            "weighin: none/summary.md: cannot be written (No such file or directory)\n"
        )
        assert f"{candidate} against good" in said.out


def test_a_store_that_cannot_be_written_still_gives_a_verdict(weighin: Call, tmp_path: Path):
    (tmp_path / "runs" / "gates").write_text("in the way")
    said = check(weighin, "twin")
    assert said.code == 0
    assert "the report is not kept for the board" in said.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nobody",), "no run 'nobody' in runs"),
        (("good", "--policy", "none.yaml"), "none.yaml: cannot be read"),
        (("good", "--pairs", "9"), "--pairs is for --rerun"),
        (("good", "--suite", "quick"), "--suite is for --rerun"),
        (("good", "--nonsense"), "No such option"),
        (("good", "--rerun", "--pairs", "3"), "at least 5 pairs are needed"),
        (("twin", "--junit", "none/j.xml"), "cannot be written"),
    ],
)
def test_wrong_usage_is_no_regression(weighin: Call, args: tuple[str, ...], message: str):
    said = check(weighin, *args)
    assert said.code == 3
    assert message in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("missing", "no run 'missing'"),
        ("results/missing", "results/missing: no folder of records"),
        ("./empty", "./empty: holds no run"),
        ("empty", "empty: no folder of records, and no run 'empty'"),
        ("runs", "runs: holds"),
    ],
)
def test_a_missing_baseline_is_exit_3(weighin: Call, tmp_path: Path, against: str, message: str):
    (tmp_path / "empty").mkdir()
    said = check(weighin, "good", against=against)
    assert said.code == 3
    assert message in said.err


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "damaged: not JSON"), ('{"schema_version": 99}', "schema 99 is newer")],
)
def test_a_damaged_or_newer_baseline_is_exit_3(
    weighin: Call, tmp_path: Path, text: str, message: str
):
    folder = tmp_path / "base"
    shutil.copytree(newest(tmp_path / "runs", "good"), folder / "20260101T000000-good-0")
    (folder / "20260101T000000-good-0" / "record.json").write_text(text)
    said = check(weighin, "good", against="base")
    assert said.code == 3
    assert message in said.err


def test_another_suite_is_refused_and_can_be_insisted_on(weighin: Call, tmp_path: Path, tiny: Path):
    other = {**SUITE, "version": 2, "tasks": [{"task": "tiny_choice", "limit": 9}]}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    assert weighin("run", "good.yaml", "--suite", "other.yaml", "--include", str(tiny),
                   "--store", "others").code == 0  # fmt: skip
    run = newest(tmp_path / "others", "good")
    said = check(weighin, str(run))
    assert said.code == 3
    assert "suite: tiny version 1 in the reference, tiny version 2 in the other" in said.err
    said = check(weighin, str(run), "--allow-different-prompts", "--json")
    report = json.loads(said.out)
    assert report["insisted"]
    assert [len(m["only_baseline"]) for m in report["missing"]] == [3, 12]


def test_a_gate_that_cannot_fail_is_refused(weighin: Call, tmp_path: Path):
    names = (
        "accuracy", "fidelity", "task", "peak_bytes", "decode_tokens_per_s", "ttft_s",
        "cold_start_s",
    )  # fmt: skip
    rules = {name: {"severity": "warn"} for name in names}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({"metrics": rules}))
    said = check(weighin, "twin")
    assert said.code == 3
    assert "this gate cannot fail" in said.err


# Baselines.


def test_a_baseline_is_set_listed_shown_and_checked_against(weighin: Call, tmp_path: Path):
    setting = ("baseline", "set", "main", "good", "--reason", "first", "--store", "runs", "--force")
    assert weighin(*setting).code == 0
    folder = tmp_path / "results" / "baselines" / "main"
    manifest = json.loads((folder / "baseline.json").read_text())
    assert (manifest["reason"], len(manifest["runs"])) == ("first", 5)
    said = weighin("baseline", "list", "--json")
    assert [(b["name"], b["candidate"]) for b in json.loads(said.out)] == [("main", "good")]
    assert "first" in weighin("baseline", "list").out
    assert "first" in weighin("baseline", "show", "main").out
    said = check(weighin, "slow", against="results/baselines/main")
    assert said.code == 1
    said = weighin("baseline", "diff", "main", "wrong", "--store", "runs")
    assert "wrong (other) against good (first)" in said.out
    # Moved: nothing of the old one stays.
    moving = ("baseline", "set", "main", "slow", "--reason", "moved", "--store", "runs", "--force")
    assert weighin(*moving).code == 0
    assert json.loads((folder / "baseline.json").read_text())["reason"] == "moved"
    assert all("-slow-" in path.name for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("named", ["{folder}", "{folder}/{run}", "{folder}/good", "{run}", "good"])
def test_no_way_to_name_a_baselines_runs_passes_its_manifest_by(
    weighin: Call, tmp_path: Path, named: str
):
    setting = ("baseline", "set", "main", "good", "--reason", "first", "--store", "runs", "--force")
    assert weighin(*setting).code == 0
    folder = tmp_path / "results" / "baselines" / "main"
    run = json.loads((folder / "baseline.json").read_text())["runs"][-1]
    record = folder / run / "record.json"
    record.write_text(record.read_text().replace('"status"', ' "status"'))
    against = named.format(folder=folder.relative_to(tmp_path), run=run)
    store = "runs" if "/" in named or "folder" in named else str(folder)
    said = weighin("compare", against, "runs/twin", "--store", store)
    assert said.code == 3
    assert "is not the file that baseline.json lists" in said.err


def test_a_baseline_needs_a_whole_run_and_a_reason(weighin: Call):
    whole = ("baseline", "set", "main", "--store", "runs")
    said = weighin(*whole, "dies", "--reason", "x")
    assert (said.code, "is failed; measure it again" in said.err) == (3, True)
    assert weighin(*whole, "good").code == 3
    assert "--reason is empty" in weighin(*whole, "good", "--reason", " ", "--force").err
    assert "is no name" in weighin(
        "baseline", "set", "../up", "good", "--reason", "x", "--store", "runs", "--force"
    ).err  # fmt: skip
    assert "no baseline 'main'" in weighin("baseline", "show", "main").err


def test_a_flagged_run_is_no_baseline_unless_forced(weighin: Call, tmp_path: Path):
    for path in (tmp_path / "runs").glob("2*/record.json"):
        record = json.loads(path.read_text())
        record["flags"] = [{"name": "contended", "detail": "45% of the CPU"}]
        path.write_text(json.dumps(record))
    setting = ("baseline", "set", "main", "good", "--reason", "x", "--store", "runs")
    said = weighin(*setting)
    assert said.code == 3
    assert "is flagged contended (45% of the CPU); measure it again, or insist with --force" in (
        said.err
    )
    assert weighin(*setting, "--force").code == 0


# Measured now.


def test_rerun_measures_both_sides_interleaved(weighin: Call, tmp_path: Path, tiny: Path):
    more = ("--rerun", "--pairs", "5", "--suite", "tiny.yaml", "--include", str(tiny), "--json")
    said = check(weighin, "slow.yaml", *more, against="good.yaml")
    report = json.loads(said.out)
    assert (said.code, report["verdict"]) == (1, "regressed")
    decode = next(m for m in report["metrics"] if m["metric"].startswith("decode"))
    assert (decode["verdict"], decode["paired"], decode["count"]) == ("regressed", True, 5)
    (folder,) = [path for path in (tmp_path / "runs" / "gates").iterdir() if path.is_dir()]
    order = [json.loads(path.read_text())["job"] for path in folder.glob("2*/record.json")]
    assert sorted(job["position"] // 2 for job in order) == sorted(job["repeat"] for job in order)


def test_rerun_of_a_candidate_against_itself(weighin: Call, tiny: Path):
    more = ("--rerun", "--pairs", "5", "--include", str(tiny), "--json")
    said = check(weighin, "good.yaml", *more, "--suite", "tiny.yaml", against="good.yaml")
    report = json.loads(said.out)
    assert report["verdict"] != "regressed", report["sentence"]
    assert report["baseline"]["name"] == "good (baseline)"


def test_rerun_runs_both_inside_the_budget_of_a_recorded_baseline(
    weighin: Call, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    usual = ("--suite", "tiny.yaml", "--include", str(tiny))
    run = weighin("run", "good.yaml", *usual, "--cpus", "1", "--min-decode", "5", "--store", "base")
    assert run.code == 0, run.err
    (recorded,) = (json.loads(path.read_text()) for path in Path("base").glob("2*/record.json"))
    # As if the fake had a name in the catalogue, by which alone a recorded baseline is found again.
    find = catalogue.find_candidate
    monkeypatch.setattr(
        catalogue, "find_candidate", lambda text: find("good.yaml" if text == "good" else text)
    )
    said = check(weighin, "slow.yaml", "--rerun", "--pairs", "5", *usual[2:], against="base")
    assert said.code == 1, said.err
    (folder,) = [path for path in (tmp_path / "runs" / "gates").iterdir() if path.is_dir()]
    records = [json.loads(path.read_text()) for path in folder.glob("2*/record.json")]
    assert len(records) == 10
    assert all(record["budget"] == recorded["budget"] for record in records)


def test_rerun_refuses_a_recorded_side_that_is_something_else_now(
    weighin: Call, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    run = newest(tmp_path / "runs", "good")
    find = catalogue.find_candidate
    monkeypatch.setattr(
        catalogue, "find_candidate", lambda text: find("slow.yaml" if text == "good" else text)
    )
    more = ("--rerun", "--pairs", "5", "--include", str(tiny))
    said = check(weighin, "twin.yaml", *more, against=str(run))
    assert said.code == 3
    assert f"the baseline {run.name} is not what slow is now" in said.err
    said = check(weighin, str(run), *more, "--suite", "tiny.yaml", against="twin.yaml")
    assert said.code == 3
    assert f"the candidate {run.name} is not what slow is now" in said.err


def test_rerun_of_a_candidate_that_dies(weighin: Call, tiny: Path):
    more = ("--rerun", "--suite", "tiny.yaml", "--include", str(tiny))
    said = check(weighin, "dies.yaml", *more, against="good.yaml")
    assert said.code == 1
    assert "failed in scoring" in said.out
    said = check(weighin, "good.yaml", *more, against="dies.yaml")
    assert said.code == 3
    assert "the baseline failed" in said.err


def test_rerun_names_what_cannot_be_run_here(weighin: Call, tmp_path: Path):
    run = newest(tmp_path / "runs", "good")
    said = check(weighin, "good.yaml", "--rerun", against=str(run))
    assert said.code == 3
    assert "good cannot be run again here" in said.err


# What must not read as a regression.


CHECK = ["check", "smollm2-135m-instruct-q8_0", "--against", "smollm2-135m-instruct-f16", "--store"]


def script(body: str, store: Path) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-c", body, *CHECK, str(store)]
    return subprocess.run(start, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("store") / "reference"
    shutil.copytree(Path(__file__).parents[3] / "results" / "reference", store)
    return store


def test_check_never_loads_streamlit(reference: Path):
    done = script(
        "import sys\nfrom runners.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, 1, 2), end.code\n"
        "heavy = {'streamlit', 'lm_eval', 'torch', 'plotly', 'datasets'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n",
        reference,
    )
    assert done.stderr == "[]\n"


def test_a_crash_is_a_bug_and_no_regression(reference: Path):
    done = script(
        "import leaderboard.gate.gate\nfrom runners.cli import main\n"
        "def crash(*_, **__): raise ZeroDivisionError('forced')\n"
        "leaderboard.gate.gate.judge = crash\nmain()\n",
        reference,
    )
    assert done.returncode == 70
    assert "this is a bug in weighin" in done.stderr


# Results of lm-eval itself, whose dummy model answers at random.


LM_EVAL = """
import sys
from lm_eval import simple_evaluate
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager
tasks, folder = sys.argv[1:]
for seed in (1, 2):
    tracker = EvaluationTracker(output_path=f"{folder}/{seed}")
    manager = TaskManager(include_path=tasks, include_defaults=False)
    names = ["tiny_choice", "tiny_cloze", "tiny_prose", "tiny_answer"]
    found = simple_evaluate("dummy", tasks=names, task_manager=manager, random_seed=seed,
                            evaluation_tracker=tracker, bootstrap_iters=10, log_samples=True)
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    for name in names:
        tracker.save_results_samples(task_name=name, samples=samples[name])
"""


@pytest.fixture(scope="module")
def lm_eval_output(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm_eval")
    subprocess.run(
        [sys.executable, "-c", LM_EVAL, str(tiny), str(folder)], check=True, capture_output=True,
        cwd=folder, timeout=300,
        # It would ask the hub about the model, again and again where there is none.
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
    )  # fmt: skip
    return folder


def test_results_of_lm_eval_are_imported_compared_and_gated(
    weighin: Call, lm_eval_output: Path, tmp_path: Path
):
    for seed in ("1", "2"):
        said = weighin("import", "lm-eval", str(lm_eval_output / seed), "--name", f"dummy-{seed}",
                       "--store", "imported", "--json")  # fmt: skip
        assert said.code == 0, said.err
        (record,) = json.loads(said.out)
    assert record["candidate"]["name"] == "dummy-2"
    assert (record["latency"], record["memory"], record["load"]) == ({}, None, None)
    assert record["imported"]["lacks"].startswith("lm-eval measures neither times nor memory")
    assert len(record["imported"]["files"]) == 5
    # As lm-eval says it, to the digit.
    (file,) = (lm_eval_output / "2").rglob("results_*.json")
    theirs = json.loads(file.read_text())["results"]
    ours = record["accuracy"]
    assert ours["tiny_choice"]["value"] == theirs["tiny_choice"]["acc,none"]
    assert ours["tiny_choice"]["stderr"] == pytest.approx(theirs["tiny_choice"]["acc_stderr,none"])
    assert ours["tiny_choice"]["chance"] == pytest.approx(1 / 3)
    assert ours["tiny_answer"]["metrics"].keys() == {"exact_match,number", "exact_match,whole"}
    assert (ours["tiny_prose"]["stderr"], ours["tiny_prose"]["scale"]) == (None, "perplexity")
    said = weighin("compare", "dummy-1", "dummy-2", "--store", "imported", "--json")
    (found,) = json.loads(said.out)
    assert {t["name"]: bool(t["paired"]) for t in found["tasks"]} == {
        "tiny_choice": True, "tiny_cloze": True, "tiny_prose": False, "tiny_answer": True,
    }  # fmt: skip
    prose = next(t for t in found["tasks"] if t["name"] == "tiny_prose")
    assert prose["recorded"] == [
        pytest.approx(math.exp(prose["likelihood"][side])) for side in ("reference", "other")
    ]
    said = weighin("check", "dummy-2", "--against", "dummy-1", "--store", "imported", "--json")
    report = json.loads(said.out)
    kinds = {m["metric"].partition(":")[0] for m in report["metrics"]}
    assert kinds == {"accuracy", "fidelity", "perplexity"}
    # And again: the same results are not a second run.
    weighin("import", "lm-eval", str(lm_eval_output / "2"), "--name", "dummy-2", "--store",
            "imported")  # fmt: skip
    assert len(list((tmp_path / "imported").glob("2*"))) == 2


def test_an_import_is_asked_the_same_as_a_run_of_ours(
    weighin: Call, lm_eval_output: Path, tmp_path: Path, tiny: Path
):
    """The identity of an item is the hash of what is asked, whoever asks."""
    import pyarrow.parquet

    weighin("import", "lm-eval", str(lm_eval_output / "1"), "--store", "imported")
    (imported,) = (tmp_path / "imported").glob("2*/samples.parquet")
    ours = pyarrow.parquet.read_table(newest(tmp_path / "runs", "good") / "samples.parquet")
    theirs = pyarrow.parquet.read_table(imported)

    def identities(table: Any, task: str) -> set[str]:
        rows = table.select(["task", "item", "doc_id", "target"]).to_pylist()
        return {(r["item"], r["doc_id"], r["target"]) for r in rows if r["task"] == task}

    assert identities(ours, "tiny_choice") == identities(theirs, "tiny_choice") != set()
    assert {i[:2] for i in identities(ours, "tiny_answer")} == {
        i[:2] for i in identities(theirs, "tiny_answer")
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("results_x.json", "{", "cannot be read"),
        ("results_x.json", "[]", "not lm-eval's results"),
        ("results_x.json", '{"results": {}}', "not lm-eval's results"),
        ("results_x.json", '{"results": {"t": {}}, "configs": {"t": {}}}', "has no result"),
        ("other.json", "{}", "holds no results_"),
    ],
)
def test_what_is_not_lm_evals_is_exit_3(
    weighin: Call, tmp_path: Path, name: str, text: str, message: str
):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / name).write_text(text)
    said = weighin("import", "lm-eval", "theirs", "--store", "imported")
    assert said.code == 3
    assert message in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("results_*.json", '"acc,none": 0.', '"acc,none": 0.9', "tiny_choice: it says acc = 0.9"),
        ("samples_tiny_choice_*", None, None, "tiny_choice: it says n = 12, and its samples have"),
    ],
)
def test_results_that_say_something_else_than_their_samples_are_not_imported(
    weighin: Call, lm_eval_output: Path, tmp_path: Path, file: str, old: str | None, new: str,
    says: str,
):  # fmt: skip
    shutil.copytree(lm_eval_output / "1", tmp_path / "theirs")
    (path,) = (tmp_path / "theirs").rglob(file)
    text = path.read_text()
    cut = "".join(text.splitlines(keepends=True)[:5])
    path.write_text(text.replace(old, new) if old else cut)
    said = weighin("import", "lm-eval", "theirs", "--store", "imported")
    assert said.code == 3
    assert says in said.err
    assert not list((tmp_path / "imported").glob("2*"))


def test_a_damaged_line_of_samples_is_named(weighin: Call, lm_eval_output: Path, tmp_path: Path):
    shutil.copytree(lm_eval_output / "1", tmp_path / "theirs")
    (file,) = (tmp_path / "theirs").rglob("samples_tiny_cloze_*")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], '{"doc_id": 1}', *lines[2:]]))
    said = weighin("import", "lm-eval", "theirs", "--store", "imported")
    assert said.code == 3
    assert f"{file.name}, line 2: damaged" in said.err


CARELESS = """
def score(doc, results):
    found = [word for word in results[0].split() if word.isdigit()]
    return {"acc": float(found[-1] == doc["answer"]) if found else float("nan")}
"""


def test_items_without_a_score_leave_no_suite_score_and_never_pass(
    tmp_path: Path, task_writer: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    """A function that gives no number where the answer holds none, and a candidate that says
    nothing: its other task alone would be a better score than an honest one's two.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    acc = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
    easy = {"output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "options",
            "doc_to_target": "gold", "metric_list": acc}  # fmt: skip
    hard = {"output_type": "generate_until", "doc_to_text": "q", "doc_to_target": "answer",
            "metric_list": acc, "process_results": "REPLACED"}  # fmt: skip
    task_writer(tmp_path / "own", "easy", easy)
    task_writer(tmp_path / "own", "hard", hard)
    (tmp_path / "own" / "grade.py").write_text(CARELESS)
    path = tmp_path / "own" / "hard.yaml"
    path.write_text(path.read_text().replace("REPLACED", "!function grade.score"))
    for name, text in (("fine", "42"), ("mute", "no idea")):
        told = {"name": name, "runtime": "fake",
                "settings": {"threads": 1, "fake": {"pick": 1, "text": text}}}  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told))
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump({
        "name": "own", "tasks": [{"task": "easy"}, {"task": "hard"}], "latency_repeats": 1,
        "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    }))  # fmt: skip
    quiet = {one: {"severity": "ignore"} for one in ("ttft_s", "decode_tokens_per_s",
                                                     "cold_start_s", "peak_bytes")}  # fmt: skip
    (tmp_path / "policy.yaml").write_text(
        yaml.safe_dump({"on_cannot_tell": "pass", "metrics": quiet})
    )
    assert ended("run", "fine.yaml", "mute.yaml", "--suite", "suite.yaml", "--include", "own",
                 "--store", "st", "--trust-tasks") == 0  # fmt: skip
    said = capsys.readouterr().out
    why = "hard: 12 of 12 items have no usable acc: documents 0 (NaN), 1 (NaN), 2 (NaN)"
    assert f"mute: no suite score: {why}" in " ".join(said.split())
    code = ended("check", "mute", "--against", "fine", "--policy", "policy.yaml", "--store", "st",
                 "--json")  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert (code, report["verdict"]) == (2, "cannot tell")
    (whole,) = [m for m in report["metrics"] if m["metric"] == "accuracy"]
    assert "hard: mute: 12 of 12 items have no usable acc" in whole["reason"]
    assert ended("export", "--store", "st", "--format", "json") == 0
    rows = {row["candidate"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mute"]["accuracy"] is None
    assert rows["mute"]["accuracy_reason"].startswith(why)
    assert rows["fine"]["accuracy"] is not None
