"""Tasks about a needle in a haystack, at a length in tokens: what can a model find in a long text?

They follow RULER (Hsieh et al. 2024, arXiv:2404.06654), which fits its texts to a tokeniser and
so asks every model something else. Here all models are asked the same: a text has as many
characters as the common tokeniser that makes most tokens of it takes for the length.
Every text, question and answer follows from length, kind and number alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

from evals.tasks.needle_texts import paragraphs, sentences, set_length, things

NAME = "niah"
"""Needle in a haystack, as RULER's tasks and lm-eval's are called."""
LENGTHS = {f"{k}k": 1024 * k for k in (1, 2, 4, 8, 16, 32, 64, 128)}
"""What a length is called, and its tokens: prompt, template and answer together."""
KINDS = ("single", "multikey", "multivalue", "chain")
DOCUMENTS = 200
"""Documents of each kind and length."""
CHARACTERS_PER_TOKEN = 4.2
"""Characters of these texts for each token that Llama 2's and Phi-3's tokenisers make.

Those of Llama 3, Qwen, Gemma and GPT-2 have 4.6 to 4.7, so that they make 0.9 times the length of
it; StarCoder's has 3.9: 1.08 times."""
ANSWER_TOKENS = 64
RESERVED = ANSWER_TOKENS + 96
"""Tokens for the answer, a chat template, and for numbers, which are many tokens for few
characters."""
LEAST, MOST = 1_000_000, 9_999_999
"""Codes have seven digits, as RULER's magic numbers have."""
OTHERS = 3
"""Other things that have a code, in `multikey`."""
CODES = 3
"""Codes of the one thing in `multivalue`."""
LINKS = 2
"""Steps from the last thing of a `chain` to the one whose code is told."""
INSTRUCTION = (
    "Read the text. A few of its sentences are about codes. A question about them follows at the "
    "end.\n\n"
)
CONFIG: dict[str, Any] = {
    "output_type": "generate_until",
    "test_split": "test",
    "doc_to_target": "{{target}}",
    "generation_kwargs": {
        "until": ["\nQuestion:"], "max_gen_toks": ANSWER_TOKENS, "do_sample": False,
    },
    "num_fewshot": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What a text hides, and what is asked about it."""

    needles: tuple[str, ...]
    """Sentences, in the order in which they stand in the text."""
    question: str
    codes: tuple[str, ...]
    """All that are right."""


def group_of(length: str) -> str:
    """Name of a length's tasks together, e.g. `niah_4k`."""
    return f"{NAME}_{length}"


def document(length: str, kind: str, number: int) -> dict[str, Any]:
    """One document: its question and what is right; its text is made when it is asked."""
    found = hidden(kind, _chance("hidden", length, kind, number))
    return {
        "id": f"{length}-{kind}-{number}",
        "number": number,
        "question": found.question,
        "codes": list(found.codes),
        "target": ", ".join(found.codes),
    }


def hidden(kind: str, chance: Random) -> Hidden:
    """Draw what a text hides.

    single: one code. multikey: one of four things that have one. multivalue: all codes of one
    thing. chain: a code that is told of another thing, beside a second such chain.
    """
    if kind == "multivalue":
        (thing,), codes = things(chance, 1), _codes(chance, CODES)
        needles = tuple(f"One code of the {thing} is {code}." for code in codes)
        asked = f"What are all the codes of the {thing}? Reply with the codes."
        return Hidden(needles=needles, question=asked, codes=tuple(codes))
    if kind == "chain":
        named, codes = things(chance, 2 * (LINKS + 1)), _codes(chance, 2)
        chains = [_chain(named[i::2], code) for i, code in enumerate(codes)]
        needles = tuple(_merged(chance, *chains))
        asked = named[2 * LINKS]
    else:
        named = things(chance, 1 + (OTHERS if kind == "multikey" else 0))
        codes = _codes(chance, len(named))
        told = [_told(thing, code) for thing, code in zip(named, codes, strict=True)]
        needles, asked = tuple(chance.sample(told, len(told))), named[0]
    question = f"What is the code of the {asked}? Reply with the code."
    return Hidden(needles=needles, question=question, codes=(codes[0],))


def prompt(length: str, kind: str, number: int) -> str:
    """The whole prompt of a document, at most as many tokens as its length leaves to it."""
    found = hidden(kind, _chance("hidden", length, kind, number))
    ending = f"\n\nQuestion: {found.question}\nAnswer:"
    chance = _chance("text", length, kind, number)
    room = CHARACTERS_PER_TOKEN * (LENGTHS[length] - RESERVED)
    taken = len(INSTRUCTION) + len(ending) + sum(map(set_length, found.needles))
    text = list(sentences(chance, room - taken))
    places = sorted(chance.sample(range(len(text) + 1), len(found.needles)), reverse=True)
    for place, needle in zip(places, reversed(found.needles), strict=True):
        text.insert(place, needle)
    return f"{INSTRUCTION}{paragraphs(chance, text)}{ending}"


def needle_task(length: str, kind: str) -> Any:
    """The lm-eval Task of one kind at one length."""
    import datasets
    from lm_eval.api.task import ConfigurableTask

    rows = [document(length, kind, number) for number in range(DOCUMENTS)]
    config = {
        **CONFIG,
        "task": f"{group_of(length)}_{kind}",
        "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
        "doc_to_text": partial(_prompt_of, length, kind),
        "metadata": {
            "version": 1.0,
            "context": LENGTHS[length],
            "scorer": {"found": {"values": "codes"}},
        },
    }
    return ConfigurableTask(config=config)


def _prompt_of(length: str, kind: str, doc: dict[str, Any]) -> str:
    return prompt(length, kind, doc["number"])


def _told(thing: str, code: str) -> str:
    return f"The code of the {thing} is {code}."


def _chain(named: list[str], code: str) -> list[str]:
    """The first thing has the code, each other one has that of the one before."""
    first, *_ = named
    pairs = pairwise(named)
    return [_told(first, code), *(f"The {b} has the same code as the {a}." for a, b in pairs)]


def _merged(chance: Random, first: list[str], second: list[str]) -> list[str]:
    """Both in one row, the order within each kept."""
    order = chance.sample([0] * len(first) + [1] * len(second), len(first) + len(second))
    left = (iter(first), iter(second))
    return [next(left[one]) for one in order]


def _codes(chance: Random, count: int) -> list[str]:
    return [str(one) for one in chance.sample(range(LEAST, MOST + 1), count)]


def _chance(*about: object) -> Random:
    return Random("/".join(map(str, (NAME, *about))))  # noqa: S311  # texts, not secrets
