"""Tell a model's thought from its answer: by the marks that its chat template writes.

Pure: text in, text out. Runtimes in process feed a `ThoughtWatcher` token by token; those that ask
a server are handed thought and answer apart, or take a whole text to pieces with `separate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runners.worker.protocol import Thinking

MAX_THOUGHT_TOKENS = 2048
"""Tokens of thought, where a candidate does not say; the task's own limit is the answer's."""
_MOST_MARK = 256
"""Characters in which a mark of the end lies, however many tokens it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Texts around a model's thought, in the raw text with its special tokens."""

    start: str
    """What a thought begins with; empty: every generation begins with one."""
    end: str
    close: str = ""
    """What ends an answer although no token ends the generation there."""


HARMONY = Marks(start="<|channel|>", end="<|channel|>final<|message|>", close="<|end|>")
"""gpt-oss: channels `analysis` and `commentary`, then `final`
(https://cookbook.openai.com/articles/openai-harmony)."""
_HARMONY_END = r"<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>"
FORMATS = (
    HARMONY,
    Marks(start="<|channel>thought", end="<channel|>"),
    Marks(start="[THINK]", end="[/THINK]"),
    Marks(start="<seed:think>", end="</seed:think>"),
    Marks(start="<mm:think>", end="</mm:think>"),
    Marks(start="<|START_THINKING|>", end="<|END_THINKING|>"),
    Marks(start="<|inner_prefix|>", end="<|inner_suffix|>"),
    Marks(start="Here are my reasoning steps:", end="[BEGIN FINAL RESPONSE]"),
    Marks(start="<thinking>", end="</thinking>"),
    Marks(start="<thought>", end="</thought>"),
    Marks(start="<think>", end="</think>"),
)
"""Formats of gpt-oss; Gemma 4; Magistral and Ministral; Seed-OSS; MiniMax M3; Cohere; Apertus;
Apriel 1.6, and 1.5; EXAONE; Qwen3 and nearly all others. The first whose end a template writes
is its own."""


def find_marks(template: str, end: str | None = None) -> Marks | None:
    """Marks of a model's thought; None where it has none.

    Args:
        template: its chat template; empty where there is none.
        end: the mark that the candidate names instead; empty: nothing is thought.
    """
    if end == "":
        return None
    if end is not None:
        known = next((one for one in FORMATS if one.end == end), None)
        return known or Marks(start=_opening(end), end=end)
    return next((one for one in FORMATS if _writes(template, one)), None)


def thinking_for(marks: Marks | None, prompt: str, max_tokens: int) -> Thinking | None:
    """What the worker is told of one prompt's thought; None where the model has no marks.

    Args:
        marks: of the model.
        prompt: as it is asked; it may end in a thought that it has opened.
        max_tokens: tokens that the thought may take, beside those of the answer.
    """
    if marks is None:
        return None
    opened = not marks.start or prompt.rstrip().endswith(marks.start)
    return Thinking(
        start=marks.start, end=marks.end, close=marks.close, opened=opened, max_tokens=max_tokens
    )


class ThoughtWatcher:
    """Reads the raw text of a generation as it comes, and says where its answer begins.

    lm-eval's rule: the answer is what follows the last mark of an end. Without such a mark
    everything is thought where a thought was opened, and an answer where none was.
    """

    def __init__(self, told: Thinking | None) -> None:
        self._told = told
        self.raw = ""
        """The text so far."""
        self.thinking = told is not None and told.opened
        """True while what comes is thought."""
        self.answer_at = 0
        """Characters of the raw text before the answer; 0 while no thought has ended."""

    def add(self, text: str) -> None:
        """Take what one more token adds, special tokens as their text."""
        first = max(self.answer_at, len(self.raw) - _MOST_MARK)
        self.raw += text
        if self._told is None:
            return
        for found in _pattern(self._told).finditer(self.raw, first):
            self.answer_at, self.thinking = found.end(), False
        if not self.thinking and self._told.start:
            self.thinking = self._begins().startswith(self._told.start)

    @property
    def undecided(self) -> bool:
        """True while the text may still become the mark of a thought's beginning."""
        begun = self._begins() if self._told is not None and not self.thinking else ""
        return bool(begun) and self._told is not None and self._told.start.startswith(begun)

    @property
    def closed(self) -> bool:
        """True where the answer after a thought is over, though no token has ended it."""
        close = self._told.close if self._told is not None else ""
        return bool(close) and self.answer_at > 0 and close in self.raw[self.answer_at :]

    def _begins(self) -> str:
        """The first characters of the answer so far."""
        return self.raw[self.answer_at : self.answer_at + _MOST_MARK].lstrip()


def separate(raw: str, told: Thinking | None) -> tuple[str, str]:
    """Thought and answer of a whole text, neither with the marks between them.

    Args:
        raw: with the texts of special tokens.
        told: the marks; None: all of it is the answer, as it stands.

    Returns:
        An answer that follows a thought loses the white space that it begins with.
    """
    watcher = ThoughtWatcher(told)
    watcher.add(raw)
    if told is None or not (watcher.thinking or watcher.answer_at):
        return "", raw
    if watcher.thinking:
        return _without_marks(raw, told), ""
    answer = raw[watcher.answer_at :].lstrip()
    if told.close:
        answer = answer.split(told.close)[0]
    return _without_marks(raw[: watcher.answer_at], told), answer


def joined(thought: str, answer: str, marks: Marks | None) -> str:
    """The raw text of a generation whose thought a server has handed over by itself."""
    known = marks or FORMATS[-1]
    return f"{known.start}{thought}{known.end}{answer}" if thought else answer


def _writes(template: str, marks: Marks) -> bool:
    """True where a template writes, or looks for, a format's marks."""
    if marks is HARMONY:
        return marks.start in template and "<|message|>" in template
    return marks.end in template


def _opening(end: str) -> str:
    """`<x>` of `</x>` and `[x]` of `[/x]`; empty where the end does not tell its beginning."""
    return end[0] + end[2:] if re.fullmatch(r"<\/[^<>]+>|\[\/[^\[\]]+\]", end) else ""


def _without_marks(thought: str, told: Thinking) -> str:
    text = _pattern(told).split(thought.strip())[0]
    return (text.removeprefix(told.start) if told.start else text).strip()


def _pattern(told: Thinking) -> re.Pattern[str]:
    return re.compile(_HARMONY_END if told.end == HARMONY.end else re.escape(told.end))
