"""Records as flat rows, a key a column, for a spreadsheet or a data frame.

Seconds, bytes and shares as they are stored: units are in the names. What was not measured is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.rows.flags import said
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import row
from runners.records.answers import SummaryInfo
from runners.records.record import Record
from runners.records.timed import WorkloadLatency

if TYPE_CHECKING:
    import pyarrow

Flat = dict[str, Any]
MACHINE = (
    "fingerprint", "cpu_model", "cpu_id", "cpu_features", "usable_cpus", "ram_bytes", "gpu",
    "os_family", "os_release",
)  # fmt: skip


def flat_record(record: Record) -> Flat:
    """One record: what it is of, its accuracy, latency, memory, machine, flags and versions."""
    machine, software = record.machine.said(), record.software.said()
    return {
        **_what(record),
        **_accuracy(record),
        **_latency(record),
        **_by_run(record),
        **_memory(record),
        **_gpu(record),
        **_contexts(record),
        **{f"machine.{key}": _cell(machine.get(key)) for key in MACHINE},
        "flags": _names(record, "warning"),
        "notes": _names(record, "note"),
        **{f"software.{key}": _cell(value) for key, value in sorted(software.items())},
    }


def flat_samples(record: Record, samples: pyarrow.Table) -> pyarrow.Table:
    """The item rows of one run, with its run id and candidate in front."""
    import pyarrow as pa

    n = samples.num_rows
    named = samples.add_column(0, "candidate", pa.array([record.candidate.name] * n, pa.string()))
    return named.add_column(0, "run", pa.array([record.run_id] * n, pa.string()))


def _what(record: Record) -> Flat:
    candidate, quantisation = record.candidate, record.candidate.quantisation
    return {
        "run": record.run_id,
        "created_at": record.created_at,
        "batch": record.job.batch,
        "repeat": record.job.repeat,
        "scored": record.job.scores,
        "candidate": candidate.name,
        "family": candidate.family,
        "digest": candidate.digest,
        "runtime": candidate.runtime,
        "quantisation": quantisation.name if quantisation else None,
        "bits_per_weight": quantisation.bits_per_weight if quantisation else None,
        "parameters": candidate.parameters,
        "weights_bytes": candidate.weights_bytes,
        "weights_sha256": candidate.weights_sha256,
        "suite": record.suite.name,
        "suite_version": record.suite.version,
        "suite_digest": record.suite.digest,
        "status": record.status,
        "error": f"{record.error.phase}: {record.error.message}" if record.error else None,
    }


def _accuracy(record: Record) -> Flat:
    found = row(record)
    score = found.score
    interval = score.interval if score else None
    flat: Flat = {
        "accuracy": score.value if score else None,
        "accuracy_reason": found.unscored,
        "accuracy_stderr": score.stderr if score else None,
        "accuracy_low": interval.low if interval else None,
        "accuracy_high": interval.high if interval else None,
    }
    for name, task in record.accuracy.items():
        key = f"accuracy.{name}"
        flat |= {
            key: task.value,
            f"{key}.metric": task.metric,
            f"{key}.stderr": task.stderr,
            f"{key}.n": task.n,
            f"{key}.chance": task.chance,
        }
    return flat


def _latency(record: Record) -> Flat:
    flat: Flat = {}
    for name, workload in record.latency.items():
        flat |= _workload(f"latency.{name}", workload)
    return flat


def _by_run(record: Record) -> Flat:
    """The metrics that a run has one number of."""
    return {
        metric.name: metric.run(record, "")
        for metric in METRICS.values()
        if metric.over == "runs" and not metric.by_workload
    }


def _workload(key: str, workload: WorkloadLatency) -> Flat:
    """Medians, and the slowest of one run's requests: of so few there is no p95."""
    times = {"ttft_s": workload.ttft_s, "tpot_s": workload.tpot_s}
    rates = {
        "prefill_tokens_per_s": workload.prefill_tokens_per_s,
        "decode_tokens_per_s": workload.decode_tokens_per_s,
    }
    flat: Flat = {}
    for name, summary in (times | rates).items():
        flat |= {
            f"{key}.{name}.p50": summary.p50 if summary else None,
            f"{key}.{name}.slowest": _slowest(summary, highest=name in times),
            f"{key}.{name}.n": summary.n if summary else 0,
        }
    return flat


def _slowest(summary: SummaryInfo | None, *, highest: bool) -> float | None:
    if summary is None:
        return None
    return summary.maximum if highest else summary.minimum


def _memory(record: Record) -> Flat:
    if record.memory is None:
        return {}
    peaks = {
        f"memory.{name}.peak_bytes": phase.peak_bytes
        for name, phase in record.memory.phases.items()
    }
    return {**peaks, "memory.source": record.memory.source}


def _contexts(record: Record) -> Flat:
    """What each length of context cost, or why it was not run."""
    flat: Flat = {}
    for name, about in record.contexts.items():
        key = f"context.{name}"
        flat |= {
            f"{key}.tokens": about.tokens,
            f"{key}.opened": about.opened,
            f"{key}.not_run": about.not_run or None,
            f"{key}.prompt_tokens.p50": about.prompt_tokens.p50 if about.prompt_tokens else None,
            f"{key}.ttft_s.p50": about.ttft_s.p50 if about.ttft_s else None,
            f"{key}.ttft_s.slowest": _slowest(about.ttft_s, highest=True),
            f"{key}.peak_bytes": about.peak_bytes,
        }
    return flat


def _gpu(record: Record) -> Flat:
    """Devices, layers and where the figures of GPU memory come from; nothing without a GPU."""
    gpu = record.gpu
    if gpu is None:
        return {}
    return {
        "gpu.devices": "; ".join(one.description or one.name for one in gpu.devices),
        "gpu.layers": gpu.layers,
        "gpu.layers_in_all": gpu.layers_in_all,
        "gpu.source": gpu.source or gpu.reason,
    }


def _names(record: Record, level: str) -> str:
    return "; ".join(dict.fromkeys(f.name for f in said(record) if f.level == level))


def _cell(value: Any) -> Any:
    """Lists of names as text: a cell holds one value."""
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value
