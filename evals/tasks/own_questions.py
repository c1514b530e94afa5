"""A person's own questions as an lm-eval task: a generation each, judged by its question's rule."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError
from evals.questions.rules import is_right
from evals.tasks.templates import TemplateChild, TemplateFault

if TYPE_CHECKING:
    from evals.questions.reading import QuestionFile

RIGHT, UNREAD = "right", "unread"
"""Metrics: 1 for a right answer; 1 for one that holds no number, or names no choice."""
LICENCE = "your own"
MOST_NEW_TOKENS = 256


def question_task(file: QuestionFile) -> Any:
    """The lm-eval Task of a file's questions.

    No text of theirs is read as a template, and a regular expression is searched for in a process
    whose time is bounded.
    """
    import datasets
    from lm_eval.api.task import ConfigurableTask

    child = TemplateChild()

    def search(pattern: str, text: str) -> bool:
        try:
            return child.search(pattern, text)
        except TemplateFault as fault:
            raise SpecError(f"{file.path}: the regular expression {pattern!r} {fault}") from fault

    def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
        target = json.loads(doc["target"])
        right = is_right(
            target["rule"],
            results[0],
            target["accepted"],
            target.get("choices", ()),
            search=search,
        )
        unread = {UNREAD: float(right is None)} if target["rule"] in ("number", "choice") else {}
        return {RIGHT: float(bool(right)), **unread}

    rows = [{"prompt": q.prompt, "target": json.dumps(q.target)} for q in file.questions]
    task = ConfigurableTask(
        config={
            "task": file.name,
            "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": lambda doc: doc["prompt"],
            "doc_to_target": lambda doc: json.loads(doc["target"]),
            "process_results": process_results,
            "metric_list": [{"metric": RIGHT, "aggregation": "mean", "higher_is_better": True}],
            "generation_kwargs": {"until": [], "max_gen_toks": MOST_NEW_TOKENS},
            "num_fewshot": 0,
            "metadata": {"scale": "share"},
        }
    )
    weakref.finalize(task, child.close)
    return task
