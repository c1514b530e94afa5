"""The engine against plain scoring, on tiny random models of six architectures.

Plain scoring is one sequence at a time from an empty cache, through llama.cpp's own functions
(`benchmarks/plain.py`). Weights and KV cache are float32, so that the two differ only in the order
of float32 additions, by up to 3e-5 nats a continuation (Gemma 3, whose GELU is a table of F16
values: 4e-4). One thread: two on busy cores wait for each other, a hundred times as long.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("llama_cpp")

from benchmarks.plain import Plain
from runners.runtimes.llamacpp.runtime import LlamaCpp
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support import tiny_gguf
from tests.support.cpp_settings import cpp_settings
from tests.support.score_items import rolling, scored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

LENGTH = 160
"""Tokens of the candidate's context; ten sliding windows."""
LONG = 640
"""A context of more tokens than the engine evaluates in one wave."""
TOLERANCE = 3e-3  # nats a continuation; 0.0016 was seen, of 35 nats on gemma3
TOLERANCE_F16 = 0.15
"""An F16 cache rounds keys and values, and flash attention adds up in F16 where it has few rows."""
MEMORY = 64 * 2**20

QUESTION = " Which number weighed two apples on the scale because one clerk thanked"
PREAMBLE = "".join(
    f"Question {number}:{QUESTION} {number}? The answer is {word}.\n\n"
    for number, word in enumerate(("one", "two"))
)
LETTERS = (" A", " B", " C", " D")


ITEMS = {
    "four choices": scored(
        "The clerk put the apples on the scale and", " weighed the apples.", " thanked the clerk.",
        " one, two, three, four.", " the apples",
    ),
    "preamble, first": scored(f"{PREAMBLE}Question 3: which apple? The answer is", *LETTERS),
    "preamble, second": scored(f"{PREAMBLE}Question 4: the scale? The answer is", *LETTERS),
    "preamble, other": scored(f"{PREAMBLE}Then the clerk weighed", " five apples", " forty-two"),
    "preamble alone": scored(PREAMBLE, "Question 3: which apple?", "The end"),
    "one token": scored("Which number is the answer?", " one", " two", " three", " the"),
    "forty": scored("A number below forty:", *(f" {number}, weighed" for number in range(40))),
    "identical": scored("To weigh or not", " to weigh", " to weigh", " to weigh one", " to weigh"),
    "one inside another": scored("The answer", " is one", " is", " is one apple", " is one apple."),
    "several contexts": scored(
        ["Ann thanked Bob because Ann", "Ann thanked Bob because Bob", "Then"],
        " weighed the apples.", " weighed the apples.", " weighed the apples.",
    ),
    "no context": scored("", "The answer", " the answer"),
    "bytes": scored(
        "Der Müller rief: „Grüß Gott!“ 🙂🧑\u200d🌾", " 🙂", " 日本語", " café", "\u200d🌾",
    ),
    "merges": scored("The answer is for", "ty", "ty-two", "t", " forty"),
    "spaces": scored("The answer is  ", "one", "forty"),
    "too long": scored(f"{QUESTION} and then" * 12, " one", " two apples and more"),
    "longer than the context": scored("The answer is", " one two three four five" * 60, " one"),
    "again": scored("To weigh or not", " to weigh", " to weigh", " to weigh one", " to weigh"),
    "rolling": rolling(f"{QUESTION}, and the scale weighed forty." * 16),
    "rolling, short": rolling("The answer"),
}  # fmt: skip


