from __future__ import annotations

import importlib
import inspect

import pytest

from leaderboard.pages.method.glossary import CHAPTERS, Term

TERMS = [term for chapter in CHAPTERS for term in chapter.terms]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.word)
def test_the_code_that_a_term_names_is_there(term: Term) -> None:
    module, _, name = term.code.rpartition(".")
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.word)
def test_a_published_formula_is_cited_where_it_is_computed(term: Term) -> None:
    """The surname of the first author stands in the source of the function or its module."""
    if not term.source:
        return
    module, _, _ = term.code.rpartition(".")
    text = inspect.getsource(importlib.import_module(module))
    surname = term.source.split(";")[0].split(",")[0].split("&")[0].split()[-1]
    if surname.isdigit():
        surname = term.source.split()[0]
    assert surname in text


def test_a_word_is_explained_once() -> None:
    words = [term.word for term in TERMS]
    assert len(words) == len(set(words))
