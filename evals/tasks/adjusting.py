"""What a suite changes of a task as lm-eval loads it: few-shot, generation, metadata."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.errors import SpecError
from evals.tasks.generation import read_generation

_log = logging.getLogger("weighin")
TOKENIZERS = ("tokenizer", "pretrained", "model")
"""Keys of metadata by which lm-eval's synthetic tasks name a tokenizer."""
_CODE = "auto_map"
"""Key of a folder's settings that names Python files to be run."""


def set_fewshot(name: str, task: Any, asked: int | None) -> int:
    """Examples before each question; lm-eval's own rule: a YAML that says 0 means it."""
    own = task.get_config("num_fewshot")
    if asked and own == 0:
        _log.warning(
            "task %s: its YAML fixes num_fewshot at 0, so the %d asked for are ignored", name, asked
        )
        asked = 0
    shots = int(own or 0) if asked is None else asked
    task.set_config("num_fewshot", shots)
    return shots


def set_generation(name: str, task: Any, given: Mapping[str, Any]) -> None:
    """Change a generation task's arguments, as lm-eval's `--gen_kwargs` does.

    Raises:
        SpecError: an argument that Weighin does not have, a wrong value, or more answers taken than
            are generated.
    """
    if task.OUTPUT_TYPE != "generate_until":
        return
    own = task.get_config("generation_kwargs") or {}
    if given:
        task.set_config("generation_kwargs", {**own, **given})
    read_generation(name, task.get_config("generation_kwargs") or {})
    _check_repeats(name, task)


def _check_repeats(name: str, task: Any) -> None:
    """Refuse `take_first_k` of more answers than there will be, which lm-eval notices afterwards.

    Raises:
        SpecError: it asks for more than `repeats`.
    """
    repeats = int(task.get_config("repeats") or 1)
    for ensemble in task._filters:
        for build in ensemble.filters:
            wanted = getattr(build(), "k", None)
            if isinstance(wanted, int) and wanted > repeats:
                raise SpecError(
                    f'task "{name}": filter "{ensemble.name}" takes the first {wanted} answers and '
                    f"repeats is {repeats}: set repeats to {wanted} or more in its YAML"
                )


def refuse_foreign_tokenizer(metadata: Mapping[str, Any], *, trusted: bool) -> None:
    """Refuse a tokenizer whose own Python lm-eval would run: it loads any with that allowed.

    Raises:
        SpecError: metadata name a repository, or a folder that brings code.
    """
    for key in TOKENIZERS:
        named = metadata.get(key)
        if named is None or trusted:
            continue
        folder = Path(str(named)).expanduser()
        if not folder.is_dir():
            raise SpecError(
                f"metadata.{key}: {str(named)[:80]!r} is no folder here, and lm-eval would run "
                "what a repository of that name brings: give a folder, or --trust-tasks"
            )
        if file := _with_code(folder):
            raise SpecError(
                f"metadata.{key}: {file} brings Python code ({_CODE}), which lm-eval would run: "
                "--trust-tasks if you trust whoever wrote it"
            )


def tokenizer_of(folder: Path | None) -> dict[str, Any]:
    """Metadata that name a candidate's tokenizer; none where it has none, or one with code."""
    if folder is None or not (folder / "tokenizer.json").is_file() or _with_code(folder):
        return {}
    return {"tokenizer": str(folder)}


def _with_code(folder: Path) -> Path | None:
    """The file of a tokenizer's folder that names Python files to be run."""
    files = (folder / name for name in ("tokenizer_config.json", "config.json"))
    return next((file for file in files if _brings_code(file)), None)


def _brings_code(path: Path) -> bool:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(settings, dict) and _CODE in settings
