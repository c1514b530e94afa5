"""One library behind the board and the exported file: what was read or judged is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.stores import StoreReader
from leaderboard.rows.view import PREFERENCES, View
from tests.support.stores import damaged, empty, good, two_machines

__all__ = ["damaged", "empty", "good", "two_machines"]


def test_it_is_of_the_moment_when_it_was_read(good: Path) -> None:
    library = StoredLibrary([good])
    assert len(library.rows()) == 2
    for run in good.iterdir():
        if run.is_dir() and "small" in run.name:
            run.rename(good.parent / run.name)
    assert len(library.rows()) == 2
    assert len(StoredLibrary([good]).rows()) == 1


def test_what_was_read_and_judged_is_the_same_object(good: Path) -> None:
    library, view = StoredLibrary([good]), View()
    selection = library.selected(view)
    assert selection
    assert library.selected(replace(view, search="x")) is selection
    first = library.overview(selection, view)
    again = library.overview(selection, replace(view, search="x"))
    assert again.choice.ranking is first.choice.ranking
    run_id = "20260101T000000-big"
    assert library.answers(run_id) is library.answers(run_id)
    assert library.full(run_id) is library.full(run_id)


@pytest.mark.parametrize("prefer", PREFERENCES)
def test_each_preference_has_its_own_answer(good: Path, prefer: str) -> None:
    library = StoredLibrary([good])
    view = View(prefer=prefer)  # type: ignore[arg-type]  # one of them
    selection = library.selected(view)
    assert selection
    assert library.overview(selection, view).choice.prefer == prefer


def test_weights_of_tasks_are_judged_apart(good: Path) -> None:
    library = StoredLibrary([good])
    selection = library.selected(View())
    assert selection
    plain = library.overview(selection, View())
    weighted = library.overview(selection, View(weights=(("t", 0.5),)))
    assert plain is not weighted


def test_threads_that_ask_at_once_get_one_answer(good: Path) -> None:
    library = StoredLibrary([good])
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: library.rows(), range(32)))
        read = list(pool.map(lambda _: library.answers("20260101T000000-big"), range(32)))
    assert len({id(one) for one in rows}) == len({id(one) for one in read}) == 1


def test_what_cannot_be_read_has_its_reason(damaged: Path) -> None:
    library = StoredLibrary([damaged])
    answers, reason = library.answers("20260101T000000-small")
    assert answers is None
    assert "samples.parquet" in reason
    record, reason = library.full("20200101T000000-nobody")
    assert record is None
    assert "no run" in reason


def test_this_machine_comes_first(two_machines: Path) -> None:
    for here in ("server", "small"):
        found = StoredLibrary([two_machines], here=here).selected(View())
        assert found
        assert found.shared.place.machine == here


def test_a_store_that_was_read_already_is_not_read_again(good: Path) -> None:
    view = StoreReader([good]).read()
    library = StoredLibrary([good], suites=("core",), stores=view)
    assert library.stores() is view
    assert library.suites() == ("core",)
    assert library.folders() == (str(good),)


def test_an_empty_store_selects_nothing(empty: Path) -> None:
    assert StoredLibrary([empty]).selected(View()) is None
