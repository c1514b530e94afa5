"""Records, samples and rows with given numbers, made from the stored example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leaderboard.rows.row import Row, row
from runners.records.parts import NoiseFloorInfo
from runners.records.reading import parse_record
from runners.records.record import MemoryPhase, Record, TaskAccuracy
from tests.support.records import changed

EXAMPLE = Path(__file__).parents[1] / "data" / "records" / "v1" / "record.json"


@dataclass(frozen=True)
class Maker:
    """Makes what a test needs; what is not given is the example's."""

    base: Record

    def task(self, value: float | None, n: int = 100, **given: Any) -> TaskAccuracy:
        """A task's accuracy; the standard error is that of right and wrong answers."""
        share = value is not None and 0 <= value <= 1
        stderr = (value * (1 - value) / (n - 1)) ** 0.5 if share and n > 1 else None
        usual: dict[str, Any] = {
            "group": "t", "metric": "acc", "value": value, "stderr": stderr, "n": n, "asked": n,
            "chance": None, "num_fewshot": 0, "higher_is_better": True, "metrics": {"acc": value},
        }  # fmt: skip
        return TaskAccuracy(**{**usual, **given})

    def record(
        self,
        name: str = "a",
        *,
        repeat: int = 0,
        batch: str = "batch",
        tasks: Mapping[str, TaskAccuracy] | None = None,
        ttft_s: float = 0.1,
        decode: float = 50.0,
        peak: int = 100 * 2**20,
        candidate: Mapping[str, Any] | None = None,
        suite: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Record:
        """A run with these headline numbers."""
        assert self.base.memory
        workload = self.base.latency["8+4"]
        first = {"p50": ttft_s, "p95": ttft_s, "values": [ttft_s] * workload.ttft_s.n}
        rate = {"p50": decode, "values": [decode] * workload.ttft_s.n}
        workload = workload.model_copy(
            update={
                "ttft_s": workload.ttft_s.model_copy(update=first),
                "decode_tokens_per_s": workload.decode_tokens_per_s.model_copy(update=rate),
            }
        )
        phase = MemoryPhase(peak_bytes=peak, anon_bytes=None, file_bytes=None)
        groups = dict.fromkeys(task.group for task in (tasks or {}).values())
        asked = [{"task": group} for group in groups] or self.base.suite.tasks
        usual: dict[str, Any] = {
            "run_id": f"20260101T00000{repeat}-{name}-{batch}",
            "job": self.base.job.model_copy(update={"repeat": repeat, "batch": batch}),
            "candidate": self.base.candidate.model_copy(
                update={"name": name, "digest": name, "weights_bytes": 2**20, **(candidate or {})}
            ),
            "suite": self.base.suite.model_copy(update={"tasks": asked, **(suite or {})}),
            "accuracy": dict(tasks or {}),
            "latency": {"8+4": workload},
            "memory": self.base.memory.model_copy(update={"phases": {"latency": phase}}),
            "flags": [],
        }
        return changed(self.base, **{**usual, **changes})

    def floor(self, share: float) -> NoiseFloorInfo:
        """A noise floor over 100 items."""
        return NoiseFloorInfo(items=100, changed=round(100 * share), share=share, largest_nats=0.1)

    def row(self, name: str = "a", accuracy: float | None = 0.5, n: int = 100, **given: Any) -> Row:
        """A row with one task."""
        tasks = {} if accuracy is None else {"t": self.task(accuracy, n)}
        return row(self.record(name, tasks=tasks, **given))

    def samples(
        self,
        scores: Mapping[str, Sequence[float | None]],
        *,
        metric: str = "acc",
        items: Mapping[str, Sequence[str]] | None = None,
        documents: Mapping[str, Sequence[int]] | None = None,
        **columns: Sequence[Any],
    ) -> pa.Table:
        """Scores by task; identities and documents count up unless they are given."""
        names = [task for task, values in scores.items() for _ in values]
        found: dict[str, Any] = {"task": names, "doc_id": [], "item": []}
        for task, values in scores.items():
            count = len(values)
            found["doc_id"] += (documents or {}).get(task, range(count))
            found["item"] += (items or {}).get(task, [f"{task}-{i}" for i in range(count)])
        found["target"] = ["0"] * len(names)
        found["logprobs"] = [[-1.0, -2.0]] * len(names)
        found["answer"] = pa.array([None] * len(names), pa.string())
        found[f"metric.{metric}"] = pa.array(
            [value for values in scores.values() for value in values], pa.float32()
        )
        return pa.table({**found, **columns})


@pytest.fixture(scope="session")
def made() -> Maker:
    return Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))
