"""Measure a model: a box that writes the command, and executes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.pages.blocks import Beside, Block, Code, Heading, Note, Text
from leaderboard.pages.controls import PickNumber, Search, pick_field
from leaderboard.pages.library import Library
from leaderboard.pages.measure.command import Asked, command
from leaderboard.rows.view import View

MOST_REPEATS = 100
GPU = {"": "none: the processor", "all": "all layers"}
"""What a GGUF's layers are computed on."""
FEWEST_FOR_TAILS = 10


def page(library: Library, view: View) -> Iterator[Block]:
    """Boxes for the model, the suite and the conditions, and the command that they come to."""
    yield Heading("Measure a model", 1)
    yield Text("What you type here becomes a command for your terminal. Nothing is executed.")
    yield Search(
        name="model",
        label="Model",
        chosen=view.model,
        changes=lambda typed: {"model": typed},
        example="a path, org/name#file.gguf of the Hub, or a name of weighin list candidates",
    )
    suites = {"": "quick, the default", **{name: name for name in library.suites()}}
    budgets = {"": "no limit", **{one.name: one.title for one in library.presets()}}
    suite = view.on_suite if view.on_suite in suites else ""
    budget = view.on_budget if view.on_budget in budgets else ""
    gpu = view.on_gpu if view.on_gpu in GPU else ""
    repeats = min(MOST_REPEATS, max(1, int(view.repeats or 1)))
    times = PickNumber(
        name="repeats",
        label="Repeats",
        chosen=float(repeats),
        least=1.0,
        most=float(MOST_REPEATS),
        step=1.0,
        changes=lambda typed: {"repeats": typed},
        decimals=0,
    )
    yield Beside(
        (
            (pick_field("on_suite", "Suite", suites, suite),),
            (pick_field("on_budget", "Limit of the computer", budgets, budget),),
            (pick_field("on_gpu", "GPU", GPU, gpu),),
            (times,),
        )
    )
    yield Search(
        name="against",
        label="Against (what it was quantised from, or the version before)",
        chosen=view.against,
        changes=lambda typed: {"against": typed},
        example="nothing; else a path, a Hub id, a name, or a run id of your store",
    )
    asked = Asked(
        model=view.model,
        suite=suite,
        budget=budget,
        repeats=repeats,
        against=view.against,
        gpu_layers=gpu,
    )
    yield Code(command(asked))
    if not view.model.strip():
        yield Note("Type a model above: it takes the place of `MODEL`.")
    yield from _hints(repeats, suite, view.against)


def _hints(repeats: int, suite: str, against: str) -> Iterator[Block]:
    if repeats == 1:
        yield Text(
            "One process tells nothing of the next: from 3 repeats on times and memory have an "
            "interval, from 10 on one that tells 10 % apart.",
            small=True,
        )
    if against.strip() and suite != "damage":
        yield Text(
            "The suite `damage` tells what a quantisation cost in the fewest items.", small=True
        )
    yield Text(
        "`weighin run --dry-run …` says what would be downloaded and how long it took before. "
        "While it runs, this board shows where it stands, if it looks at the store that the "
        "command writes to (`--store DIR` names another).",
        small=True,
    )
