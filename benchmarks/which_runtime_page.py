"""Write what `which_runtime.py` found as a section of benchmarks/figures/which_runtime.md."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "figures" / "which_runtime.md"
INTRO = """# Which runtime

```bash
python benchmarks/which_runtime.py --docs
```

The same weights on each runtime, on one machine: a GGUF as it is (`llamacpp`, `llama-server`),
what openvino-genai and MLX make of it, blocks and all (`openvino`, `mlx`),
and widened to 16 bits in a folder of safetensors, which is what `hf` loads.
Default settings, one user, all usable cores; runtimes take turns, and the unit is the process run.
In brackets the ratio to the first runtime with its 95 % interval, paired by round.
Accuracy is over the same items of ARC-Easy, with one standard error;
*same* counts the items on which a runtime is right or wrong as the first one is.
*Cold start* is from the start of the process to the first token.
Ratios turn round from one processor to the next: look for yours, or run it.
"""


def section(report: dict[str, Any]) -> str:
    """Heading, conditions and table, in Markdown."""
    first = report["sides"][0]
    lines = [
        _heading(report),
        "",
        f"{report['date']}, {report['rounds']} rounds{_disturbed(report)}.",
        "",
        "| runtime | accuracy | same | TTFT, s | decode, tokens/s | cold start, s | peak, MiB |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_row(one, first) for one in report["sides"]]
    builds = "; ".join(f"{one['runtime']} {one['version']}" for one in report["sides"])
    return "\n".join([*lines, "", f"Builds: {builds}.", ""])


def update(report: dict[str, Any]) -> None:
    """Put the section into the page, in place of an earlier one of the same heading."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else INTRO
    parts = re.split(r"(?m)^(?=## )", text)
    heading = f"{_heading(report)}\n"
    kept = [part.rstrip() + "\n" for part in parts[1:] if not part.startswith(heading)]
    PAGE.write_text("\n".join([INTRO, *kept, section(report)]), encoding="utf-8")


def _heading(report: dict[str, Any]) -> str:
    return f"## {report['processor']}: {report['candidate']}, {report['workload']} tokens"


def _row(side: dict[str, Any], first: dict[str, Any]) -> str:
    n = len(side["correct"])
    share = statistics.fmean(side["correct"])
    error = (share * (1 - share) / n) ** 0.5
    computes = f", {side['computes']}" if side["computes"] else ""
    cells = [
        f"{side['runtime']}{computes}",
        f"{share:.3f} ± {error:.3f}",
        f"{side['same']} of {n}",
        *(
            _cell(side, name, digits, scale)
            for name, digits, scale in (
                ("ttft_s", 3, 1.0),
                ("decode_tokens_per_s", 1, 1.0),
                ("cold_start_s", 2, 1.0),
                ("peak_bytes", 0, 2.0**-20),
            )
        ),
    ]
    if side is first:
        cells[2] = "-"
    return f"| {' | '.join(cells)} |"


def _cell(side: dict[str, Any], name: str, digits: int, scale: float) -> str:
    median = scale * statistics.median(side["values"][name])
    ratio = side["ratios"][name]
    text = f"{median:.{digits}f}"
    if ratio["ratio"] == 1 and not (ratio["log_stderr"] or 0):
        return text
    interval = ratio["interval"]
    between = f", {interval['low']:.2f} to {interval['high']:.2f}" if interval else ""
    return f"{text} ({ratio['ratio']:.2f}{between})"


def _disturbed(report: dict[str, Any]) -> str:
    if report["anyway"]:
        return ", beside other work: the times are not to be relied on"
    return f", {report['disturbed']} more left out as disturbed" if report["disturbed"] else ""
