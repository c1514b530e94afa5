"""Options of a candidate that is an address: which model there, and where its key is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runners.cli.options import choose_candidates

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate

F = TypeVar("F", bound=Callable[..., Any])
_URL = re.compile(r"https?://[^#]+")


def server_options(command: F) -> F:
    """Options of candidates that are addresses of servers."""
    for option in reversed([
        click.option(
            "--model", metavar="NAME",
            help="Of a candidate that is a URL: the model there (or http://host:8000/v1#NAME); "
            "default: the only one.",
        ),
        click.option(
            "--api-key-env", "api_key_env", metavar="VARIABLE",
            help="Of a candidate that is a URL: the variable that holds the key.",
        ),
    ]):  # fmt: skip
        command = option(command)
    return command


def choose_with_servers(names: Sequence[str], options: dict[str, Any]) -> tuple[Candidate, ...]:
    """Candidates as `choose_candidates` finds them, those behind an address as the options say.

    Raises:
        SpecError: one is unknown or wrong.
        click.UsageError: an option fits no candidate, or two have one name.
    """
    named = with_model(names, options["model"])
    found = choose_candidates(named, trust_code=options["trust_code"], runtime=options["runtime"])
    return with_key(found, options["api_key_env"])


def with_model(candidates: Sequence[str], model: str | None) -> tuple[str, ...]:
    """Candidates as typed, an address without a model with the one of `--model`.

    Raises:
        click.UsageError: a model is named, and there is no address that lacks one.
    """
    if model is None:
        return tuple(candidates)
    if not any(map(_URL.fullmatch, candidates)):
        raise click.UsageError("--model goes with a candidate that is a URL: http://host:8000/v1")
    return tuple(f"{one}#{model}" if _URL.fullmatch(one) else one for one in candidates)


def with_key(candidates: Sequence[Candidate], variable: str | None) -> tuple[Candidate, ...]:
    """Candidates, those behind an address with the name of the variable that holds their key.

    Raises:
        click.UsageError: a variable is named, and no candidate takes one.
    """
    if variable is None:
        return tuple(candidates)
    if not re.fullmatch(r"[A-Za-z_]\w*", variable):
        # It may be the key itself, which is not repeated.
        raise click.UsageError("--api-key-env takes the name of a variable, not the key")
    if not any(one.settings.elsewhere for one in candidates):
        raise click.UsageError("--api-key-env goes with a candidate that is a URL")
    return tuple(
        one.model_copy(update={"settings": one.settings.model_copy(update={KEY: variable})})
        if one.settings.elsewhere
        else one
        for one in candidates
    )


KEY = "api_key_env"
"""Setting that names the variable."""
