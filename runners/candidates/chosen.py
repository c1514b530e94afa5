"""Separate the settings of a candidate that someone chose from defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runners.records.identity import MOST_CONTEXT

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate


def chosen_settings(candidate: Candidate, trained_context: int | None) -> dict[str, Any]:
    """The settings that someone chose: those whose values are not what the default gives.

    Args:
        candidate: as its file has it.
        trained_context: tokens that the model was trained for; None: not known.
    """
    settings = candidate.settings
    found = settings.model_dump(exclude_defaults=True, exclude=set(settings.incidental))
    if found.get("context") == min(trained_context or MOST_CONTEXT, MOST_CONTEXT):
        del found["context"]
    return {**found, **candidate.asking}
