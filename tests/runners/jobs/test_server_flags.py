"""Flags of runs that asked a server, each provoked by a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.jobs.flags import flags
from runners.jobs.seen import Seen
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.server import ServerInfo

RECORD = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
NAMES = {
    "shared server", "prompt cache", "requests retried", "answers ended early", "not known",
    "prompt of another length", "bounded likelihoods", "answers unread",
    "scorer failed",
}  # fmt: skip


def found(record: Record, **seen: Any) -> dict[str, tuple[str, str]]:
    """Level and detail of the flags that are a server's."""
    told = Seen(truncated={}, **seen)
    return {f.name: (f.level, f.detail) for f in flags(record, told) if f.name in NAMES}


def served(**told: Any) -> Record:
    record = parse_record(RECORD.read_text(), where="test")
    return record.model_copy(update={"server": ServerInfo(kind="vllm", **told)})


def with_workload(record: Record, **update: Any) -> Record:
    name, workload = next(iter(record.latency.items()))
    return record.model_copy(update={"latency": {name: workload.model_copy(update=update)}})


def test_a_model_in_process_has_none_of_them() -> None:
    record = parse_record(RECORD.read_text(), where="test")
    assert found(record) == {}
    assert found(served(cached_tokens=0)) == {}


def test_a_url_is_shared_and_a_server_of_our_own_is_not() -> None:
    level, detail = found(served(url="http://h:1/v1"), elsewhere="h:1")["shared server"]
    assert level == "warning"
    assert detail.startswith("h:1: whom else it serves")
    assert "shared server" not in found(served())


@pytest.mark.parametrize(
    ("told", "level", "says"),
    [
        ({"cached_tokens": 300}, "warning", "up to 300 prompt tokens"),
        ({"cached_tokens": 1}, None, ""),  # a BOS
        ({"cache_ratio": 3.2}, "note", "3.2 times sooner"),
        ({"cache_ratio": 1.4}, None, ""),
    ],
)
def test_prompt_caches(told: dict[str, Any], level: str | None, says: str) -> None:
    flag = found(served(**told)).get("prompt cache")
    assert (flag[0] if flag else None) == level
    assert says in (flag[1] if flag else "")


def test_requests_that_were_sent_again_are_counted_by_fault() -> None:
    record = served(requests=40, retries=3, waited_s=4.2,
                    outcomes={"rate limited": 2, "body cut short": 1})  # fmt: skip
    assert found(record)["requests retried"] == (
        "note",
        "3 of 40 requests were sent again (body cut short 1, rate limited 2), 4 s between tries",
    )


def test_lengths_that_are_not_the_workloads() -> None:
    name = next(iter(served().latency))
    asked = int(name.split("+")[0])
    assert "prompt of another length" not in found(with_workload(served(), prompt_tokens=asked))
    other = found(with_workload(served(), prompt_tokens=2 * asked))
    assert other["prompt of another length"][1] == f"{name}: the server counts {2 * asked} tokens"
    unknown = found(with_workload(served(), unknown={"tpot_s": "nobody counts"}))
    assert unknown["not known"][1] == f"tpot_s of {name}: nobody counts"
    assert "2 timed answers" in found(served(ended_early=2))["answers ended early"][1]


def test_likelihoods_that_are_bounds() -> None:
    flag = found(served(), bounds={"mmlu": (3, 40), "arc": (0, 40)})["bounded likelihoods"]
    assert flag[1].startswith("mmlu: in 3 of 40 items")


def test_answers_that_name_no_choice_are_counted() -> None:
    record = parse_record(RECORD.read_text(), where="test")
    name, task = next(iter(record.accuracy.items()))
    worded = task.model_copy(update={"n": 40, "metrics": {"acc": 0.5, "unread": 0.1}})
    record = record.model_copy(update={"accuracy": {name: worded}})
    level, detail = found(record)["answers unread"]
    assert (level, detail.split(" answers")[0]) == ("note", f"{name}: 4 of 40")


def test_answers_on_which_a_scorer_fails_are_counted() -> None:
    record = parse_record(RECORD.read_text(), where="test")
    name, task = next(iter(record.accuracy.items()))
    flag = found(record, unscorable={name: ("TypeError: unhashable", "OverflowError")})
    said = f"{name}: its scorer failed on 2 of {task.n} answers, which count as wrong "
    assert flag["scorer failed"] == ("warning", f"{said}(the first: TypeError: unhashable)")
