"""A model of OpenVINO's, compiled for the processor: how it is loaded, and one forward pass.

Its state is in the request that computes it. Another sequence's is read out of there, and put back
where that sequence goes on.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from runners.engine.recommended import choosing
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL, WEIGHTS = "openvino_model.xml", "openvino_model.bin"
PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
DEFAULT_TRAINED_CONTEXT = 2048
PACKED = ("u4", "i4", "u8", "i8", "nf4", "f16", "bf16", "f32")
"""Types of constants that may be weights; scales and zero points have one number a group."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class State:
    """Keys and values of one sequence."""

    tokens: int = 0
    arrays: list[NDArray[Any]] | None = None
    """By variable of the model; None: they are in the request alone, or there are none."""


class Model:
    """A compiled model and the one request that computes it."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        folder = Path(path)
        self._config, self._generation = (
            _json(folder / f"{name}.json") for name in ("config", "generation_config")
        )
        try:
            graph = ov.Core().read_model(folder / MODEL)
            want_rows(graph)
            self.parameters = _parameters(graph)
            self._inputs = {name for one in graph.inputs for name in one.get_names()}
            compiled = ov.Core().compile_model(graph, "CPU", properties(settings))
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise WorkerError(f"OpenVINO cannot load the model: {reason}") from error
        self.bytes = (folder / WEIGHTS).stat().st_size
        self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        self.precision = _short(compiled.get_property("INFERENCE_PRECISION_HINT"))
        self.kv_precision = _short(compiled.get_property("KV_CACHE_PRECISION"))
        self._rounds = int(compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE"))
        self._vocabulary = int(compiled.output("logits").get_partial_shape()[2].get_length())
        self._request = compiled.create_infer_request()
        self._variables = self._request.query_state()
        self._here: weakref.ref[State] | None = None
        """The sequence whose state is in the request."""

    @property
    def architecture(self) -> str:
        """The model type of its configuration."""
        return str(self._config.get("model_type", ""))

    @property
    def vocabulary(self) -> int:
        """Logits of a row; may be more than the tokenizer has tokens."""
        return self._vocabulary

    @property
    def compute(self) -> str:
        """Type that it computes in."""
        return NAMES.get(self.precision, self.precision)

    @property
    def exact(self) -> bool:
        """True where neither products nor keys and values are rounded further than to float32."""
        return (self.precision, self.kv_precision, self._rounds) == ("f32", "f32", 0)

    @property
    def trained_context(self) -> int:
        """Tokens, as its configuration says."""
        return int(self._config.get("max_position_embeddings") or DEFAULT_TRAINED_CONTEXT)

    @property
    def ends(self) -> list[int]:
        """Tokens that end a generation by the model's own settings."""
        told = [one.get("eos_token_id") for one in (self._config, self._generation)]
        listed = (one if isinstance(one, list) else [one] for one in told)
        return [token for tokens in listed for token in tokens if token is not None]

    def recommended(self) -> dict[str, Any]:
        """Settings of `generation_config.json` that change which tokens are chosen."""
        return choosing(self._generation)

    def forward(
        self,
        tokens: Sequence[int] | NDArray[np.int32],
        positions: Sequence[int] | NDArray[np.int32] | None,  # noqa: ARG002  # the state knows
        state: State | None,
        rows: Sequence[int] | NDArray[np.int64],
        *,
        keep: bool = True,
    ) -> tuple[NDArray[np.float32], State | None]:
        """Evaluate tokens of batch 1; see `StatefulModel`."""
        state = state if keep and state is not None else State()
        self._enter(state)
        ids = np.asarray(tokens, dtype=np.int64)[None]
        end = state.tokens + ids.shape[1]
        given = {
            "input_ids": ids,
            "attention_mask": np.ones((1, end), dtype=np.int64),
            "position_ids": np.arange(state.tokens, end, dtype=np.int64)[None],
            "beam_idx": np.zeros(1, dtype=np.int32),
            "rows": np.asarray(rows, dtype=np.int64),
        }
        passed = {name: value for name, value in given.items() if name in self._inputs}
        found = np.array(self._request.infer(passed)["logits"][0], dtype=np.float32)
        state.tokens, state.arrays = end, None
        return found, state if keep else None

    def begin(self) -> State:
        """The state before a first token."""
        return State()

    def copied(self, state: State) -> State:
        """A state of the same tokens, which may go on by itself."""
        return State(tokens=state.tokens, arrays=self._arrays(state))  # nobody writes into them

    def state_bytes(self, state: State) -> int:
        """Bytes of keys and values, as they are read out of the request."""
        return sum(int(one.nbytes) for one in self._arrays(state) or ())

    def _enter(self, state: State) -> None:
        """Put a sequence's state into the request; who was there before keeps a copy."""
        if self._holds(state):
            return
        before = self._here() if self._here is not None else None
        if before is not None:  # somebody still has it
            self._arrays(before)
        self._request.reset_state()
        if state.arrays is not None:
            for variable, array in zip(self._variables, state.arrays, strict=True):
                variable.state = ov.Tensor(array)
        self._here = weakref.ref(state)

    def _holds(self, state: State) -> bool:
        return self._here is not None and self._here() is state

    def _arrays(self, state: State) -> list[NDArray[Any]] | None:
        """A state's numbers, read out of the request where they are nowhere else."""
        if state.arrays is None and state.tokens and self._holds(state):
            state.arrays = [np.array(variable.state.data) for variable in self._variables]
        return state.arrays


def properties(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as OpenVINO's own properties.

    Threads are not pinned: the kernel keeps them on the cores of the budget.
    """
    found: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": settings["threads"],
        "ENABLE_CPU_PINNING": False,
        "ENABLE_HYPER_THREADING": True,
    }
    if settings["dtype"] != "auto":
        found["INFERENCE_PRECISION_HINT"] = PRECISIONS[settings["dtype"]]
    if settings["kv_cache_precision"] != "auto":
        found["KV_CACHE_PRECISION"] = settings["kv_cache_precision"]
    if not settings["dynamic_quantization"]:
        found["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
    return found


def want_rows(graph: Any) -> None:
    """Give a model an input `rows`: places whose logits are computed, and no others.

    As openvino-genai's own loop does it for the last token. What lies between the last product and
    the logits works on each number by itself.

    Raises:
        WorkerError: there is no product at the end.
    """
    node = graph.output("logits").get_node().input_value(0).get_node()
    while node.get_type_name() != "MatMul":
        if not node.inputs():
            raise WorkerError("the model does not end in a product that gives logits")
        node = node.input_value(0).get_node()
    rows = ops.parameter([-1], np.int64, name="rows")
    rows.output(0).set_names({"rows"})
    chosen = ops.gather(node.input_value(0), rows, ops.constant(1, np.int64))
    node.input(0).replace_source_output(chosen.output(0))
    graph.add_parameters([rows])
    graph.validate_nodes_and_infer_types()


def _parameters(graph: Any) -> int:
    """Numbers in matrices that are multiplied or looked up, without scales."""
    total = 0
    for node in graph.get_ops():
        if node.get_type_name() != "Constant" or _short(node.get_element_type()) not in PACKED:
            continue
        shape = list(node.get_output_shape(0))
        if len(shape) > 1 and shape[-1] > 1 and shape[0] > 1:
            total += int(np.prod(shape))
    return total


def _short(kind: Any) -> str:
    """`f32` and the like."""
    return str(kind.get_type_name() if hasattr(kind, "get_type_name") else kind)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
