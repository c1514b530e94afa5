"""Scoring: what lm-eval's own `evaluate` makes of the same answers, and what it says nothing of."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.metrics import mean_stderr
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate

from evals.errors import SpecError
from runners.jobs.harness import TaskScore, score_task, unscored_task
from runners.jobs.prepared import PreparedTask

CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
Loader = Callable[..., list[PreparedTask]]
KINDS = ("tiny_choice", "tiny_cloze", "tiny_prose", "tiny_answer")


def drawn(*texts: str) -> float:
    """A number in [0, 1) that hangs on the texts alone."""
    return int(hashlib.sha256("/".join(texts).encode()).hexdigest()[:8], 16) / 2**32


def likelihood(context: str, continuation: str) -> tuple[float, bool]:
    return -10 * drawn(context, continuation), drawn(continuation, context) < 0.5


def rolling(text: str) -> float:
    return -len(text) * drawn(text)


def generation(prompt: str) -> str:
    return "42" if drawn(prompt) < 0.4 else "It is 42." if drawn(prompt) < 0.8 else "no idea"


class Hashes(LM):
    """The same answers, given to lm-eval."""

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        return [likelihood(*r.args) for r in requests]

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        return [rolling(r.args[0]) for r in requests]

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [generation(r.args[0]) for r in requests]


def answer(instance: Any) -> Any:
    match instance.request_type:
        case "loglikelihood":
            return likelihood(*instance.args)
        case "loglikelihood_rolling":
            return rolling(instance.args[0])
        case _:
            return generation(instance.args[0])


def scored(one: PreparedTask, n: int | None = None) -> TaskScore:
    answered = [[[answer(i)] for i in item.instances] for item in one.items[:n]]
    return score_task(one.loaded, one.items, answered)


def theirs(one: PreparedTask, n: int | None = None) -> dict[str, float]:
    """lm-eval's figures: `metric,filter` -> value."""
    name = one.loaded.name
    found = evaluate(
        lm=Hashes(),
        task_dict={name: one.loaded.task},
        samples=None if n is None else {name: list(one.loaded.selection[:n])},
        bootstrap_iters=0,
    )
    assert found
    return {
        key.removesuffix(",none"): value
        for key, value in found["results"][name].items()
        if "," in key and "_stderr" not in key
    }


@pytest.mark.parametrize("n", [None, 5, 1], ids=["whole", "five of twelve", "one"])
@pytest.mark.parametrize("name", KINDS)
def test_scores_are_those_of_lm_eval(tiny: Path, loader: Loader, name: str, n: int | None):
    (mine,), (same,) = loader(tiny, name), loader(tiny, name)
    score = scored(mine, n).accuracy
    assert score.metrics == pytest.approx(theirs(same, n))
    assert (score.n, score.asked) == (n or 12, 12)
    assert score.value == score.metrics[score.metric]


