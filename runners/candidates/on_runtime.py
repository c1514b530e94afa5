"""The same weights on another runtime, without a file of their own."""

from __future__ import annotations

from evals.errors import SpecError
from evals.spec_file import MAX_NAME, check_spec
from runners.candidates.spec import Candidate
from runners.runtimes.table import find_runtime


def on_runtime(candidate: Candidate, runtime: str) -> Candidate:
    """A candidate as another runtime runs it; its name then ends in the runtime's.

    Args:
        candidate: whose weights, and settings that both runtimes have, are kept.
        runtime: a name of the table.

    Raises:
        SpecError: there is no such runtime, or it lacks a setting that the candidate's file chose,
            takes no weights, or needs more than weights.
    """
    spec = find_runtime(runtime)
    if runtime == candidate.runtime:
        return candidate
    chosen = candidate.settings.model_dump(exclude_unset=True)
    foreign = sorted(set(chosen) - set(spec.settings.model_fields))
    if foreign:
        raise SpecError(
            f"candidate {candidate.name}: its file sets {foreign[0]}, which runtime {runtime} has "
            "not; give that runtime a file of its own"
        )
    told = candidate.model_dump(exclude_unset=True, by_alias=True, exclude={"settings"})
    name = f"{candidate.name}-{runtime}"[:MAX_NAME]
    changed = {"name": name, "family": candidate.family or candidate.name, "runtime": runtime}
    return check_spec(
        {**told, **changed, "settings": chosen},
        Candidate,
        where=f"candidate {candidate.name} on runtime {runtime}",
    )
