"""Short answers taken from a text, as SQuAD scores them, and whether a model says that it has none.

Normalisation, exact match and F1 are those of SQuAD's own script (Rajpurkar et al. 2018,
arXiv:1806.03822): lower case, without punctuation, articles and surplus white space.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evals.spec_file import Spec

METRICS = ("contains", "f1", "exact", "abstention")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_TEXT = r"(?:text|passage|context|paragraph|article|document|excerpt|story|information)s?(?! of\b)"
_IS_NOT = r"(?:not|isnt|arent|wasnt|werent)"
_DOES_NOT = r"(?:do not|dont|does not|doesnt|did not|didnt)"
_ABSTAINS = re.compile(
    r"\b(?:unanswerable|no answer|unknown|insufficient information|not enough information"
    rf"|{_IS_NOT} (?:\w+ly )?(?:answerable|answered|stated|mentioned|given|provided|specified"
    r"|known|indicated)"
    r"|(?:cannot|can not|cant|could not|couldnt) (?:be )?(?:answer\w*|determin\w*|find|found|tell)"
    r"|(?:unable|impossible) to (?:answer|determine|find|know|say|tell)"
    rf"|{_DOES_NOT} (?:\w+ly )?(?:know|say|state|mention|provide|contain|specify)"
    # What follows may stand in an answer, too, unless it is said of the text.
    rf"|{_TEXT} (?:\w+ )?{_DOES_NOT} (?:\w+ly )?(?:address|answer|cover|describe|discuss|explain"
    r"|give|have|identify|include|indicate|list|name|reveal|tell)"
    r"|it (?:does not|doesnt) (?:\w+ly )?(?:answer|give|indicate|tell)"
    rf"|{_IS_NOT} (?:(?:answered|available|contained|covered|described|discussed|explained|found"
    rf"|included|listed|named|present|shown|told) )?(?:in|part of) (?:\w+ )?{_TEXT}"
    rf"|(?:there (?:is|are)|theres|{_TEXT} (?:contains|gives|has|includes|makes|offers|provides))"
    r" no (?:\w+ )?(?:answer|details?|indication|information|mention)"
    r"|^no (?:information|mention)(?:$| (?:about|available|given|is|of|on|provided)))\b"
)
_YES_OR_NO = (["yes"], ["no"])
MOST_WORDS = 30
"""An abstention is short; a long answer that holds one of its phrases says more than that."""


class SpansOptions(Spec):
    """Options of the scorer `spans`: names of a document's columns."""

    accepted: str = "answers"
    """Texts of which any is right; an empty list: the text has no answer."""


def score(options: SpansOptions, doc: Mapping[str, Any], answer: str) -> dict[str, float]:
    """Score an answer by the nearest accepted text.

    Returns:
        `f1` and `exact` over words; `contains`: an accepted text stands in the answer, which may be
        a sentence (a yes or no begins it); `abstention`: it abstains exactly where there is none.
    """
    return held_against(answer, list(doc[options.accepted]))


def fault(options: SpansOptions, doc: Mapping[str, Any]) -> str:
    """Why no answer to a document can be judged; empty where one can."""
    told = doc[options.accepted]
    if isinstance(told, list) and all(isinstance(one, str) and one.strip() for one in told):
        return ""
    return f'what is right (column "{options.accepted}") is no list of texts: {told!r:.60}'


def held_against(answer: str, accepted: Sequence[str]) -> dict[str, float]:
    """One answer's metrics, each 0 to 1."""
    line = first_line(answer)
    words = normalised(line).split()
    known = words in [normalised(one).split() for one in accepted]
    abstained = abstains(line) and not known  # "unknown" is the right answer of one document
    if not accepted or abstained:
        right = float(abstained and not accepted)
        return {"f1": right, "exact": right, "contains": right, "abstention": right}
    pairs = [(words, normalised(one).split()) for one in accepted]
    return {
        "f1": max(f1(said, right) for said, right in pairs),
        "exact": max(float(said == right) for said, right in pairs),
        "contains": max(float(holds(said, right)) for said, right in pairs),
        "abstention": 1.0,
    }


def holds(said: Sequence[str], right: Sequence[str]) -> bool:
    """True where the right words stand in what was said, one after the other; of a yes or no, where
    it comes first.
    """
    if list(right) in _YES_OR_NO:
        return list(said[:1]) == list(right)
    places = range(len(said) - len(right) + 1)
    return bool(right) and any(said[at : at + len(right)] == right for at in places)


def first_line(answer: str) -> str:
    """The first line with text, without a leading "Answer:"."""
    line = next((line for line in answer.splitlines() if line.strip()), "")
    return re.sub(r"^\W*answer\W*:\W*", "", line.strip(), flags=re.IGNORECASE)


def abstains(answer: str) -> bool:
    """True where an answer says that there is none; one that says nothing is no such answer."""
    words = normalised(answer.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).split()
    return len(words) <= MOST_WORDS and bool(_ABSTAINS.search(" ".join(words)))


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and surplus white space; a text of nothing else
    ("The The", "!!!") stays as it is.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join((_ARTICLES.sub(" ", bare).split()) or text.lower().strip(" .").split())


def f1(said: Sequence[str], right: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over words, each counted as often as it stands."""
    if not said or not right:
        return float(said == right)
    shared = sum((Counter(said) & Counter(right)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(said), shared / len(right)
    return 2 * precision * recall / (precision + recall)
