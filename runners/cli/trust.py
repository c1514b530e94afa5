"""Refuse what would run somebody's code unless the command line allows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evals.errors import SpecError
from evals.fetch.cache import user_path

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate


def refuse_code(candidate: Candidate, *, trusted: bool, typed: Sequence[str] = ()) -> None:
    """Refuse code that a candidate's file would have run, which that file alone cannot allow.

    Args:
        candidate: which may bring a model's own Python, start a server, or be an app.
        trusted: the command line allows it.
        typed: candidates on the command line: an app whose own file stands there is meant to run.

    Raises:
        SpecError: the candidate wants it, and the command line does not.
    """
    is_app = bool(candidate.weights) and "app" in candidate.runtime_spec.formats
    meant = any(str(user_path(one).absolute()) == candidate.weights for one in typed)
    if is_app and not (trusted or meant):
        raise SpecError(
            f"candidate {candidate.name}: its file has {candidate.weights} run as an app, with "
            "your rights; --trust-remote-code if you trust whoever wrote both"
        )
    runs = candidate.settings.runs_code
    if runs and not trusted:
        raise SpecError(
            f"candidate {candidate.name}: {runs} with your rights; --trust-remote-code if you "
            "trust its author"
        )
