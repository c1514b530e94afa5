"""Does our scoring agree with lm-eval's own `hf` backend, in float32, on the same weights?

Both sides score the same items of the same tasks: ours the F16 rung with an F32 KV cache through
llama.cpp, theirs the same weights as safetensors, loaded as float32. Needs the extras `llamacpp`
and `hf`:

    python benchmarks/agreement.py [--tasks arc_easy,hellaswag] [--limit 200] [--json]
    python benchmarks/agreement.py --kinds [--json]   # a tiny model of each kind of tokenizer
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import models
from evals.suites import Suite, SuiteTask
from runners.batches.batch import Batch, prepare_tasks, resolver, run_batch
from runners.batches.batch import plan_jobs as plan
from runners.candidates.catalogue import find_candidate
from runners.jobs.harness import score_task
from runners.jobs.job import Options
from runners.records.store import Store

CANDIDATE = "smollm2-135m-instruct-f16"


def main() -> None:
    """Score both sides and print where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="arc_easy,hellaswag,piqa,winogrande,openbookqa")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="20 items a task")
    parser.add_argument("--kinds", action="store_true", help="each kind of tokenizer, tiny models")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.kinds:
        _kinds(as_json=asked.json)
        return
    limit = 20 if asked.quick else asked.limit
    metrics = {"hellaswag": "acc_norm"}
    suite = Suite(
        name="agreement",
        tasks=tuple(SuiteTask(task=t, metric=metrics.get(t)) for t in asked.tasks.split(",")),
        latency_repeats=1,
    )
    candidate = find_candidate(CANDIDATE)
    settings = candidate.settings.model_copy(update={"kv_cache_type": "f32", "context": 2048})
    batch = Batch(
        candidates=(candidate.model_copy(update={"settings": settings}),), suite=suite, limit=limit
    )
    tasks = prepare_tasks(batch)
    jobs = plan(batch, tasks, resolver(batch))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        options = Options(store=store, command="benchmarks/agreement.py", timeout_s=600)
        started = time.perf_counter()
        (outcome,) = run_batch(jobs, options, lambda _job, _step: None)
        ours_s = time.perf_counter() - started
        ours = {}
        for row in store.samples(outcome.record.run_id).to_pylist():
            ours.setdefault(row["task"], []).append(row)
    path = jobs[0][0].weights.path
    theirs, theirs_s, encode = _theirs(models.safetensors(), tasks)
    alike = _alike(path, tasks, encode)
    report = [_compare(t, ours[t.loaded.name], theirs[t.loaded.name], alike) for t in tasks]
    if asked.json:
        share = sum(one["n"] * one["same_choice"] for one in report) / sum(o["n"] for o in report)
        found = {"comparisons": report, "agreement": share, "ours_s": ours_s, "theirs_s": theirs_s}
        json.dump(found, sys.stdout)
        return
    print(f"ours {ours_s:.0f} s (latency phase included), lm-eval hf float32 {theirs_s:.0f} s")
    for one in report:
        print(
            f"{one['task']:12} n={one['n']:4}  ours {one['ours']:.3f}  theirs {one['theirs']:.3f}  "
            f"same choice {one['same_choice']:.1%}  same score {one['same_score']:.1%}  "
            f"tokenised otherwise {one['tokenised_otherwise']}  "
            f"largest difference of a log-likelihood in the others {one['largest_difference']:.3f}"
        )


def _kinds(*, as_json: bool) -> None:
    """Compare both runtimes with lm-eval's hf on a tiny model of each kind of tokenizer."""
    from benchmarks.tokenizer_kinds import compare
    from tests.support.tiny_kinds import KINDS

    found = [{"kind": name, **one} for name, make in KINDS.items() for one in compare(make())]
    if as_json:
        json.dump({"kinds": found}, sys.stdout)
        return
    for one in found:
        print(
            f"{one['kind']:36} {one['runtime']:8}  texts {one['texts']}  "
            f"tokenised otherwise {one['tokenised_otherwise']}  "
            f"largest difference {one['largest_difference']:.1e} nats  "
            f"greedy otherwise {one['greedy_otherwise']}  "
            f"answers {one['answers']}  otherwise {len(one['answers_otherwise'])}"
        )


def _theirs(folder: Path, tasks: list) -> tuple[dict, float, Callable[[str], list[int]]]:
    import torch
    from lm_eval.models.huggingface import HFLM

    model = HFLM(
        pretrained=str(folder), dtype=torch.float32, batch_size=8, max_length=2048, device="cpu"
    )
    started = time.perf_counter()
    answered = {}
    for task in tasks:
        requests = [instance for item in task.items for instance in item.instances]
        answers = iter(model.loglikelihood(requests, disable_tqdm=True))
        answered[task.loaded.name] = [
            [[next(answers)] for _ in item.instances] for item in task.items
        ]
    return answered, time.perf_counter() - started, model.tok_encode


def _alike(path: Path, tasks: list, encode: Callable[[str], list[int]]) -> set[tuple]:
    """The requests whose text both tokenisers cut the same way."""
    from runners.runtimes.llamacpp.api import Model

    model = Model(str(path), mmap=True)
    args = {i.args for task in tasks for item in task.items for i in item.instances}
    found = {(c, t) for c, t in args if encode(c + t) == model.text.encode(c + t, True)}
    model.free()
    return found


def _compare(task, ours: list, theirs: list, alike: set[tuple]) -> dict:
    name = task.loaded.name
    score = score_task(task.loaded, task.items, theirs)
    headline = score.accuracy.metric
    pairs = list(zip(ours, theirs, score.rows, strict=True))
    asked = [instance.args for item in task.items for instance in item.instances]
    mine = [logprob for row in ours for logprob in row["logprobs"]]
    other = [float(answer[0][0]) for item in theirs for answer in item]
    differences = [abs(m - o) for m, o, a in zip(mine, other, asked, strict=True) if a in alike]
    choices = [
        max(range(len(o)), key=row["logprobs"].__getitem__)
        == max(range(len(o)), key=lambda i, o=o: o[i][0][0])
        for row, o, _ in pairs
    ]
    return {
        "task": name,
        "n": len(pairs),
        "metric": headline,
        "ours": sum(row[f"metric.{headline}"] for row, _, _ in pairs) / len(pairs),
        "theirs": score.accuracy.value,
        "same_choice": sum(choices) / len(choices),
        "same_score": sum(r[f"metric.{headline}"] == s[headline] for r, _, s in pairs) / len(pairs),
        "tokenised_otherwise": len(asked) - len(differences),
        "largest_difference": max(differences),
    }


if __name__ == "__main__":
    main()
