"""Which file of a hub's repository is meant: its only GGUF, or one by its name or quantisation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from evals.errors import ArtifactError, did_you_mean
from evals.fetch.split_files import split_names, whole_name

MOST_NAMED = 40
_QUANTISATION = re.compile(
    r"(?<![a-z0-9])((?:UD-)?(?:(?:I?Q|TQ)\d(?:_[a-z0-9]+)*|BF16|F16|F32|MXFP4(?:_MOE)?|NVFP4))(?![a-z0-9])",
    re.IGNORECASE,
)


def choose(uri: str, wanted: str | None, files: Sequence[str]) -> str:
    """Choose the file of a repository; of a model in parts, the first.

    Args:
        uri: for messages.
        wanted: a file's path, a quantisation such as `Q4_K_M`, or None: the only model.
        files: every file of the repository.

    Raises:
        ArtifactError: none, or several, are meant; the message names those that are near.
    """
    if wanted is not None and wanted in files:
        return split_names(wanted)[0]
    models = gguf_models(files)
    if not models:
        raise ArtifactError(
            f"{uri}: the repository has no .gguf; look for one that is called -GGUF"
        )
    meant = models if wanted is None else [m for m in models if _means(wanted, m)]
    if len(meant) == 1:
        return meant[0]
    names = short_names(meant or models, models)
    if meant:
        raise ArtifactError(f"{uri}: has {len(meant)} .gguf models; {name_one(uri, names)}")
    near = did_you_mean(str(wanted), names) or did_you_mean(str(wanted), models)
    raise ArtifactError(f"{uri}: the repository has no file {wanted}{near}")


def gguf_models(files: Sequence[str]) -> list[str]:
    """Its GGUF files, each model once, without the projectors that lie beside some."""
    found = [name for name in files if name.lower().endswith(".gguf")]
    models = [name for name in found if "mmproj" not in name.lower()] or found
    return sorted({split_names(name)[0] for name in models})


def _means(wanted: str, model: str) -> bool:
    """A quantisation's name stands in a file's between other characters than its own."""
    if not re.fullmatch(r"[\w-]+", wanted):
        return False
    return bool(
        re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9_])", _stem(model), re.IGNORECASE)
    )


def name_one(uri: str, names: Sequence[str]) -> str:
    """Ask for one of several models, by the names that mean one."""
    few = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
    return f"name one, e.g. {uri.partition('#')[0]}#{names[0]}: {few}"


def short_names(some: Sequence[str], models: Sequence[str]) -> list[str]:
    """What means each of some models of a repository: its quantisation, else its path."""
    return [_short(model, models) for model in some]


def _short(model: str, models: Sequence[str]) -> str:
    """The quantisation that means this file alone, else its path."""
    found = _QUANTISATION.findall(_stem(model))
    alone = found and [m for m in models if _means(found[-1], m)] == [model]
    return found[-1] if alone else model


def _stem(model: str) -> str:
    return PurePosixPath(whole_name(PurePosixPath(model).name)).stem
