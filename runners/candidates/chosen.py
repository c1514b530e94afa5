"""Separate the settings of a candidate that someone chose from defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runners.candidates.asking import Chat, Reasoning
from runners.candidates.on_gpu import SETTING
from runners.records.identity import MOST_CONTEXT

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate


def asked_as(candidate: Candidate, chosen: Mapping[str, Any] | None) -> Candidate:
    """A candidate that is asked as a run of it was: template, system text, thought, sampling,
    context, layers on the GPU.

    A run's command line may have said otherwise than the candidate's file.

    Args:
        candidate: as its file has it.
        chosen: the settings that the run's record names; None: an early record, which does not.
    """
    if chosen is None:
        return candidate
    chat = {
        "template": chosen.get("chat_template", "auto"),
        "system": chosen.get("chat_system", ""),
        "args": chosen.get("chat_args", {}),
    }
    told: dict[str, Any] = {
        "chat": Chat.model_validate(chat),
        "reasoning": Reasoning.model_validate(chosen.get("reasoning", {})),
        "sampling": chosen.get("sampling"),
    }
    given = {"context": chosen["context"]} if "context" in chosen else {}
    if SETTING in type(candidate.settings).model_fields:
        given[SETTING] = chosen.get(SETTING, 0)
    told["settings"] = candidate.settings.model_copy(update=given)
    return candidate.model_copy(update=told)


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
