"""Right answers to packaged tasks that are answered in words, as a model would write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evals.scoring.calls import gold
from tests.support.kept_instructions import kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from evals.suites import Suite


def right_call(doc: Any, _target: Any) -> str:
    """The call that is right, with the first accepted value of each parameter."""
    if not doc["truth"]:
        return "none"
    call = gold(json.loads(doc["truth"]))
    return f"{call.name}({', '.join(f'{k}={v!r}' for k, v in call.arguments.items())})"


WRITTEN: dict[str, Callable[[Any, Any], str]] = {
    "code": lambda _, target: f"{target}\n```\nThat is how.",
    "calls": right_call,
    "schema": lambda doc, _: json.dumps(gold(json.loads(doc["truth"])).arguments),
    "spans": lambda _, target: f" {target}.\n",
    "ifeval": lambda doc, _: kept(doc["instruction_id_list"], doc["kwargs"]),
    "bbh_cot_fewshot_boolean_expressions": lambda _, target: f"Not so. So the answer is {target}.",
    "minerva_math500": lambda doc, target: (
        f"{doc['solution']}\nFinal Answer: The final answer is ${target}$. I hope it is correct."
    ),
}
"""Document and target -> answer, by the name of a scorer or of a task."""


def right_answer(name: str, doc: Any, target: Any) -> str:
    """The right answer to a document of a task, or of a scorer's tasks."""
    written = WRITTEN.get(name)
    return written(doc, target) if written else f"Let me think. The answer is {target}."


def written_by(name: str, task: Any) -> str:
    """Name in `WRITTEN` for a task: its scorer's where it has one.

    Args:
        task: an lm-eval Task.
    """
    told = (task.get_config("metadata") or {}).get("scorer") or {}
    return next(iter(told), name)


def gold_rows(suite: Suite, limit: int | None = None) -> list[dict[str, str]]:
    """Question and right answer of each document of a suite whose tasks are answered in words.

    Args:
        limit: documents of a task, instead of the suite's own.
    """
    from evals.tasks.items import build_requests
    from evals.tasks.load import load_suite
    from evals.tasks.quiet import quiet_harness

    with quiet_harness():
        return [
            {
                "question": task.task.doc_to_text(item.doc).strip(),
                "answer": right_answer(written_by(task.name, task.task), item.doc, item.target),
            }
            for task in load_suite(suite, limit=limit, allow_code=True)
            for item in build_requests(task)
        ]
