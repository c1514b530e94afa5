"""What of a record leaves this machine: no path, no host, no user, no prompt unless it is asked."""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runners.records.reading import parse_record

if TYPE_CHECKING:
    import pyarrow

    from runners.records.record import Record

HIDDEN = "…"
LEAST_NAME = 3
"""Shorter names of users and hosts are words of other things."""
COMMON_NAMES = frozenset({"root", "user", "ubuntu", "localhost", "admin", "runner", "vm", "app"})
_SEPARATOR = r"[\\/]{1,2}"  # two where a text was written as a literal
_PATH = re.compile(
    r"(?<![\w:/.%<-])"
    rf"(?:(?:file://|~|[A-Za-z]:){_SEPARATOR}|{_SEPARATOR}(?=[^\s'\"\\/]+[\\/]))"
    rf"(?:[^\s'\"\\/:;,]+(?:{_SEPARATOR})?)+"
)
"""A path from a root, as it stands in a text, of two parts at least: `/no_think` is an order to a
model. The rest of a web address is none."""
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]+@")
_SECRET = re.compile(r"\b(hf_|sk-|ghp_|github_pat_)[A-Za-z0-9_-]{8,}")
PROMPT = "prompt"
OWN_DATA = frozenset({"questions", "folder"})
"""Sources of tasks that are this user's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A record and its samples as they leave, and what was taken out."""

    record: Record
    samples: pyarrow.Table | None
    taken_out: tuple[str, ...]
    """Kinds of things, in words."""


def leaving(record: Record, samples: pyarrow.Table | None, *, prompts: bool) -> Leaving:
    """A record and its samples without what says where and by whom they were made.

    Args:
        record: as it is stored.
        samples: its rows; None without any.
        prompts: keep the prompts, where the run kept them.
    """
    found: set[str] = set()
    # `kept` is what JSON can hold, so that a record with odd floats survives, too.
    content = json.loads(record.model_dump_json())
    if content.get("error") and content["error"].get("traceback"):
        content["error"]["traceback"] = ""
        found.add("the traceback")
    if content.get("executor") and content["executor"].get("node"):
        content["executor"]["node"] = None
        found.add("the node's name")
    clean = _cleaned(content, _names(), found)
    if samples is not None and PROMPT in samples.column_names and not prompts:
        samples = samples.drop_columns([PROMPT])
        found.add("the prompts")
    return Leaving(
        record=parse_record(json.dumps(clean), where=record.run_id),
        samples=samples,
        taken_out=tuple(sorted(found)),
    )


def own_data(record: Record) -> list[str]:
    """Tasks of a record whose questions are the user's own, and would leave with its samples."""
    return [one.task for one in record.data if one.source in OWN_DATA]


def _names() -> list[str]:
    """Names of this user and this host, longest first, as far as they give somebody away."""
    found = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(KeyError, OSError):  # a user without an entry
        found.add(getpass.getuser())
    told = [one for one in found if len(one) >= LEAST_NAME and one.lower() not in COMMON_NAMES]
    return sorted(told, key=len, reverse=True)


def _cleaned(value: Any, names: list[str], found: set[str]) -> Any:
    """A JSON value whose texts are cleaned, keys and all."""
    if isinstance(value, dict):
        return {_text(k, names, found): _cleaned(v, names, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_cleaned(one, names, found) for one in value]
    return _text(value, names, found) if isinstance(value, str) else value


def _text(text: str, names: list[str], found: set[str]) -> str:
    for kind, cleaned in _steps(text, names):
        if cleaned != text:
            found.add(kind)
            text = cleaned
    return text


def _steps(text: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """The text after each kind of cleaning, each step on top of those before it."""
    text = _SECRET.sub(HIDDEN, text)
    yield "tokens", text
    text = _CREDENTIALS.sub("", text)
    yield "credentials in addresses", text
    text = _PATH.sub(lambda path: re.split(r"[\\/]", path[0].rstrip("\\/"))[-1], text)
    yield "paths", text
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text)
    yield "names of the host and the user", text
