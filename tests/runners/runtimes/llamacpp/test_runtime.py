"""A real model: packed scoring against one sequence at a time, generation, times, refusals.

The exact comparisons are made with F16 weights and an F32 cache: with quantised kernels a token's
logits depend on where its neighbours lie in the cache, by up to 1.3 nats a sum. One thread: two on
busy cores wait for each other, a hundred times as long.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runners.engine.encoding import Scoring, encode_pair, rolling_windows
from runners.jobs.worker_process import WorkerProcess
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support.cpp_settings import cpp_settings
from tests.support.score_items import scored

if TYPE_CHECKING:
    from runners.runtimes.llamacpp.runtime import LlamaCpp

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[4]
LENGTH = 128
TOLERANCE = 0.05  # nats a continuation
NOT_IN_A_WORKER = {
    "lm_eval", "datasets", "pandas", "torch", "transformers", "streamlit", "pydantic", "psutil",
    "pyarrow", "click", "rich",
}  # fmt: skip


ITEMS = {
    "letters": scored("Which is a metal?\nA. oak\nB. tin\nAnswer:", " A", " B", " C", " D"),
    "endings": scored(
        "The clerk put the apples on the scale and",
        " wrote down their weight.",
        " wrote a letter to his aunt.",
        " flew to the moon.",
        " they were on the scale.",
    ),
    "bytes": scored(
        "Der Müller rief: „Grüß Gott!“ 🙂🧑\u200d🌾",
        " 🙂",
        " 日本語のテキスト",
        " café naïve",
        "\u200d🌾",
    ),
    "merged": scored("The answer is forty-t", "wo.", "hree.", "en", "t"),
    "forty": scored("A number below forty:", *(f" {number}, I think" for number in range(40))),
    "identical": scored("To be or not", " to be", " to be", " to be, that is", " to be"),
    "contexts": scored(
        ["Ann thanked Bob because Ann", "Ann thanked Bob because Bob", "Then"],
        " had been helped.",
        " had been helped.",
        " had been helped.",
    ),
    "something": scored("Nothing follows", " that", " this"),
    "no context": scored("", "Once upon a time", " Once", "<|im_start|>user"),
    "spaces": scored("The capital of France is  ", "Paris", "London, I think"),
    "special": scored("<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>Hello", "<|im_end|>"),
    "too long": scored("one two three four five six " * 30, " seven eight", " seven nine ten"),
    "rolling": protocol.ScoreItem(
        contexts=["A weighbridge stands at the gate of the harbour. " * 20],
        continuations=[],
        rolling=True,
    ),
}


def loading(path: Path, **settings) -> protocol.Load:
    return protocol.Load(path=str(path), settings=cpp_settings(**{"context": LENGTH, **settings}))


def prompt(text: str, max_tokens: int, **how) -> protocol.GenerateItem:
    usual = {"until": [], "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}
    return protocol.GenerateItem(prompt=text, max_tokens=max_tokens, **{**usual, **how})


def asked(*items: protocol.GenerateItem) -> protocol.Generate:
    return protocol.Generate(items=list(items))


@pytest.fixture(scope="module")
def f16() -> Path:
    """Made from the embedded weights once, then cached."""
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.weights import resolve

    path = resolve(find_candidate("smollm2-135m-instruct-f16")).path
    assert path is not None
    return path


@pytest.fixture(scope="module")
def runtime(f16: Path) -> Iterator[LlamaCpp]:
    from runners.runtimes.llamacpp.runtime import LlamaCpp

    runtime = LlamaCpp()
    runtime.load(loading(f16))
    yield runtime
    runtime.close()


@pytest.fixture
def engine(runtime: LlamaCpp) -> LlamaCpp:
    # Few rows of logits, so that a wave takes several batches.
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=0))
    assert opened.output_rows == opened.sequences == 8
    return runtime


def score(engine: LlamaCpp, items: Sequence[protocol.ScoreItem]) -> list[protocol.ItemScore]:
    return engine.score(items, lambda _: None).items


@pytest.fixture(scope="module")
def answers(runtime: LlamaCpp) -> list[protocol.ItemScore]:
    """All items in one window of that engine, scored once."""
    runtime.open_engine(protocol.OpenEngine(memory_bytes=0))
    return score(runtime, list(ITEMS.values()))


@pytest.fixture(scope="module")
def alone(runtime: LlamaCpp):
    """Scores one sequence by itself in a context that knows no other."""
    from runners.runtimes.llamacpp.api import Context

    model = runtime._model
    context = Context(
        model, cells=LENGTH, sequences=1, threads=1, kv_type="f32", batch=LENGTH, rows=LENGTH
    )

    def score_alone(scoring: Scoring) -> tuple[float, bool, float]:
        """Sum of log-probabilities, whether greedy picks it, and by what margin at least."""
        read = scoring.read
        context.clear()
        flags = [place >= scoring.first - 1 for place in range(len(read))]
        logits = context.decode(read, range(len(read)), 0, 1, flags).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        nats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        targets = np.array(scoring.tokens[scoring.first :])
        second = np.partition(logits, -2, axis=1)[:, -2]
        return (
            float(nats[np.arange(len(targets)), targets].sum()),
            bool((logits.argmax(axis=1) == targets).all()),
            float(-second.max()),
        )

    yield score_alone
    context.free()


def encoded(engine: LlamaCpp, item: protocol.ScoreItem) -> list[Scoring]:
    model = engine._model
    if item.rolling:
        tokens = model.text.encode(item.contexts[0], True)
        return rolling_windows(tokens, prefix_token=model.text.prefix_token, max_length=LENGTH)
    return [
        encode_pair(
            model.text.encode,
            item.contexts[at],
            text,
            prefix_token=model.text.prefix_token,
            max_length=LENGTH,
        )
        for at, text in item.continuations
    ]


def test_packed_scoring_equals_one_sequence_at_a_time(answers, engine, alone):
    for (name, item), answer in zip(ITEMS.items(), answers, strict=True):
        each = [alone(scoring) for scoring in encoded(engine, item)]
        if item.rolling:
            assert len(each) >= 2
            assert answer.logprobs == [pytest.approx(sum(n for n, _, _ in each), abs=0.2)], name
            continue
        assert answer.logprobs == pytest.approx([n for n, _, _ in each], abs=TOLERANCE), name
        for packed, (_, by_itself, margin) in zip(answer.greedy, each, strict=True):
            assert packed == by_itself or margin < TOLERANCE, name


def test_the_items_are_what_they_are_called(engine):
    of = {name: encoded(engine, item) for name, item in ITEMS.items()}
    assert [len(s.tokens) - s.first for s in of["letters"]] == [1, 1, 1, 1]
    assert all(s.truncated for s in of["too long"])
    assert {len(s.read) for s in of["too long"]} == {LENGTH}
    # Encoded whole, "forty-two" ends in other tokens than "forty-t" and "wo" by themselves.
    model = engine._model
    whole = model.text.encode("The answer is forty-two.", True)
    assert whole != model.text.encode("The answer is forty-t", True) + model.text.encode(
        "wo.", False
    )
    # The farmer is three characters, and "\u200d🌾" at least two tokens that are no text alone.
    assert b"\xef\xbf\xbd" not in b"".join(model.text.piece(t) for t in of["bytes"][3].tokens)
    assert len(model.text.encode("\u200d🌾", False)) > 2
    assert of["special"][1].tokens[-1] == model.text.eos
    assert of["no context"][2].tokens[0] == model.text.bos
    assert of["no context"][2].first == 1


def test_a_window_says_what_it_saved_and_what_it_found(engine):
    reply = engine.score([ITEMS["letters"], ITEMS["something"]], lambda _: None)
    letters, _ = reply.items
    model = engine._model
    context = len(model.text.encode(ITEMS["letters"].contexts[0], True))
    # Four one-token choices read the context four times raw, once here; two, two times.
    other = len(model.text.encode("Nothing follows", True))
    assert reply.raw_tokens == 4 * context + 2 * other
    assert reply.distinct_tokens == context + other
    assert (letters.tokens, letters.truncated) == (4, False)


def test_identical_choices_get_identical_scores(engine):
    (answer,) = score(engine, [ITEMS["identical"]])
    assert answer.logprobs[0] == answer.logprobs[1] == answer.logprobs[3]
    assert answer.logprobs[2] < answer.logprobs[0]


def test_the_same_window_twice_is_the_same_bits(answers, engine):
    window = list(ITEMS.values())
    score(engine, window[3:6])
    assert score(engine, window) == answers


def test_any_order_of_the_items_is_the_same_bits(answers, engine):
    window = list(ITEMS.values())
    assert score(engine, window[::-1]) == answers[::-1]


def test_a_kept_preamble_gives_the_same_bits_as_an_empty_cache(engine):
    """The second window has the first one's few-shot beginning, which is not evaluated again."""
    shots = "Q: 1 + 1? A: 2. Q: 2 + 3? A: 5. " * 4
    items = [scored(f"{shots}Q: {n} + 4?", " A: 7", " A: 9") for n in range(6)]
    score(engine, items[:3])
    after = score(engine, items[3:])
    score(engine, [ITEMS["letters"]])  # leaves another one
    assert score(engine, items[3:]) == after


