"""What a task's file states of it under `metadata:`, for want of an lm-eval key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals import abilities, scales
from evals.errors import SpecError, did_you_mean
from evals.tasks import clusters

if TYPE_CHECKING:
    from evals.tasks.found_task import Found

CONTEXT = "context"


def scale(found: Found) -> scales.Stated | None:
    """The scale of a task's item scores: `metadata: {scale: …}`.

    Raises:
        SpecError: it is no scale.
    """
    given = _metadata(found).get(scales.KEY)
    stated = scales.stated_scale(given)
    if given is not None and stated is None:
        raise SpecError(
            f'task "{found.name}": metadata.{scales.KEY} is {given!r}; it may be share (items '
            "score 0 to 1) or percent (0 to 100)"
        )
    return stated


def ability(found: Found) -> str:
    """The ability that a task measures: `metadata: {ability: …}`; empty where none is stated.

    Raises:
        SpecError: it is no name of one.
    """
    given = _metadata(found).get(abilities.KEY)
    if given is None:
        return ""
    if not abilities.is_ability(given):
        raise SpecError(
            f'task "{found.name}": metadata.{abilities.KEY} is {str(given)[:60]!r}; it may be one '
            f"of {', '.join(abilities.TITLES)}, or a word of your own (lower-case letters, digits "
            "and hyphens)"
        )
    return str(given)


def context(found: Found) -> int | None:
    """Tokens of context that a task needs: `metadata: {context: …}`; None where none is stated.

    Raises:
        SpecError: it is no number of tokens.
    """
    given = _metadata(found).get(CONTEXT)
    if given is None or (type(given) is int and given >= 1):
        return given
    raise SpecError(
        f'task "{found.name}": metadata.{CONTEXT} is {str(given)[:60]!r}; it may be the tokens of '
        "context that it needs, e.g. 8192"
    )


def cluster(found: Found, asked: str | None, document: Any) -> str:
    """The column by which items belong together: the suite's, else `metadata: {cluster: …}`.

    Raises:
        SpecError: the documents have no such column.
    """
    column = str(asked or _metadata(found).get(clusters.KEY) or "")
    if column and column != clusters.BEGINNING and column not in document:
        raise SpecError(
            f'task "{found.name}": its documents have no column "{column}", which {clusters.KEY} '
            f"names{did_you_mean(column, map(str, document))}"
        )
    return column


def _metadata(found: Found) -> dict[str, Any]:
    metadata = found.task.get_config("metadata")
    return metadata if isinstance(metadata, dict) else {}
