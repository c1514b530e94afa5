"""Needles: what is hidden, how long the texts are, and that what is right scores 1."""

from __future__ import annotations

import json
import os
import re
from itertools import product
from pathlib import Path

import pytest

from evals.errors import SpecError
from evals.scoring.found import share_found
from evals.suites import Suite, SuiteTask, find_suite
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from evals.tasks.made import made, made_names
from evals.tasks.needles import (
    CHARACTERS_PER_TOKEN,
    DOCUMENTS,
    KINDS,
    LENGTHS,
    RESERVED,
    document,
    prompt,
)
from evals.tasks.stated import context

PROMPTS = Path(__file__).parents[2] / "data" / "prompts"
TOLD = re.compile(r"(?:The|One) code of the (\w+ \w+) is (\d+)\.")
SAME = re.compile(r"The (\w+ \w+) has the same code as the (\w+ \w+)\.")
ASKED = re.compile(r"\n\nQuestion: .* of the (\w+ \w+)\? Reply with the codes?\.\nAnswer:$")


def found_by_reading(text: str) -> list[str]:
    """The codes of what a prompt asks for, by following its sentences."""
    codes: dict[str, list[str]] = {}
    for thing, code in TOLD.findall(text):
        codes.setdefault(thing, []).append(code)
    for thing, other in SAME.findall(text):  # each stands after the one that it is about
        codes[thing] = codes[other]
    (asked,) = ASKED.findall(text)
    return codes[asked]


@pytest.mark.parametrize("kind", KINDS)
def test_who_reads_the_whole_text_is_right(kind: str) -> None:
    for length, number in product(("1k", "4k"), range(25)):
        doc = document(length, kind, number)
        assert found_by_reading(prompt(length, kind, number)) == doc["codes"]
        assert doc["target"] == ", ".join(doc["codes"])


def test_every_known_answer_scores_one_and_no_other_code_does() -> None:
    for length, kind, number in product(LENGTHS, KINDS, range(DOCUMENTS)):
        doc = document(length, kind, number)
        assert len(set(doc["codes"])) == (3 if kind == "multivalue" else 1)
        assert share_found(doc["codes"], f"They are {doc['target']}.") == 1.0
    for kind in ("multikey", "chain"):
        text, right = prompt("1k", kind, 7), document("1k", kind, 7)["codes"]
        wrong = [code for _, code in TOLD.findall(text) if code not in right]
        assert len(wrong) == (3 if kind == "multikey" else 1)
        assert share_found(right, ", ".join(wrong)) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_as_long_as_its_length_allows(kind: str) -> None:
    for length, tokens in LENGTHS.items():
        room = CHARACTERS_PER_TOKEN * (tokens - RESERVED)
        # The next sentence, of at most 130 characters, would not fit.
        assert 0.99 * room - 130 <= len(prompt(length, kind, 0)) <= room


def test_the_story_hides_nothing_else() -> None:
    text = prompt("8k", "single", 3)
    (needle,) = TOLD.findall(text)
    told = f"The code of the {needle[0]} is {needle[1]}."
    assert text.count(told) == 1
    assert not re.search(r"\d", text.replace(told, ""))
    # The instruction, the needle, and the question twice.
    assert len(re.findall(r"\bcodes?\b", text)) == 4


def test_needles_lie_at_all_depths() -> None:
    depths = []
    for number in range(40):
        text = prompt("2k", "single", number)
        depths.append(text.index("The code of the") / len(text))
    assert min(depths) < 0.15
    assert max(depths) > 0.85


def test_lengths_are_groups_of_kinds() -> None:
    assert list(made_names())[:3] == ["niah_1k", "niah_2k", "niah_4k"]
    assert made_names()["niah_128k"] == 800
    found = made("niah_2k")
    assert [one.name for one in found] == [f"niah_2k_{kind}" for kind in KINDS]
    assert {one.groups[0].name for one in found} == {"niah_2k"}
    (alone,) = made("niah_2k_chain")
    assert (alone.name, alone.groups, alone.data.source) == ("niah_2k_chain", (), "made")
    assert made("niah_3k") == made("niah_single_1") == []


def test_the_suite_asks_each_kind_alike() -> None:
    suite = find_suite("long")
    assert [(t.task, t.optional) for t in suite.tasks] == [
        (name, None if place < 3 else True) for place, name in enumerate(made_names())
    ]
    entry = SuiteTask(task="niah_1k", limit=2)
    loaded = load_suite(Suite(name="s", tasks=(entry,)))
    assert [(one.name, one.group, one.context) for one in loaded] == [
        (f"niah_1k_{kind}", "niah_1k", 1024) for kind in KINDS
    ]
    assert {(one.metric, one.scale, one.optional) for one in loaded} == {("found", "share", False)}
    for one in loaded:
        items = build_requests(one)
        assert len(items) == 2
        for item in items:
            right = one.task.process_results(item.doc, [f"It is {item.target}"])
            assert (right, one.task.process_results(item.doc, ["no"])) == (
                {"found": 1.0},
                {"found": 0.0},
            )
            assert item.beginning is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_is_the_stored_one(kind: str) -> None:
    """Write anew with WEIGHIN_WRITE_PROMPTS=1, then read."""
    seen = {**document("1k", kind, 0), "prompt": prompt("1k", kind, 0).split("\n")}
    path = PROMPTS / f"niah_1k_{kind}.json"
    if os.environ.get("WEIGHIN_WRITE_PROMPTS"):
        path.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == seen


def test_a_context_is_a_number_of_tokens() -> None:
    (found,) = made("niah_8k_single")
    assert context(found) == 8192
    found.task.config.metadata = {}
    assert context(found) is None
    for wrong in ("8k", 0, True, 2.0):
        found.task.config.metadata = {"context": wrong}
        with pytest.raises(SpecError, match=r'_single": metadata\.context is .*; it may be'):
            context(found)
