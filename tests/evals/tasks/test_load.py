"""Names, folders, selections and everything that is refused; a user's own small tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ArtifactError, SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite, select
from evals.tasks.proportion import in_proportion

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from evals.tasks.load import LoadedTask

ROWS = [{"q": f"Is {n} even?", "options": ["yes", "no"], "gold": n % 2} for n in range(30)]
CHOOSING = {
    "task": "parity",
    "dataset_path": "json",
    "output_type": "multiple_choice",
    "test_split": "test",
    "doc_to_text": "q",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
ANSWERING = {
    "output_type": "generate_until",
    "doc_to_choice": None,
    "doc_to_target": "{{options[gold]}}",
    "generation_kwargs": {"until": ["\n"]},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}


def write_task(folder: Path, rows: list[dict[str, Any]] = ROWS, **changes: Any) -> Path:
    """One task of a user: parity.yaml and parity.jsonl; datasets' cache beside them."""
    data = folder / "parity.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    local = {"data_files": {"test": str(data)}, "cache_dir": str(folder / "cache")}
    config = {**CHOOSING, "dataset_kwargs": local, **changes}
    (folder / f"{config['task']}.yaml").write_text(yaml.safe_dump(config))
    return folder


def load(folder: Path | None, *entries: str | SuiteTask, **options: Any) -> list[LoadedTask]:
    tasks = tuple(SuiteTask(task=e) if isinstance(e, str) else e for e in entries)
    return load_suite(Suite(name="s", tasks=tasks), include=folder, **options)


# Selections.


@given(
    total=st.integers(1, 400), few=st.integers(1, 400), more=st.integers(0, 400), seed=st.integers()
)
def test_a_lower_limit_selects_a_subset(total: int, few: int, more: int, seed: int):
    small = select(total, few, seed=seed, name="t")
    large = select(total, few + more, seed=seed, name="t")
    assert set(small) <= set(large) <= set(select(total, None, seed=seed, name="t"))
    assert list(small) == sorted(set(small))
    assert len(small) == min(few, total)


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        # Divisors 1, 3, 5 of 53, 24, 23: 53, 24, 23, 17.7 and 10.6 of the first, 8 of the second.
        (3, [1, 1, 1]),
        (5, [3, 1, 1]),
        (6, [3, 2, 1]),
        (100, [53, 24, 23]),
        (1000, [53, 24, 23]),
    ],
)
def test_a_total_is_divided_in_proportion(total: int, parts: list[int]):
    assert in_proportion(total, [53, 24, 23]) == parts


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.integers(0, 300))
def test_a_smaller_total_takes_no_more_of_any_task(sizes: list[int], total: int):
    fewer, more = in_proportion(total, sizes), in_proportion(total + 1, sizes)
    assert sum(fewer) == min(total, sum(sizes))
    assert all(a <= b <= size for a, b, size in zip(fewer, more, sizes, strict=True))


def test_a_selection_hangs_on_seed_and_task_and_nothing_else():
    # Written down once: a new Python or an edit that changes it would change every suite's items.
    written = (18, 22, 26, 36, 67, 94)
    assert select(100, 6, seed=1234, name="copa") == written
    assert select(100, 6, seed=1234, name="piqa") != written
    assert select(100, 6, seed=1235, name="copa") != written
    assert select(100, None, seed=1, name="copa") == tuple(range(100))


# A user's own folder.


def test_a_folder_of_ones_own_works(tmp_path: Path):
    entry = SuiteTask(task="parity", limit=5)
    (loaded,) = load(write_task(tmp_path), entry)
    assert (loaded.name, loaded.group, loaded.total, len(loaded.selection)) == (
        "parity", "parity", 30, 5,
    )  # fmt: skip
    assert (loaded.metric, loaded.filter, loaded.higher_is_better) == ("acc", "none", True)
    assert (loaded.data.source, loaded.data.split) == ("folder", "test")
    assert loaded.data.uri == str(tmp_path / "parity.yaml")
    items = build_requests(loaded)
    for item in items:
        assert item.doc == ROWS[item.doc_id]
        assert [i.args for i in item.instances] == [
            (f"Is {item.doc_id} even?", " yes"), (f"Is {item.doc_id} even?", " no"),
        ]  # fmt: skip
        assert (item.target, item.chance) == (item.doc_id % 2, 0.5)


def test_the_limit_of_the_call_wins_over_the_suites(tmp_path: Path):
    (loaded,) = load(write_task(tmp_path), SuiteTask(task="parity", limit=5), limit=2)
    assert len(loaded.selection) == 2


