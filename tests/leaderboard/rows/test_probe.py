"""A probe's two scorings are read as two runs of the same items."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from leaderboard.compare.fidelity import fidelity
from leaderboard.rows.answers import read_answers
from leaderboard.rows.probe import probe_answers
from tests.leaderboard.conftest import Maker

CHOICES = [[-1.0, -2.0], [-3.0, -2.0], [-9.0, -9.5], [-4.0, -1.0]]
PLAIN = [[-1.0, -2.5], None, [-9.75, -9.5], [-4.0, -1.0]]


def samples(made: Maker, **columns: list[object]) -> pa.Table:
    table = made.samples({"t": [1.0, 0.0, 1.0, 1.0]})
    for name, values in columns.items():
        if name in table.column_names:
            table = table.drop_columns(name)
        table = table.append_column(name, pa.array(values))
    return table


def test_packed_and_plain_hold_the_same_items(made: Maker):
    # Ten tokens each: below that, a task whose choices are all alike is one of labels.
    sizes = [20, 22, 24, 26]
    table = samples(made, logprobs=CHOICES, plain_logprobs=PLAIN, tokens=sizes)
    answers = read_answers(made.record(tasks={"t": made.task(0.75, 4)}), table)
    found = probe_answers(answers)
    assert found
    packed, plain = found
    assert [key.doc_id for key in packed.rows] == [0, 2, 3]
    assert [packed.cell(key, "logprobs") for key in packed.rows] == [CHOICES[n] for n in (0, 2, 3)]
    assert [plain.cell(key, "logprobs") for key in plain.rows] == [PLAIN[n] for n in (0, 2, 3)]
    # Packed minus plain: 0.5 more in the first item, 0.75 more in the third, over 20 + 24 + 26
    # tokens; the third's most likely choice is the second plainly and the first when packed.
    floor = fidelity(plain, packed)
    assert floor.ratio == pytest.approx(math.exp(-1.25 / 70))
    assert (floor.changed, floor.choices) == (1, 3)


def test_a_run_without_a_probe_has_none(made: Maker):
    record = made.record(tasks={"t": made.task(0.75, 4)})
    assert probe_answers(read_answers(record, samples(made, logprobs=CHOICES))) is None
    never = samples(made, logprobs=CHOICES, plain_logprobs=[None] * 4)
    assert probe_answers(read_answers(record, never)) is None
