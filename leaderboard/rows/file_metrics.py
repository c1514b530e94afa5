"""Metrics of a candidate's file, which are facts: they vary with no item and no run."""

from __future__ import annotations

from leaderboard.rows.metric import Limit, Metric, Tolerance, fact
from leaderboard.rows.readers import bits_per_weight
from leaderboard.units import MIB, MILLION, PLAIN, format_parameters

FILE_METRICS = (
    Metric(
        key="disk",
        name="weights_bytes",
        title="weights on disk",
        short="weights",
        hint="Size of the weights on disk.",
        unit=MIB,
        better="lower",
        over="file",
        run=lambda record, _workload: record.candidate.weights_bytes,
        combine=fact,
        usual=True,
        axis=True,
        limit=Limit(address="disk_mib", label="disk, MiB", what="size on disk", part="have"),
        gate=Tolerance(what="weights file", margin=0.05, severity="warn"),
    ),
    Metric(
        key="parameters",
        name="parameters",
        title="parameters",
        short="parameters",
        hint="Read from the file.",
        unit=MILLION,
        better="lower",
        over="file",
        run=lambda record, _workload: record.candidate.parameters,
        combine=fact,
        limit=Limit(
            address="parameters_m",
            label="parameters",
            what="parameters",
            part="choose",
            stops=(1_000.0, 4_000.0, 8_000.0, 32_000.0),
            show=format_parameters,
        ),
    ),
    Metric(
        key="bits",
        name="bits_per_weight",
        title="bits per weight",
        short="bits/weight",
        hint="Read from the file.",
        unit=PLAIN,
        better="lower",
        over="file",
        run=bits_per_weight,
        combine=fact,
        usual=True,
        limit=Limit(
            address="bits",
            label="bits per weight",
            what="bits per weight",
            part="choose",
            stops=(2.0, 3.0, 4.0, 5.0, 6.0, 8.0),
            most=64.0,
        ),
    ),
)
