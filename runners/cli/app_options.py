"""Options of a candidate that is an app: its function, and how many questions it may be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate

F = TypeVar("F", bound=Callable[..., Any])
FUNCTION, MOST = "endpoint", "max_items"
"""Settings that the options stand for."""


def app_options(command: F) -> F:
    """Options of candidates that are apps."""
    for option in reversed([
        click.option(
            "--endpoint", metavar="NAME",
            help="Of a candidate that is an app: its function that answers, by its API name "
            "(/chat); default: found in what the app says.",
        ),
        click.option(
            "--max-items", type=click.IntRange(min=1), metavar="N",
            help="Of a candidate that is an app elsewhere: the most questions that it may be "
            "asked (default 100); --limit asks fewer.",
        ),
    ]):  # fmt: skip
        command = option(command)
    return command


def with_app(candidates: Sequence[Candidate], options: dict[str, Any]) -> tuple[Candidate, ...]:
    """Candidates, those that are apps as the options say.

    Raises:
        click.UsageError: an option fits no candidate.
    """
    told = {key: options[key] for key in (FUNCTION, MOST) if options[key] is not None}
    apps = [one for one in candidates if "app" in one.runtime_spec.formats]
    if told and not apps:
        option = next(iter(told)).replace("_", "-")
        raise click.UsageError(f"--{option} goes with a candidate that is an app (docs/gradio.md)")
    return tuple(
        one.model_copy(update={"settings": one.settings.model_copy(update=told)})
        if told and one in apps
        else one
        for one in candidates
    )
