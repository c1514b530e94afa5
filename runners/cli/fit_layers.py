"""Print what `weighin fit --gpu` found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runners.cli.layout import Column, Grid, console, plain, say, state

if TYPE_CHECKING:
    from runners.batches.fit_layers import LayersFit, LayersProbe


def print_layers(found: LayersFit, *, as_json: bool) -> None:
    """A row a probe, the fewest layers first, and the result in words; or JSON."""
    from leaderboard.units import MISSING, format_number, mib
    from runners.batches.fit_layers import decode_rate, sentence, used_bytes

    if as_json:
        print(json.dumps(_report(found)))
        return
    table = Grid(
        f"layers of {found.reference.candidate.name} on the GPU", "layers", "works",
        Column(heading="why", wrap=True), "GPU MiB", "decode tokens/s",
        Column(heading="run", left=True),
    )  # fmt: skip
    for probe in sorted(found.probes, key=lambda one: (_number(found, one), one.record.run_id)):
        used, decode = used_bytes(probe.record), decode_rate(probe.record)
        table.add_row(
            str(_number(found, probe)),
            state("yes" if probe.works else "no"),
            plain(probe.why),
            MISSING if used is None else format_number(mib(used)),
            MISSING if decode is None else format_number(decode),
            plain(probe.record.run_id.rpartition("-")[2]),
        )
    out = console()
    out.print(table)
    say(out, sentence(found))


def _number(found: LayersFit, probe: LayersProbe) -> int:
    """Layers that a probe asked for, as a number."""
    return found.layers_in_all if probe.layers == "all" else int(probe.layers)


def _report(found: LayersFit) -> dict[str, Any]:
    from runners.batches.fit_layers import used_bytes

    return {
        "candidate": found.reference.candidate.name,
        "layers": found.layers,
        "layers_in_all": found.layers_in_all,
        "limit_bytes": found.limit_bytes,
        "confirmed": found.confirmed,
        "reference_run": found.reference.run_id,
        "probes": [
            {
                "layers": _number(found, probe),
                "works": probe.works,
                "why": probe.why,
                "gpu_bytes": used_bytes(probe.record),
                "gpu_source": probe.record.gpu.source if probe.record.gpu else None,
                "run": probe.record.run_id,
            }
            for probe in found.probes
        ],
    }