class Bench:
    """A tiny model in the engine, and plainly."""

    def __init__(
        self, path: Path, *, length: int, memory: int = MEMORY, cache: str = "f32"
    ) -> None:
        self.tolerance = TOLERANCE if cache == "f32" else TOLERANCE_F16
        self.engine = LlamaCpp()
        settings = cpp_settings(context=length, kv_cache_type=cache)
        self.engine.load(protocol.Load(path=str(path), settings=settings))
        self.opened = self.engine.open_engine(protocol.OpenEngine(memory_bytes=memory))
        self.plain = Plain(path, length=length)

    def score(self, items: Sequence[protocol.ScoreItem]) -> list[protocol.ItemScore]:
        return self.engine.score(items, lambda _: None).items

    def check(self, items: Sequence[protocol.ScoreItem]) -> list[protocol.ItemScore]:
        """Score a window, and compare each continuation with plain scoring."""
        answers = self.score(items)
        assert len(answers) == len(items)
        for asked, answer in zip(items, answers, strict=True):
            scorings = self.plain.scorings(asked)
            alone = [self.plain.score(scoring) for scoring in scorings]
            nats, greedy = [a.nats for a in alone], [a.greedy for a in alone]
            margins = [a.margin for a in alone]
            if asked.rolling:
                nats, greedy = [sum(nats)], [all(greedy)]
                margins = [min(margins, default=1.0)]
            assert answer.logprobs == pytest.approx(nats, abs=self.tolerance, rel=0), asked
            near = [margin < self.tolerance for margin in margins]
            assert [a == b or n for a, b, n in zip(answer.greedy, greedy, near, strict=True)], asked
            assert answer.tokens == sum(len(s.tokens) - s.first for s in scorings), asked
            assert answer.truncated == any(s.truncated for s in scorings), asked
        return answers

    def close(self) -> None:
        self.engine.close()
        self.plain.close()


@pytest.fixture(scope="module", params=list(tiny_gguf.ARCHITECTURES))
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    return tiny_gguf.write(folder / "tiny.gguf", request.param)


@pytest.fixture(scope="module")
def bench(path: Path) -> Iterator[Bench]:
    with closing(Bench(path, length=LENGTH)) as bench:
        yield bench


def test_every_kind_of_item_equals_plain_scoring(bench):
    bench.check(list(ITEMS.values()))


def test_each_item_by_itself_equals_plain_scoring(bench):
    for asked in ITEMS.values():
        bench.check([asked])


def test_the_items_are_what_they_are_called(bench):
    of = {name: bench.plain.scorings(asked) for name, asked in ITEMS.items()}
    assert [len(s.tokens) - s.first for s in of["one token"]] == [1, 1, 1, 1]
    assert [s.alone for s in of["merges"]] == [True, False, True, False]  # " forty", " fort"
    assert {len(s.read) for s in of["too long"]} == {LENGTH}
    assert of["longer than the context"][0].first == 1
    assert len(of["rolling"]) > 2
    shared = {s.tokens[: len(bench.plain.encode(PREAMBLE, True))] for s in of["preamble, first"]}
    assert shared == {tuple(bench.plain.encode(PREAMBLE, True))}
    assert all(len(tokens) > 3 * tiny_gguf.WINDOW for tokens in shared)
    assert len({s.tokens for s in of["forty"]}) == 40


def test_a_lost_or_foreign_token_would_be_seen(bench):
    """Without its first token, or with another one, a sequence scores outside the tolerance."""
    for name in ("four choices", "preamble, first", "several contexts", "bytes"):
        for scoring in bench.plain.scorings(ITEMS[name]):
            right = bench.plain.score(scoring).nats
            lost = replace(scoring, tokens=scoring.tokens[1:], first=scoring.first - 1)
            foreign = replace(scoring, tokens=(scoring.tokens[1], *scoring.tokens[1:]))
            for wrong in (lost, foreign):
                assert abs(bench.plain.score(wrong).nats - right) > 3 * TOLERANCE, name


def test_a_context_as_long_as_the_window(bench):
    # One word is one token; the last one is read, and predicts the only token of the choice.
    count = LENGTH - len(bench.plain.encode("", True))
    full = scored(" the" * count, " one", " the")
    longer = scored(" the" * (count + 1), " one", " the")
    assert {(len(s.read), s.truncated) for s in bench.plain.scorings(full)} == {(LENGTH, False)}
    assert {(len(s.read), s.truncated) for s in bench.plain.scorings(longer)} == {(LENGTH, True)}
    bench.check([full, longer, ITEMS["one token"], full])


def test_greedy_continuations_are_recognised(bench):
    items = [greedy_item(bench.plain, context) for context in ("The answer is", PREAMBLE, "One")]
    found = [answer.greedy for answer in bench.check(items)]
    assert found == [[True, False]] * 3


def greedy_item(plain: Plain, context: str) -> protocol.ScoreItem:
    """A context whose likeliest next token is text that stays one token; and another choice."""
    for word in tiny_gguf.WORDS:
        tokens = plain.encode(context + word, True)
        (row,) = plain.logits(tokens, len(tokens) - 1)
        best = int(row.argmax())
        text = plain.piece(best).decode("utf-8", "replace")
        if text != "~" and plain.encode(context + word + text, True) == [*tokens, best]:
            return scored(context + word, text, "~")
    raise AssertionError(f"no word after {context!r} is followed by text that is cut the same way")


