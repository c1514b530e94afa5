"""Whoever answers the questions: our worker, lm-eval's backends, llama.cpp's bare loop.

Each lives in a process of its own, with the model loaded, and waits for its turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from benchmarks.questions import Questions
from runners.batches.batch import Batch
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.table import find_runtime
from runners.worker import protocol

ROOT = Path(__file__).resolve().parents[1]
ENGINE_MEMORY = next(f.default for f in fields(Batch) if f.name == "engine_memory_bytes")
UNRELATED = protocol.ScoreItem(contexts=["Nothing of the sort:"], continuations=[(0, " so")])
TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass over the questions."""

    seconds: float
    logprobs: tuple[float, ...]
    """Nats, a number a request; none from the bare loop."""
    tokens: int | None = None
    """Distinct tokens that were evaluated, where the side says so."""
    rows: int | None = None
    """Rows of logits, likewise."""


class Side(Protocol):
    """Something that answers."""

    def run(self, questions: Questions) -> Run:
        """Answer all of them, once."""
        ...


class Ours:
    """The worker in its scoring phase: the clock runs from the items to their scores here."""

    def __init__(self, worker: WorkerProcess, path: Path, settings: dict[str, Any]) -> None:
        self._worker = worker
        self.loaded = worker.ask(protocol.Load(path=str(path), settings=settings), protocol.Loaded)
        self.opened = worker.ask(
            protocol.OpenEngine(memory_bytes=ENGINE_MEMORY), protocol.EngineOpened
        )

    def score(self, item: protocol.ScoreItem) -> protocol.ItemScore:
        """One item by itself."""
        return self._worker.ask(protocol.Score(items=[item]), protocol.Scored).items[0]

    def run(self, questions: Questions) -> Run:
        """Every window, as `weighin run` sends them, after one that shares nothing with them."""
        self._worker.ask(protocol.Score(items=[UNRELATED]), protocol.Scored)
        started = time.perf_counter()
        replies = [self._worker.ask(w, protocol.Scored) for w in questions.windows()]
        return Run(
            seconds=time.perf_counter() - started,
            logprobs=tuple(n for r in replies for item in r.items for n in item.logprobs),
            tokens=sum(reply.distinct_tokens for reply in replies),
        )


@contextmanager
def ours(runtime: str, path: Path, *, threads: int, **settings: Any) -> Iterator[Ours]:
    """The worker with a candidate's default settings, but for those given.

    Raises:
        RuntimeFailure: it cannot load the weights.
    """
    chosen = {**find_runtime(runtime).settings().model_dump(), "threads": threads, **settings}
    with WorkerProcess(runtime, threads=threads, timeout_s=TIMEOUT_S) as worker:
        yield Ours(worker, path, chosen)


class Child:
    """A Python module that answers lines of JSON."""

    def __init__(self, module: str, *arguments: str, threads: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # a pipe that nobody reads blocks
        self._module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}", *arguments, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
            text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
        self._line()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """One line there, one back."""
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self._stderr.seek(0)
            said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()[-3:]
            raise SystemExit(f"{self._module} ended: {' | '.join(said)}")
        return line


@contextmanager
def child(module: str, *arguments: str, threads: int) -> Iterator[Child]:
    """A child that is told to end when it is no longer needed."""
    started = Child(module, *arguments, threads=threads)
    try:
        yield started
    finally:
        started.process.stdin.close()
        try:
            started.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            started.process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class LmEval:
    """One of lm-eval's backends."""

    child: Child
    batch_size: int = 1

    def run(self, questions: Questions) -> Run:
        """All requests in one call of its `loglikelihood`."""
        asked = {"requests": questions.requests, "batch_size": self.batch_size}
        reply = self.child.ask(asked)
        return Run(seconds=reply["seconds"], logprobs=tuple(reply["answers"]))

    def at_best(self, questions: Questions, sizes: Sequence[int]) -> LmEval:
        """With the batch size that is the fastest on these questions."""
        tried = [LmEval(child=self.child, batch_size=size) for size in sizes]
        if len(tried) == 1:
            return tried[0]
        return min(tried, key=lambda side: side.run(questions).seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """llama.cpp's bare loop."""

    child: Child
    context: int
    """Most tokens of a prompt, as on our side."""

    def run(self, questions: Questions) -> Run:
        """The distinct tokens of each of lm-eval's tasks; nothing is shared between them."""
        parts = [
            [instance.args for item in items for instance in item.instances]
            for _, items in questions.parts
        ]
        reply = self.child.ask({"parts": parts, "context": self.context})
        return Run(
            seconds=reply["seconds"], logprobs=(), tokens=reply["tokens"], rows=reply["rows"]
        )
