"""An app's file as what is shipped: known by the code in its folder, since its weights are not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from evals.errors import ArtifactError
from evals.fetch.cache import user_path
from evals.files import read_small

MOST_BYTES = 4 * 2**20
MOST_FILES = 500
BESIDE = ("*.py", "requirements*.txt", "packages.txt", "pyproject.toml")
"""Files of the app's folder that its digest is over."""


def is_app(path: Path) -> bool:
    """True for a Python file that names Gradio: another is not run by mistake."""
    if path.suffix.lower() != ".py" or not path.is_file():
        return False
    try:
        return re.search(r"\bgradio\b", read_small(path, MOST_BYTES)) is not None
    except (OSError, UnicodeDecodeError):
        return False


def app_file(uri: str) -> tuple[Path, str]:
    """The app's file, and the digest over its code and what it asks to be installed.

    Weights that the app loads are not known here, nor what it imports from other folders.

    Raises:
        ArtifactError: it is no Python file, or a file beside it cannot be read.
    """
    path = user_path(uri.removeprefix("file:")).absolute()
    if path.suffix != ".py" or not path.is_file():
        raise ArtifactError(f"{uri}: is no Python file of an app")
    digest = hashlib.sha256()
    for file in sorted({path, *(one for glob in BESIDE for one in path.parent.glob(glob))})[
        :MOST_FILES
    ]:
        try:
            text = read_small(file, MOST_BYTES)
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(f"{file}: cannot be read ({error})") from error
        name = "app" if file == path else file.name
        digest.update(f"{name}\0{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
    return path, digest.hexdigest()
