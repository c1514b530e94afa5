"""Plain sentences about a small town, made by a seed: text in which something can be hidden.

Its words are common ones, so that tokenisers differ little in how many tokens they make of it, and
it holds no number, no code and none of the things that have one.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

WHEN = (
    "in the morning", "after the rain", "before the market opened", "on a cold evening",
    "late in the autumn", "at the end of the week", "while the bells were ringing",
    "when the tide was low", "on the day of the fair", "long before supper", "in the first snow",
    "during the quiet hours", "as the fog lifted", "once the shops were closed",
    "in the middle of the night", "soon after the harvest", "on a bright day in spring",
    "when nobody was looking",
)  # fmt: skip
WHO = (
    "the baker", "an old sailor", "the teacher", "a young painter", "the doctor", "my neighbour",
    "the postman", "a tired farmer", "the miller", "a girl with a red scarf", "the gardener",
    "a stranger from the north", "the shoemaker", "her brother", "the music teacher",
    "a travelling merchant", "the librarian", "his grandmother", "the mayor", "a boy on a bicycle",
    "the fisherman", "a group of students", "the carpenter", "our cousin", "the night guard",
    "a woman in a grey coat", "the innkeeper", "two friends from school", "the weaver",
    "a retired judge",
)  # fmt: skip
DID = (
    "carried a basket of bread", "mended a torn sail", "talked about the weather",
    "waited for the last train", "sang an old song", "painted the wooden fence",
    "lost a pair of gloves", "found a letter without a name", "told a story about the war",
    "repaired a broken wheel", "gathered apples and pears", "looked for a lost dog",
    "played a game of cards", "watched the ships go by", "drank a cup of strong tea",
    "wrote a long poem", "asked for the way home", "picked flowers for the table",
    "cleaned the dusty windows", "read the newspaper aloud", "cooked soup for the children",
    "sold fresh fish and cheese", "argued about the price of wool", "planted a row of young trees",
    "listened to the radio", "fed the birds with crumbs", "cut wood for the winter",
    "danced with a stranger", "folded the clean sheets", "counted the boats",
    "forgot the way back", "held a small lamp", "drew a map of the valley",
    "laughed at a silly joke", "fell asleep in a chair", "tied the horses to a post",
    "dreamed of warmer countries", "borrowed a heavy hammer", "kept a promise",
    "learned the names of the stars",
)  # fmt: skip
WHERE = (
    "near the old bridge", "behind the church", "along the river", "beside the mill",
    "in the narrow street", "under the lime trees", "at the edge of the forest",
    "in front of the town hall", "by the stone wall", "on the small hill", "in the back garden",
    "close to the harbour", "at the railway station", "in the empty square", "across the meadow",
    "next to the well", "above the cliffs", "in the warm kitchen", "outside the bakery",
    "at the far end of the village", "on the way to the sea", "in the reading room",
    "behind the hay barn", "beneath the tower", "around the corner", "on the wooden steps",
    "at the garden gate", "in the shade of a wall", "between the two houses", "beyond the fields",
)  # fmt: skip
LIKE = (
    "amber", "wooden", "silver", "purple", "hollow", "marble", "crimson", "velvet", "copper",
    "golden", "ivory", "striped", "rusty", "paper", "emerald", "polished", "woven", "crystal",
    "leather", "painted",
)  # fmt: skip
THINGS = (
    "kettle", "anchor", "violin", "locket", "compass", "statue", "trumpet", "mirror", "cabinet",
    "lantern", "suitcase", "puppet", "helmet", "clock", "teapot", "whistle", "medal", "bracelet",
    "chessboard", "telescope",
)  # fmt: skip
SENTENCES = (5, 8)
"""Sentences of a paragraph, at least and at most."""


def things(chance: Random, count: int) -> list[str]:
    """Names of distinct things that no sentence mentions, e.g. `amber kettle`.

    No two share a word, so that none can be taken for another.
    """
    pairs = zip(chance.sample(LIKE, count), chance.sample(THINGS, count), strict=True)
    return [f"{like} {thing}" for like, thing in pairs]


def sentences(chance: Random, characters: float) -> Iterator[str]:
    """Sentences that take at most so many characters when they are set as paragraphs."""
    left = characters
    while (size := set_length(sentence := _sentence(chance))) <= left:
        left -= size
        yield sentence


def set_length(sentence: str) -> float:
    """Characters that a sentence takes at most among others, what stands after it included."""
    return len(sentence) + 1 + 1 / SENTENCES[0]  # an empty line is one more, of a paragraph


def paragraphs(chance: Random, text: list[str]) -> str:
    """Sentences set as paragraphs, with one empty line between two."""
    found, at = [], 0
    while at < len(text):
        size = chance.randint(*SENTENCES)
        found.append(" ".join(text[at : at + size]))
        at += size
    return "\n\n".join(found)


def _sentence(chance: Random) -> str:
    when, who, did, where = map(chance.choice, (WHEN, WHO, DID, WHERE))
    if chance.random() < 0.5:
        return f"{when[0].upper()}{when[1:]}, {who} {did} {where}."
    return f"{who[0].upper()}{who[1:]} {did} {where} {when}."
