"""What a list of candidates says of each: its class, its size, and whether it needs a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.errors import ArtifactError, SpecError, did_you_mean
from evals.fetch.artifact import is_here
from runners.candidates.catalogue import find_candidate
from runners.candidates.weights import MAX_LADDER
from runners.records.size_class import CLASSES, OFF_GRID, classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.candidates.spec import Candidate

FILTERS = (*CLASSES, OFF_GRID)
"""Classes that a list can be narrowed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One candidate, and what is not in its file word for word."""

    candidate: Candidate
    classes: tuple[str, ...]
    """The smallest first."""
    offline: bool
    """Its weights, or those that they are made from, are on this machine."""

    @property
    def size_class(self) -> str:
        """The smallest class of size; empty where its size is unknown, or beyond all."""
        return next((name for name in self.classes if name in CLASSES), "")


def listed(
    names: Sequence[str], *, of_class: str | None = None, family: str = "", offline: bool = False
) -> list[Listed]:
    """Candidates of the catalogue, with what a list says of them.

    Args:
        names: of the catalogue.
        of_class: only those of this class, one of FILTERS.
        family: only those whose family begins so.
        offline: only those that need no network.

    Raises:
        SpecError: no family begins so.
    """
    candidates = [find_candidate(name) for name in names]
    families = sorted({one.family for one in candidates})
    if family and not any(one.startswith(family) for one in families):
        raise SpecError(f'no family "{family}" in the catalogue{did_you_mean(family, families)}')
    found = [_listed(one) for one in candidates if one.family.startswith(family)]
    return [
        one
        for one in found
        if (of_class is None or of_class in one.classes) and (one.offline or not offline)
    ]


def _listed(candidate: Candidate) -> Listed:
    said = candidate.published
    return Listed(
        candidate=candidate,
        classes=classes(
            said.parameters if said else None, off_grid=not candidate.settings.elsewhere
        ),
        offline=_needs_no_network(candidate),
    )


def _needs_no_network(candidate: Candidate, depth: int = 0) -> bool:
    if candidate.quantize is not None:
        source = find_candidate(candidate.quantize.source)
        return depth < MAX_LADDER and _needs_no_network(source, depth + 1)
    try:
        return candidate.weights is None or is_here(candidate.weights)
    except ArtifactError:
        return False
