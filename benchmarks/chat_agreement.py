"""Does asking as chat models are asked agree with lm-eval's own harness and its `hf`?

Both sides ask the same items of the same weights in float32: ours by a run, theirs by
`lm_eval.evaluator.evaluate` with `--apply_chat_template --fewshot_as_multiturn`. Prompts, choices
or generated texts, and scores are compared item by item. Needs the extras `llamacpp`, `hf`,
`instruct` and `math`:

    python benchmarks/chat_agreement.py [--runtime llamacpp|hf] [--limit 100] [--json]
    python benchmarks/chat_agreement.py --suites [--keep FOLDER] [--limit 40]

`--suites` asks what the suites that are answered in words ask. With `--keep` each task's figures
are written when they are there, and not measured again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.lm_eval_chat import Parting, Theirs, scored_by_lm_eval
from evals.suites import Suite, SuiteTask
from runners.batches.batch import Batch, plan_jobs, prepare_tasks, resolver, run_batch
from runners.candidates.asking import Chat
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.jobs.item_scores import headline
from runners.jobs.job import Options
from runners.records.parts import METRIC
from runners.records.store import Store

CANDIDATE = "smollm2-135m-instruct-f16"
SYSTEM = "Be brief."
TASKS = {
    "arc_easy": SuiteTask(task="arc_easy"),
    "piqa": SuiteTask(task="piqa", num_fewshot=2),
    "gsm8k_cot": SuiteTask(task="gsm8k_cot", num_fewshot=1, gen={"max_gen_toks": 24}),
}
"""Asked through the template, log-likelihood tasks included, with a system text."""
SUITES = {
    "ifeval": SuiteTask(task="ifeval", gen={"max_gen_toks": 48}),
    "gsm8k_cot": SuiteTask(task="gsm8k_cot", gen={"max_gen_toks": 48},
                           metric="exact_match,strict-match"),
    "minerva_math500": SuiteTask(task="minerva_math500", gen={"max_gen_toks": 48}),
    "humaneval": SuiteTask(task="humaneval", gen={"max_gen_toks": 64}),
    "mbpp": SuiteTask(task="mbpp", gen={"max_gen_toks": 64}),
    "squad2": SuiteTask(task="squad2", gen={"max_gen_toks": 32}),
}  # fmt: skip
"""Asked like the suites ask them, with shorter answers."""
SETTINGS: dict[str, dict[str, Any]] = {
    "llamacpp": {"kv_cache_type": "f32", "context": 2048},
    "hf": {"dtype": "float32", "context": 2048},
}


def main() -> None:
    """Ask both sides and print where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", action="store_true", help="the tasks answered in words")
    parser.add_argument("--tasks", help="of these, by commas; default: all")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="5 items a task")
    parser.add_argument("--runtime", choices=list(SETTINGS), default="llamacpp")
    parser.add_argument("--keep", type=Path, help="a folder for the figures of each task")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    entries = SUITES if asked.suites else TASKS
    names = asked.tasks.split(",") if asked.tasks else list(entries)
    limit = 5 if asked.quick else asked.limit
    system = "" if asked.suites else SYSTEM
    report = []
    for one in _reports(
        [entries[name] for name in names], asked.runtime, system, limit, asked.keep
    ):
        report.append(one)
        if not asked.json:
            print(_line(asked.runtime, one), flush=True)
    if asked.json:
        json.dump({"runtime": asked.runtime, "comparisons": report}, sys.stdout)


def _reports(
    entries: Iterable[SuiteTask], runtime: str, system: str, limit: int, keep: Path | None
) -> Iterable[dict[str, Any]]:
    theirs: Theirs | None = None
    for entry in entries:
        path = keep / f"{runtime}-{entry.task}-{limit}.json" if keep else None
        if path and path.is_file():
            yield json.loads(path.read_text(encoding="utf-8"))
            continue
        theirs = theirs or Theirs(models.safetensors(), system)
        batch = Batch(
            candidates=(_candidate(runtime, system),),
            suite=Suite(
                name="chat", tasks=(entry,), workloads=(), latency_repeats=1, probe_items=0
            ),
            limit=limit,
            allow_code=True,
            throughput=True,
        )
        (task,) = prepare_tasks(batch)
        one = _compare(task, _ours(batch, [task]), theirs)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(one), encoding="utf-8")
        yield one


def _candidate(runtime: str, system: str) -> Candidate:
    found = find_candidate(CANDIDATE)
    content = found.model_dump(exclude={"settings"}, exclude_unset=True, by_alias=True)
    made = type(found).model_validate(
        {**content, "runtime": runtime, "settings": SETTINGS[runtime]}
    )
    return made.model_copy(update={"chat": Chat(template="all", system=system)})


def _ours(batch: Batch, tasks: list[Any]) -> list[dict[str, Any]]:
    jobs = plan_jobs(batch, tasks, resolver(batch))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        options = Options(store=store, command="chat_agreement", timeout_s=600, keep_prompts=True)
        (outcome,) = run_batch(jobs, options, lambda _job, _step: None)
        if outcome.record.status != "completed":
            raise SystemExit(str(outcome.record.error))
        return list(store.samples(outcome.record.run_id).to_pylist())


def _compare(task: Any, ours: list[dict[str, Any]], theirs: Theirs) -> dict[str, Any]:
    samples = theirs.samples(task.loaded)
    metric = task.loaded.metric
    pairs = list(zip(ours, samples, strict=True))
    prompts = [row["prompt"] == other["arguments"][0][0] for row, other in pairs]
    if task.generates:
        texts = [(row["prompt"], row["answer"], other["resps"][0][0]) for row, other in pairs]
        alike = [mine == other for _, mine, other in texts]
        gaps = [theirs.gap(Parting(*one)) for one in texts if one[1] != one[2]]
    else:
        alike = [_best(row["logprobs"]) == _best_of(other["resps"]) for row, other in pairs]
        gaps = []
    scores = [float(row[f"{METRIC}{headline(task.loaded)}"]) for row in ours]
    others = [float(other[metric.partition(",")[0]]) for other in samples]
    again = [scored_by_lm_eval(task.loaded.name, other) for other in samples]
    return {
        "task": task.loaded.name,
        "n": len(ours),
        "prompts": sum(prompts),
        "answers": sum(alike),
        "scores": sum(one == other for one, other in zip(scores, others, strict=True)),
        "ours": sum(scores) / len(scores),
        "theirs": sum(others) / len(others),
        "largest_gap": max(gaps, default=0.0),
        "rescored": None
        if None in again
        else sum(one == other for one, other in zip(again, others, strict=True)),
    }


def _line(runtime: str, one: dict[str, Any]) -> str:
    again = "" if one["rescored"] is None else f"  scored alike by lm-eval {one['rescored']}"
    return (
        f"{runtime:8} {one['task']:15} n={one['n']:4}  prompts alike {one['prompts']}  "
        f"answers alike {one['answers']}  scores alike {one['scores']}  "
        f"ours {one['ours']:.3f}  theirs {one['theirs']:.3f}  "
        f"largest gap where texts part {one['largest_gap']:.1e} nats{again}"
    )


def _best(logprobs: list[float]) -> int:
    return max(range(len(logprobs)), key=logprobs.__getitem__)


def _best_of(responses: list[list[tuple[float, bool]]]) -> int:
    return _best([one[0][0] for one in responses])


if __name__ == "__main__":
    main()
