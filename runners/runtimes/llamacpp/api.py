"""The part of llama.cpp's C API that the worker uses, as small Python objects.

llama-cpp-python's low-level module is driven directly: its high-level class keeps every logit of
every position and knows one sequence.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np

from runners.engine.llama_log import offloaded, own_bytes, used_devices
from runners.runtimes.llamacpp.devices import ALL, backends, chosen, listed, load_backends
from runners.runtimes.llamacpp.text import Text
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.worker.offload import Device

KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}
"""ggml's type numbers."""
LOG_DEBUG, LOG_ERROR = 1, 4  # ggml_log_level
STDERR = 2
"""Its descriptor: `sys.stderr` may hold back what is written."""


class LlamaError(WorkerError):
    """llama.cpp refused; the text is for people."""


class Log:
    """Keeps llama.cpp's last lines, which say why something was refused.

    Errors go to stderr, too: after an error of a device ggml ends the process, and what it kept.

    The callback must outlive the process: a collected one crashes it. So this object is made
    once, below, and is never freed.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=400)
        self.errors: deque[str] = deque(maxlen=20)
        self._callback = llama_cpp.llama_log_callback(self._take)
        llama_cpp.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes, _data: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if line and level != LOG_DEBUG:
            self.lines.append(line)
            if level == LOG_ERROR:
                self.errors.append(line)
                with contextlib.suppress(OSError):  # nobody reads it any more
                    os.write(STDERR, f"{line}\n".encode())

    def buffer_bytes(self, kind: str) -> int:
        """Bytes of the KV cache ("KV") or recurrent state ("RS") of the context made last."""
        found = [re.search(rf"{kind} buffer size\s*=\s*([0-9.]+) MiB", line) for line in self.lines]
        return int(sum(float(match[1]) for match in found if match) * 2**20)

    def why(self) -> str:
        """The last errors as one clause."""
        return "; ".join(list(self.errors)[-2:]) or "llama.cpp gives no reason"


LOG = Log()
llama_cpp.llama_backend_init()
load_backends()


def build_info() -> str:
    """The instruction sets that this build uses and how it reaches GPUs, e.g. `AVX2 FMA CUDA`."""
    text = llama_cpp.llama_print_system_info().decode()
    return " ".join([*re.findall(r"(\w+) = 1", text), *backends()])


class Model:
    """Weights and vocabulary."""

    def __init__(
        self, path: str, *, mmap: bool, extra_buffers: bool = True,
        gpu_layers: int | str = 0, device: str = "auto",
    ) -> None:  # fmt: skip
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = ALL if gpu_layers == "all" else int(gpu_layers)
        # An empty list where none is asked for: else llama.cpp evaluates large batches on a GPU
        # although no layer is there.
        taken = chosen(device) if gpu_layers else []
        handles = listed([handle for handle, _ in taken])
        chooses = gpu_layers and device == "auto"  # llama.cpp does, among all that there are
        params.devices = None if chooses else ctypes.cast(handles, ctypes.c_void_p)
        # Off: no weights repacked for AMX and other kernels, which not every build computes with.
        params.use_extra_bufts = extra_buffers
        params.load_mode = (
            llama_cpp.LLAMA_LOAD_MODE_MMAP if mmap else llama_cpp.LLAMA_LOAD_MODE_NONE
        )
        LOG.lines.clear()
        LOG.errors.clear()
        self.handle = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self.handle:
            raise LlamaError(f"llama.cpp cannot load the weights: {LOG.why()}")
        self.devices: list[Device] = used_devices(LOG.lines, [one for _, one in taken])
        self.offloaded = offloaded(LOG.lines, self.devices) if self.devices else None
        self.device_bytes = own_bytes(LOG.lines, self.devices)
        self.text = Text(self.handle)
        self.vocabulary = self.text.size
        self.trained_context = int(llama_cpp.llama_model_n_ctx_train(self.handle))
        self.bytes = int(llama_cpp.llama_model_size(self.handle))
        self.parameters = int(llama_cpp.llama_model_n_params(self.handle))
        self.recurrent = bool(
            llama_cpp.llama_model_is_recurrent(self.handle)
            or llama_cpp.llama_model_is_hybrid(self.handle)
        )

    def free(self) -> None:
        """Free the weights."""
        if self.handle:
            llama_cpp.llama_model_free(self.handle)
            self.handle = None


class Context:
    """A KV cache and the buffers to evaluate batches of tokens."""

    def __init__(
        self, model: Model, *, cells: int, sequences: int, threads: int, kv_type: str,
        batch: int = 2048, ubatch: int = 512, rows: int = 1, unified: bool = False,
    ) -> None:  # fmt: skip
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max = cells, sequences
        params.n_batch, params.n_ubatch = batch, min(batch, ubatch)
        params.n_threads = params.n_threads_batch = threads
        params.type_k = params.type_v = KV_TYPES[kv_type]
        # llama.cpp's flash attention casts an F32 cache to F16 at every batch: up to 0.06 nats a
        # continuation, and slower than doing without it.
        params.flash_attn_type = (
            llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
            if kv_type == "f32"
            else llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        )
        params.kv_unified = unified
        # A whole-length sliding-window cache is needed to branch; one user's deployment has none.
        params.swa_full = unified
        params.n_outputs_max = max(rows, sequences)
        LOG.lines.clear()
        LOG.errors.clear()
        self.handle = llama_cpp.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise LlamaError(f"llama.cpp cannot make a context of {cells} tokens: {LOG.why()}")
        self.kv_bytes, self.state_bytes = LOG.buffer_bytes("KV"), LOG.buffer_bytes("RS")
        self.device_bytes = own_bytes(LOG.lines, model.devices)
        self.memory = llama_cpp.llama_get_memory(self.handle)
        self.batch_tokens, self.rows, self.vocabulary = batch, rows, model.vocabulary
        self._token = np.zeros(batch, dtype=np.int32)
        self._pos = np.zeros(batch, dtype=np.int32)
        self._flag = np.zeros(batch, dtype=np.int8)
        self._count = np.zeros(batch, dtype=np.int32)
        self._numbers = np.arange(sequences, dtype=np.int32)
        self._sequences = np.zeros(batch, dtype=np.uint64)  # pointers into `_numbers`

    def clear(self) -> None:
        """Forget every sequence."""
        llama_cpp.llama_memory_clear(self.memory, False)

    def copy(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`; the cells are shared."""
        llama_cpp.llama_memory_seq_cp(self.memory, source, target, -1, -1)

    def drop(self, sequence: int) -> None:
        """Forget one sequence, whole."""
        llama_cpp.llama_memory_seq_rm(self.memory, sequence, -1, -1)

    def decode(
        self,
        tokens: Sequence[int] | NDArray[np.int32],
        positions: Sequence[int] | NDArray[np.integer[Any]],
        sequences: Sequence[int] | NDArray[np.int32] | int,
        counts: Sequence[int] | NDArray[np.int32] | int,
        flags: Sequence[int] | NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate at most `batch_tokens` tokens.

        Args:
            sequences: of each token the first sequence that it belongs to.
            counts: of how many, counting on; more than one only in a unified cache, and where
                the model has no recurrent state.

        Returns:
            Shape (flagged tokens, vocabulary), a view that the next call overwrites.
        """
        n = len(tokens)
        self._token[:n], self._pos[:n] = tokens, positions
        self._count[:n], self._flag[:n] = counts, flags
        # The sequences of a token follow each other: a slice of all numbers there are.
        numbers = np.asarray(sequences, dtype=np.uint64) * np.uint64(self._numbers.itemsize)
        self._sequences[:n] = np.uint64(self._numbers.ctypes.data) + numbers
        batch = llama_cpp.llama_batch()
        batch.n_tokens = n
        batch.token = _pointer(self._token, ctypes.c_int32)
        batch.pos = _pointer(self._pos, ctypes.c_int32)
        batch.n_seq_id = _pointer(self._count, ctypes.c_int32)
        batch.seq_id = ctypes.cast(
            self._sequences.ctypes.data, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))
        )
        batch.logits = _pointer(self._flag, ctypes.c_int8)
        code = llama_cpp.llama_decode(self.handle, batch)
        if code:
            raise LlamaError(f"llama.cpp cannot evaluate {n} tokens (code {code}): {LOG.why()}")
        # Waits for the computation; on a GPU the clock may only be read after it.
        llama_cpp.llama_synchronize(self.handle)
        rows = int(self._flag[:n].sum())
        if not rows:
            return np.empty((0, self.vocabulary), dtype=np.float32)
        logits = llama_cpp.llama_get_logits(self.handle)
        return np.ctypeslib.as_array(logits, shape=(rows, self.vocabulary))

    def free(self) -> None:
        """Free the cache and the buffers."""
        if self.handle:
            llama_cpp.llama_free(self.handle)
            self.handle = None


def _pointer(array: NDArray[Any], kind: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
