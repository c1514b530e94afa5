"""What a model wrote where its answer is a part of it: its thought, and the marks around it."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.rows.answers import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One item's whole text."""

    task: str
    doc_id: int
    score: float
    """0 to 1."""
    thought_tokens: int | None
    raw: str


def generations(answers: Answers) -> tuple[Generation, ...]:
    """The whole texts of a run, the worst scored first; empty where every answer is its whole."""
    if "raw" not in answers.samples.column_names:
        return ()
    found = [
        Generation(
            task=key.task,
            doc_id=key.doc_id,
            score=score,
            thought_tokens=answers.cell(key, "thought_tokens"),
            raw=raw,
        )
        for scores in answers.scores.values()
        for key, score in scores.items()
        if (raw := answers.cell(key, "raw"))
    ]
    return tuple(sorted(found, key=lambda one: one.score))


def title(one: Generation) -> str:
    """The item, how it scored and how long the thought was: `gsm8k_cot 12: wrong, 312 tokens`."""
    scored = {0.0: "wrong", 1.0: "right"}.get(one.score, f"{one.score:.2f}")
    thought = "" if one.thought_tokens is None else f", {one.thought_tokens:,} tokens of thought"
    return f"{one.task} {one.doc_id}: {scored}{thought}"
