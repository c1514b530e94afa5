"""Items about one text: by the column that is named, by the usual names, by how prompts begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evals.errors import SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.clusters import LEAST_SHARED, cluster_of, shared_beginnings
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from tests.evals.tasks.test_load import ROWS, write_task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from evals.tasks.load import LoadedTask

LONG = "It rained for a week. " * 20


def test_documents_about_one_text_share_a_passage():
    text = {"passage": "Once.", "question": "Who?"}
    assert cluster_of(text) == cluster_of({**text, "question": "When?"})
    assert cluster_of(text) != cluster_of({"passage": "Twice."})
    assert cluster_of({"question": "Who?"}) is None
    assert cluster_of({"context": ["a", "list"]}) is None


def test_a_named_column_alone_decides():
    first = {"passage": "Once.", "source_id": 7}
    assert cluster_of(first, "source_id") == cluster_of({"source_id": 7}, "source_id")
    assert cluster_of(first, "source_id") != cluster_of({"source_id": "7"}, "source_id")
    assert cluster_of({"passage": "Once.", "source_id": None}, "source_id") is None
    assert cluster_of({"source_id": ["a", 1]}, "source_id") is not None


def test_prompts_that_share_a_long_beginning():
    told = "Answer. "  # all begin so, which says nothing
    one, other = told + LONG + "Who?", told + LONG + "When?"
    found = shared_beginnings([one, told + "Is 2 even?", other, told + "x" * LEAST_SHARED])
    assert found[0] == found[2] is not None
    assert (found[1], found[3]) == (None, None)


def test_what_all_prompts_begin_with_is_no_passage():
    assert shared_beginnings([LONG + "Who?", LONG + "When?", LONG + "Where?"]) == [None] * 3
    assert shared_beginnings([LONG, LONG]) == [None] * 2
    assert shared_beginnings([LONG]) == [None]
    assert shared_beginnings([]) == []


def load(folder: Path, **entry: Any) -> LoadedTask:
    suite = Suite(name="s", tasks=(SuiteTask(task="parity", **entry),))
    return load_suite(suite, include=folder)[0]


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Thirty documents, three for each of ten values of every column."""
    return [{**row, **{k: v(n // 3) for k, v in columns.items()}} for n, row in enumerate(ROWS)]


def clusters(folder: Path, **entry: Any) -> list[str | None]:
    return [item.cluster for item in build_requests(load(folder, **entry))]


def test_the_suite_names_the_column(tmp_path: Path):
    write_task(tmp_path, rows(source_id=lambda n: n))
    found = clusters(tmp_path, cluster="source_id")
    assert len(set(found)) == 10
    assert found[0] == found[2] != found[3]
    assert clusters(tmp_path) == [None] * 30


def test_the_tasks_file_names_it_and_the_suite_overrules(tmp_path: Path):
    documents = rows(source_id=lambda n: n, half=lambda n: n % 2)
    write_task(tmp_path, documents, metadata={"version": 1, "cluster": "source_id"})
    assert len(set(clusters(tmp_path))) == 10
    assert len(set(clusters(tmp_path, cluster="half"))) == 2


def test_a_column_that_is_not_there_is_refused_by_name(tmp_path: Path):
    write_task(tmp_path, rows(source_id=lambda n: n))
    with pytest.raises(
        SpecError, match=r'"parity".*no column "sourceid".*did you mean "source_id"'
    ):
        load(tmp_path, cluster="sourceid")


def test_a_long_beginning_is_seen_where_no_column_is_known(tmp_path: Path):
    write_task(tmp_path, rows(text=lambda n: f"{n} {LONG}"), doc_to_text="Read.\n{{text}}\n{{q}}")
    found = [item.beginning for item in build_requests(load(tmp_path))]
    assert len(set(found)) == 10
    assert None not in found
    known = build_requests(load(tmp_path, cluster="gold"))
    assert [item.beginning for item in known] == [None] * 30


def test_the_beginning_itself_may_cluster(tmp_path: Path):
    documents = rows(text=lambda n: f"{n} {LONG}")
    write_task(tmp_path, documents, doc_to_text="Read.\n{{text}}\n{{q}}")
    items = build_requests(load(tmp_path, cluster="beginning"))
    assert len({item.cluster for item in items}) == 10
    assert {item.beginning for item in items} == {None}
    # A column of that name is a column.
    write_task(tmp_path, rows(beginning=lambda n: n % 2), doc_to_text="q")
    assert len(set(clusters(tmp_path, cluster="beginning"))) == 2


def test_few_shot_examples_are_no_passage(tmp_path: Path):
    documents = [{**row, "q": f"Is {n} even? {LONG}"} for n, row in enumerate(ROWS)]
    write_task(tmp_path, documents, num_fewshot=1, fewshot_split="test")
    items = build_requests(load(tmp_path))
    # Thirty draws of one example each: some are drawn twice.
    assert len({item.instances[0].args[0][:LEAST_SHARED] for item in items}) < 30
    assert [item.beginning for item in items] == [None] * 30
