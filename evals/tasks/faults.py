"""Turn what lm-eval raises over somebody's task into one line of ours.

A task file can hold templates and name Python functions, so lm-eval raises nearly anything.
Here those become one line that names the task and its file.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import jinja2
import yaml

from evals.errors import ArtifactError, SpecError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TASK_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,  # Python's parser, for a text that lm-eval reads as a list
    NameError,
    RuntimeError,
    StopIteration,  # datasets, for a file without rows
    SyntaxError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
    re.error,  # of a filter
    yaml.YAMLError,
)
"""Everything but OSError, which is about data."""

_NO_HUB = (
    "load it once where the hub can be reached, set HF_ENDPOINT to a mirror, "
    "or choose a task with packaged data (weighin list tasks)"
)
_TOKENIZER = ' Here: --metadata \'{"tokenizer": "FOLDER"}\', or a candidate that is a folder.'
_NO_DATA = "look at dataset_path, dataset_name and data_files in its YAML"


@contextlib.contextmanager
def task_faults(name: str, path: Path | None) -> Iterator[None]:
    """Turn what lm-eval raises about a task into our errors.

    Raises:
        SpecError: the task's file, template or function is wrong, or it has no documents.
        ArtifactError: its data set is missing or cannot be reached.
    """
    where = f"{path}: " if path else ""
    try:
        yield
    except OSError as error:
        advice = _NO_HUB if isinstance(error, ConnectionError) else _NO_DATA
        raise ArtifactError(
            f'{where}the data of task "{name}" cannot be had ({one_line(error)}); {advice}'
        ) from error
    except TASK_FAULTS as error:
        what = "has no documents" if _is_empty(error) else f"cannot be built: {one_line(error)}"
        if "tokenizer" in what and "--model_args" in what:  # lm-eval's own advice
            what += _TOKENIZER
        if isinstance(error, IndexError) and not _is_empty(error):
            what += " (look at its first document: has it choices, is its gold label among them?)"
        raise SpecError(f'{where}task "{name}" {what}') from error


def _is_empty(error: BaseException) -> bool:
    """True for what datasets raises when the first of no rows is asked for."""
    return isinstance(error, StopIteration) or (
        isinstance(error, IndexError) and "size 0" in str(error)
    )
