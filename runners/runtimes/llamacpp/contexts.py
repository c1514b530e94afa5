"""The contexts that a loaded model is used in, at most one at a time: each frees the one before."""

from __future__ import annotations

from dataclasses import dataclass

from runners.engine.plan import Limits
from runners.engine.scoring import Scorer
from runners.engine.sizing import LEAST_SEQUENCES, WAVE_TOKENS, EngineSize, Footprint, engine_size
from runners.runtimes.llamacpp.api import Context, Model
from runners.worker.runtime import WorkerError

PROBE_CELLS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A context of several sequences, and what scores on it."""

    context: Context
    scorer: Scorer
    size: EngineSize


class Contexts:
    """Makes and frees contexts."""

    def __init__(self, model: Model, *, length: int, threads: int, kv_type: str) -> None:
        self._model, self._length = model, length
        self._threads, self._kv_type = threads, kv_type
        self._use = ""
        self._context: Context | None = None
        self._size: EngineSize | None = None
        self._engine: Engine | None = None
        self._on_device: dict[str, int] = {}

    def device_bytes(self) -> dict[str, int]:
        """The largest buffers on devices that a context had since this was last asked, by kind."""
        largest, now = self._on_device, self._context
        self._on_device = dict(now.device_bytes) if now else {}
        return largest

    def one_request(self, tokens: int | None = None) -> Context:
        """Context for one user: one sequence of the candidate's own length, or another."""
        cells = tokens or self._length
        return self._open(f"one request of {cells}", cells=cells)

    def plain(self) -> Context:
        """Context for one sequence, with a few rows of logits a batch."""
        return self._open("plain", cells=self._length, rows=LEAST_SEQUENCES)

    def window(self, tokens: int, rows: int) -> Context:
        """One sequence of a few tokens, evaluated together, with the logits of `rows` of them."""
        return self._open(f"window of {tokens}", cells=tokens, rows=rows)

    def size_engine(self, memory_bytes: int) -> Engine:
        """Choose how large the engine is, once, and make it."""
        probe = self._open("footprint", cells=PROBE_CELLS, unified=True)
        # Asked of llama.cpp itself: architectures differ too much to work it out here.
        footprint = Footprint(
            cell=probe.kv_bytes // PROBE_CELLS,
            state=probe.state_bytes,
            row=4 * self._model.vocabulary,
        )
        self._size = engine_size(memory_bytes, footprint, length=self._length)
        return self.engine()

    def engine(self) -> Engine:
        """The scoring engine, made again with an empty cache when another context was in use."""
        size = self._size
        if size is None:
            raise WorkerError("the scoring engine is not open")
        if self._use == "engine" and self._engine is not None:
            return self._engine
        context = self._open(
            "engine", cells=size.cells, sequences=size.sequences, rows=size.rows, unified=True
        )
        limits = Limits(
            wave_tokens=WAVE_TOKENS,
            sequences=size.sequences,
            cells=size.cells,
            shared=not self._model.recurrent,
        )
        self._engine = Engine(context=context, scorer=Scorer(context, limits), size=size)
        return self._engine

    def free(self) -> None:
        """Free the context that there is."""
        if self._context is not None:
            self._context.free()
        self._context = self._engine = None

    def _open(
        self, use: str, *, cells: int, sequences: int = 1, rows: int = 1, unified: bool = False
    ) -> Context:
        if self._use == use and self._context is not None:
            return self._context
        self.free()
        self._context = Context(
            self._model,
            cells=cells,
            sequences=sequences,
            threads=self._threads,
            kv_type=self._kv_type,
            rows=rows,
            unified=unified,
        )
        self._use = use
        for kind, size in self._context.device_bytes.items():
            self._on_device[kind] = max(size, self._on_device.get(kind, 0))
        return self._context
