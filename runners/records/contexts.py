"""Part of a record: what answers cost in a context of one length."""

from __future__ import annotations

from pydantic import Field

from runners.records.answers import SummaryInfo
from runners.records.parts import Part
from runners.records.values import Bytes, Count


class ContextInfo(Part):
    """A task, or group of tasks, that needs a context of a length: what its answers cost there."""

    tokens: Count
    """Length that the tasks are made for: prompt, chat template and answer together."""
    optional: bool = False
    """True: the suite's score does without it."""
    not_run: str = ""
    """Why it was not asked; its numbers are None then."""
    opened: Count | None = None
    """Tokens of the context that it was answered in; None: the runtime kept the one that it has."""
    prompt_tokens: SummaryInfo | None = None
    """Tokens of the prompts, by the candidate's own tokeniser, the chat template included."""
    ttft_s: SummaryInfo | None = None
    prefill_tokens_per_s: SummaryInfo | None = None
    decode_tokens_per_s: SummaryInfo | None = None
    peak_bytes: Bytes | None = None
    """Most resident bytes from the opening of that context to its last answer."""
    unknown: dict[str, str] = Field(default_factory=dict)
    """Key that is None -> why."""
