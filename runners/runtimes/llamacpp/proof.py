"""Compute with every kernel: `python -P -m runners.runtimes.llamacpp.proof FOLDER [--plain]`.

A process of its own, because a build that was compiled wrongly, or for another CPU, dies of a
signal. What it is about to do is a line of JSON on stdout, so that the last line says where it
died; the very last one holds `build`, or `wrong`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from runners.runtimes.llamacpp.tiny_model import TOKENS, TRAINED_CONTEXT, write
from runners.worker.crashing import leave_no_core
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 1
"""Raised when more is computed: an older proof then counts no longer."""
MOST_S = 60.0
"""Seconds after which a child is ended; it usually takes one."""
NOT_INSTALLED, WRONG, UNLOADABLE = 4, 5, 6
"""Exit codes."""
DEVIATION = {"F32": 0.01, "F16": 0.1, "Q8_0": 0.3, "Q4_0": 0.8, "Q4_1": 0.8, "Q4_K_M": 0.8}
"""Type -> how far the logits after a token may be from F32's, as a share of their norm.

On x86 0, 0.003, 0.04 and 0.43 (all three) were seen; ARM may add up in F16. Unrelated logits
are at 1.4.
"""
PROMPTS = (1, 32, 512)
"""Tokens: a decode step, a short batch, and a whole one. Each size takes another kernel."""
THREADS = (1, 2)


def prove(folder: Path, say: Any, *, extra_buffers: bool) -> str | None:
    """Evaluate one model in all types; its files are left in `folder`.

    Args:
        folder: an empty one.
        say: told what is about to be done.
        extra_buffers: let llama.cpp repack weights for kernels of its own, AMX among them.

    Returns:
        What was wrong with a result; None: nothing.

    Raises:
        WorkerError: llama.cpp refused a step.
    """
    from runners.runtimes.llamacpp.quantize import quantize

    source = write(folder / "F32.gguf")
    paths = {name: folder / f"{name}.gguf" for name in DEVIATION}
    # All of it before the first evaluation, which then has llama.cpp's log to itself.
    for name in list(paths)[1:]:
        say(f"quantising to {name}")
        complaint = quantize(str(source), str(paths[name]), name, 1)
        if complaint:
            raise WorkerError(f"quantising to {name}: {complaint}")
    expected: dict[int, NDArray[np.float32]] = {}
    for name, path in paths.items():
        allowed = DEVIATION[name]
        for where, prompt, logits in _evaluated(path, name, say, extra_buffers=extra_buffers):
            reference = expected.setdefault(prompt, logits)
            fault = deviation_fault(logits, reference, allowed)
            if fault:
                return f"{fault} in {where}"
    return None


def deviation_fault(
    logits: NDArray[np.float32], reference: NDArray[np.float32], allowed: float
) -> str | None:
    """Fault of logits, shape (tokens, vocabulary), compared with those of F32; None: none."""
    if not np.isfinite(logits).all():
        return "NaN or infinite logits"
    norm = np.linalg.norm(reference, axis=1)
    if not (norm > 0).all():
        return "logits that are all 0"
    worst = float((np.linalg.norm(logits - reference, axis=1) / norm).max())
    if worst > allowed:
        return f"logits {worst:.0%} off those of F32 (at most {allowed:.1%} is rounding)"
    return None


def _evaluated(
    path: Path, name: str, say: Any, *, extra_buffers: bool
) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
    """Logits for each number of threads and length of prompt, with a description of where."""
    from runners.runtimes.llamacpp.api import Context, Model

    say(f"loading {name}")
    model = Model(str(path), mmap=True, extra_buffers=extra_buffers)
    tokens = np.arange(max(PROMPTS), dtype=np.int32) % TOKENS
    for threads in THREADS:
        context = Context(
            model, cells=TRAINED_CONTEXT, sequences=1, threads=threads, kv_type="f16",
            batch=max(PROMPTS), rows=max(PROMPTS),
        )  # fmt: skip
        for prompt in PROMPTS:
            where = f"{name}, {_count(prompt, 'token')}, {_count(threads, 'thread')}"
            say(where)
            context.clear()
            logits = context.decode(
                tokens[:prompt], np.arange(prompt), 0, 1, np.ones(prompt, dtype=np.int8)
            )
            yield where, prompt, logits.copy()
        context.free()
    model.free()


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def main() -> int:
    """Exit code 0, or another one with `wrong` in the last line."""
    leave_no_core()
    if hasattr(signal, "alarm"):  # where nobody is left to end it
        signal.alarm(int(2 * MOST_S))
    # Whatever a library prints goes to stderr from here on.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    folder, *options = sys.argv[1:]
    _say(lines, at="starting the runtime")
    try:
        import llama_cpp  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "llama_cpp"
        _say(lines, wrong=" ".join(str(error).split()))
        return NOT_INSTALLED if missing else UNLOADABLE
    try:
        wrong = prove(
            Path(folder), lambda at: _say(lines, at=at), extra_buffers="--plain" not in options
        )
    except WorkerError as error:
        wrong = str(error)
    from runners.runtimes.llamacpp.api import build_info

    _say(lines, build=build_info(), **({"wrong": wrong} if wrong else {}))
    return WRONG if wrong else 0


def _say(lines: IO[str], **told: str) -> None:
    lines.write(json.dumps(told) + "\n")
    lines.flush()


if __name__ == "__main__":
    sys.exit(main())
