"""A loaded task -> its items: a document, the requests made of it, its gold answer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError
from evals.tasks.clusters import BEGINNING, cluster_of, shared_beginnings
from evals.tasks.faults import task_faults
from evals.tasks.quiet import quiet_harness
from evals.tasks.sandbox import sandboxed_templates
from evals.tasks.scored import refuse_unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evals.tasks.load import LoadedTask

_log = logging.getLogger("weighin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One document of a task, and what a model is asked about it."""

    doc_id: int
    """Index among all documents of the task, not its place in the selection."""
    doc: Mapping[str, Any]
    instances: tuple[Any, ...]
    """lm-eval's Instances, by `idx`: one a choice, or the only one. Their own `doc_id` is the
    place in the selection."""
    target: Any
    """The index of the right choice (a list where several are right), else the gold answer."""
    identity: str
    """Hash of task, prompt and choices, without any chat template; the same item has the same
    one under every model. Where a data set repeats a document, both have it."""
    chance: float | None
    """Expected score of random guessing, 0 to 1; None where there are no choices, or a function of
    the task's own scores them."""
    cluster: str | None = None
    """Hash of what it shares with other items of its task, e.g. a passage; None: nothing known."""
    beginning: str | None = None
    """Hash of the long beginning that its prompt shares with another's, where no cluster is known
    in the task; None: it shares none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gold:
    target: Any
    choices: int
    """0: the task doesn't choose."""
    right: frozenset[int]
    """Right choices that exist."""

    @property
    def chance(self) -> float | None:
        return len(self.right) / self.choices if self.choices else None


def build_requests(
    loaded: LoadedTask,
    *,
    chat_template: Callable[..., str] | None = None,
    tokenizer_name: str = "",
    system: str = "",
) -> list[Item]:
    """Build the requests of the whole selection, as lm-eval's own `evaluate` does.

    The few-shot generator is reset first: an item's prompt is the same for every candidate,
    however often this is called. lm-eval keeps the instances of the last call in the task, so
    score them (`apply_filters`, `process_results`) before the next one.

    Args:
        loaded: a task; its `task.instances` is replaced.
        chat_template: called as `chat_template(messages, add_generation_prompt=bool)`, once an
            item; few-shot examples become turns of their own, unless the suite says otherwise.
        tokenizer_name: names the template; lm-eval wants it beside one.
        system: system text before the task's own description; needs a template.

    Returns:
        One item a selected document, in the selection's order.

    Raises:
        SpecError: a template or function of the task fails, no gold label is among its choices, a
            text to be scored is empty, or its scorer cannot hold answers against a document.
    """
    with (
        quiet_harness(),
        task_faults(loaded.name, None),
        sandboxed_templates(trusted=loaded.trusted),
    ):
        plain = _instances_by_doc(loaded)
        identities = [_identity(loaded.name, instances) for instances in plain]
        asked = plain
        if chat_template is not None:
            asked = _instances_by_doc(loaded, chat_template, tokenizer_name, system)
        golds = [_gold(loaded.task, instances[0].doc) for instances in asked]
        clusters, beginnings = _together(loaded, plain)
    # A function of its own need not score a choice: truthfulqa_mc2 adds up probabilities.
    by_itself = callable(loaded.task.get_config("process_results"))
    _check_golds(loaded, golds)
    _check_texts(loaded, asked)
    docs = (instances[0].doc for instances in asked)
    refuse_unusable(loaded.name, loaded.task, zip(loaded.selection, docs, strict=True))
    return [
        Item(
            doc_id=doc_id,
            doc=instances[0].doc,
            instances=tuple(instances),
            target=gold.target,
            identity=identity,
            chance=None if by_itself else gold.chance,
            cluster=cluster,
            beginning=beginning,
        )
        for doc_id, instances, gold, identity, cluster, beginning in zip(
            loaded.selection, asked, golds, identities, clusters, beginnings, strict=True
        )
    ]


def _together(
    loaded: LoadedTask, asked: Sequence[Sequence[Any]]
) -> tuple[list[str | None], list[str | None]]:
    """Cluster of each document, and, where none of the task has one, its shared beginning."""
    nothing: list[str | None] = [None] * len(asked)
    clusters = [cluster_of(instances[0].doc, loaded.cluster) for instances in asked]
    if any(clusters):
        return clusters, nothing
    beginnings = _beginnings(loaded, asked)
    return (beginnings, nothing) if loaded.cluster == BEGINNING else (nothing, beginnings)


