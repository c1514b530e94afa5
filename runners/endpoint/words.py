"""Texts that a server sent, made fit for one line of an error: plain, short, without the key."""

from __future__ import annotations

import json
import re
from typing import Any

HIDDEN = "***"
MOST = 400
"""Characters of a sentence for people."""


def without(text: str, secret: str) -> str:
    """The text with a secret replaced by `***`."""
    return text.replace(secret, HIDDEN) if secret else text


def plain(text: str, *, secret: str = "") -> str:
    """One short line without control characters and without a secret."""
    shown = "".join(letter if letter.isprintable() else " " for letter in without(text, secret))
    return " ".join(shown.split())[:MOST]


def shown_name(name: str) -> str:
    """A model's name for a record; of a path on the server's machine its last part alone."""
    if re.match(r"[/~.\\]|[A-Za-z]:[/\\]", name):
        return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or name
    return name


def said_by(body: bytes) -> str:
    """The message in a server's error, by the places where servers put it; else its beginning."""
    text = body.decode("utf-8", "replace")
    try:
        return _message(json.loads(text)) or text[:MOST]
    except (ValueError, RecursionError):
        return text[:MOST]


def _message(value: Any) -> str:
    """OpenAI: error.message; Ollama: error; FastAPI: detail, a text or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _message(value[0]) if value else ""
    if isinstance(value, dict):
        found = (_message(value[k]) for k in ("error", "detail", "message", "msg") if k in value)
        return next((text for text in found if text), "")
    return ""
