"""What an app needs a model for: the ability that each task measures, known by the task's name.

A task's file (`metadata: {ability: tools}`) or a suite's entry (`ability: tools`) may say another,
one of these or a word of its own.
"""

from __future__ import annotations

import re

TITLES = {
    "knowledge": "knowledge",
    "reasoning": "reasoning",
    "instructions": "instructions",
    "tools": "tools",
    "code": "code",
    "maths": "maths",
    "long-context": "long context",
    "grounded": "grounded answers",
    "languages": "languages",
}
"""Abilities and what they are called, in the order in which they are shown."""
OTHER = "other"
"""Ability of a task of which none is known."""
KEY = "ability"
"""Key of a task's metadata that names its ability."""
NAME = r"^[a-z][a-z0-9-]{0,39}$"
_TASKS = {
    "knowledge": (
        "agieval arc arc_easy arc_challenge basic_skills_common_knowledge gpqa leaderboard_gpqa "
        "leaderboard_mmlu_pro medmcqa medqa mmlu mmlu_pro mmlusr nq_open openbookqa sciq triviaqa "
        "truthfulqa webqs"
    ),
    "reasoning": (
        "anli basic_skills_logical_reasoning basic_skills_pattern basic_skills_string_operations "
        "bbh cb commonsense_qa copa fld hellaswag lambada lambada_openai lambada_standard "
        "leaderboard_bbh leaderboard_musr logiqa logiqa2 mnli mutual piqa prost rte siqa "
        "social_iqa storycloze swag wic winogrande wnli wsc wsc273"
    ),
    "instructions": "ifbench ifeval leaderboard_ifeval",
    "tools": "bfcl json_schema jsonschema_bench",
    "code": "basic_skills_coding humaneval humaneval_instruct mbpp mbpp_instruct",
    "maths": (
        "aime arithmetic asdiv basic_skills_arithmetic gsm8k gsm8k_cot gsm_plus hendrycks_math "
        "leaderboard_math mathqa minerva_math minerva_math500"
    ),
    "long-context": "babilong longbench longbench2 niah ruler scrolls",
    "grounded": (
        "boolq coqa drop hotpotqa multirc pubmedqa qasper quac race record ropes squad squad2 "
        "squad_completion squadv2"
    ),
    "languages": (
        "belebele ceval-valid cmmlu flores global_mmlu include_base_44 kmmlu mgsm okapi paws "
        "wmt14 wmt16 xcopa xnli xquad xstorycloze xwinograd"
    ),
}
"""Names of tasks and groups of lm-eval and of ours; a task's name may go on behind an underscore.
"""
_KNOWN = {name: ability for ability, names in _TASKS.items() for name in names.split()}


def ability_by_name(*names: str) -> str:
    """The ability that a task measures, by the table's longest name that begins one of its own.

    Args:
        names: of the task, its group and the suite's entry, whichever says most first.

    Returns:
        A key of TITLES; OTHER where the table knows none of them.
    """
    for name in names:
        parts = re.split(r"(?<=[^_])(?=_)", name)  # a name, cut before each underscore
        for length in range(len(parts), 0, -1):
            found = _KNOWN.get("".join(parts[:length]))
            if found:
                return found
    return OTHER


def ability_title(ability: str) -> str:
    """The words for an ability, which are its own name where it is nobody's but a user's."""
    return TITLES.get(ability, ability)


def ability_order(ability: str) -> tuple[int, str]:
    """Sorting key: the known ones in their order, then a user's own, OTHER last."""
    if ability == OTHER:
        return len(TITLES) + 1, ""
    known = list(TITLES)
    return (known.index(ability), "") if ability in TITLES else (len(TITLES), ability)


def is_ability(value: object) -> bool:
    """True for what may name an ability: lower-case letters, digits and hyphens."""
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None
