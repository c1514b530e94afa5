"""Candidate -> what its runtime loads: fetched, quantised or converted here, then read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import ArtifactError, RuntimeFailure, SpecError
from evals.fetch.artifact import Artifact, Progress, fetch
from evals.fetch.cache import disk_error
from evals.fetch.split_files import split_paths
from runners.candidates import converted, quantized
from runners.candidates.app_file import app_file
from runners.candidates.catalogue import find_candidate
from runners.candidates.gguf_header import GgufHeader, Quantisation, quantisation
from runners.candidates.gguf_parts import model_sha256, read_model
from runners.candidates.next_token import check_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

    from runners.candidates.model_folder import ModelFolder
    from runners.candidates.spec import Candidate, Quantize

MAX_LADDER = 4
"""Quantised from quantised from …: further is a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A candidate's weights, and what their file says. Runtime `fake` has none: all is empty."""

    path: Path | None
    sha256: str | None
    bytes: int
    verified: bool
    """The file, or the one that it was made from, has the hash that its author pinned."""
    source_uri: str | None
    made_from: str | None
    """The source candidate and its quantisation, where the weights were quantised here."""
    quantisation: Quantisation | None
    parameters: int | None
    architecture: str | None
    chat_template: bool
    """The file carries one."""
    trained_context: int | None
    """Context that the model was trained for, in tokens."""


def resolve(
    candidate: Candidate,
    *,
    accepted: frozenset[str] = frozenset(),
    offline: bool = False,
    progress: Progress | None = None,
    find: Callable[[str], Candidate] = find_candidate,
    convert: bool = True,
) -> Weights:
    """Bring a candidate's weights here.

    Args:
        candidate: what to fetch or make.
        accepted: the licence gates that the user accepts.
        offline: use what is here and nothing else; quantising needs no network.
        progress: told of transfers as they go.
        find: looks up the candidate that one is quantised from.
        convert: False: a GGUF whose runtime loads folders alone is left as it is.

    Raises:
        ArtifactError: not fetched, not what was expected, or its licence is not accepted.
        RuntimeFailure: the quantiser is missing or failed.
        SpecError: the candidate that it is made from does not exist, or is made from this one.
    """
    resolver = _Resolver(accepted=accepted, offline=offline, progress=progress, find=find)
    return resolver.loadable(candidate) if convert else resolver.stored(candidate)


def is_converted(candidate: Candidate) -> bool:
    """True: its weights are a GGUF that is made into a folder for its runtime."""
    spec = candidate.runtime_spec
    return candidate.has_weights and spec.converts and not converted.names_folder(candidate)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolver:
    """Brings weights here with one set of options; see `resolve`."""

    accepted: frozenset[str]
    offline: bool
    progress: Progress | None
    find: Callable[[str], Candidate]

    def loadable(self, candidate: Candidate) -> Weights:
        """Weights in a format that the candidate's runtime loads."""
        if not is_converted(candidate):
            return self.stored(candidate)
        converted.library_version(candidate.runtime_spec.converter)  # before anything is fetched
        return _converted(candidate, self.stored(candidate))

    def stored(self, candidate: Candidate, above: tuple[str, ...] = ()) -> Weights:
        """The weights as their author, or llama.cpp's quantiser, made them."""
        _check_licence(candidate, self.accepted)
        if not candidate.has_weights:
            return replace(no_weights(), made_from=candidate.made_from)
        if candidate.quantize is not None:
            return self._quantised(candidate, candidate.quantize, (*above, candidate.name))
        uri = candidate.weights or ""
        if "app" in candidate.runtime_spec.formats:
            return _of_app(candidate, uri)
        kind = candidate.runtime_spec.folder
        if kind is not None and converted.names_folder(candidate):
            folder = converted.fetch_folder(uri, kind, offline=self.offline, progress=self.progress)
            return _of_folder(folder, candidate, uri)
        artifact = fetch(
            uri,
            sha256=candidate.sha256,
            packages_sha256=candidate.packages_sha256,
            check=read_model,
            offline=self.offline,
            progress=self.progress,
        )
        pinned = candidate.sha256 is not None
        return described(
            artifact, verified=pinned, source_uri=artifact.uri, made_from=candidate.made_from
        )

    def _quantised(self, candidate: Candidate, made: Quantize, above: tuple[str, ...]) -> Weights:
        """A GGUF made here from another candidate's."""
        wanted = made.source
        if wanted in above or len(above) > MAX_LADDER:
            raise SpecError(f"{candidate.name}: is quantised in a circle: {' from '.join(above)}")
        version = quantized.quantiser_version()
        source = self.stored(self.find(wanted), above)
        if source.path is None or source.sha256 is None:
            raise SpecError(f"{candidate.name}: {wanted} has no weights to quantise")
        file = Artifact(uri=wanted, path=source.path, sha256=source.sha256, bytes=source.bytes)
        try:
            artifact = quantized.quantised(candidate, made.type, file, version)
        except OSError as error:
            raise disk_error(candidate.name, error) from error
        made_from = f"{wanted} ({source.quantisation.name})" if source.quantisation else wanted
        return described(
            artifact, verified=source.verified, source_uri=source.source_uri, made_from=made_from
        )