def test_the_same_window_twice_is_the_same_bits(bench):
    window = list(ITEMS.values())
    first = bench.score(window)
    bench.score(window[3:7])
    assert bench.score(window) == first


def test_any_order_of_the_items_is_the_same_bits(bench):
    names = list(ITEMS)
    first = dict(zip(names, bench.score([ITEMS[name] for name in names]), strict=True))
    for seed in range(3):
        shuffled = random.Random(seed).sample(names, len(names))
        answers = bench.score([ITEMS[name] for name in shuffled])
        assert dict(zip(shuffled, answers, strict=True)) == first


def test_few_rows_of_logits(path):
    with closing(Bench(path, length=LENGTH, memory=0)) as bench:
        bench.check(list(ITEMS.values()))


def test_the_cache_that_candidates_have(path):
    """F16 and with it flash attention, another kernel over another layout of the cache."""
    with closing(Bench(path, length=LENGTH, cache="f16")) as bench:
        bench.check(list(ITEMS.values()))


@pytest.mark.parametrize("kind", [name for name in tiny_gguf.ARCHITECTURES if name != "minicpm"])
def test_more_than_the_engine_holds_at_once(kind: str, tmp_path: Path):
    """A preamble longer than a wave, more branches than sequences, more tokens than cells.

    Not minicpm, whose cache is that of llama.
    """
    path = tiny_gguf.write(tmp_path / "tiny.gguf", kind)
    with closing(Bench(path, length=LONG)) as bench:
        words = [word for word in tiny_gguf.WORDS if word.startswith(" ")]
        draw = random.Random(0)
        preamble = "".join(draw.choices(words, k=540))
        branches = [one + two for one in words[:9] for two in words[:8]]
        texts = ["".join(draw.choices(words, k=30)) for _ in range(4)]
        window = [
            scored(preamble, *branches),
            *(scored(f"{preamble}\n{text}", *LETTERS[:2]) for text in texts),
            scored(preamble + texts[0], texts[1] * 2, texts[2] * 2),
        ]
        opened = bench.opened
        assert len(bench.plain.encode(preamble, True)) > opened.batch_tokens
        assert len(branches) > opened.sequences
        distinct = bench.engine.score(window, lambda _: None).distinct_tokens
        assert distinct > opened.cells
        bench.check(window)


words_ = st.sampled_from([*tiny_gguf.WORDS[:8], " A", "é", "🙂", "\n"])
texts_ = st.lists(words_, max_size=12).map("".join)
choices_ = st.lists(words_, min_size=1, max_size=12).map("".join)
items_ = st.builds(
    lambda context, more, choices: protocol.ScoreItem(
        contexts=[context, context + more],
        continuations=[(place % 2, text) for place, text in enumerate(choices)],
    ),
    texts_, texts_, st.lists(choices_, min_size=1, max_size=5),
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(window=st.lists(items_, min_size=1, max_size=6))
def test_windows_of_any_shape_equal_plain_scoring(bench, window):
    bench.check(window)


@pytest.mark.parametrize("asked", ["latency", "score", "score_plain", "generate", "packed"])
def test_a_model_that_computes_nan_is_refused(tmp_path: Path, asked: str):
    path = tiny_gguf.write(tmp_path / "spoilt.gguf", "llama", spoilt=math.nan)
    prompt = protocol.GenerateItem(
        prompt="Which?", until=[], max_tokens=2, temperature=0, top_k=0, top_p=1, seed=0
    )
    workload = protocol.RunLatency(prompt_tokens=8, new_tokens=2, warmups=0, repeats=1)
    with closing(Bench(path, length=LENGTH)) as bench:
        ask: dict[str, Callable[[], object]] = {
            "latency": lambda: bench.engine.latency(workload, print),
            "score": lambda: bench.score([ITEMS["one token"]]),
            "score_plain": lambda: bench.engine.score_plain([ITEMS["one token"]], print),
            "generate": lambda: bench.engine.generate(protocol.Generate(items=[prompt]), print),
            "packed": lambda: bench.engine.generate(
                protocol.Generate(items=[prompt], packed=True), print
            ),
        }
        with pytest.raises(WorkerError, match="logits are not numbers"):
            ask[asked]()