def test_an_empty_window(engine):
    assert score(engine, []) == []


def test_greedy_generation_is_deterministic(runtime):
    items = [prompt("The capital of France is", 16), prompt("Once upon a time", 16)]
    first = runtime.generate(asked(*items), lambda _: None).items
    # Each starts from an empty cache: the other order gives the same texts.
    second = runtime.generate(asked(*items[::-1]), lambda _: None).items[::-1]
    assert [item.text for item in first] == [item.text for item in second]
    assert "Paris" in first[0].text
    for item in first:
        assert (item.stop, item.truncated, len(item.times.token_s)) == ("length", False, 16)
        assert 0 < item.times.prefill_s <= item.times.token_s[0]
        assert item.times.token_s == sorted(item.times.token_s)


def test_a_stop_string_over_several_tokens(runtime):
    (whole,) = runtime.generate(asked(prompt("Once upon a time", 24)), lambda _: None).items
    # From inside a word to inside the next but one.
    words = whole.text.split(" ")
    stop = f"{words[4][-1]} {words[5]} {words[6][0]}"
    (cut,) = runtime.generate(
        asked(prompt("Once upon a time", 24, until=[stop])), lambda _: None
    ).items
    assert cut.stop == "until"
    assert cut.text == whole.text.split(stop)[0]
    assert len(cut.times.token_s) < 24


