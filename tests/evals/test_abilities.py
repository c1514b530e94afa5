"""Which ability a task measures: by its name, unless its file says another."""

from __future__ import annotations

import pytest

from evals.abilities import OTHER, TITLES, ability_by_name, ability_order, is_ability
from evals.suites import find_suite, suite_names
from evals.tasks.packaged import packaged_names


@pytest.mark.parametrize(
    ("names", "ability"),
    [
        (("arc_easy",), "knowledge"),
        (("arc_easy_gen",), "knowledge"),
        (("mmlu_anatomy", "mmlu"), "knowledge"),
        (("mmlu_pro_math",), "knowledge"),  # not maths: it is a subject of mmlu_pro
        (("basic_skills_arithmetic",), "maths"),
        (("basic_skills_coding",), "code"),
        (("bfcl_live_simple",), "tools"),
        (("mgsm_direct_de",), "languages"),
        (("niah_single_1", "niah_single_1", "ruler"), "long-context"),
        (("anatomy", "mmlu"), "knowledge"),  # by its group
        (("support_tickets",), OTHER),
        (("my_arc_easy",), OTHER),
        (("squad20",), OTHER),  # a name goes on behind an underscore only
        (("__arc", ""), OTHER),
    ],
)
def test_by_name(names: tuple[str, ...], ability: str):
    assert ability_by_name(*names) == ability


def test_every_task_of_ours_has_one():
    listed = {entry.task for name in suite_names() for entry in find_suite(name).tasks}
    unknown = {n for n in {*packaged_names(), *listed} if ability_by_name(n) not in TITLES}
    assert unknown == set()


def test_known_ones_come_first_and_other_last():
    found = [OTHER, "tickets", "tools", "apps", "knowledge"]
    assert sorted(found, key=ability_order) == ["knowledge", "tools", "apps", "tickets", OTHER]


def test_what_may_be_a_name():
    assert all(map(is_ability, (*TITLES, OTHER, "my-own-2")))
    assert not any(map(is_ability, ("", "Tools", "long context", "-a", "a" * 41, None, 3)))
