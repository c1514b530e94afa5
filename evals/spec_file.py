"""Read the YAML files that people write: closed models, every mistake one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from evals.errors import SpecError, did_you_mean, one_line
from evals.fetch.cache import user_path
from evals.files import read_small

MAX_SPEC_BYTES = 256 * 1024


MAX_NAME = 200


YAML = (".yaml", ".yml")
FILES = (*YAML, ".gguf")
"""Endings of file names that are read as a file, not as a name of the catalogue."""
NAME = r"^[a-z0-9][a-z0-9._-]*$"


PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""No control characters: a name is shown on terminals."""


SHA256 = r"^[0-9a-f]{64}$"


class Spec(BaseModel):
    """A file that people write: unknown keys are refused, nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SpecT = TypeVar("SpecT", bound=BaseModel)


def read_spec(path: Path, kind: type[SpecT]) -> SpecT:
    """Read one YAML file as a Candidate, Suite, Budget or any other closed model.

    Raises:
        SpecError: unreadable, not YAML, unknown key, wrong value; names file, key and value.
    """
    return check_spec(read_yaml(path), kind, where=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a small YAML mapping; aliases are refused, so it cannot grow when it is expanded.

    Raises:
        SpecError: unreadable, larger than 256 KiB, with an alias, or not a mapping.
    """
    try:
        text = read_small(path, MAX_SPEC_BYTES)
        refuse_aliases(path, text)
        content = yaml.safe_load(text)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise SpecError(f"{path}: not valid YAML: {one_line(error)}") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def refuse_aliases(path: Path, text: str) -> None:
    """Refuse a YAML text that could grow when it is expanded.

    Raises:
        SpecError: it has an alias.
        yaml.YAMLError: it is no YAML.
    """
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if any(isinstance(event, yaml.AliasEvent) for event in events):
        raise SpecError(f"{path}: YAML aliases (*name) are not allowed; write the value out")


def check_spec(content: dict[str, Any], kind: type[SpecT], *, where: str) -> SpecT:
    """Validate parsed content; `where` is what the message names as the place.

    Raises:
        SpecError: the first thing that is wrong, in one line.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SpecError(f"{where}: {_explain(error, kind)}") from error


def _explain(error: ValidationError, kind: type[BaseModel]) -> str:
    first = error.errors()[0]
    place = [str(p) for p in first["loc"]]
    if first["type"] == "extra_forbidden":
        known = _keys_at(kind, first["loc"][:-1])
        inside = f' in "{".".join(place[:-1])}"' if place[:-1] else ""
        near = did_you_mean(place[-1], known)
        names = "" if near.startswith(" (known") else f"; known: {', '.join(known)}"
        return f'unknown key "{place[-1]}"{inside}{near}{names}'
    if first["type"] == "unknown_key":  # of a model whose keys are a table's
        return str(first["msg"])
    if first["type"] == "missing":
        return f'key "{".".join(place)}" is missing'
    message = first["msg"].removeprefix("Value error, ")
    if not place:
        return message
    value = repr(first.get("input"))
    return f'"{".".join(place)}": {message} (found {value[:80]})'


def _keys_at(kind: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place inside a model, aliases as people write them."""
    model: Any = kind
    for part in loc:
        if isinstance(part, int) or model is None:
            continue
        field = next(
            (f for n, f in model.model_fields.items() if part in (n, f.alias)),
            None,
        )
        model = _model_in(field.annotation) if field else None
    return sorted(f.alias or n for n, f in model.model_fields.items()) if model else []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None


def spec_names(folder: Path) -> list[str]:
    """Every file of a folder of the catalogue, by name and sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def find_spec(
    text: str, kind: type[SpecT], folder: Path, *, word: str, files: tuple[str, ...] = YAML
) -> SpecT:
    """A spec by its name in the catalogue or by its file.

    Args:
        text: what the user wrote.
        kind: the model of such files.
        folder: of the catalogue.
        word: what the model is called in messages, e.g. `suite`.
        files: suffixes of the files that can stand for one.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    known = spec_names(folder)
    if text in known:
        return read_spec(folder / f"{text}.yaml", kind)
    path = user_path(text)
    if path.suffix.lower() in YAML and path.is_file():
        return read_spec(path, kind)
    if path.is_file():
        kinds = " or ".join(f"a {suffix}" for suffix in files if suffix != YAML[1])
        raise SpecError(f"{text}: is a file, but a {word} is {kinds} file")
    if not text.strip():
        raise SpecError(f'"{text}" names no {word}')
    if not re.fullmatch(NAME, text) or path.suffix.lower() in FILES:
        raise SpecError(f"{text}: no such file{_near_files(path)}")
    raise SpecError(f'no {word} "{text}" in the catalogue{did_you_mean(text, known)}')


def _near_files(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent}"
    try:
        near = [p.name for p in path.parent.iterdir() if p.suffix.lower() in FILES]
    except OSError:  # a folder that may be entered but not listed
        return ""
    # Close names only: "known: whatever else lies here" would help nobody.
    nearest = did_you_mean(path.name, near)
    return "" if nearest.startswith(" (known") else nearest


@contextmanager
def reachable(text: str) -> Iterator[None]:
    """A path that may not be looked at, or is too long to be one, is the user's mistake."""
    try:
        yield
    except OSError as error:
        raise SpecError(f"{text[:200]}: cannot be looked at ({error.strerror})") from error
