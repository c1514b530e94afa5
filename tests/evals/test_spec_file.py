"""The files that people write: every way in which one can be wrong is one line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import SpecError
from evals.quantities import format_size, parse_bytes, parse_seconds
from evals.spec_file import check_spec, read_spec
from evals.suites import Suite
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1_048_576),
        (4096, 4096),
        ("512MiB", 512 * 2**20),
        ("512 mib", 512 * 2**20),
        ("16GB", 16_000_000_000),
        ("1.5GiB", 1_610_612_736),
        ("2k", 2000),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "0", "1 TiB x", "1e9", True, None, [1]])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(text)


def test_a_candidate_has_the_defaults_that_its_docstrings_name() -> None:
    candidate = check_spec({"name": "a", "weights": "a.gguf"}, Candidate, where="a.yaml")
    assert (candidate.runtime, candidate.chat.template) == ("llamacpp", "auto")
    settings = candidate.settings
    assert (settings.context, settings.threads, settings.kv_cache_type, settings.mmap) == (
        None, None, "f16", True,
    )  # fmt: skip


def suite_with(**keys: Any) -> Suite:
    return check_spec({"name": "s", "tasks": [{"task": "copa"}], **keys}, Suite, where="s.yaml")


def test_a_suite_has_two_workloads_of_five_requests_or_of_two_in_many_processes() -> None:
    suite = suite_with()
    assert [workload.name for workload in suite.workloads] == ["32+64", "512+64"]
    assert suite.seed == 1234
    assert [suite.requests(w, 1) for w in suite.workloads] == [5, 5]
    assert [suite.requests(suite.workloads[0], repeats) for repeats in (9, 10, 50)] == [5, 2, 2]


def test_what_a_suite_says_of_its_requests_holds_in_any_number_of_processes() -> None:
    own = {"prompt_tokens": 8, "new_tokens": 4, "requests": 3}
    suite = suite_with(latency_repeats=7, workloads=[{"prompt_tokens": 8, "new_tokens": 2}, own])
    assert [suite.requests(w, repeats) for repeats in (1, 10) for w in suite.workloads] == [
        7,
        3,
    ] * 2


def test_a_workload_may_fill_the_context() -> None:
    fills = {"prompt_tokens": "fill", "new_tokens": 64}
    (one, several) = suite_with(workloads=[fills, {**fills, "requests": 3}]).workloads
    assert (one.name, one.fills) == ("fill+64", True)
    assert [one.prompt_of(context) for context in (4096, 65, 64)] == [4032, 1, None]
    suite = suite_with(latency_repeats=7)
    assert [suite.requests(w, 1) for w in (one, several)] == [1, 3]


@pytest.mark.parametrize("prompt", [0, 131_073, 2.5, None, True, "full", "-3", [1]])
def test_a_prompt_is_a_number_of_tokens_or_fills(prompt: object) -> None:
    said = r'"workloads.0.prompt_tokens": Input should be 1 to 131,072 tokens, or fill'
    with pytest.raises(SpecError, match=said):
        suite_with(workloads=[{"prompt_tokens": prompt, "new_tokens": 4}])


def test_a_fixed_workload_fits_or_does_not() -> None:
    (workload, _) = suite_with().workloads
    assert [workload.prompt_of(context) for context in (4096, 96, 95)] == [32, 32, None]


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        (Candidate, {"name": "a", "weight": "x"},
         'unknown key "weight" (did you mean "weights"?); known: chat, family'),
        (Candidate, {"weights": "x"}, 'key "name" is missing'),
        (Candidate, {"name": "a", "weights": "x", "chat_template": "of"},
         "\"chat.template\": Input should be 'auto', 'all' or 'off' (found 'of')"),
        (Candidate, {"name": "a", "weights": "x", "chat": {"template": "all"},
                     "chat_template": "off"},
         "give one of chat_template and chat: {template: …}"),
        (Candidate, {"name": "a", "weights": "x", "chat": {"template": "off", "system": "Hi"}},
         "system and args go through the template, which `template: off` drops"),
        (Candidate, {"name": "a", "weights": "x", "chat": {"args": {"messages": []}}},
         "messages is not an argument of one's own"),
        (Candidate, {"name": "a", "weights": "x", "reasoning": {"start": "<x>"}},
         "start needs the end that belongs to it"),
        (Candidate, {"name": "a", "quantize": {"from": "b", "type": "Q8_0"}, "made_from": "b"},
         "quantize says already what it is made from; leave out made_from"),
        (Candidate, {"name": "a"}, "give exactly one of weights and quantize"),
        (Candidate, {"name": "a", "weights": "x", "quantize": {"from": "b", "type": "Q8_0"}},
         "give exactly one of weights and quantize"),
        (Candidate, {"name": "a", "runtime": "fake", "weights": "x"}, "runtime fake takes neither"),
        (Candidate, {"name": "a\x1b[31m", "weights": "x"}, '"name": String should match'),
        (Candidate, {"name": "a", "weights": "x", "sha256": "abc"}, "(found 'abc')"),
        (Candidate, {"name": "a", "weights": "x", "settings": {"contxt": 1}},
         'runtime llamacpp has no setting "contxt" (did you mean "context"?); known: context, dev'),
        (Candidate, {"name": "a", "weights": "x", "settings": {"dtype": "float32"}},
         'runtime llamacpp has no setting "dtype"'),
        (Candidate, {"name": "a", "weights": "x", "runtime": "hf", "settings": {"mmap": True}},
         'runtime hf has no setting "mmap"'),
        (Candidate, {"name": "a", "weights": "x", "settings": {"threads": 0}},
         '"settings.threads": Input should be greater than or equal to 1 (found 0)'),
        (Candidate, {"name": "a", "weights": "x", "settings": 3}, '"settings": Input should be'),
        (Candidate, {"name": "a", "weights": "x", "runtime": "lamacpp", "settings": {"x": 1}},
         '"runtime": no runtime "lamacpp" (did you mean "llamacpp"?) (found \'lamacpp\')'),
        (Candidate, {"name": "a", "weights": "x", "runtime": 1}, '"runtime": Input should be'),
        (Candidate, {"name": "a", "quantize": {"from": "b", "type": "Q9"}}, '"quantize.type": '),
        (Suite, {"name": "s", "tasks": []}, '"tasks": '),
        (Suite, {"name": "s", "tasks": [{"task": "a"}, {"task": "a"}]}, "task 'a' is listed twice"),
        (Suite, {"name": "s", "tasks": [{"task": "a", "fewshots": 5}]},
         'unknown key "fewshots" in "tasks.0" (did you mean "num_fewshot"?); known: ability'),
        (Suite, {"name": "S p", "tasks": [{"task": "a"}]}, "\"name\": String should match"),
        (Budget, {"name": "b"}, "a budget limits at least one of"),
        (Budget, {"name": "b", "memory": "lots"}, "'lots' is not a size"),
        (Budget, {"name": "b", "memory": None, "cpus": 0}, '"cpus": '),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(kind: Any, content: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        check_spec(content, kind, where="file.yaml")
    assert str(caught.value).startswith("file.yaml: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected keys and values, found NoneType"),
        ("- a\n- b\n", "expected keys and values, found list"),
        ("name: [", "not valid YAML"),
        ("name: \x00", "not valid YAML"),
        # Expanded, nine levels of ten aliases would be a billion strings.
        ("a: &a [x, x]\nb: [*a, *a]\n", "YAML aliases (*name) are not allowed"),
        ("name: !!python/object/apply:os.system [id]\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
    ],
)
def test_what_is_no_spec_file(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_spec(path, Candidate)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("#" * 300_000)
    with pytest.raises(SpecError, match="is larger than 262,144 bytes"):
        read_spec(tmp_path / "large.yaml", Candidate)
    with pytest.raises(SpecError, match="No such file"):
        read_spec(tmp_path / "none.yaml", Candidate)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(SpecError, match="not valid YAML"):
        read_spec(tmp_path / "latin.yaml", Candidate)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8)))
def test_any_mapping_is_a_candidate_or_one_line(content: dict[str, Any]) -> None:
    with contextlib.suppress(SpecError):
        assert check_spec(content, Candidate, where="x").name


@given(st.integers(1, 10**14))
def test_a_size_is_written_as_it_is_read(size: int) -> None:
    assert parse_bytes(format_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(2**29, "512MiB"), (2**34, "16GiB"), (2**10, "1KiB"), (16 * 10**9, "15625000KiB"), (7, "7")],
)
def test_a_size_has_the_largest_unit_that_is_exact(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("2s", 2.0), ("500ms", 0.5), (" 0.25 ", 0.25), ("1.5 S", 1.5)]
)
def test_times(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "0ms", "-1s", "nan", "inf", "2m", "1e3"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_seconds(text)
