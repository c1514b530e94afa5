from __future__ import annotations

import pytest

from leaderboard.pages.overview.search import fields, matches
from leaderboard.rows.row import merged
from runners.records.record import QuantisationInfo
from tests.leaderboard.conftest import Maker


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", True),
        ("SMALL", True),
        ("fake", False),  # the runtime, as notes: only where it is asked for
        ("qwen", True),
        ("runtime:fake", True),
        ("arch:fake", False),
        ("arch:qwen quant:q4", True),
        ("quant:q8", False),
        ("licence:", True),
        ("http://x", False),  # a colon behind what is no field
        ("note:tiny", True),
        ("tiny", False),
        ("class:tiny-titan", True),
        ("class:8b", False),
    ],
)
def test_a_word_is_looked_for_in_its_field(made: Maker, search: str, found: bool):
    record = made.record(
        "small",
        candidate={
            "family": "fam",
            "runtime": "fake",
            "architecture": "qwen3",
            "parameters": 600_000_000,
            "licence": "Apache-2.0",
            "notes": "a tiny one",
            "quantisation": QuantisationInfo(name="Q4_0", bits_per_weight=4.5, share={}),
        },
    )
    assert matches(fields(merged([record])[0]), search) is found
