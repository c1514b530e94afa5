"""The same weights in the forms that the sides read, made once and kept in the cache."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.plain import Plain
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate, Quantize
from runners.candidates.weights import resolve

F16 = "smollm2-135m-instruct-f16"


def gguf(type_name: str) -> Path:
    """The F16 rung, or what llama.cpp's quantiser makes of it.

    Raises:
        WeighinError: it cannot be fetched or made.
    """
    if type_name == "F16":
        return _path(find_candidate(F16))
    quantize = Quantize.model_validate({"from": F16, "type": type_name})
    return _path(Candidate(name=f"benchmark-{type_name.lower()}", quantize=quantize))


def safetensors() -> Path:
    """The F16 rung as a folder that transformers reads.

    Raises:
        WeighinError: it cannot be fetched or converted.
    """
    return _path(find_candidate(F16).model_copy(update={"runtime": "hf"}))


def tiny() -> Path:
    """A random Llama of a third of a megabyte, the tests' own, with the 256 bytes as its tokens."""
    from tests.support import tiny_gguf

    path = Path(tempfile.mkdtemp(prefix="weighin-benchmark-")) / "tiny.gguf"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return tiny_gguf.write(path, "llama")


def _path(candidate: Candidate) -> Path:
    path = resolve(candidate).path
    if path is None:
        raise FileNotFoundError(f"{candidate.name} has no weights")
    return path


def cut_otherwise(
    requests: Iterable[tuple[str, str]], path: Path, folder: Path
) -> set[tuple[str, str]]:
    """The requests whose text transformers' tokenizer and llama.cpp's cut into other tokens."""
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder)
    mine = Plain(path, length=32)

    def differs(text: str) -> bool:
        return bool(theirs.encode(text, add_special_tokens=False) != mine.encode(text, False))

    # The context by itself, too: its length is where the whole text is split.
    found = {(c, t) for c, t in requests if differs(c + t) or differs(c.rstrip())}
    mine.close()
    return found
