"""Describe the candidate and the suite of a job for its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.suites import REQUESTS
from runners.compute.budget_use import with_mapping
from runners.records.record import CandidateInfo, QuantisationInfo, SuiteInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.worker import protocol


def candidate_info(job: Job, measured: Measured) -> CandidateInfo:
    """The candidate as this machine resolved it."""
    candidate, weights, loaded = job.candidate, job.weights, measured.model
    used = with_mapping(job.settings, allowed=measured.page_cache.mmap)
    settings = {k: v for k, v in used.items() if v not in ({}, ())}  # one that was told nothing
    settings |= {"chat_template": candidate.chat.template, **candidate.asking}
    if job.elsewhere:
        settings.pop("threads", None)  # those of another machine
        settings = {key: value for key, value in settings.items() if value is not None}
    if loaded is not None:
        settings["context"] = loaded.context or None
    if loaded is not None and loaded.compute:
        settings |= {"dtype": loaded.compute, "device": loaded.device}
    settings |= _on_device(settings, loaded)
    if not settings.get("gpu_layers", True):
        settings.pop("device", None)  # of a runtime that put nothing there
    if loaded is not None and loaded.serve:
        settings["serve"] = loaded.serve
    quantisation = None
    if weights.quantisation is not None:
        quantisation = QuantisationInfo(
            name=_computed_in(weights.quantisation.name, loaded.compute if loaded else ""),
            bits_per_weight=weights.quantisation.bits_per_weight,
            share=dict(weights.quantisation.share),
        )
    # An app's file is none of its weights, which it loads itself.
    unknown = bool(job.elsewhere) or "app" in candidate.runtime_spec.formats
    return CandidateInfo(
        name=candidate.name,
        family=candidate.family or candidate.name,
        runtime=candidate.runtime,
        digest=job.candidate_digest,
        source=weights.source_uri,
        made_from=weights.made_from,
        weights_sha256=weights.sha256,
        weights_verified=weights.verified,
        weights_bytes=None if unknown else weights.bytes,
        parameters=weights.parameters,
        architecture=weights.architecture,
        quantisation=quantisation,
        licence=candidate.licence,
        settings=settings,
        chosen=job.chosen,
        notes=candidate.notes,
    )


def _on_device(settings: Mapping[str, Any], loaded: protocol.Loaded | None) -> dict[str, Any]:
    """Device and layers as they were used, where a part of the model was on a device."""
    offloaded = loaded.offloaded if loaded else None
    if offloaded is None or "gpu_layers" not in settings:
        return {}
    used = {"device": ", ".join(one.name for one in offloaded.devices)}
    return used if offloaded.layers is None else {**used, "gpu_layers": offloaded.layers}


def _computed_in(weights: str, compute: str) -> str:
    """Type of the weights and, where it differs, the type that they are computed in."""
    short = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}.get(compute, weights)
    return weights if short == weights else f"{weights} weights, {short.lower()} compute"


def suite_info(job: Job) -> SuiteInfo:
    """The suite as it was run."""
    return SuiteInfo(
        name=job.suite.name,
        version=job.suite.version,
        digest=job.suite_digest,
        seed=job.suite.seed,
        tasks=[task.model_dump(exclude_none=True) for task in job.suite.tasks],
        workloads=[workload.name for workload in job.suite.workloads],
        latency_repeats=job.suite.latency_repeats or REQUESTS,
        options=job.suite.options,
        requests={w.name: w.requests for w in job.suite.workloads if w.requests is not None},
    )
