"""A GGUF model as a whole, be it one file or several."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from evals.fetch.cache import remembered_sha256
from evals.fetch.split_files import split_paths
from runners.candidates.gguf_header import GgufHeader, read_header

if TYPE_CHECKING:
    from pathlib import Path


def read_model(path: Path) -> GgufHeader:
    """The header of a model; of one in parts, the first part's with the tensors of all.

    Args:
        path: the file, or the first part.

    Raises:
        ArtifactError: a part is damaged or missing, or the path is not the first one's.
    """
    first = read_header(path)
    count = first.metadata.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return first
    paths = split_paths(path)
    if len(paths) != count:
        raise ArtifactError(
            f"{path}: is one of {count} parts, which is not called NAME-00001-of-{count:05d}.gguf: "
            "give them their names back"
        )
    if path.name != paths[0].name:
        raise ArtifactError(f"{path}: is one of {count} parts; name the first: {paths[0].name}")
    missing = [part.name for part in paths if not part.is_file()]
    if missing:
        raise ArtifactError(
            f"{path}: {len(missing)} of its {count} parts are not beside it, e.g. {missing[0]}"
        )
    headers = [first, *map(read_header, paths[1:])]
    return replace(
        first,
        tensors=tuple(tensor for header in headers for tensor in header.tensors),
        parameters=sum(header.parameters for header in headers),
        bytes=sum(header.bytes for header in headers),
    )


def model_sha256(path: Path, first: str) -> str:
    """SHA-256 of a model; of one in parts, of what `sha256sum NAME-*.gguf` prints for them.

    Args:
        path: the file, or the first part.
        first: SHA-256 of that file.
    """
    paths = split_paths(path)
    if len(paths) == 1:
        return first
    digests = [first, *map(remembered_sha256, paths[1:])]
    lines = "".join(f"{digest}  {part.name}\n" for digest, part in zip(digests, paths, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()