def _beginnings(loaded: LoadedTask, asked: Sequence[Sequence[Any]]) -> list[str | None]:
    """Long beginnings that questions share; few-shot examples, drawn for each item, are no part."""
    if loaded.num_fewshot:
        texts = [loaded.task.doc_to_text(instances[0].doc) for instances in asked]
    else:
        texts = [instances[0].args[0] for instances in asked]
    return shared_beginnings([text if isinstance(text, str) else "" for text in texts])


def _instances_by_doc(
    loaded: LoadedTask, chat_template: Callable[..., str] | None = None,
    tokenizer_name: str = "", system: str = "",
) -> list[list[Any]]:  # fmt: skip
    """The instances of each selected document, in the selection's order."""
    loaded.task.set_fewshot_seed(loaded.seed)
    whole = len(loaded.selection) == loaded.total
    loaded.task.build_all_requests(
        samples=None if whole else list(loaded.selection),  # a list is searched for every document
        apply_chat_template=chat_template is not None,
        fewshot_as_multiturn=chat_template is not None and loaded.multiturn,
        system_instruction=system or None,
        chat_template=chat_template,
        tokenizer_name=tokenizer_name,
    )
    by_place: dict[int, list[Any]] = defaultdict(list)
    for instance in loaded.task.instances:
        by_place[instance.doc_id].append(instance)
    return [sorted(by_place[place], key=lambda i: i.idx) for place in range(len(loaded.selection))]


def _identity(task: str, instances: Sequence[Any]) -> str:
    texts = [[a for a in i.args if isinstance(a, str)] for i in instances]
    content = json.dumps([task, texts], ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:16]


def _gold(task: Any, doc: Mapping[str, Any]) -> _Gold:
    """The gold answer as lm-eval will look it up when it scores."""
    if task.OUTPUT_TYPE != "multiple_choice":
        return _Gold(target=task.doc_to_target(doc), choices=0, right=frozenset())
    choices = task.doc_to_choice(doc)
    gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
    if isinstance(gold, str) and gold in choices:
        gold = choices.index(gold)
    listed = gold if isinstance(gold, list) else [gold]
    right = frozenset(g for g in listed if isinstance(g, int) and 0 <= g < len(choices))
    return _Gold(target=gold, choices=len(choices), right=right)


def _check_golds(loaded: LoadedTask, golds: Sequence[_Gold]) -> None:
    """lm-eval scores an item without a valid gold 0 and only logs it; a reader must hear of it."""
    if callable(loaded.task.get_config("process_results")):
        return  # scored by a function of its own, which need not look at the label
    lost = [g for g in golds if g.choices and not g.right]
    if lost and len(lost) == len(golds):
        raise SpecError(
            f'every gold label of task "{loaded.name}" is outside its choices (the first is '
            f"{lost[0].target!r}), so it would score 0: its data lacks the labels, or its "
            "doc_to_target is wrong"
        )
    if lost:
        _log.warning(
            "task %s: %d of %d gold labels are outside the choices and always score 0",
            loaded.name,
            len(lost),
            len(golds),
        )


def _check_texts(loaded: LoadedTask, asked: Sequence[Sequence[Any]]) -> None:
    """An empty text would be certain (0 nats), and the best of all choices; lm-eval stops there."""
    for doc_id, instances in zip(loaded.selection, asked, strict=True):
        for instance in instances:
            if instance.request_type.startswith("loglikelihood") and _is_empty(*instance.args):
                rolling = len(instance.args) == 1
                what = "the text" if rolling else f"the text of choice {instance.idx}"
                raise SpecError(
                    f'task "{loaded.name}": {what} of document {doc_id} is empty, so there is '
                    "nothing to score; give it a text, or leave the document out (process_docs)"
                )


def _is_empty(*texts: str) -> bool:
    """True where no text is scored: white space at a context's end moves to the text after it."""
    *context, text = texts
    return not text and all(before == before.rstrip() for before in context)