def test_the_headline_of_several_filters_is_the_first(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_answer")
    accuracy = scored(one).accuracy
    assert accuracy.metric == "exact_match,number"
    assert set(accuracy.metrics) == {"exact_match,number", "exact_match,whole"}
    # The number is found in two answers of three that the whole text is wrong in.
    assert accuracy.metrics["exact_match,number"] != accuracy.metrics["exact_match,whole"]


@pytest.mark.parametrize("name", ["tiny_choice", "tiny_cloze", "tiny_answer"])
def test_the_standard_error_is_lm_evals(tiny: Path, loader: Loader, name: str):
    (one,) = loader(tiny, name)
    score = scored(one)
    values = [row[score.accuracy.metric] for row in score.rows]
    assert 0 < sum(values) < 12  # else there is nothing to see
    assert score.accuracy.stderr == pytest.approx(mean_stderr(values))


def test_items_of_one_passage_widen_the_standard_error(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_choice")
    apart = scored(one).accuracy
    assert (apart.clusters, apart.design_effect) == (None, None)
    right = [row["acc"] for row in scored(one).rows]
    # Two passages: what was answered right, and the rest. Their residuals add up in full.
    items = tuple(
        replace(item, cluster=str(score)) for item, score in zip(one.items, right, strict=True)
    )
    together = scored(replace(one, items=items)).accuracy
    n, p = len(right), sum(right) / len(right)
    # Each residual sum is n p (1 - p): sqrt(2 / 1 · 2) n p (1 - p) / n.
    assert together.stderr == pytest.approx(2 * p * (1 - p))
    assert together.clusters == 2
    assert apart.stderr
    assert together.design_effect == pytest.approx((together.stderr / apart.stderr) ** 2)
    assert (together.value, together.n) == (apart.value, n)


def test_an_item_that_comes_twice_counts_as_one_passage(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_choice")
    again = replace(one.items[1], identity=one.items[0].identity)
    found = scored(replace(one, items=(one.items[0], again, *one.items[2:]))).accuracy
    assert found.clusters == len(one.items) - 1


def test_no_standard_error_where_the_metric_is_no_mean_or_n_is_1(tiny: Path, loader: Loader):
    (prose,) = loader(tiny, "tiny_prose")
    assert scored(prose).accuracy.stderr is None
    (choice,) = loader(tiny, "tiny_choice")
    assert scored(choice, 1).accuracy.stderr is None


def test_chance(tiny: Path, loader: Loader):
    found = {one.loaded.name: scored(one).accuracy.chance for one in loader(tiny)}
    # Three choices, one of them right.
    assert found.pop("tiny_choice") == pytest.approx(1 / 3)
    assert found == {"tiny_cloze": None, "tiny_prose": None, "tiny_answer": None}


def test_nothing_was_answered(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_choice")
    score = score_task(one.loaded, one.items, [])
    assert score.rows == ()
    accuracy = score.accuracy
    assert (accuracy.n, accuracy.asked, accuracy.metric) == (0, 12, "acc")
    assert (accuracy.value, accuracy.stderr, accuracy.metrics) == (None, None, {})


def test_scoring_twice_gives_the_same(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_answer")
    whole = scored(one)
    scored(one, 3)  # of another candidate that was interrupted
    assert scored(one) == whole


def test_a_row_an_item(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_choice")
    score = scored(one)
    assert [set(row) for row in score.rows] == [{"acc", "acc_norm"}] * 12
    assert math.fsum(row["acc"] for row in score.rows) / 12 == score.accuracy.value


BROKEN = """
def process(doc, results):
    return {"acc": 1 / len(results[1:])}
def odd(doc, results):
    return {"acc": float("nan")}
def spread(items):
    raise OverflowError("math range error")
def total(items):
    return {}[0]
"""


def custom(folder: Path, task_writer: Any, loader: Loader, **changes: Any) -> PreparedTask:
    """A cloze task whose scoring is the user's own."""
    (folder / "own.py").write_text(BROKEN)
    config = {
        "output_type": "loglikelihood",
        "doc_to_text": "q",
        "doc_to_target": "answer",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    task_writer(folder, "own", config)
    path = folder / "own.yaml"
    text = path.read_text()
    for key, function in changes.items():
        if key == "aggregation":
            text = text.replace("aggregation: mean", f"aggregation: !function own.{function}")
        else:
            text += f"{key}: !function own.{function}\n"
    path.write_text(text)
    (one,) = loader(folder, "own")
    return one


@pytest.mark.parametrize(
    "changes", [{"process_results": "process"}, {"aggregation": "total"}], ids=["item", "all"]
)
def test_scoring_code_that_fails_is_the_tasks_fault(
    tmp_path: Path, task_writer: Any, loader: Loader, changes: dict[str, str]
):
    one = custom(tmp_path, task_writer, loader, **changes)
    with pytest.raises(SpecError, match=r"its scoring fails: (ZeroDivision|Key)Error"):
        scored(one)


@pytest.mark.parametrize(
    "changes", [{"process_results": "odd"}, {"aggregation": "spread"}], ids=["nan", "overflow"]
)
def test_a_number_that_is_none_is_missing(
    tmp_path: Path, task_writer: Any, loader: Loader, changes: dict[str, str]
):
    accuracy = scored(custom(tmp_path, task_writer, loader, **changes)).accuracy
    assert (accuracy.value, accuracy.stderr, accuracy.metrics) == (None, None, {"acc": None})


def test_every_answer_needs_an_item(tiny: Path, loader: Loader):
    (one,) = loader(tiny, "tiny_choice")
    too_many: Sequence[Any] = [[[(-1.0, True)]]] * 12
    with pytest.raises(SpecError, match="its scoring fails"):
        score_task(one.loaded, one.items, too_many)  # one answer for three choices


FUNCTIONS = """
def asserts(doc, results):
    assert False, "no\\nsecond line"

def times_out(doc, results):
    raise TimeoutError("too slow")

def talks(doc, results):
    print("hello from a task")
    return {"acc": 1.0}
"""


def scored_by(tmp_path: Path, task_writer: Callable[..., None], loader: Loader, name: str):
    """A task of choices whose answers are scored by a function of its own."""
    (tmp_path / "grade.py").write_text(FUNCTIONS)
    config = {**CHOICE, "process_results": "REPLACED"}
    task_writer(tmp_path, "own", config, 3)
    path = tmp_path / "own.yaml"
    path.write_text(path.read_text().replace("REPLACED", f"!function grade.{name}"))
    (one,) = loader(tmp_path, "own")
    return score_task(
        one.loaded, one.items, [[[(-1.0, True)]] * len(i.instances) for i in one.items]
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [("asserts", "AssertionError: no second line"), ("times_out", "TimeoutError: too slow")],
)
def test_whatever_a_tasks_function_raises_is_one_line(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader, name: str, says: str
):
    with pytest.raises(SpecError) as caught:
        scored_by(tmp_path, task_writer, loader, name)
    assert str(caught.value) == f'task "own": its scoring fails: {says}'


def test_what_a_tasks_function_prints_stays_out_of_the_data(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader, capfd: Any
):
    assert scored_by(tmp_path, task_writer, loader, "talks").accuracy.value == 1.0
    assert capfd.readouterr().out == ""


GRADES = """
def share(doc, results):
    return {"overlap": float(results[0] == doc["answer"])}

def percent(doc, results):
    return {"overlap": 100.0 * (results[0] == doc["answer"])}

def rating(doc, results):
    return {"overlap": 1.0 + 3 * (results[0] == doc["answer"])}

def careless(doc, results):
    odd = {"2": float("nan"), "3": None}
    return {"overlap": odd.get(doc["q"].split()[2], 1.0)}

def forgetful(doc, results):
    return {} if doc["q"].split()[2] == "2" else {"overlap": 1.0}
"""


def graded(
    folder: Path, task_writer: Callable[..., None], loader: Loader, grade: str, **more: Any
) -> TaskScore:
    """Four items that are all answered rightly."""
    (folder / "grades.py").write_text(GRADES)
    config = {
        "output_type": "generate_until",
        "doc_to_text": "q",
        "doc_to_target": "answer",
        "process_results": "REPLACED",
        "metric_list": [{"metric": "overlap", "aggregation": "mean", "higher_is_better": True}],
        **more,
    }
    task_writer(folder, "own", config, 4)
    path = folder / "own.yaml"
    path.write_text(path.read_text().replace("REPLACED", f"!function grades.{grade}"))
    (one,) = loader(folder, "own")
    return score_task(one.loaded, one.items, [[[str(i.target)]] for i in one.items])


@pytest.mark.parametrize(
    ("grade", "scale"), [("share", "share"), ("percent", "percent"), ("rating", "unknown")]
)
def test_gold_answers_tell_the_scale_of_a_function_of_ones_own(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader, grade: str, scale: str
):
    accuracy = graded(tmp_path, task_writer, loader, grade).accuracy
    assert (accuracy.scale, accuracy.unusable) == (scale, "")


def test_a_task_may_state_its_scale(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader
):
    accuracy = graded(
        tmp_path, task_writer, loader, "rating", metadata={"scale": "percent"}
    ).accuracy
    assert accuracy.scale == "percent"
    with pytest.raises(SpecError, match=r"metadata\.scale is 'points'; it may be share"):
        graded(tmp_path, task_writer, loader, "share", metadata={"scale": "points"})


def test_a_task_may_state_its_ability(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader
):
    def recorded(**metadata: Any) -> str:
        found = graded(tmp_path, task_writer, loader, "share", metadata=metadata)
        return found.accuracy.ability

    assert recorded(ability="support-tickets") == "support-tickets"
    assert recorded() == ""  # its name says which, if it is known
    with pytest.raises(SpecError, match=r"metadata\.ability is 'Tools!'; it may be one of know"):
        recorded(ability="Tools!")


@pytest.mark.parametrize(
    ("grade", "named"),
    [("careless", "2 of 4 items have no usable overlap: documents 2 (NaN), 3 (null)"),
     ("forgetful", "1 of 4 items have no usable overlap: documents 2 (missing)")],
)  # fmt: skip
def test_an_item_without_a_score_leaves_the_task_none_and_is_named(
    tmp_path: Path, task_writer: Callable[..., None], loader: Loader, grade: str, named: str
):
    accuracy = graded(tmp_path, task_writer, loader, grade).accuracy
    assert (accuracy.value, accuracy.stderr, accuracy.unusable) == (None, None, named)
    assert accuracy.n == 4


def test_the_scales_of_the_usual_tasks(tiny: Path, loader: Loader):
    found = {one.loaded.name: scored(one).accuracy.scale for one in loader(tiny)}
    assert found == {
        "tiny_choice": "share", "tiny_cloze": "share", "tiny_prose": "perplexity",
        "tiny_answer": "share",
    }  # fmt: skip


def by_length(doc, results):
    # As RULER's: an item scores at its own length, and has -1 at the others.
    scores = {"512": -1.0, "1024": -1.0, "4096": -1.0}
    scores["512" if doc["q"].endswith("is 0 even?") else "1024"] = 1.0
    return scores


def over_lengths(items):
    there = [x for x in items if x != -1]
    return sum(there) / len(there) if there else -1


def test_lengths_that_were_not_run_are_no_metrics(tmp_path: Path, task_writer: Any, loader: Loader):
    task_writer(tmp_path, "long", {
        "output_type": "generate_until", "doc_to_text": "q", "doc_to_target": "answer",
        "generation_kwargs": {"until": ["\n"]}, "process_results": "PROCESS",
        "metric_list": [
            {"metric": name, "aggregation": "OVER", "higher_is_better": True}
            for name in ("4096", "512", "1024")
        ],
    }, items=3)  # fmt: skip
    file = tmp_path / "long.yaml"
    text = file.read_text().replace("PROCESS", "!function scoring.by_length")
    file.write_text(text.replace("OVER", "!function scoring.over_lengths"))
    functions = (by_length, over_lengths)
    (tmp_path / "scoring.py").write_text("\n".join(map(inspect.getsource, functions)))
    (task,) = loader(tmp_path, "long")
    score = scored(task)
    # 4096 is the first and was not run: the headline is the first that was.
    assert score.accuracy.metric == "512"
    assert score.accuracy.metrics == {"512": 1.0, "1024": 1.0}
    assert (score.accuracy.value, score.accuracy.n, score.accuracy.unusable) == (1.0, 3, "")
    assert score.rows == ({"512": 1.0}, {"1024": 1.0}, {"1024": 1.0})


def test_answers_that_are_kept_without_a_score(tiny: Path, loader: Loader):
    (task,) = loader(tiny, "tiny_answer")
    found = unscored_task(task.loaded, task.items, 2)
    assert (found.accuracy.value, found.accuracy.metrics, found.accuracy.n) == (None, {}, 2)
    assert found.accuracy.unusable == "its answers were not scored (--no-score)"
    assert found.rows == ({}, {})
