"""The record's `software`: versions, and the runtime's build."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from runners.jobs.measured import Started
from runners.records.circumstances import SoftwareInfo
from runners.records.identity import digest
from runners.runtimes.llamacpp.proven import kernels_not_built
from runners.sandbox.trial import tried

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.worker import protocol


def software_info(job: Job, measured: Measured) -> SoftwareInfo:
    """Versions of what ran, and the runtime's build."""
    started, model = measured.last(Started), measured.model
    ready = started.ready if started else None
    said = model.server if model else None
    left_out = job.proof.left_out or not_built_kernels(job, started)
    known: dict[str, Any] = {"left_out": left_out} if left_out else {}
    if not job.candidate.runtime_spec.tells_gpu:
        known["tells_gpu"] = False
    runs_code = job.scores and not job.unscored and any(t.loaded.executes for t in job.tasks)
    if runs_code and tried().python:
        known["sandbox_python"] = tried().python
    return SoftwareInfo(
        weighin=version("weighin"),
        lm_eval=version("lm_eval"),
        python=platform.python_version(),
        runtime=ready.runtime if ready else None,
        runtime_version=_version(job, ready, said),
        runtime_build=said.kind if said else ready.runtime_build if ready else None,
        runtime_digest=digest(job.build) if job.build else None,
        **known,
    )


def _version(
    job: Job, ready: protocol.Ready | None, said: protocol.ServerSaid | None
) -> str | None:
    """The runtime's version; of a program that it starts, or of a server, that one's own."""
    if ready is not None and job.program and job.program.version:
        return job.program.version
    return said.version if said else ready.runtime_version if ready else None


def not_built_kernels(job: Job, started: Started | None) -> str:
    """Kernels that a build of llama.cpp lacks and this processor could use."""
    if started is None:
        return ""
    ready = started.ready
    return kernels_not_built(ready.runtime, ready.runtime_build, job.machine.cpu_features)
