"""Separate the settings of a candidate that someone chose from defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runners.records.identity import MOST_CONTEXT

if TYPE_CHECKING:
    from runners.runtimes.spec import Settings


def chosen_settings(
    settings: Settings, chat_template: str, trained_context: int | None
) -> dict[str, Any]:
    """The settings that someone chose: those whose values are not what the default gives.

    Args:
        settings: as the candidate's file has them.
        chat_template: likewise; left out where it is `auto`.
        trained_context: tokens that the model was trained for; None: not known.
    """
    found = settings.model_dump(exclude_defaults=True)
    if found.get("context") == min(trained_context or MOST_CONTEXT, MOST_CONTEXT):
        del found["context"]
    return found if chat_template == "auto" else {**found, "chat_template": chat_template}
