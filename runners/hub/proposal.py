"""A result for a model's own page: `.eval_results/*.yaml` and a table, as a pull request.

Only what is official leaves: the whole task, on the weights of that very repository. It is never
called verified; that is the hub's own word for runs on its machines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml

from evals.errors import RecordError, SpecError
from runners.hub.repository import Repository, api, one_line_errors

if TYPE_CHECKING:
    from runners.records.record import Record, TaskAccuracy

Scale = Literal["percent", "share"]
BEGIN, END = "<!-- weighin: begin -->", "<!-- weighin: end -->"
_BENCHMARK = re.compile(r"([\w.-]+)=([\w-][\w.-]*/[\w-][\w.-]*):([\w.-]+)")
MOST_README_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A task of ours, and the registered benchmark that it is."""

    task: str
    dataset: str
    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Files of a pull request to a model's repository."""

    files: dict[str, str]
    """Path -> text; the README is not in it, since it is read when it is changed."""
    table: str


def parse_benchmark(text: str) -> Benchmark:
    """Read `TASK=OWNER/DATASET:TASK_ID`, e.g. `gsm8k=openai/gsm8k:gsm8k`.

    Raises:
        SpecError: it does not have that form.
    """
    found = _BENCHMARK.fullmatch(text)
    if not found:
        raise SpecError(f"{text}: write TASK=OWNER/DATASET:TASK_ID, e.g. gsm8k=openai/gsm8k:gsm8k")
    return Benchmark(task=found[1], dataset=found[2], task_id=found[3])


def propose(
    record: Record, model: Repository, benchmarks: Sequence[Benchmark], scale: Scale
) -> Proposal:
    """The files for a model's repository.

    Raises:
        RecordError: the run is not of that repository's weights, or not of a whole task.
    """
    _refuse_other_weights(record, model)
    files, lines = {}, []
    for one in benchmarks:
        accuracy = _whole(record, one.task)
        value = _value(accuracy, scale)
        notes = _notes(record, accuracy)
        entry = {
            "dataset": {"id": one.dataset, "task_id": one.task_id},
            "value": value,
            "date": record.created_at[:10],
            "notes": notes,
        }
        slug = re.sub(r"[^a-z0-9]+", "_", f"{one.task_id}_{_build(record)}".lower()).strip("_")
        files[f".eval_results/{slug}.yaml"] = yaml.safe_dump([entry], sort_keys=False)
        lines.append(f"| {one.task_id} | {value:g} | {accuracy.metric} | {notes} |")
    head = ["| benchmark | value | metric | how |", "|---|---|---|---|"]
    return Proposal(files=files, table="\n".join([*head, *lines]))


def open_request(model: Repository, proposal: Proposal, title: str) -> str:
    """Open the pull request; nobody's consent is needed to open one, its owner decides.

    Returns:
        Its address.

    Raises:
        HubError: the hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd

    hub = api()
    with one_line_errors(model, "the pull request"):
        readme = with_table(_readme(model), proposal.table)
        files = {**proposal.files, "README.md": readme}
        found = hub.create_commit(
            model.name,
            [
                CommitOperationAdd(path_in_repo=path, path_or_fileobj=text.encode())
                for path, text in files.items()
            ],
            repo_type="model",
            commit_message=title,
            commit_description="Measured with Weighin by its author; not verified by the hub.",
            create_pr=True,
        )
    return str(found.pr_url)


def with_table(readme: str, table: str) -> str:
    """A README with our table in the place of an earlier one, else at its end."""
    section = f"{BEGIN}\n## Measured with Weighin\n\n{table}\n{END}"
    begin, end = readme.find(BEGIN), readme.find(END)
    if 0 <= begin < end:
        return readme[:begin] + section + readme[end + len(END) :]
    return f"{readme.rstrip()}\n\n{section}\n" if readme.strip() else f"{section}\n"


def _readme(model: Repository) -> str:
    from huggingface_hub import errors, hf_hub_download

    with suppress(errors.EntryNotFoundError):
        path = Path(hf_hub_download(model.name, "README.md", endpoint=api().endpoint))
        if path.stat().st_size <= MOST_README_BYTES:
            return path.read_text(encoding="utf-8")
    return ""


def _refuse_other_weights(record: Record, model: Repository) -> None:
    source = record.candidate.source or "a file of this machine"
    named = re.match(r"hf:([^@#]+)", source)
    if not named or named[1] != model.name or record.candidate.made_from:
        raise RecordError(
            f"{record.run_id}: its weights are {record.candidate.made_from or source}, not those "
            f"of {model.name}; a result belongs to the repository whose weights were measured"
        )


def _whole(record: Record, task: str) -> TaskAccuracy:
    """The task's accuracy, where all of its items were asked as its authors ask them."""
    accuracy = record.accuracy.get(task)
    if accuracy is None or accuracy.value is None:
        known = ", ".join(sorted(record.accuracy)) or "none"
        raise RecordError(f"{record.run_id}: has no score of {task}; it has: {known}")
    if accuracy.documents is None or accuracy.n < accuracy.documents:
        whole = "an unknown number of" if accuracy.documents is None else f"{accuracy.documents:,}"
        raise RecordError(
            f"{record.run_id}: {task}: {accuracy.n:,} of {whole} items are a subset, which is "
            "no official score; run it whole: weighin run … --suite full, or one without limit"
        )
    data = next((one for one in record.data if one.task == task), None)
    if data is None or data.source not in ("packaged", "hub") or data.note:
        why = data.note if data and data.note else "its data are not the official ones"
        raise RecordError(f"{record.run_id}: {task}: is no official score: {why}")
    if accuracy.unusable:
        raise RecordError(f"{record.run_id}: {task}: {accuracy.unusable}")
    return accuracy


def _value(accuracy: TaskAccuracy, scale: Scale) -> float:
    if accuracy.scale not in ("share", "percent"):
        raise RecordError(f"the metric {accuracy.metric} is no share, so it has no official scale")
    value = accuracy.value or 0.0
    share = value / 100 if accuracy.scale == "percent" else value
    return round(share * 100, 2) if scale == "percent" else round(share, 4)


def _build(record: Record) -> str:
    kind = record.candidate.quantisation
    return kind.name if kind else record.candidate.runtime


def _notes(record: Record, accuracy: TaskAccuracy) -> str:
    shots = "" if accuracy.num_fewshot is None else f", {accuracy.num_fewshot}-shot"
    version = record.software.runtime_version or "?"
    return (
        f"{_build(record)}, {record.candidate.runtime} {version}{shots}, {accuracy.n} items, "
        f"lm-eval {record.software.lm_eval}, Weighin {record.software.weighin}"
    )
