"""The Python files that a task's own functions come from, so that a digest can hold all of them.

A function's own text says nothing of its helpers, so a module counts as a whole, and so does what
it imports from its folder. lm-eval's own modules are left out: its version stands for them.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.errors import SpecError

OURS = Path(__file__).parents[1]


def own_code(task: Any) -> list[tuple[str, str]]:
    """Name and sha256 of each Python file behind a task's functions, sorted.

    Args:
        task: an lm-eval Task.

    Returns:
        Names are relative to the folder of the function's module. Empty where a task has no
        functions but lm-eval's.
    """
    found: dict[str, str] = {}
    for module in sorted({path for path in map(_source_file, _functions(task)) if path}):
        if not _is_known(module):
            for path in _with_imports(module):
                name = path.relative_to(module.parent).as_posix()
                found[f"{module.stem}: {name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return sorted(found.items())


def _functions(task: Any) -> Iterator[Any]:
    """The task's class and every callable in its settings, however deep."""
    yield type(task)
    config = getattr(task, "config", None)
    yield from _callables(vars(config) if config is not None else {})


def _callables(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _callables(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _callables(inner)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _callables(vars(value))
    elif callable(value):
        yield value


def _source_file(function: Any) -> Path | None:
    while isinstance(function, functools.partial):
        function = function.func
    known = inspect.isclass(function) or inspect.isroutine(function)
    try:
        found = inspect.getsourcefile(inspect.unwrap(function) if known else type(function))
    except TypeError:  # built in
        return None
    path = Path(found).resolve() if found else None
    return path if path is not None and path.is_file() else None


@functools.cache
def _known_folders() -> tuple[Path, ...]:
    import lm_eval

    return (Path(lm_eval.__file__).resolve().parent, OURS)


def _is_known(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _known_folders())


def _with_imports(module: Path) -> list[Path]:
    """A module and what it imports from its folder, directly or not, each once."""
    folder, found, waiting = module.parent, {module}, [module]
    while waiting:
        for path in _imported(waiting.pop(), folder):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found)


def _imported(module: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(module.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        names: list[str] = []
        start = [folder, module.parent]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names = [base, *(f"{base}.{alias.name}".strip(".") for alias in node.names)]
            if node.level:
                start = [module.parents[min(node.level, len(module.parents)) - 1]]
        for place in dict.fromkeys(start):
            for name in filter(None, names):
                yield from _files(place, name, folder)


def _files(place: Path, name: str, folder: Path) -> Iterator[Path]:
    """The files below `folder` that importing `name` from `place` runs."""
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        stem = place.joinpath(*parts[:n])
        for path in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
            if path.is_file() and path.resolve().is_relative_to(folder):
                yield path.resolve()


def refuse_unsafe(name: str, config: Mapping[str, Any]) -> None:
    """Refuse an unsafe task before it is built, since building some already fetches code."""
    if config.get("unsafe_code"):
        raise SpecError(
            f'task "{name}" runs code that the model writes, and code execution is off; '
            "choose another task"
        )
    if (config.get("dataset_kwargs") or {}).get("trust_remote_code"):
        raise SpecError(
            f'task "{name}" wants the code of its data set to be run (trust_remote_code), and code '
            "execution is off; choose another task"
        )
    if config.get("doc_to_image") or config.get("doc_to_audio"):
        raise SpecError(f'task "{name}" needs images or sound, and models here read text only')