def _converted(candidate: Candidate, source: Weights) -> Weights:
    """A folder made here from a GGUF; its digest stays that of the GGUF."""
    converter = candidate.runtime_spec.converter
    if source.path is None or source.sha256 is None or source.quantisation is None:
        raise RuntimeFailure(f"{candidate.name}: has no GGUF to convert")
    if len(split_paths(source.path)) > 1:
        raise ArtifactError(
            f"{candidate.name}: {converter.package} reads no model in parts; join them first: "
            "llama-gguf-split --merge FIRST OUT.gguf"
        )
    folder = converted.convert(
        candidate.name,
        source.path,
        source.sha256,
        next(iter(source.quantisation.share)),
        converter,
    )
    maker = converted.library_version(converter)
    origin = source.made_from or f"{source.path.name} ({source.quantisation.name})"
    return replace(
        source,
        path=folder,
        bytes=sum(shard.stat().st_size for shard in folder.glob(converter.weights)),
        made_from=f"{origin}, converted by {maker}",
    )


def _of_folder(folder: ModelFolder, candidate: Candidate, uri: str) -> Weights:
    if candidate.sha256 not in (None, folder.sha256):
        raise ArtifactError(
            f"{uri}: the folder's digest is {folder.sha256}, expected {candidate.sha256}; correct "
            "sha256, or find out who changed the files"
        )
    return Weights(
        path=folder.path,
        sha256=folder.sha256,
        bytes=folder.bytes,
        verified=candidate.sha256 is not None,
        source_uri=uri,
        made_from=candidate.made_from,
        quantisation=folder.quantisation,
        parameters=folder.parameters,
        architecture=folder.architecture,
        chat_template=folder.chat_template,
        trained_context=folder.trained_context,
    )


def _of_app(candidate: Candidate, uri: str) -> Weights:
    """An app's code, which stands for weights that only the app knows."""
    path, digest = app_file(uri)
    if candidate.sha256 not in (None, digest):
        raise ArtifactError(
            f"{uri}: the digest of the app's code is {digest}, expected {candidate.sha256}; "
            "correct sha256, or find out who changed the files"
        )
    pinned = candidate.sha256 is not None
    return replace(no_weights(), path=path, sha256=digest, source_uri=uri, verified=pinned)


def _check_licence(candidate: Candidate, accepted: frozenset[str]) -> None:
    gate = candidate.licence_gate
    if gate and gate not in accepted:
        terms = re.search(r"https://\S+", candidate.licence)
        where = terms[0].rstrip(".,;)") if terms else candidate.licence or "ask its author"
        raise ArtifactError(
            f"{candidate.name}: its licence must be accepted first: "
            f"add --accept-license {gate} (terms: {where})"
        )


def no_weights() -> Weights:
    """Empty weights, for a runtime that needs none or after a failed fetch."""
    return Weights(
        path=None,
        sha256=None,
        bytes=0,
        verified=False,
        source_uri=None,
        made_from=None,
        quantisation=None,
        parameters=None,
        architecture=None,
        chat_template=False,
        trained_context=None,
    )


def described(
    artifact: Artifact, *, verified: bool, source_uri: str | None, made_from: str | None
) -> Weights:
    """Weights in a GGUF, with what its header says.

    Raises:
        ArtifactError: it is damaged, or no part of a whole model.
    """
    header = read_model(artifact.path)
    check_gguf(header, artifact.uri)
    return Weights(
        path=artifact.path,
        sha256=model_sha256(artifact.path, artifact.sha256),
        bytes=header.bytes,
        # A pinned hash is that of the first part.
        verified=verified and len(split_paths(artifact.path)) == 1,
        source_uri=source_uri,
        made_from=made_from,
        quantisation=quantisation(header),
        parameters=header.parameters,
        architecture=header.architecture,
        chat_template=bool(header.metadata.get("tokenizer.chat_template")),
        trained_context=_trained_context(header),
    )


def _trained_context(header: GgufHeader) -> int | None:
    value = header.metadata.get(f"{header.architecture}.context_length")
    return value if isinstance(value, int) and value > 0 else None
