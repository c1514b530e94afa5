"""Import lm-eval's results (`results_*.json`, `samples_*.jsonl`) as records: accuracy and answers
only.

Items get the identity that ours have (hash of task, prompt and choices), so two imports, and an
import and a run of Weighin on the same prompts, are compared item by item. Written by lm-eval's
`EvaluationTracker` (0.4.x, `--output_path --log_samples`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import RecordError, one_line
from evals.files import read_small
from evals.tasks.clusters import KEY as CLUSTER
from evals.tasks.clusters import cluster_of
from runners.exchange.lm_eval_groups import row_of_tasks, with_weights
from runners.exchange.lm_eval_means import is_mean, mean_stderr
from runners.exchange.lm_eval_metrics import (
    item_metrics,
    scale_of_result,
    unusable_result,
    with_filter,
)
from runners.records.circumstances import ImportedInfo, MachineInfo, SoftwareInfo
from runners.records.identity import digest
from runners.records.record import CandidateInfo, JobInfo, Record, SuiteInfo, TaskAccuracy
from runners.records.samples import sample_table

MAX_RESULTS_BYTES = 1 << 30
if TYPE_CHECKING:
    import pyarrow

HEADLINES = ("acc", "exact_match")
_DAMAGE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
)
"""Exceptions that reading a file of another shape raises."""
_TOKENIZER = ("tokenizer_pad_token", "tokenizer_eos_token", "tokenizer_bos_token", "eot_token_id")
"""Keys that describe the tokenizer in lm-eval's results."""
LACKS = "lm-eval measures neither times nor memory, and does not say on which machine it ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One results file."""

    record: Record
    samples: pyarrow.Table | None
    """Item scores as `runners.records.samples.sample_table` makes them; None without sample
    files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    accuracy: TaskAccuracy
    rows: tuple[dict[str, Any], ...]


def results_files(path: Path) -> list[Path]:
    """Every results file that a path means, sorted by name: itself, or all below a folder.

    Raises:
        RecordError: there is none.
    """
    if path.is_file():
        return [path]
    found = sorted(path.rglob("results_*.json"))
    if not found:
        raise RecordError(
            f"{path}: holds no results_*.json; give the folder of lm-eval's --output_path"
        )
    return found


def read_results(
    path: Path, *, name: str | None, new_run_id: Callable[[str, str], str], command: str
) -> Imported:
    """One results file, with the samples that were written beside it.

    Args:
        path: `results_DATE.json`.
        name: of the candidate; None: lm-eval's model name.
        new_run_id: gives a record its id, from the candidate's name and the job's key.
        command: that imports.

    Raises:
        RecordError: a file is damaged, or is not lm-eval's.
    """
    content = _json(path)
    results, configs = content.get("results"), content.get("configs")
    if not isinstance(results, dict) or not isinstance(configs, dict) or not configs:
        raise RecordError(f"{path}: not lm-eval's results (no results and configs)")
    stamp = path.stem.removeprefix("results_")
    files: list[str] = [path.name]
    tasks: dict[str, _Task] = {}
    try:
        groups = row_of_tasks(content)
        for task, config in configs.items():
            samples = path.with_name(f"samples_{task}_{stamp}.jsonl")
            rows = _rows(samples, task, config) if samples.is_file() else ()
            files += [samples.name] if rows else []
            accuracy = _accuracy(content, config, task, groups.get(task) or task, rows)
            tasks[task] = _Task(accuracy=accuracy, rows=rows)
        weighed = with_weights(content, {name: task.accuracy for name, task in tasks.items()})
        tasks = {name: replace(task, accuracy=weighed[name]) for name, task in tasks.items()}
        record = _record(content, tasks, name, new_run_id, command, files)
        all_rows = [row for task in tasks.values() for row in task.rows]
        table = sample_table(all_rows) if all_rows else None
    except (OSError, *_DAMAGE) as error:
        raise RecordError(f"{path}: damaged, or not lm-eval's ({one_line(error)})") from error
    return Imported(record=record, samples=table)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_small(path, MAX_RESULTS_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise RecordError(f"{path}: not lm-eval's results")
    return content


def _rows(path: Path, task: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """A row a document; lm-eval writes a line a document and filter."""
    found: dict[int, dict[str, Any]] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                sample = json.loads(line)
                document = int(sample["doc_id"])
                row = found.get(document) or _row(task, document, sample, config)
                for kind_of_cell, cells in item_metrics(sample, config).items():
                    row[kind_of_cell].update(cells)
                found[document] = row
            except _DAMAGE as error:
                where = f"{path}, line {number}"
                raise RecordError(f"{where}: damaged, or not lm-eval's ({error!r})") from error
    return tuple(found.values())


def _row(
    task: str, document: int, sample: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    kind, metadata = config["output_type"], config.get("metadata")
    column = metadata.get(CLUSTER) if isinstance(metadata, dict) else None
    texts = [
        [text for text in arguments.values() if isinstance(text, str)]
        for arguments in sample["arguments"].values()
    ]
    identity = hashlib.sha256(json.dumps([task, texts], ensure_ascii=True).encode("ascii"))
    target = str(sample["target"])
    # Mutual information asks for every choice once more, without its context.
    asked = 2 if "acc_mutual_info" in sample else 1
    row: dict[str, Any] = {
        "task": task,
        "doc_id": document,
        "item": identity.hexdigest()[:16],
        "target": target if kind == "multiple_choice" else json.dumps(target),
        "passage": cluster_of(sample.get("doc") or {}, str(column or "")),
        "choices": len(texts) // asked if kind == "multiple_choice" else None,
        "metrics": {},
        "weights": {},
    }
    if kind == "generate_until":
        row["answer"] = str(sample["resps"][0][0])
    elif kind in ("multiple_choice", "loglikelihood"):
        replies = [reply[0] for reply in sample["resps"]]
        row["logprobs"] = [float(reply[0]) for reply in replies]
        row["greedy"] = [str(reply[1]) == "True" for reply in replies]
        # A request's last text is what was scored; the tokens are not said.
        row["bytes"] = sum(len(one[-1].encode(errors="replace")) for one in texts if one)
    return row


def _accuracy(
    content: Mapping[str, Any],
    config: Mapping[str, Any],
    task: str,
    group: str,
    rows: tuple[dict[str, Any], ...],
) -> TaskAccuracy:
    metrics: dict[str, float | None] = {}
    for key, value in content["results"].get(task, {}).items():
        metric, comma, answer_filter = key.partition(",")
        if comma and not metric.endswith("_stderr") and isinstance(value, int | float):
            metrics[with_filter(metric, answer_filter)] = value if math.isfinite(value) else None
    if not metrics:
        raise RecordError(f'task "{task}" has no result; lm-eval did not finish it')
    plain = [name for wanted in HEADLINES for name in metrics if name.partition(",")[0] == wanted]
    headline = [*plain, *metrics][0]
    samples = content.get("n-samples", {}).get(task, {})
    scores = [row["metrics"][headline] for row in rows if headline in row["metrics"]]
    n = int(samples.get("effective") or len(rows))
    choices = [row["choices"] for row in rows if row["choices"]]
    whole = rows and len(choices) == len(rows)
    directions = content.get("higher_is_better", {}).get(task, {})
    known = is_mean(config, headline)
    stderr = mean_stderr(scores, metrics[headline], known=known)
    scale = scale_of_result(config, headline, mean=known or stderr is not None or n < 2)
    return TaskAccuracy(
        group=group,
        metric=headline,
        value=metrics[headline],
        stderr=stderr,
        n=n,
        asked=n,
        documents=int(samples["original"]) if samples.get("original") else None,
        chance=math.fsum(1 / c for c in choices) / len(choices) if whole else None,
        num_fewshot=int(content.get("n-shot", {}).get(task) or 0),
        higher_is_better=bool(directions.get(headline.partition(",")[0], True)),
        metrics=metrics,
        scale=scale,
        unusable=unusable_result(headline, metrics[headline], scale, rows, n),
    )


def _record(
    content: Mapping[str, Any],
    tasks: Mapping[str, _Task],
    name: str | None,
    new_run_id: Callable[[str, str], str],
    command: str,
    files: list[str],
) -> Record:
    config = content.get("config", {})
    model = name or str(content.get("model_name") or config.get("model") or "lm-eval model")
    source = str(content.get("model_source") or config.get("model") or "unknown")
    version = str(content.get("lm_eval_version") or "unknown")
    asked = [
        [task, content.get("task_hashes", {}).get(task), content.get("versions", {}).get(task),
         found.accuracy.num_fewshot, found.accuracy.metric,
         [[row["item"], row["target"]] for row in found.rows]]
        for task, found in tasks.items()
    ]  # fmt: skip
    template = content.get("chat_template_sha")
    key = _key(content, tasks, model)
    run_id = new_run_id(model, key)
    return Record(
        run_id=run_id,
        created_at=datetime.fromtimestamp(float(content["date"]), UTC).isoformat("T", "seconds"),
        command=command,
        status="completed",
        job=JobInfo(key=key, batch=run_id, repeat=0, position=0, jobs=1),
        candidate=CandidateInfo(
            name=model,
            family="",
            runtime=f"lm-eval: {source}",
            digest=digest([source, model, config.get("model_args"), template]),
            settings={"chat_template": template or "off"},
            notes=f"Imported from lm-eval {version}.",
        ),
        suite=SuiteInfo(
            name="lm-eval",
            version=1,
            digest=digest([asked, template, content.get("system_instruction")]),
            seed=int(config.get("fewshot_seed") or 0),
            tasks=[{"task": task} for task in tasks],
            workloads=[],
            latency_repeats=0,
        ),
        data=[],
        machine=MachineInfo(),
        software=SoftwareInfo(lm_eval=version),
        accuracy={task: found.accuracy for task, found in tasks.items()},
        imported=ImportedInfo.model_validate(
            {
                "from": f"lm-eval {version}",
                "files": files,
                "lacks": LACKS,
                "tokenizer": {key: content[key] for key in _TOKENIZER if key in content} or None,
            }
        ),
    )


def _key(content: Mapping[str, Any], tasks: Mapping[str, _Task], model: str) -> str:
    """Key of the imported results; the same results, imported again, are the same job."""
    scores = [[row["item"], row["metrics"]] for t in tasks.values() for row in t.rows]
    return digest([model, content["date"], content["results"], scores])
