"""Multiple choice that is answered in words: `arc_easy_gen` beside `arc_easy`.

A server that gives no log-probabilities can be asked no other way. The choices stand in the prompt,
each with a letter, and the letter is read from the answer; one that names no choice is wrong, and
counted. It is another task than lm-eval's, with another prompt and another level of guessing, so
it has a name of its own and never stands in one column with log-likelihoods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.questions.question import LETTERS, SCORING
from evals.questions.rules import chosen, without_thought

SUFFIX = "_gen"
RULES = "choice_rules"
"""Key of a task's metadata: version of the rules that judge its answers."""
ACC, UNREAD = "acc", "unread"
"""Metrics: 1 for the right choice; 1 for an answer that names no choice, or several."""
MOST_NEW_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """One question with its choices."""

    question: str
    choices: tuple[str, ...]
    gold: int
    """Index of the right choice."""

    @property
    def prompt(self) -> str:
        """The question, its lettered choices, and how to answer."""
        listed = [f"{letter}. {one}" for letter, one in zip(LETTERS, self.choices, strict=False)]
        last = LETTERS[len(self.choices) - 1]
        return "\n".join([self.question, *listed, f"Answer with one letter, A to {last}."])

    @property
    def letter(self) -> str:
        """Letter of the right choice."""
        return LETTERS[self.gold]


def _labelled(doc: Mapping[str, Any], question: str) -> Worded:
    """AI2's columns: choices {text, label}, answerKey."""
    choices = doc["choices"]
    return Worded(
        question=doc[question],
        choices=tuple(choices["text"]),
        gold=list(choices["label"]).index(doc["answerKey"]),
    )


def _listed(doc: Mapping[str, Any], question: str, keys: Sequence[str], gold: int) -> Worded:
    return Worded(question=question, choices=tuple(doc[key] for key in keys), gold=gold)


READ: Mapping[str, Callable[[Mapping[str, Any]], Worded]] = {
    "arc_challenge": lambda doc: _labelled(doc, "question"),
    "arc_easy": lambda doc: _labelled(doc, "question"),
    "boolq": lambda doc: Worded(
        question=f"{doc['passage']}\nQuestion: {doc['question']}?",
        choices=("no", "yes"),
        gold=int(doc["label"]),
    ),
    "commonsense_qa": lambda doc: _labelled(doc, "question"),
    "mmlu": lambda doc: Worded(
        question=doc["question"].strip(), choices=tuple(doc["choices"]), gold=int(doc["answer"])
    ),
    "openbookqa": lambda doc: _labelled(doc, "question_stem"),
    "piqa": lambda doc: _listed(doc, doc["goal"], ("sol1", "sol2"), int(doc["label"])),
    "social_iqa": lambda doc: _listed(
        doc,
        f"{doc['context']} {doc['question']}",
        ("answerA", "answerB", "answerC"),
        int(doc["label"]) - 1,
    ),
}
"""Packaged task -> how its documents are read."""


def base_of(name: str) -> str:
    """The task that a name is the worded variant of; empty where it is none."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else ""


def worded_task(name: str, base: str, splits: Mapping[str, Any]) -> Any:
    """The lm-eval Task of a variant.

    Args:
        name: of the variant.
        base: the catalogue's entry that it is a variant of.
        splits: its data.
    """
    from lm_eval.api.task import ConfigurableTask

    read = READ[base]

    def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
        asked = read(doc)
        named = chosen(without_thought(results[0]), asked.choices)
        return {ACC: float(named == asked.gold), UNREAD: float(named is None)}

    return ConfigurableTask(
        config={
            "task": name,
            "custom_dataset": lambda **_: splits,
            "test_split": "test" if "test" in splits else "validation",
            "output_type": "generate_until",
            "doc_to_text": lambda doc: read(doc).prompt,
            "doc_to_target": lambda doc: read(doc).letter,
            "process_results": process_results,
            "metric_list": [{"metric": ACC, "aggregation": "mean", "higher_is_better": True}],
            "generation_kwargs": {"until": [], "max_gen_toks": MOST_NEW_TOKENS},
            "num_fewshot": 0,
            "metadata": {"scale": "share", RULES: SCORING},
        }
    )