def test_an_answer_ends_with_a_token_that_is_not_shown(runtime):
    item = "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n"
    (answer,) = runtime.generate(asked(prompt(item, 64)), lambda _: None).items
    assert answer.stop == "end of sequence"
    assert answer.text
    assert "<|im_end|>" not in answer.text
    assert len(answer.times.token_s) < 64


WORDS = ("The capital of France is", "The capital of Peru is", "Once upon a time", "2 + 2 =")
PROMPTS = [prompt(words, 12 + n) for n, words in enumerate(3 * WORDS)]
PROMPTS.append(prompt("Once upon a time", 24, until=["a"]))


@pytest.fixture(scope="module")
def one_at_a_time(runtime):
    return runtime.generate(asked(*PROMPTS), lambda _: None).items


@pytest.mark.parametrize("memory", [0, 2**30])
def test_packed_answers_are_those_of_one_at_a_time(runtime, one_at_a_time, memory):
    """More prompts than the small engine has sequences; two share a beginning, one stops early."""
    runtime.open_engine(protocol.OpenEngine(memory_bytes=memory))
    told: list[int] = []
    packed = runtime.generate(protocol.Generate(items=PROMPTS, packed=True), told.append).items
    assert told[-1] == len(PROMPTS)
    assert all(answer.times is None for answer in packed)
    for one, other in zip(packed, one_at_a_time, strict=True):
        assert one.text == other.text
        assert (one.stop, one.new_tokens, one.prompt_tokens, one.truncated) == (
            other.stop, other.new_tokens, other.prompt_tokens, other.truncated
        )  # fmt: skip


def test_sampling_follows_its_seed(runtime):
    def text(seed: int) -> str:
        item = prompt("Once upon a time", 24, temperature=1.0, top_p=0.95, seed=seed)
        return runtime.generate(asked(item), lambda _: None).items[0].text

    assert text(1) == text(1)
    assert len({text(1), text(2), text(3)}) > 1


def test_a_prompt_too_long_keeps_its_end(runtime):
    words = "one two three four " * 100
    (item,) = runtime.generate(asked(prompt(words, 16)), lambda _: None).items
    assert item.truncated
    assert item.prompt_tokens == LENGTH - 16
    # The same as the end of the prompt by itself.
    model = runtime._model
    end = b"".join(
        model.text.piece(t) for t in model.text.encode(words, True)[-(LENGTH - 16) :]
    ).decode()
    (same,) = runtime.generate(asked(prompt(end, 16)), lambda _: None).items
    assert (same.text, same.prompt_tokens, same.truncated) == (item.text, LENGTH - 16, False)


def test_a_context_of_its_own_length_cuts_at_that(runtime):
    (whole,) = runtime.generate(asked(prompt("one two three four " * 10, 8)), lambda _: None).items
    assert not whole.truncated
    assert whole.prompt_tokens > 32
    opened = runtime.open_context(protocol.OpenContext(tokens=32, items=[]))
    assert opened.tokens == 32
    (cut,) = runtime.generate(asked(prompt("one two three four " * 10, 8)), lambda _: None).items
    assert (cut.truncated, cut.prompt_tokens) == (True, 32 - 8)
    # One that holds the item gives what the candidate's own context gives, to the bit.
    item = prompt("one two three four " * 10, 8)
    opened = runtime.open_context(protocol.OpenContext(tokens=32, items=[item]))
    assert opened.tokens == whole.prompt_tokens + 8
    (same,) = runtime.generate(asked(item), lambda _: None).items
    assert (same.text, same.prompt_tokens, same.truncated) == (
        whole.text,
        whole.prompt_tokens,
        False,
    )
    assert runtime.open_context(protocol.OpenContext(tokens=9999, items=[])).tokens == LENGTH


