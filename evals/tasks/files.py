"""Task files of a user's folder, read as data first: what they hold, and what they ask to be run.

A task file is code: it may name Python functions, metrics and files elsewhere. lm-eval imports what
it names when the task is built, so everything is looked at before, and what runs code or leaves the
folder is said, for the caller to refuse. lm-eval's own files may be included: they are trusted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.errors import SpecError, one_line
from evals.files import read_small
from evals.spec_file import refuse_aliases

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 100
FUNCTION = "!function"
ARGUMENTS = {"use_prompt": "a prompt library", "custom_dataset": "a function that makes its data"}
"""Keys that run code wherever they stand."""
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_PARSER):  # type: ignore[misc]
    """Safe, and a function stays the text that names it."""


_Loader.add_constructor(FUNCTION, lambda loader, node: str(loader.construct_scalar(node)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile:
    """A task or group as its file says it."""

    config: Mapping[str, Any]
    """Settings of the file and of what it includes; functions are the texts that name them."""
    asks: tuple[str, ...]
    """Clauses, one for each thing in the file that runs code or leaves the folder."""


def read_task_file(path: Path, folder: Path, *, trusted: bool) -> TaskFile:
    """Read one file and what it includes, running nothing.

    Args:
        path: below `folder`.
        folder: includes from elsewhere, but from lm-eval, are not read unless `trusted`.

    Raises:
        SpecError: a file is no YAML mapping, too large, or has aliases.
    """
    asks: dict[str, None] = {}
    config = _read(path, folder.resolve(), trusted=trusted, asks=asks, above=())
    for place in _mappings(config):
        asks.update(dict.fromkeys(_code_in(place)))
    return TaskFile(config=config, asks=tuple(asks))


def _read(
    path: Path, folder: Path, *, trusted: bool, asks: dict[str, None], above: tuple[Path, ...]
) -> dict[str, Any]:
    path = path.resolve()
    if path in above:
        raise SpecError(f"{path}: includes itself")
    own = _content(path, asks)
    merged: dict[str, Any] = {}
    listed = own.pop("include", None) or []
    for include in listed if isinstance(listed, list) else [listed]:
        target = (path.parent / str(include)).resolve()
        if target.is_relative_to(_lm_eval_tasks()):
            found = _lm_evals(target)
        elif trusted or target.is_relative_to(folder):
            found = _read(target, folder, trusted=trusted, asks=asks, above=(*above, path))
        else:
            asks[f"includes {include}, which lies outside of its folder"] = None
            continue
        found.pop("task_list", None)  # as lm-eval does
        merged.update(found)
    return {**merged, **own}


def _lm_evals(path: Path) -> dict[str, Any]:
    from lm_eval.tasks._yaml_loader import load_yaml

    try:
        found: dict[str, Any] = load_yaml(path, resolve_func=False)
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise SpecError(f"{path}: not a task file: {one_line(error)}") from error
    return found


def _content(path: Path, asks: dict[str, None]) -> dict[str, Any]:
    try:
        text = read_small(path, MAX_BYTES)
        refuse_aliases(path, text)
        for function in _functions(path, text):
            asks[f"names Python of its own ({FUNCTION} {function})"] = None
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise SpecError(f"{path}: not a task file: {one_line(error)}") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path}: not a task file: it holds no keys and values")
    return content


def _functions(path: Path, text: str) -> Iterator[str]:
    depth = 0
    for event in yaml.parse(text, Loader=_PARSER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise SpecError(f"{path}: not a task file: nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.ScalarEvent) and event.tag == FUNCTION:
            yield event.value


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value
    for one in inner if isinstance(value, Mapping | list) else ():
        yield from _mappings(one)


def _code_in(place: Mapping[str, Any]) -> Iterator[str]:
    """Clauses for settings that make lm-eval run code although they name no function."""
    for key, what in ARGUMENTS.items():
        if place.get(key):
            yield f"uses {what} ({key})"
    if place.get("process_results", "") is None:  # of a member, by its group
        yield "takes a scoring function away (process_results: null)"
    listed = place.get("metric_list")
    if not isinstance(listed, list) or place.get("process_results"):
        return
    for metric in listed:
        named = metric.get("metric") if isinstance(metric, Mapping) else None
        # `evaluate` looks for a script of that name, here or on the Hub, and runs it.
        if isinstance(named, str) and (metric.get("hf_evaluate") or named not in _metrics()):
            yield f"uses a metric that lm-eval does not have ({named})"


@functools.cache
def _metrics() -> frozenset[str]:
    from lm_eval.api import metrics, registry

    return frozenset(registry.metric_registry) if metrics else frozenset()


@functools.cache
def _lm_eval_tasks() -> Path:
    from lm_eval import tasks

    return Path(tasks.__file__).resolve().parent
