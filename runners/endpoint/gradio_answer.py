"""One answer of a Gradio app, out of the messages of its queue. Pure: nothing is asked here.

The messages of a session: `estimation` (its place in the queue), `process_starts`,
`process_generating` (what there is of the outputs), `process_completed`, `close_stream`; also
`heartbeat`, `log` and `progress`, which say nothing of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runners.endpoint.asking import count, rows, table, words
from runners.endpoint.client import Streamed
from runners.endpoint.events import Event, json_object
from runners.endpoint.faults import EndpointError
from runners.endpoint.words import said_by

_LAST = re.compile(r'\{\s*"msg":\s*"(close_stream|unexpected_error)"')
MASKED = (
    "the app raised an error whose text it does not show; launch(show_error=True) would, and its "
    "own log does"
)
QUOTA = re.compile(r"(?i)quota|zerogpu")
"""Texts of errors of a Space that has used up its account's seconds of GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradioAnswer:
    """One question's answer; seconds are counted from the moment it was sent."""

    text: str
    text_s: tuple[float, ...]
    """Moments when the text became another one that is not empty."""
    starts_s: float | None
    """Moment when the app's function began to work; None: the queue did not say."""
    ahead: int
    """Requests before ours in the queue, the most that it told."""
    end_s: float
    fault: str = ""
    """The app's error instead of an answer; empty: it answered."""

    @property
    def over_quota(self) -> bool:
        """True where no GPU time is left: the error says nothing of the app's answer."""
        return bool(self.fault and QUOTA.search(self.fault))


def is_last(event: Event) -> bool:
    """True for the message after which none of the session follows."""
    return _LAST.match(event.data) is not None


def read_answer(
    streamed: Streamed, place: int, *, differences: bool, sent_s: float
) -> GradioAnswer:
    """Put the messages of one call together.

    Args:
        streamed: all events of its session.
        place: of the answer among the outputs.
        differences: True: outputs after the first are what changed.
        sent_s: seconds from sending the question until the stream was asked for.

    Raises:
        EndpointError: the stream ended without a result, or the queue failed.
    """
    outputs = Outputs(differences=differences)
    texts: list[tuple[float, str]] = []
    starts_s: float | None = None
    ahead, fault, done, end_s = 0, "", False, sent_s
    for at_s, event in streamed.arrived:
        message, now_s = json_object(event.data), sent_s + at_s
        match message.get("msg"):
            case "estimation":
                ahead = max(ahead, count(message.get("rank")) or 0)
            case "process_starts":
                starts_s = now_s
            case "process_generating" | "process_completed" as kind:
                done, end_s = done or kind == "process_completed", now_s
                if message.get("success") is False:
                    fault = words(table(message.get("output")).get("error")) or MASKED
                    continue
                whole = kind == "process_completed"
                values = outputs.take(table(message.get("output")).get("data"), whole=whole)
                text = text_of(values[place]) if place < len(values) else ""
                if text and (not texts or texts[-1][1] != text):
                    texts.append((now_s, text))
            case "unexpected_error":
                said = words(message.get("message")) or "its queue failed"
                raise EndpointError("server error", f"server error: {said}")
            case None if message.get("error"):
                said = said_by(event.data.encode())
                raise EndpointError("error in the answer", f"error in the answer: {said}")
    if not done:
        raise EndpointError(
            "body cut short", "body cut short: the stream ended without the app's result"
        )
    return GradioAnswer(
        text=texts[-1][1] if texts else "",
        text_s=tuple(at_s for at_s, _ in texts),
        starts_s=starts_s,
        ahead=ahead,
        end_s=end_s,
        fault=fault,
    )


class Outputs:
    """Values of an endpoint's outputs as they grow."""

    def __init__(self, *, differences: bool) -> None:
        self._differences = differences
        self._values: list[Any] | None = None

    def take(self, data: Any, *, whole: bool) -> list[Any]:
        """Values after one message, which has all of them or what changed.

        Raises:
            EndpointError: a change does not fit what there was.
        """
        given = data if isinstance(data, list) else []
        if self._values is None or whole or not self._differences:
            # A last message without data leaves what there was.
            self._values = given or self._values or []
            return self._values
        try:
            self._values = [
                changed(value, table_of_changes(given[i])) if i < len(given) else value
                for i, value in enumerate(self._values)
            ]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EndpointError(
                "invalid JSON", "invalid JSON: a change does not fit the output that it changes"
            ) from error
        return self._values


def table_of_changes(value: Any) -> Sequence[tuple[str, Sequence[Any], Any]]:
    """Changes of one output: (action, path, value) each.

    Raises:
        TypeError, ValueError: it is none.
    """
    if not isinstance(value, list):
        raise TypeError("changes are no list")
    found: list[tuple[str, Sequence[Any], Any]] = []
    for one in value:
        action, path, new = one
        if not isinstance(path, list):
            raise TypeError("a path is no list")
        found.append((str(action), path, new))
    return found


def changed(value: Any, changes: Sequence[tuple[str, Sequence[Any], Any]]) -> Any:
    """A value after changes, in the way of gradio_client's `apply_diff`; the old one may change.

    Raises:
        KeyError, IndexError, TypeError, ValueError: a change does not fit.
    """
    for action, path, new in changes:
        if not path:
            value = _at_root(action, value, new)
            continue
        *way, last = path
        inner = value
        for step in way:
            inner = inner[step]
        match action:
            case "replace":
                inner[last] = new
            case "append":
                inner[last] += new
            case "add":
                if isinstance(inner, list):
                    inner.insert(int(last), new)
                else:
                    inner[last] = new
            case "delete":
                del inner[last]
            case _:
                raise ValueError(f"unknown change {action!r}")
    return value


def _at_root(action: str, value: Any, new: Any) -> Any:
    match action:
        case "replace":
            return new
        case "append":
            return new if value is None else value + new
    raise ValueError(f"unknown change {action!r}")


def text_of(value: Any) -> str:
    """The text that a person sees of an output: a string, a message, the last turn of a chat."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return next(
            (text for key in ("text", "content", "value") if (text := text_of(value.get(key)))), ""
        )
    if isinstance(value, list):
        return _last_turn(value)
    return ""


def _last_turn(value: list[Any]) -> str:
    turns = [one for one in rows(value) if "role" in one]
    if turns:  # messages: what the assistant said last
        said = [one for one in turns if one.get("role") == "assistant"]
        after = turns[-1].get("role") == "assistant"
        return text_of(said[-1].get("content")) if said and after else ""
    if (
        value and isinstance(value[-1], list) and len(value[-1]) == 2
    ):  # pairs of question and answer
        return text_of(value[-1][1])
    return "".join(text_of(one) for one in value)