def test_an_empty_prompt(runtime):
    (item,) = runtime.generate(asked(prompt("", 4)), lambda _: None).items
    assert (item.prompt_tokens, item.truncated) == (1, False)  # the BOS that stands for it


def test_latency_times_each_token_of_each_request(runtime):
    workload = protocol.RunLatency(prompt_tokens=32, new_tokens=8, warmups=1, repeats=2)
    times = runtime.latency(workload, lambda _: None)
    assert (len(times.warmups), len(times.repeats), times.evaluated_tokens) == (1, 2, 32)
    for request in (*times.warmups, *times.repeats):
        assert len(request.token_s) == 8
        assert all(a < b for a, b in zip(request.token_s, request.token_s[1:], strict=False))
        assert 0 < request.prefill_s < request.token_s[0]


def test_the_shortest_workload_and_the_longest(runtime):
    for prompt_tokens, new_tokens in ((1, 2), (LENGTH - 2, 2)):
        workload = protocol.RunLatency(
            prompt_tokens=prompt_tokens, new_tokens=new_tokens, warmups=0, repeats=1
        )
        assert len(runtime.latency(workload, lambda _: None).repeats[0].token_s) == new_tokens


def test_a_workload_longer_than_the_context_is_refused(runtime):
    with pytest.raises(
        WorkerError, match=r"workload 120\+9 needs a context of 129 tokens, the can"
    ):
        runtime.latency(
            protocol.RunLatency(prompt_tokens=120, new_tokens=9, warmups=0, repeats=1),
            lambda _: None,
        )


def test_more_new_tokens_than_the_context_are_refused(runtime):
    with pytest.raises(WorkerError, match="128 new tokens leave no room for a prompt"):
        runtime.generate(asked(prompt("Hi", LENGTH)), lambda _: None)


def test_the_models_own_chat_template(runtime):
    found = runtime.chat_template()
    assert "<|im_start|>" in found.text
    assert (found.bos, found.eos) == ("<|im_start|>", "<|im_end|>")


def test_sampling_settings_of_the_header_are_told():
    from runners.runtimes.llamacpp.runtime import _recommended

    header = {"general.sampling.temp": "0.10", "general.sampling.penalty_repeat": "1.05",
              "general.sampling.top_k": "many"}  # fmt: skip
    model: Any = SimpleNamespace(meta=lambda key: header.get(key, ""))
    assert _recommended(model) == {"temperature": 0.1, "repetition_penalty": 1.05}


def refused(path: Path) -> str:
    from runners.runtimes.llamacpp.runtime import LlamaCpp

    with pytest.raises(WorkerError) as caught:
        LlamaCpp().load(loading(path))
    message = str(caught.value)
    assert message.startswith("llama.cpp cannot load the weights: ")
    assert "\n" not in message
    return message


def test_damaged_weights_are_refused_in_one_line(smollm2, tmp_path):
    data = smollm2.read_bytes()
    for name, part in (("half", data[: len(data) // 2]), ("head", data[:1000]), ("none", b"")):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(part)
        refused(path)


def test_an_unknown_architecture_is_named(tmp_path):
    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    # GGUF version 3, no tensors, one key: general.architecture, of type 8 (string).
    path = tmp_path / "unknown.gguf"
    path.write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 0, 1)
        + text(b"general.architecture")
        + struct.pack("<I", 8)
        + text(b"nonesuch")
    )
    assert "nonesuch" in refused(path)


def test_a_missing_file_is_named(tmp_path):
    assert "absent.gguf" in refused(tmp_path / "absent.gguf")


def test_questions_in_the_wrong_order():
    from runners.runtimes.llamacpp.runtime import LlamaCpp

    empty = LlamaCpp()
    with pytest.raises(WorkerError, match="no weights are loaded"):
        empty.latency(
            protocol.RunLatency(prompt_tokens=1, new_tokens=2, warmups=0, repeats=1), lambda _: None
        )
    with pytest.raises(WorkerError, match="no weights are loaded"):
        empty.score([ITEMS["letters"]], lambda _: None)
    with pytest.raises(WorkerError, match="needs weights"):
        empty.load(protocol.Load(path=None, settings={}))
    empty.close()


def test_two_processes_give_the_same_bits_and_import_little(smollm2, monkeypatch):
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), above])))
    answers = []
    for _ in range(2):
        with WorkerProcess("llamacpp", threads=1, timeout_s=60) as worker:
            worker.ask(loading(smollm2, kv_cache_type="f16"), protocol.Loaded)
            worker.ask(protocol.OpenEngine(memory_bytes=2**24), protocol.EngineOpened)
            window = protocol.Score(items=list(ITEMS.values())[:8])
            answers.append(worker.ask(window, protocol.Scored).items)
            closed = worker.close()
    assert answers[0] == answers[1]
    assert NOT_IN_A_WORKER.isdisjoint(closed.modules)