def test_a_group_may_mix_own_tasks_with_known_names(tmp_path: Path):
    write_task(tmp_path)
    write_task(tmp_path, task="oddity", tag="mine")
    (tmp_path / "both.yaml").write_text("group: both\ntask: [parity, mine]\n")
    loaded = load(tmp_path, "both")
    assert [(t.name, t.group) for t in loaded] == [("parity", "both"), ("oddity", "both")]


def test_a_group_that_changes_its_members_is_left_to_lm_eval(tmp_path: Path):
    write_task(tmp_path)
    (tmp_path / "few.yaml").write_text(
        "group: few\ntask:\n  - {task: parity, num_fewshot: 2, fewshot_split: test}\n"
    )
    (loaded,) = load(tmp_path, "few")
    assert (loaded.name, loaded.num_fewshot) == ("parity", 2)


def test_a_group_that_holds_itself_is_refused(tmp_path: Path):
    (tmp_path / "loop.yaml").write_text("group: loop\ntask: [loop]\n")
    with pytest.raises(SpecError, match='group "loop" is nested too deep'):
        load(tmp_path, "loop")


@pytest.mark.data
def test_a_group_of_ones_own_may_hold_a_packaged_task(tmp_path: Path):
    write_task(tmp_path)
    (tmp_path / "mine.yaml").write_text("group: mine\ntask: [parity, copa]\n")
    assert [t.data.source for t in load(tmp_path, "mine")] == ["folder", "packaged"]


# Few-shot numbers and metrics.


def test_fewshot_examples_are_the_same_each_time_they_are_built(tmp_path: Path):
    entry = SuiteTask(task="parity", num_fewshot=3, limit=4)
    (loaded,) = load(write_task(tmp_path, fewshot_split="test"), entry)
    prompts = [[i.instances[0].args[0] for i in build_requests(loaded)] for _ in range(2)]
    assert prompts[0] == prompts[1]
    assert all(p.count("even?") == 4 for p in prompts[0])
    for doc_id, prompt in zip(loaded.selection, prompts[0], strict=True):
        assert prompt.count(f"Is {doc_id} even?") == 1  # never its own example


def test_a_yaml_that_says_zero_shots_means_it(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (loaded,) = load(write_task(tmp_path, num_fewshot=0), SuiteTask(task="parity", num_fewshot=3))
    assert loaded.num_fewshot == 0
    assert "the 3 asked for are ignored" in caplog.text


def test_an_unknown_metric_names_those_that_there_are(tmp_path: Path):
    with pytest.raises(SpecError, match=r'task "parity" has no metric "f1" \(it has: acc\)'):
        load(write_task(tmp_path), SuiteTask(task="parity", metric="f1"))
    with pytest.raises(SpecError, match=r'has no filter "strict" \(it has: none\)'):
        load(write_task(tmp_path), SuiteTask(task="parity", metric="acc,strict"))


# Generation and chat templates.


def test_a_chat_template_changes_the_prompt_but_not_the_identity(tmp_path: Path):
    def template(messages: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
        text = "".join(f"<{m['role']}>{m['content']}" for m in messages)
        return text + "<assistant>" * add_generation_prompt

    entry = SuiteTask(task="parity", num_fewshot=1, limit=3)
    (loaded,) = load(write_task(tmp_path, fewshot_split="test", **ANSWERING), entry)
    plain = build_requests(loaded)
    chat = build_requests(loaded, chat_template=template, tokenizer_name="t")
    assert [i.identity for i in plain] == [i.identity for i in chat]
    assert [i.target for i in plain] == ["yes" if d % 2 == 0 else "no" for d in loaded.selection]
    for before, after in zip(plain, chat, strict=True):
        shown = (
            before.instances[0].args[0].split("\n\n")[0].removesuffix(" yes").removesuffix(" no")
        )
        prompt = after.instances[0].args[0]
        assert prompt.startswith(f"<user>{shown}<assistant>")  # the same example, a turn of its own
        assert prompt.endswith(f"<user>Is {after.doc_id} even?<assistant>")


# What is refused.


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"doc_to_text": "{{nothing.here}}"},
            r"the template '\{\{nothing.here\}\}' fails: 'nothing' is",
        ),
        (
            {"doc_to_text": "{{q"},
            r'task "parity" cannot be built: TemplateError: the template .* fails',
        ),
        ({"output_type": "guessing"}, r"invalid output_type 'guessing'"),
        ({"doc_to_txt": "q"}, r"unexpected keyword argument 'doc_to_txt'"),
        ({"metric_list": [{"aggregation": "mean"}]}, r"'metric' key not provided"),
        ({"unsafe_code": True}, r'task "parity" runs code .* code execution is off'),
        ({"doc_to_image": "q"}, r'task "parity" needs images'),
        ({"test_split": None}, r"must have valid or test docs"),
    ],
)
def test_a_wrong_task_is_one_line(tmp_path: Path, changes: dict[str, Any], says: str):
    with pytest.raises(SpecError, match=says) as error:
        load(write_task(tmp_path, **changes), "parity")
    assert "\n" not in str(error.value)


