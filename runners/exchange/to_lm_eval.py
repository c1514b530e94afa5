"""Records as lm-eval's results (`results_DATE.json`, `samples_TASK_DATE.jsonl`), for its own tools.

The other way is `lm_eval.py`. What lm-eval writes and a record does not hold, the documents and the
text of the chat template, is left empty; what only a record holds stands under the key `weighin`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runners.records.parts import METRIC, WEIGHT

if TYPE_CHECKING:
    from runners.records.record import Record, TaskAccuracy

NOTE = "written by weighin from a record; documents are not in it, and prompts with --keep-prompts"
_NOT_IN_A_NAME = re.compile(r"[\"<>:/|\\?*\[\]]+")
"""Characters that lm-eval's `sanitize_model_name` replaces in a folder's name."""


def folder_of(record: Record) -> str:
    """Name of a model's folder below lm-eval's `--output_path`."""
    return _NOT_IN_A_NAME.sub("__", record.candidate.name)


def stamp_of(record: Record) -> str:
    """The moment in the names of a run's files, as lm-eval writes it."""
    moment = datetime.fromisoformat(record.created_at).replace(tzinfo=None)
    return moment.isoformat().replace(":", "-")


def results_of(record: Record, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The content of `results_DATE.json`.

    Args:
        record: a run whose tasks were answered.
        kinds: task -> lm-eval's `output_type` (`kind_of`).
    """
    tasks = record.accuracy
    groups = _groups(record)
    settings = record.candidate.settings
    gen = record.suite.options.get("gen")
    return {
        "results": {**_group_rows(groups, tasks), **{n: _row(n, one) for n, one in tasks.items()}},
        **({"groups": _group_rows(groups, tasks)} if groups else {}),
        "group_subtasks": {**{name: list(of) for name, of in groups.items()},
                           **{name: [] for name in tasks if not _within(name, groups)}},
        "configs": {name: _config(name, one, kinds.get(name, "")) for name, one in tasks.items()},
        "versions": {},
        "n-shot": {name: one.num_fewshot for name, one in tasks.items()},
        "higher_is_better": {
            name: dict.fromkeys(map(_bare, one.metrics), one.higher_is_better)
            for name, one in tasks.items()
        },
        "n-samples": {n: {"original": t.asked, "effective": t.n} for n, t in tasks.items()},
        "config": {
            "model": record.candidate.runtime,
            "model_args": _model_args(record),
            "batch_size": 1,
            "device": settings.get("device"),
            "limit": None,
            "gen_kwargs": gen,
            "random_seed": record.suite.seed,
            "numpy_seed": record.suite.seed,
            "torch_seed": record.suite.seed,
            "fewshot_seed": record.suite.seed,
        },
        "git_hash": None,
        "date": datetime.fromisoformat(record.created_at).timestamp(),
        "pretty_env_info": f"{record.machine.cpu_model or 'unknown processor'}; {NOTE}",
        "lm_eval_version": record.software.lm_eval,
        "model_source": record.candidate.runtime,
        "model_name": record.candidate.name,
        "model_name_sanitized": folder_of(record),
        "system_instruction": settings.get("chat_system"),
        "system_instruction_sha": _sha(settings.get("chat_system")),
        "fewshot_as_multiturn": record.suite.options.get("fewshot_as_multiturn", True),
        "chat_template": None,
        "chat_template_sha": None,
        "total_evaluation_time_seconds": str(record.job.seconds or ""),
        "weighin": {"run_id": record.run_id, "settings": settings, "suite": record.suite.name},
    }  # fmt: skip


def kind_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """lm-eval's `output_type` of a task, told by what its items hold; empty without items."""
    if not rows:
        return ""
    if any(row.get("answer") is not None for row in rows):
        return "generate_until"
    if any(len(row.get("logprobs") or ()) > 1 for row in rows):
        return "multiple_choice"
    weighted = any(name.startswith(WEIGHT) and row[name] for row in rows for name in row)
    return "loglikelihood_rolling" if weighted else "loglikelihood"


def sample_lines(rows: Sequence[Mapping[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    """The lines of `samples_TASK_DATE.jsonl`: one for each item and answer filter.

    Args:
        rows: of one task, as the record's samples hold them.
        kind: the task's `output_type`.
    """
    for row in rows:
        target = json.loads(row["target"]) if row.get("target") else None
        responses, arguments = _responses(row, kind), _arguments(row, kind)
        for answer_filter, metrics in _by_filter(row).items():
            yield {
                "doc_id": row["doc_id"],
                "doc": {},
                "target": str(target),
                "arguments": arguments,
                "resps": [[one] for one in responses],
                "filtered_resps": responses,
                "filter": answer_filter,
                "metrics": list(metrics),
                "doc_hash": row.get("item") or "",
                "prompt_hash": _sha(row.get("prompt") or "") or "",
                "target_hash": _sha(str(target)) or "",
                **metrics,
            }


def _responses(row: Mapping[str, Any], kind: str) -> list[Any]:
    if kind == "generate_until":
        return [row.get("answer") or ""]
    return [[str(n), str(g)] for n, g in zip(row["logprobs"], row["greedy"], strict=True)]


def _arguments(row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The prompt, where it was kept; a record does not hold the choices' texts."""
    n = 1 if kind == "generate_until" else len(row["logprobs"])
    prompt = row.get("prompt") or ""
    return {f"gen_args_{place}": {"arg_0": prompt} for place in range(n)}


def _by_filter(row: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Filter -> metric -> value; an item without any metric has the filter that does nothing."""
    found: dict[str, dict[str, float]] = {}
    for key, value in row.items():
        if key.startswith(METRIC) and value is not None:
            metric, _, answer_filter = key.removeprefix(METRIC).partition(",")
            found.setdefault(answer_filter or "none", {})[metric] = value
    return found or {"none": {}}


def _row(name: str, task: TaskAccuracy) -> dict[str, Any]:
    told: dict[str, Any] = {"alias": name, "sample_len": task.n}
    for key, value in task.metrics.items():
        metric, _, answer_filter = key.partition(",")
        error = task.stderr if key == task.metric else None
        told[f"{metric},{answer_filter or 'none'}"] = math.nan if value is None else value
        told[f"{metric}_stderr,{answer_filter or 'none'}"] = "N/A" if error is None else error
    return told


def _groups(record: Record) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, task in record.accuracy.items():
        if task.group != name:
            found.setdefault(task.group, []).append(name)
    return {group: tuple(members) for group, members in found.items()}


def _within(name: str, groups: Mapping[str, Sequence[str]]) -> bool:
    return any(name in members for members in groups.values())


def _group_rows(
    groups: Mapping[str, Sequence[str]], tasks: Mapping[str, TaskAccuracy]
) -> dict[str, dict[str, Any]]:
    """Means of groups whose members share a headline, weighted as the group weights them."""
    found: dict[str, dict[str, Any]] = {}
    for group, names in groups.items():
        members = [tasks[name] for name in names if tasks[name].value is not None]
        if not members or len({one.metric for one in members}) > 1:
            continue
        weights = [one.n if one.by_size else 1 for one in members]
        total = math.fsum((one.value or 0.0) * w for one, w in zip(members, weights, strict=True))
        metric, _, answer_filter = members[0].metric.partition(",")
        key = f"{metric},{answer_filter or 'none'}"
        found[group] = {
            "alias": group,
            key: total / sum(weights),
            f"{metric}_stderr,{answer_filter or 'none'}": "N/A",
        }
    return found


def _config(name: str, task: TaskAccuracy, kind: str) -> dict[str, Any]:
    mean = task.scale in ("share", "percent")
    aggregation = {"aggregation": "mean"} if mean else {}
    return {
        "task": name,
        "output_type": kind,
        "num_fewshot": task.num_fewshot,
        "metric_list": [
            {"metric": metric, **aggregation, "higher_is_better": task.higher_is_better}
            for metric in dict.fromkeys(map(_bare, task.metrics))
        ],
        "metadata": {"scale": task.scale} if mean else {},
    }


def _bare(metric: str) -> str:
    return metric.partition(",")[0]


def _model_args(record: Record) -> str:
    source = record.candidate.source or record.candidate.name
    return f"pretrained={source}"


def _sha(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
