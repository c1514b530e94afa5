"""Does asking through the chat template agree with lm-eval's `hf --apply_chat_template`?

Both sides ask the same items, log-likelihood tasks included, of the same weights in float32:
prompts, choices, generated texts and scores are compared item by item. Needs the extras `llamacpp`
and `hf`:

    python benchmarks/chat_agreement.py [--runtime llamacpp|hf] [--limit 100] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import models
from evals.suites import Suite, SuiteTask
from runners.batches.batch import Batch, plan_jobs, prepare_tasks, resolver, run_batch
from runners.candidates.asking import Chat
from runners.candidates.catalogue import find_candidate
from runners.jobs.harness import score_task
from runners.jobs.job import Options
from runners.records.store import Store

CANDIDATE = "smollm2-135m-instruct-f16"
TASKS = {
    "arc_easy": SuiteTask(task="arc_easy"),
    "piqa": SuiteTask(task="piqa", num_fewshot=2),
    "gsm8k_cot": SuiteTask(task="gsm8k_cot", num_fewshot=1, gen={"max_gen_toks": 24}),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "llamacpp": {"kv_cache_type": "f32", "context": 2048},
    "hf": {"dtype": "float32", "context": 2048},
}


def main() -> None:
    """Ask both sides and print where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="5 items a task")
    parser.add_argument("--runtime", choices=list(SETTINGS), default="llamacpp")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    entries = tuple(TASKS[name] for name in asked.tasks.split(","))
    suite = Suite(name="chat", tasks=entries, workloads=(), latency_repeats=1, probe_items=0)
    found = find_candidate(CANDIDATE)
    content = found.model_dump(exclude={"settings"}, exclude_unset=True, by_alias=True)
    candidate = (
        type(found)
        .model_validate({**content, "runtime": asked.runtime, "settings": SETTINGS[asked.runtime]})
        .model_copy(update={"chat": Chat(template="all", system="Be brief.")})
    )
    batch = Batch(candidates=(candidate,), suite=suite, limit=5 if asked.quick else asked.limit)
    tasks = prepare_tasks(batch)
    ours = _ours(batch, tasks)
    report = _theirs(ours, tasks)
    if asked.json:
        json.dump({"runtime": asked.runtime, "comparisons": report}, sys.stdout)
        return
    for one in report:
        print(
            f"{asked.runtime:8} {one['task']:12} n={one['n']:4}  prompts alike {one['prompts']}  "
            f"answers alike {one['answers']}  scores alike {one['scores']}  "
            f"ours {one['ours']:.3f}  theirs {one['theirs']:.3f}"
        )


def _ours(batch: Batch, tasks: list) -> dict[str, list[dict[str, Any]]]:
    jobs = plan_jobs(batch, tasks, resolver(batch))
    rows: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        options = Options(store=store, command="chat_agreement", timeout_s=600, keep_prompts=True)
        (outcome,) = run_batch(jobs, options, lambda _job, _step: None)
        if outcome.record.status != "completed":
            raise SystemExit(str(outcome.record.error))
        for row in store.samples(outcome.record.run_id).to_pylist():
            rows.setdefault(row["task"], []).append(row)
    return rows


def _theirs(ours: dict[str, list[dict[str, Any]]], tasks: list) -> list[dict[str, Any]]:
    import torch
    from lm_eval.models.huggingface import HFLM

    model = HFLM(
        pretrained=str(models.safetensors()), dtype=torch.float32, batch_size=8, max_length=2048,
        device="cpu",
    )  # fmt: skip
    return [_compare(model, task, ours[task.loaded.name]) for task in tasks]


def _compare(model: Any, task: Any, ours: list[dict[str, Any]]) -> dict[str, Any]:
    loaded = task.loaded
    loaded.task.set_fewshot_seed(loaded.seed)
    loaded.task.build_all_requests(
        samples=list(loaded.selection), system_instruction="Be brief.", apply_chat_template=True,
        fewshot_as_multiturn=True, chat_template=model.apply_chat_template,
        tokenizer_name=model.tokenizer_name,
    )  # fmt: skip
    by_place: dict[int, list[Any]] = {}
    for instance in loaded.task.instances:
        by_place.setdefault(instance.doc_id, []).append(instance)
    instances = [sorted(by_place[n], key=lambda one: one.idx) for n in range(len(task.items))]
    flat = [instance for item in instances for instance in item]
    generates = task.generates
    answered = iter(
        model.generate_until(flat, disable_tqdm=True)
        if generates
        else model.loglikelihood(flat, disable_tqdm=True)
    )
    theirs = [[[next(answered)] for _ in item] for item in instances]
    score = score_task(loaded, task.items, theirs)
    headline = score.accuracy.metric
    alike = [
        row["answer"] == other[0][0] if generates else _best(row["logprobs"]) == _best_of(other)
        for row, other in zip(ours, theirs, strict=True)
    ]
    prompts = [r["prompt"] == i[0].args[0] for r, i in zip(ours, instances, strict=True)]
    scores = [r[f"metric.{headline}"] == s[headline] for r, s in zip(ours, score.rows, strict=True)]
    return {
        "task": loaded.name,
        "n": len(ours),
        "prompts": sum(prompts),
        "answers": sum(alike),
        "scores": sum(scores),
        "ours": sum(row[f"metric.{headline}"] for row in ours) / len(ours),
        "theirs": score.accuracy.value,
    }


def _best(logprobs: list[float]) -> int:
    return max(range(len(logprobs)), key=logprobs.__getitem__)


def _best_of(answers: list[list[tuple[float, bool]]]) -> int:
    return _best([one[0][0] for one in answers])


if __name__ == "__main__":
    main()
