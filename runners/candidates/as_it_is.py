"""Is a stored run of a candidate as its file is now? Told without running anything.

The weights' sha256 is taken from the file where it is here, else from the candidate's pin; nothing
is fetched, quantised or converted for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError, RuntimeFailure
from evals.fetch.artifact import Artifact
from runners.candidates import quantized, weights
from runners.candidates.catalogue import candidate_names, find_candidate
from runners.candidates.chosen import chosen_settings

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.records.record import Record

_REMOTE = re.compile(r"(pypi|hf|https?):")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItIs:
    """Present state of a candidate: its settings, and the weights that its file names."""

    candidate: Candidate
    chosen: dict[str, Any]
    """Settings that someone chose, without defaults."""
    sha256: str | None
    """SHA-256 of the weights; None without weights, and where they are neither here nor pinned."""
    recipe: str | None = None
    """Source and quantisation of weights that the catalogue makes from a pinned file, where they
    are not made yet."""

    def why_not(self, record: Record) -> str:
        """Why a run is not one of this candidate; empty where it is.

        Args:
            record: of a run of the same name.
        """
        about = record.candidate
        if record.imported is not None:
            return "was imported from another harness"
        if about.runtime != self.candidate.runtime:
            return f"ran on runtime {about.runtime}, which is {self.candidate.runtime} now"
        if about.chosen != self.chosen:
            return f"had the settings {about.chosen}, which are {self.chosen} now"
        if self.sha256 is not None or not self.candidate.has_weights:
            same = about.weights_sha256 == self.sha256
            if same:
                return ""
            return f"had weights with sha256 {about.weights_sha256}, which is {self.sha256} now"
        if self.recipe is not None and about.weights_verified and about.source == self.recipe:
            return ""
        return (
            "cannot be held against the candidate's weights, which are not here: `weighin fetch "
            f"{self.candidate.name}` brings them, and a run id is judged as it is"
        )


def as_it_is(candidate: Candidate) -> AsItIs:
    """Look at a candidate's settings and weights.

    Raises:
        ArtifactError: its weights are a file that is not there, or not what was expected.
        SpecError: what it is made from does not exist.
    """
    found = _here(candidate)
    context = found.trained_context if found else None
    return AsItIs(
        candidate=candidate,
        chosen=chosen_settings(candidate, context),
        sha256=found.sha256 if found else candidate.sha256,
        recipe=None if found else _recipe(candidate),
    )


def _here(candidate: Candidate, depth: int = 0) -> weights.Weights | None:
    """The weights of a candidate as they lie here; None where they do not."""
    if candidate.quantize is not None:
        return _made_here(candidate, depth) if depth < weights.MAX_LADDER else None
    gates = frozenset({candidate.licence_gate} if candidate.licence_gate else ())
    try:
        # Its digest is that of the GGUF, whatever converts it.
        return weights.resolve(candidate, accepted=gates, offline=True, convert=False)
    except ArtifactError:
        if _REMOTE.match(candidate.weights or ""):
            return None
        raise


def _made_here(candidate: Candidate, depth: int) -> weights.Weights | None:
    made = candidate.quantize
    source = _here(find_candidate(made.source), depth + 1) if made else None
    if made is None or source is None or source.path is None or source.sha256 is None:
        return None
    file = Artifact(uri=made.source, path=source.path, sha256=source.sha256, bytes=source.bytes)
    try:
        kept = quantized.kept(candidate, made.type, file, quantized.quantiser_version())
    except RuntimeFailure:
        return None
    if kept is None:
        return None
    return weights.described(
        kept, verified=source.verified, source_uri=source.source_uri, made_from=made.source
    )


def _recipe(candidate: Candidate) -> str | None:
    """The pinned file that the catalogue makes a candidate's weights from.

    A user's own file may have changed its type of quantisation since; the catalogue's do not.
    """
    if candidate.quantize is None or candidate.name not in candidate_names():
        return None
    if find_candidate(candidate.name) != candidate:
        return None
    source = find_candidate(candidate.quantize.source)
    if source.quantize is not None:
        return _recipe(source)
    return source.weights if source.sha256 else None
