"""Turn two sides' answers to the same questions into figures: JSON, text and Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.questions import Questions
from benchmarks.sides import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row: times are seconds an item, the medians of the rounds."""

    against: str
    task: str
    ours_s: float
    theirs_s: float
    ratio: float
    """theirs_s / ours_s; against the limit, the share of it that is reached."""
    target: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Distance between two sides' outputs, over the requests that both cut into the same tokens."""

    against: str
    task: str
    items: int
    """Items of which every choice is cut into the same tokens."""
    same_choice: float | None
    """Share of these items whose most likely choice is the same; None without such items."""
    requests: int
    tokenised_otherwise: int
    """Requests that are left out, because the other side's tokenizer cuts them otherwise."""
    largest_difference: float | None
    """Nats, of one log-likelihood; None without requests to compare."""


def compare(
    against: str, task: str, ours: Sequence[Run], theirs: Sequence[Run], *,
    items: tuple[int, int], target: float,
) -> Comparison:  # fmt: skip
    """The medians of each side's rounds.

    Args:
        items: how many each round had, ours and theirs.
    """
    ours_s = statistics.median(run.seconds for run in ours) / items[0]
    theirs_s = statistics.median(run.seconds for run in theirs) / items[1]
    return Comparison(
        against=against, task=task, ours_s=ours_s, theirs_s=theirs_s, ratio=theirs_s / ours_s,
        target=target,
    )  # fmt: skip


def agree(
    against: str, questions: Questions, ours: Run, theirs: Run, *,
    otherwise: Collection[tuple[str, str]] = (),
) -> Agreement:  # fmt: skip
    """Compare answers request by request, and the choice of each item.

    Args:
        otherwise: requests that the two sides cut into different tokens.
    """
    asked = questions.requests
    alike = [pair not in otherwise for pair in asked]
    pairs = list(zip(ours.logprobs, theirs.logprobs, strict=True))
    differences = [abs(a - b) for (a, b), same in zip(pairs, alike, strict=True) if same]
    whole = [all(same) for same in questions.by_item(alike)]
    mine, other = questions.by_item(ours.logprobs), questions.by_item(theirs.logprobs)
    choices = [best(a) == best(b) for a, b, same in zip(mine, other, whole, strict=True) if same]
    return Agreement(
        against=against,
        task=questions.name,
        items=len(choices),
        same_choice=sum(choices) / len(choices) if choices else None,
        requests=len(differences),
        tokenised_otherwise=len(asked) - len(differences),
        largest_difference=max(differences, default=None),
    )


def best(choices: Sequence[float]) -> int:
    """The most likely choice; of equal ones the first."""
    return max(range(len(choices)), key=choices.__getitem__)


def as_json(
    comparisons: Sequence[Comparison], agreement: Sequence[Agreement], **more: Any
) -> dict[str, Any]:
    """Plain data, the same for every benchmark."""
    return {
        "comparisons": [asdict(one) for one in comparisons],
        "agreement": [asdict(one) for one in agreement],
        **more,
    }


def markdown(found: dict[str, Any]) -> str:
    """The tables of benchmarks/figures/engine.md, from what `--json` printed."""
    lines = [
        "| against | task | ours, s an item | theirs, s an item | ratio | target |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {c['against']} | {c['task']} | {c['ours_s']:.4f} | {c['theirs_s']:.4f} "
        f"| {c['ratio']:.2f} | {c['target']:g} |"
        for c in found["comparisons"]
    ]
    if found["agreement"]:
        lines += [
            "",
            "| against | task | items | same choice | requests | cut otherwise | at most, nats |",
            "|---|---|--:|--:|--:|--:|--:|",
        ]
    lines += [
        f"| {a['against']} | {a['task']} | {a['items']} | {_share(a['same_choice'])} "
        f"| {a['requests']} | {a['tokenised_otherwise']} | {_number(a['largest_difference'])} |"
        for a in found["agreement"]
    ]
    if found.get("growth"):
        lines += [
            "",
            "| items | ours, ms an item | with a tiny model, ms | planner, ms "
            "| planner's memory a window, MiB |",
            "|--:|--:|--:|--:|--:|",
        ]
    lines += [
        f"| {g['items']} | {_ms(g['ours_s'])} | {_ms(g['tiny_s'])} | {_ms(g['planner_s'])} "
        f"| {g['planner_peak_bytes'] / 2**20:.1f} |"
        for g in found.get("growth", ())
    ]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.2f}"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
