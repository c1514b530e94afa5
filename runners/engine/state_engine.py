"""The scoring engine of a model that is driven by states, sized within its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.engine.plan import Limits
from runners.engine.scoring import Scorer
from runners.engine.self_check import CHECKED, Checked
from runners.engine.sizing import WAVE_TOKENS, EngineSize, Footprint, engine_size
from runners.engine.states import StateDecoder, StatefulModel, WholeDecoder
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runners.engine.decoder import Decoder
    from runners.engine.encoding import Scoring
    from runners.engine.scoring import Scores
    from runners.worker.runtime import OnProgress

SHARED = "prefix tree, shared cells and one mask"


class Engine:
    """The decoder that was chosen, as large as it may be, and who scores with it."""

    def __init__(
        self, model: StatefulModel, checked: Checked, *, length: int, memory_bytes: int,
        cells: Callable[[EngineSize], Decoder] | None = None,
    ) -> None:  # fmt: skip
        """Size it.

        Args:
            model: what is evaluated.
            checked: how it may be.
            length: the longest sequence, tokens.
            memory_bytes: for the cache and the rows of logits, if it can be done with them.
            cells: makes the decoder whose cells several sequences share, where it may be used.
        """
        # A recurrent state has one size, keys and values grow: this bounds both from above.
        state = checked.state_bytes * -(-length // CHECKED)
        footprint = Footprint(
            cell=checked.cell_bytes, state=0 if checked.shared else state, row=4 * model.vocabulary
        )
        self.size = engine_size(memory_bytes, footprint, length=length)
        rows = self.size.rows
        self.decoder: Decoder
        self.path = StateDecoder.path
        if checked.shared and cells is not None:
            self.decoder, self.path = cells(self.size), SHARED
        elif checked.packs:
            self.decoder = StateDecoder(model, batch_tokens=WAVE_TOKENS, rows=rows)
        else:
            batch = max(length, WAVE_TOKENS)
            self.decoder = WholeDecoder(model, batch_tokens=batch, rows=rows)
            self.path = WholeDecoder.path
        limits = Limits(
            wave_tokens=WAVE_TOKENS,
            sequences=self.size.sequences,
            cells=self.size.cells,
            shared=checked.shared,
        )
        self.scorer = Scorer(self.decoder, limits)

    @property
    def opened(self) -> protocol.EngineOpened:
        """Capacity and memory of the engine."""
        return protocol.EngineOpened(
            path=self.path,
            cells=self.size.cells,
            sequences=self.size.sequences,
            batch_tokens=self.decoder.batch_tokens,
            output_rows=self.size.rows,
            kv_bytes=self.size.cache_bytes,
            output_bytes=self.size.output_bytes,
        )

    @property
    def halved_to(self) -> int | None:
        """Most tokens of a batch since memory ran out; None: it did not, or that ends the run."""
        found: int | None = getattr(self.decoder, "halved_to", None)
        return found

    def score(self, items: Sequence[Sequence[Scoring]], progress: OnProgress) -> Scores:
        """Score a window; the tokens that were evaluated are counted as they were."""
        if not isinstance(self.decoder, WholeDecoder):
            return self.scorer.score(items, progress)
        self.decoder.evaluated = 0
        nats, greedy, _ = self.scorer.score(items, progress)
        return nats, greedy, self.decoder.evaluated
