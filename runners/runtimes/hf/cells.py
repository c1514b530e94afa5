"""Several sequences in one KV cache: cells that belong to sequences, and a mask that says to which.

Every layer keeps the keys and values of all tokens in one row of cells. A token sees the cells
that its sequence holds, at positions up to its own, as far as its layer's own window reaches. What
a window is, transformers says itself: it builds its masks by functions of two positions, and
these are given the cells' positions instead of their places in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.cache_utils import (
    Cache,
    CacheLayerMixin,
    DynamicCache,
    DynamicLayer,
    DynamicSlidingWindowLayer,
)
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from runners.runtimes.hf.model import Model
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def shares_cells(model: Model) -> bool:
    """True where every layer keeps keys and values of tokens and nothing else."""
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One batch: where it is written, what it may see."""

    write: torch.Tensor
    """Shape (n,), the cells of the new tokens."""
    seen: slice | torch.Tensor
    """The cells that any of them may see, in rising order."""
    member: torch.Tensor
    """Shape (1, 1, n, seen): whether the token's sequence holds the cell."""
    at: torch.Tensor
    """Shape (1, 1, n, 1): positions of the new tokens."""
    cell_at: torch.Tensor
    """Shape (1, 1, 1, seen): positions of the cells."""


class _CellLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers ships no types
    """One layer's keys and values, shape (1, heads, cells, width)."""

    is_sliding = False

    def __init__(self, table: CellDecoder) -> None:
        super().__init__()
        self._table = table

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Reserve every cell once; memory that is not touched is not taken."""
        self.keys, self.values = (
            torch.empty(
                (1, new.shape[1], self._table.cells, new.shape[3]),
                dtype=new.dtype,
                device=new.device,
            )
            for new in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new tokens' cells; the keys and values of all cells that are seen."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        step = self._table.step
        self.keys.index_copy_(2, step.write, key_states)
        self.values.index_copy_(2, step.write, value_states)
        if isinstance(step.seen, slice):
            return self.keys[:, :, step.seen], self.values[:, :, step.seen]
        return self.keys.index_select(2, step.seen), self.values.index_select(2, step.seen)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002  # theirs
        """Number of cells that are seen, and the place of the first."""
        return self._table.step.cell_at.shape[-1], 0

    def get_seq_length(self) -> int:
        """Asked for only where no positions are passed."""
        return 0

    def get_max_length(self) -> int:
        """The number of cells."""
        return self._table.cells


class CellDecoder:
    """A `Decoder` (scoring.py) over one cache of shared cells."""

    def __init__(
        self, model: Model, *, cells: int, sequences: int, batch_tokens: int, rows: int
    ) -> None:
        self.cells, self.sequences = cells, sequences
        self.batch_tokens, self.rows = batch_tokens, rows
        self.step: _Step
        self.masks = 0
        """Masks that transformers has asked for; 0: this model builds its own, unasked."""
        self._model = model
        layers = DynamicCache(config=model.config).layers
        self._cache = Cache(layers=[_CellLayer(self) for _ in layers])
        self._held = np.zeros((cells, sequences), dtype=np.bool_)
        self._at = np.zeros(cells, dtype=np.int64)

    def clear(self) -> None:
        """Forget every sequence."""
        self._held[:] = False

    def copy(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`; the cells are shared."""
        self._held[:, target] |= self._held[:, source]

    def drop(self, sequence: int) -> None:
        """Forget one sequence; cells that no other holds are free again."""
        self._held[:, sequence] = False

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        sequences: NDArray[np.int32],
        counts: NDArray[np.int32],
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, shape (flagged, vocabulary)."""
        places = np.flatnonzero(~self._held.any(axis=1))[: len(tokens)]
        if len(places) < len(tokens):
            raise WorkerError(
                f"{len(tokens)} tokens do not fit into the {len(places)} free cells of {self.cells}"
            )
        numbers = np.arange(self.sequences)
        # What several sequences share is seen alike from each of them: the first stands for all.
        belongs = (numbers >= sequences[:, None]) & (numbers < (sequences + counts)[:, None])
        self._held[places] = belongs
        self._at[places] = positions
        try:
            self.step = self._plan(places, positions, sequences)
            with _masks_by(self._mask):
                rows = np.flatnonzero(flags)
                logits, _ = self._model.forward(tokens, positions, self._cache, rows)
        except BaseException:
            self._held[places] = False
            raise
        return logits

    def kv_bytes(self) -> int:
        """Bytes of all cells, once a token was evaluated."""
        layers = self._cache.layers
        tensors = [t for layer in layers for t in (layer.keys, layer.values) if t is not None]
        return sum(t.numel() * t.element_size() for t in tensors)

    def _plan(
        self, places: NDArray[np.int64], positions: NDArray[np.int32], sequences: NDArray[np.int32]
    ) -> _Step:
        seen = np.flatnonzero(self._held[:, np.unique(sequences)].any(axis=1))
        device = self._model.device
        whole = slice(int(seen[0]), int(seen[-1]) + 1)
        is_run = whole.stop - whole.start == len(seen)
        member = self._held[seen][:, sequences].T
        return _Step(
            write=torch.as_tensor(places, device=device),
            seen=whole if is_run else torch.as_tensor(seen, device=device),
            member=torch.as_tensor(np.ascontiguousarray(member), device=device)[None, None],
            at=torch.as_tensor(positions, dtype=torch.long, device=device)[None, None, :, None],
            cell_at=torch.as_tensor(self._at[seen], device=device)[None, None, None, :],
        )

    def _mask(
        self,
        *,
        mask_function: Callable[..., torch.Tensor],
        dtype: torch.dtype = torch.float32,
        **_: Any,
    ) -> torch.Tensor:
        """Mask in the form that transformers asks for by kind of layer; True: may be seen."""
        self.masks += 1
        none = torch.zeros((1, 1, 1, 1), dtype=torch.long, device=self.step.at.device)
        mask = self.step.member & mask_function(none, none, self.step.at, self.step.cell_at)
        if self._model.config._attn_implementation != "eager":  # transformers has no public name
            return mask
        return torch.where(mask, 0.0, torch.finfo(dtype).min).to(dtype)


@contextmanager
def _masks_by(function: Callable[..., torch.Tensor]) -> Iterator[None]:
    """Let transformers build its masks by `function` while this lasts."""
    names = ("sdpa", "eager")
    before = {name: ALL_MASK_ATTENTION_FUNCTIONS._local_mapping.get(name) for name in names}
    try:
        for name in names:
            ALL_MASK_ATTENTION_FUNCTIONS[name] = function
        yield
    finally:
        for name, old in before.items():
            if old is None:
                del ALL_MASK_ATTENTION_FUNCTIONS[name]
            else:
                ALL_MASK_ATTENTION_FUNCTIONS[name] = old
