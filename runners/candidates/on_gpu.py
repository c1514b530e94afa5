"""A candidate with another number of layers on the GPU: another candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.errors import SpecError
from evals.spec_file import check_spec

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate

SETTING = "gpu_layers"


def with_gpu_layers(candidate: Candidate, layers: int | str) -> Candidate:
    """A candidate whose `settings.gpu_layers` are these.

    Args:
        candidate: of any runtime.
        layers: a number, or `all`.

    Raises:
        SpecError: its runtime has no such setting, or the number is out of range.
    """
    kind = type(candidate.settings)
    if SETTING not in kind.model_fields:
        own = "; settings.device says where it computes" if "device" in kind.model_fields else ""
        raise SpecError(f"{candidate.name}: runtime {candidate.runtime} counts no layers{own}")
    told = {**candidate.settings.model_dump(exclude_unset=True), SETTING: layers}
    settings = check_spec(told, kind, where=f"{candidate.name}: settings")
    return candidate.model_copy(update={"settings": settings})
