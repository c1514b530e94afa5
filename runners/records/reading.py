"""JSON -> a record that is whole: types, ranges and texts are checked, old digests brought up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from evals.errors import RecordError
from runners.records.identity import rekeyed
from runners.records.latency import by_request
from runners.records.record import SCHEMA_VERSION, Record
from runners.records.values import mended

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]", re.ASCII)
"""Perhaps half a surrogate pair, as JSON writes it."""


def parse_record(text: str, *, where: str, raw: bool = True) -> Record:
    """A record from its JSON; `where` is named in the error.

    Args:
        text: JSON.
        where: file or other source.
        raw: False leaves out each request's times and the memory curve, which are most of a
            record, and does not look whether they are whole.

    Raises:
        RecordError: damaged, foreign, or written by a newer Weighin.
    """
    try:
        content = json.loads(text)
        if _HALF_PAIR.search(text):
            content = mended(content)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{where}: damaged: not JSON ({error})") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise RecordError(f"{where}: not a record of Weighin (no schema_version)")
    if version > SCHEMA_VERSION:
        raise RecordError(
            f"{where}: schema {version} is newer than this Weighin reads ({SCHEMA_VERSION}); "
            "upgrade weighin"
        )
    return rekeyed(_checked(content if raw else _without_raw(content), where))


def _checked(content: object, where: str) -> Record:
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        found = ascii(first["input"])[:60]
        raise RecordError(f"{where}: damaged: {path}: {message} (found {found})") from error


def _by_request(workload: dict[str, Any]) -> dict[str, Any]:
    """A workload's summaries with a number a request; nothing where the times are not whole."""
    try:
        numbers = by_request([*map(_raw, workload["repeats"])], workload["evaluated_tokens"])
        return {
            name: {**workload[name], "values": found}
            for name, found in numbers.items()
            if workload[name] is not None
        }
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """A timed request as a record's JSON has it, unchecked."""

    prefill_s: float | None
    token_s: list[float]
    first_text: int | None
    streamed: bool
    counted: int | None


def _raw(request: dict[str, Any]) -> _Raw:
    return _Raw(
        prefill_s=request["prefill_s"],
        token_s=request["token_s"],
        first_text=request.get("first_text", 0),
        streamed=request.get("streamed", False),
        counted=request.get("counted"),
    )


def _without_raw(content: dict[str, Any]) -> dict[str, Any]:
    """JSON of a record whose raw values are empty; what has another shape is left for the check."""
    latency, memory = content.get("latency"), content.get("memory")
    if isinstance(latency, dict):
        bare: dict[str, Any] = {"warmups": [], "repeats": []}
        latency = {
            name: {**workload, **_by_request(workload), **bare}
            if isinstance(workload, dict)
            else workload
            for name, workload in latency.items()
        }
    if isinstance(memory, dict):
        memory = {**memory, "series": []}
    found = {"latency": latency, "memory": memory}
    return {**content, **{key: value for key, value in found.items() if value is not None}}
