"""The glossary behind the heads of tables."""

from __future__ import annotations

from leaderboard.pages.method.glossary import CHAPTERS
from leaderboard.pages.method.lookup import term_called, term_name, term_of
from leaderboard.rows.metrics import METRICS

TERMS = [term for chapter in CHAPTERS for term in chapter.terms]


def test_every_metric_has_its_word() -> None:
    assert [one.short for one in METRICS.values() if term_of(one.short) is None] == []


def test_a_head_has_one_term() -> None:
    heads = [head for term in TERMS for head in term.heads]
    assert len(heads) == len(set(heads))
    found = term_of("peak")
    assert found is not None
    assert found.word == "peak MiB"
    assert term_of("hellaswag") is None


def test_terms_have_names_of_their_own_in_an_address() -> None:
    assert term_name("decode tokens/s") == "term-decode-tokens-s"
    assert len({term_name(term.word) for term in TERMS}) == len(TERMS)
    assert all(term_called(term.word) is term for term in TERMS)