def test_a_template_that_fails_later_is_one_line_too(tmp_path: Path):
    rows = [*ROWS[:29], {"q": None, "options": ["yes", "no"], "gold": 0}]
    folder = write_task(tmp_path, rows, doc_to_text="{{q.strip()}}")
    (loaded,) = load(folder, "parity")
    with pytest.raises(
        SpecError, match=r'task "parity" cannot be built: TemplateError: .* no attr'
    ):
        build_requests(loaded)


def test_no_documents(tmp_path: Path):
    with pytest.raises(SpecError, match='task "parity" has no documents'):
        load(write_task(tmp_path, []), "parity")


def test_gold_labels_that_are_never_valid(tmp_path: Path):
    (loaded,) = load(write_task(tmp_path, [{**row, "gold": -1} for row in ROWS]), "parity")
    with pytest.raises(SpecError, match=r'every gold label of task "parity" .*the first is -1\)'):
        build_requests(loaded)


def test_an_empty_choice_is_refused(tmp_path: Path):
    rows = [ROWS[0], {**ROWS[1], "options": ["yes", ""]}]
    # With the usual delimiter the choice is a space, and a space can be scored.
    build_requests(*load(write_task(tmp_path, rows), "parity"))
    (loaded,) = load(write_task(tmp_path, rows, target_delimiter=""), "parity")
    with pytest.raises(
        SpecError, match='task "parity": the text of choice 1 of document 1 is empty, so there is'
    ):
        build_requests(loaded)


def test_an_empty_text_is_refused(tmp_path: Path):
    rolling = {
        "output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{q}}",
        "doc_to_choice": None, "metric_list": [{"metric": "word_perplexity"}],
    }  # fmt: skip
    (loaded,) = load(write_task(tmp_path, [ROWS[0], {**ROWS[1], "q": ""}], **rolling), "parity")
    with pytest.raises(SpecError, match='"parity": the text of document 1 is empty'):
        build_requests(loaded)


def test_a_first_gold_label_beyond_the_choices_stops_lm_eval_itself(tmp_path: Path):
    with pytest.raises(SpecError, match="is its gold label among them"):
        load(write_task(tmp_path, [{**row, "gold": 7} for row in ROWS]), "parity")


def test_a_column_that_is_not_there_reads_as_a_label_that_is_never_valid(tmp_path: Path):
    # lm-eval takes `label` for a template, which renders to the word "label".
    (loaded,) = load(write_task(tmp_path, doc_to_target="label"), "parity")
    with pytest.raises(SpecError, match=r"outside its choices \(the first is 'label'\)"):
        build_requests(loaded)


def test_some_lost_labels_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (loaded,) = load(write_task(tmp_path, [*ROWS[:29], {**ROWS[29], "gold": 9}]), "parity")
    assert [i.chance for i in build_requests(loaded)] == [0.5] * 29 + [0.0]
    assert "1 of 30 gold labels" in caplog.text


def test_several_right_answers_are_better_odds(tmp_path: Path):
    (loaded,) = load(write_task(tmp_path, [{**ROWS[0], "gold": [0, 1]}]), "parity")
    (item,) = build_requests(loaded)
    assert (item.target, item.chance) == ([0, 1], 1.0)


def test_a_broken_file_is_named(tmp_path: Path):
    write_task(tmp_path)
    (tmp_path / "broken.yaml").write_text("task: [unclosed\n")
    assert len(load(tmp_path, "parity")) == 1  # not asked for, not in the way
    with pytest.raises(SpecError, match=r"broken\.yaml: not a task file: "):
        load(tmp_path, "broken")


def test_missing_local_data_and_a_missing_folder(tmp_path: Path):
    write_task(tmp_path)
    (tmp_path / "parity.jsonl").unlink()
    with pytest.raises(ArtifactError, match=r"parity\.yaml: the data .* look at dataset_path"):
        load(tmp_path, "parity")
    with pytest.raises(SpecError, match="gone: not a folder"):
        load(tmp_path / "gone", "parity")


@pytest.mark.data
def test_a_task_that_comes_twice_is_refused():
    with pytest.raises(SpecError, match='"mmlu_anatomy" comes twice, from "mmlu" and "mmlu_anat'):
        load(None, "mmlu", "mmlu_anatomy")
