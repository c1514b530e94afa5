"""Reading a record's divergence, and the line that `weighin show` makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leaderboard.compare.divergence import divergence, why_no_divergence
from runners.cli.show import command
from runners.records.parts import DivergenceInfo
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.store import Store

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
MEASURED = {
    "reference": "f16", "reference_digest": "d7b07c5e96e091a9", "kl_nats": 0.0501,
    "kl_stderr": 0.0034, "same_top": 0.894, "positions": 255, "vocabulary": 49152,
    "logits_bytes": 25_071_628, "seconds": 1.7,
}  # fmt: skip


def record(**told: Any) -> Record:
    old = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    info = DivergenceInfo.model_validate(told) if told else None
    return old.model_copy(update={"divergence": info})


def shown(store: Path, of: Record) -> str:
    Store(store).create()
    Store(store).add(of, None)
    return " ".join(CliRunner().invoke(command, [of.run_id, "--store", str(store)]).output.split())


def test_an_old_record_has_none(tmp_path: Path):
    assert divergence(record()) is None
    assert why_no_divergence(record()) == ""
    assert "divergence" not in shown(tmp_path / "store", record())


def test_what_was_measured_is_read_and_shown(tmp_path: Path):
    found = divergence(record(**MEASURED))
    assert found is not None
    assert (found.reference, found.kl_nats, found.same_top) == ("f16", 0.0501, 0.894)
    said = shown(tmp_path / "store", record(**MEASURED))
    assert "KL 0.0501 ± 0.0034 nats a token from f16" in said
    assert "89.4% of 255 positions" in said
    assert "23.9 MiB" in said  # 25,071,628 / 1,048,576


def test_what_was_not_measured_says_why(tmp_path: Path):
    why = {"reference": "f16", "reference_digest": "d7b0", "reason": "another tokenizer"}
    assert divergence(record(**why)) is None
    assert why_no_divergence(record(**why)) == "another tokenizer"
    assert "not measured: another tokenizer" in shown(tmp_path / "store", record(**why))


@pytest.mark.parametrize("wrong", [{"same_top": 1.5}, {"kl_nats": float("nan")}, {"positions": -1}])
def test_what_no_measurement_gives_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DivergenceInfo.model_validate({**MEASURED, **wrong})
