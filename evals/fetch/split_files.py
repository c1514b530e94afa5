"""Models in several files: `NAME-00001-of-00003.gguf` and its sisters, all in one folder."""

from __future__ import annotations

import re
from pathlib import Path

_PART = re.compile(r"(?P<name>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf", re.IGNORECASE)
MOST_PARTS = 999


def split_names(name: str) -> list[str]:
    """Names of all parts of the model that a part's name belongs to; of any other name, itself."""
    found = _PART.fullmatch(name)
    count = int(found["parts"]) if found else 1
    if found is None or not 1 <= int(found["part"]) <= count <= MOST_PARTS:
        return [name]
    return [f"{found['name']}-{part:05d}-of-{count:05d}.gguf" for part in range(1, count + 1)]


def split_paths(path: Path) -> list[Path]:
    """All files of a model, by the path of one of them."""
    return [path.with_name(name) for name in split_names(path.name)]


def whole_name(name: str) -> str:
    """A part's name without its number; any other name as it is."""
    found = _PART.fullmatch(name)
    return f"{found['name']}.gguf" if found else name
