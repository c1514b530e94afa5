"""The suites whose data only the hub has, against a hub on this machine with made data."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import datasets.config
import pytest
from huggingface_hub import constants

from evals.errors import ArtifactError, NotReadyError
from evals.suites import Suite, SuiteTask, find_suite, suite_names
from evals.tasks.hub import CATALOG, check_commit, family_index, hub_families, hub_family
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite
from tests.evals.tasks.test_shipped_tasks import score
from tests.support.dataset_hub import State, serving
from tests.support.hub_data import repositories

if TYPE_CHECKING:
    from evals.tasks.items import Item

NAMES = ("truthfulqa_mc1", "truthfulqa_mc2", "mgsm_direct_de", "belebele_deu_Latn",
         "mmlu_pro_math", "bbh_cot_fewshot_boolean_expressions", "gpqa_main_zeroshot")  # fmt: skip
OF_THE_HUB = [name for name in suite_names() if hub_families(find_suite(name))]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """A hub with the made data, and an empty cache."""
    cache = tmp_path_factory.mktemp("hub-cache")
    with serving() as (address, state), pytest.MonkeyPatch.context() as patch:
        state.repositories |= repositories()
        point_to(patch, address, cache)
        yield state


CLOSED = "http://127.0.0.1:1"
"""An address where nobody listens."""


def point_to(patch: pytest.MonkeyPatch, address: str, cache: Path | None) -> None:
    """Have the hub's client ask another address; None: it keeps what it gets where it did."""
    patch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(datasets.config, "HF_ENDPOINT", address)
    patch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    if cache is not None:
        patch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache / "datasets")


ENTRIES = {entry.task: entry for name in OF_THE_HUB for entry in find_suite(name).tasks}


def loaded(*names: str, **given: Any) -> list[LoadedTask]:
    """Tasks as the shipped suites have them, or with their own settings."""
    entries = tuple(ENTRIES.get(name, SuiteTask(task=name)) for name in names)
    return load_suite(Suite(name="s", tasks=entries), **given)


@pytest.fixture(scope="module")
def tasks(local: State) -> dict[str, LoadedTask]:
    return {task.name: task for task in loaded(*NAMES)}


@pytest.mark.parametrize("name", NAMES)
def test_gold_answers_score_one(tasks: dict[str, LoadedTask], name: str) -> None:
    task = tasks[name]
    items = build_requests(task)
    assert len(items) == task.total > 1
    key = task.metric
    assert score(task, items)[key] == pytest.approx(1.0)
    # Four choices of GPQA; the mass of probability of mc2 has no level of guessing.
    chances = {"gpqa_main_zeroshot": 0.25, "belebele_deu_Latn": 0.25, "truthfulqa_mc1": 1 / 3}
    assert items[0].chance == chances.get(name)


def prompt(item: Item) -> str:
    return str(item.instances[0].args[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_pinned_commit_is_read_and_recorded(tasks: dict[str, LoadedTask], name: str) -> None:
    family = hub_family(name)
    assert family is not None
    data = tasks[name].data
    assert data.uri.startswith(f"hf:{family.dataset}")
    assert data.uri.endswith(f"@{family.revision or 'a' * 40}")
    assert (data.source, data.licence) == ("hub", family.licence)
    asked = [prompt(item) for item in build_requests(tasks[name])]
    assert all("Pinned" in one and "Newer" not in one for one in asked)


def test_choices_that_are_shuffled_come_out_the_same_each_time(
    tasks: dict[str, LoadedTask],
) -> None:
    random.seed(5)
    (again,) = loaded("gpqa_main_zeroshot")
    random.seed(6)
    first, other = (build_requests(one) for one in (tasks["gpqa_main_zeroshot"], again))
    assert [item.identity for item in first] == [item.identity for item in other]
    assert len({item.target for item in first}) > 1  # they are shuffled
    random.seed(6)
    expected = random.random()  # what the user's own code draws next
    random.seed(6)
    loaded("gpqa_main_zeroshot")
    assert random.random() == expected


def test_every_entry_of_these_suites_reads_its_familys_data() -> None:
    def leaves(index: Any, name: str) -> Iterator[Any]:
        entry = index.task_index[name]
        members = [*entry.tags] if entry.kind.name == "TAG" else (entry.cfg or {}).get("task")
        for member in members if isinstance(members, list) else ():
            yield from leaves(index, member)
        if not isinstance(members, list):
            yield entry

    counts = {}
    for name in ENTRIES:
        family = hub_family(name)
        assert family is not None
        found = list(leaves(family_index(family.folder), name))
        assert {entry.cfg["dataset_path"] for entry in found} == {family.dataset}
        counts[name] = len(found)
    assert (counts["mmlu_pro"], counts["bbh"]) == (14, 27)
    assert OF_THE_HUB == ["bbh", "gpqa", "languages", "mmlu-pro", "truthful"]
    assert {path.stem for path in CATALOG.glob("*.yaml")} == {
        one.name for suite in OF_THE_HUB for one in hub_families(find_suite(suite))
    }


def test_what_is_in_the_cache_is_used_where_the_hub_cannot_be_reached(
    tasks: dict[str, LoadedTask], local: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(local.asked)
    point_to(monkeypatch, CLOSED, None)
    (again,) = loaded("belebele_deu_Latn")
    assert again.data == tasks["belebele_deu_Latn"].data
    assert len(local.asked) == asked


def test_without_hub_and_cache_it_is_one_line_before_anything_runs(
    local: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(monkeypatch, CLOSED, tmp_path)
    with pytest.raises(ArtifactError) as caught:
        loaded("mgsm_direct_de")
    said = str(caught.value)
    assert said.startswith(
        'task "mgsm_direct_de" needs the hub: its data (juletxara/mgsm) are not in the cache here, '
        "and cannot be had (the hub cannot be reached); run `weighin fetch --suite NAME` where"
    )
    assert "\n" not in said
    assert "HF_HOME" in said
    # Of a suite each entry is named, and it is over at once.
    left: dict[str, str] = {}
    with pytest.raises(NotReadyError, match="needs the hub"):
        load_suite(find_suite("languages"), left_out=left)
    assert list(left) == [entry.task for entry in find_suite("languages").tasks]


def test_gated_data_say_where_their_terms_are_accepted(
    local: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(local, "gated", {"datasets/Idavidrein/gpqa"})
    with pytest.raises(ArtifactError) as caught:
        loaded("gpqa_main_zeroshot")
    said = str(caught.value)
    assert "gated: accept the terms on https://huggingface.co/datasets/Idavidrein/gpqa" in said
    assert "HF_TOKEN" in said


def test_a_cache_of_another_commit_is_refused() -> None:
    family = hub_family("gpqa_main_zeroshot")
    assert family is not None

    def read(folder: str) -> Any:
        files = [{"filename": f"/cache/gpqa/gpqa_main/0.0.0/{folder}/gpqa-train.arrow"}]
        return SimpleNamespace(dataset={"train": SimpleNamespace(cache_files=files)})

    check_commit("t", read(str(family.revision)), family)
    check_commit("t", read("no-commit"), family)
    with pytest.raises(ArtifactError, match=r"at bbbbbbbbbbbb, and 5233cd1db588 is pinned"):
        check_commit("t", read("b" * 40), family)
