"""Ours against lm-eval's own encoding, on tokenisers small enough to read."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from runners.engine.encoding import Scoring, encode_pair, item_scorings, rolling_windows, truncate
from runners.worker import protocol
from runners.worker.runtime import WorkerError

EOS, BOS, MERGED = 0, 1, 1000
SPECIAL = {"</s>": EOS, "<s>": BOS}
MERGES = ("ab", "b ", " a", "abab", "b\n", "  ")
"""By falling rank, as in byte-pair encoding; some of them join a context to its continuation."""
ENDLESS = 10**6

# Pieces, not characters, so that special tokens and mergeable neighbours are common.
texts = st.lists(
    st.sampled_from(["a", "b", "ab", " ", "  ", "\n", "\t", "\u00a0", "é", "🙂", "<s>", "</s>"]),
    max_size=8,
).map("".join)


class Toy:
    """A byte-pair tokeniser whose ids are code points, or a merge's rank above 1000."""

    def __init__(self, *, adds_bos: bool) -> None:
        self.adds_bos = adds_bos

    @property
    def prefix_token(self) -> int:
        return BOS if self.adds_bos else EOS

    def plain(self, text: str) -> list[int]:
        ids = []
        while text:
            special = next((s for s in SPECIAL if text.startswith(s)), None)
            if special:
                ids.append(SPECIAL[special])
                text = text[len(special) :]
                continue
            ends = [text.find(s) for s in SPECIAL if s in text]
            run = text[: min(ends, default=len(text))]
            ids += self._merged(run)
            text = text[len(run) :]
        return ids

    def encode(self, text: str, add_special: bool) -> list[int]:
        """As a runtime's `encode`: its own BOS, unless the text brings one."""
        ids = self.plain(text)
        return [BOS, *ids] if add_special and self.adds_bos and ids[:1] != [BOS] else ids

    def _merged(self, run: str) -> list[int]:
        pieces = list(run)
        for merge in MERGES:
            at = 0
            while at + 1 < len(pieces):
                if pieces[at] + pieces[at + 1] == merge:
                    pieces[at : at + 2] = [merge]
                at += 1
        return [ord(p) if len(p) == 1 else MERGED + MERGES.index(p) for p in pieces]


class Oracle(TemplateLM):
    """lm-eval's side: its `loglikelihood` encodes, and what it would evaluate is kept."""

    def __init__(self, toy: Toy) -> None:
        super().__init__()
        self.toy = toy
        self.seen: list[tuple[list[int], list[int]]] = []

    @property
    def eot_token_id(self) -> int:
        return self.toy.prefix_token

    def tok_encode(self, string, add_special_tokens=None, **kwargs):
        # As HFLM: by default the tokeniser's own BOS, but no second one; False: none.
        if add_special_tokens is None:
            add_special_tokens = not string.startswith("<s>")
        ids = self.toy.plain(string)
        return [BOS, *ids] if add_special_tokens and self.toy.adds_bos else ids

    def _loglikelihood_tokens(self, requests, **kwargs):
        self.seen = [(context, continuation) for _, context, continuation in requests]
        return [(0.0, True)] * len(requests)

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def generate_until(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        request = Instance(
            request_type="loglikelihood", doc={}, arguments=(context, continuation), idx=0
        )
        self.loglikelihood([request], disable_tqdm=True)
        return self.seen[0]


def ours(toy: Toy, context: str, continuation: str, max_length: int = ENDLESS) -> Scoring:
    return encode_pair(
        toy.encode, context, continuation, prefix_token=toy.prefix_token, max_length=max_length
    )


@given(context=texts, continuation=texts, adds_bos=st.booleans())
def test_every_pair_is_encoded_as_lm_eval_does(context, continuation, adds_bos):
    toy = Toy(adds_bos=adds_bos)
    # Without a token to predict, or one to predict it from, lm-eval stops with an IndexError or
    # an AssertionError; see the tests of empty sides below.
    assume(continuation or context)
    expected_context, expected_continuation = Oracle(toy).pair(context, continuation)
    assume(expected_context and expected_continuation)

    scoring = ours(toy, context, continuation)

    assert list(scoring.tokens) == expected_context + expected_continuation
    assert scoring.first == len(expected_context)
    assert not scoring.truncated


@given(context=texts, continuation=texts, adds_bos=st.booleans(), max_length=st.integers(1, 12))
def test_truncation_is_hflms(context, continuation, adds_bos, max_length):
    toy = Toy(adds_bos=adds_bos)
    assume(continuation or context)
    context_ids, continuation_ids = Oracle(toy).pair(context, continuation)
    assume(context_ids and continuation_ids and len(continuation_ids) <= max_length)

    scoring = ours(toy, context, continuation, max_length)

    assert list(scoring.read) == (context_ids + continuation_ids)[-(max_length + 1) :][:-1]
    # HFLM takes the logits of the last len(continuation) tokens that were read.
    assert list(scoring.tokens[scoring.first :]) == continuation_ids
    assert scoring.truncated == (len(context_ids) + len(continuation_ids) > max_length + 1)


def test_a_merge_across_the_border_is_lost_as_it_is_in_lm_eval():
    # "ab" is one token, so the whole text is [BOS, ab, c]; the context is [BOS, a], two tokens, and
    # what is left of the whole after two is "c" alone: the "b" is neither read nor scored.
    scoring = ours(Toy(adds_bos=True), "a", "bc")
    assert scoring == Scoring(tokens=(BOS, ord("a"), ord("c")), first=2, truncated=False)


def test_trailing_spaces_move_to_the_continuation():
    # " a" is merge number 2: without the move it could not be formed.
    scoring = ours(Toy(adds_bos=False), "c ", "a")
    assert scoring == Scoring(tokens=(ord("c"), MERGED + 2), first=1, truncated=False)


def test_an_empty_context_becomes_the_prefix_token():
    assert ours(Toy(adds_bos=True), "", "c").tokens == (BOS, ord("c"))
    assert ours(Toy(adds_bos=False), "", "c").tokens == (EOS, ord("c"))


def test_a_continuation_that_starts_with_the_prefix_token_gets_no_second_one():
    scoring = ours(Toy(adds_bos=True), "", "<s>c")
    assert scoring == Scoring(tokens=(BOS, ord("c")), first=1, truncated=False)
    # BOS is not the prefix of a tokeniser without one.
    assert ours(Toy(adds_bos=False), "", "<s>c").tokens == (EOS, BOS, ord("c"))


@pytest.mark.parametrize("context", ["", "c"])
def test_a_continuation_without_a_token_is_refused(context):
    with pytest.raises(WorkerError, match="the choice '' has no token in this model's vocabulary"):
        ours(Toy(adds_bos=True), context, "")


def test_a_continuation_that_merges_with_its_context_is_encoded_by_itself():
    # "ab" is one token, as "a" is: the split of the whole text after one token leaves nothing, at
    # which lm-eval stops with an AssertionError. "b" by itself follows the context instead.
    scoring = ours(Toy(adds_bos=False), "ca", "b")
    assert scoring == Scoring(tokens=tuple(map(ord, "cab")), first=2, truncated=False, alone=True)
    # One letter more, and a token is left: as lm-eval scores it.
    assert not ours(Toy(adds_bos=False), "ca", "bc").alone


def test_the_prefix_token_itself_can_be_a_continuation():
    # lm-eval would take it for the context, have nothing to score, and stop.
    for adds_bos, text, token in ((True, "<s>", BOS), (False, "</s>", EOS)):
        scoring = ours(Toy(adds_bos=adds_bos), "", text)
        assert scoring == Scoring(tokens=(token, token), first=1, truncated=False)


@pytest.mark.parametrize(("adds_bos", "prefix"), [(True, BOS), (False, EOS)])
def test_white_space_alone_is_scored_after_the_prefix_token(adds_bos, prefix):
    # A context of spaces moves to the continuation; without a BOS nothing is left to predict its
    # first token from, and lm-eval stops with an AssertionError.
    scoring = ours(Toy(adds_bos=adds_bos), " ", "c")
    assert scoring == Scoring(tokens=(prefix, ord(" "), ord("c")), first=1, truncated=False)
    assert ours(Toy(adds_bos=adds_bos), " ", "").tokens == (prefix, ord(" "))


def test_a_document_without_a_token_is_refused():
    item = protocol.ScoreItem(contexts=[""], continuations=[], rolling=True)
    with pytest.raises(WorkerError, match="the document '' has no token"):
        item_scorings(Toy(adds_bos=False).encode, item, prefix_token=EOS, max_length=8)


def test_a_continuation_longer_than_the_context_keeps_its_end():
    # 2 + 4 tokens, 3 are read: the last 4 are kept, and the first of them is only read.
    assert truncate([8, 9], [1, 2, 3, 4], 3) == Scoring(
        tokens=(1, 2, 3, 4), first=1, truncated=True
    )
    # 2 + 3 tokens, 3 are read: exactly one token is dropped, of the context.
    assert truncate([8, 9], [1, 2, 3], 3) == Scoring(tokens=(9, 1, 2, 3), first=1, truncated=True)
    assert truncate([9], [1, 2, 3], 3) == Scoring(tokens=(9, 1, 2, 3), first=1, truncated=False)


@given(tokens=st.lists(st.integers(2, 9), max_size=40), max_length=st.integers(1, 12))
def test_rolling_windows_are_lm_evals(tokens, max_length):
    expected = [
        make_disjoint_window(pair)
        for pair in get_rolling_token_windows(tokens, BOS, max_length, context_len=1)
    ]

    windows = rolling_windows(tokens, prefix_token=BOS, max_length=max_length)

    assert [(list(w.tokens[: w.first]), list(w.tokens[w.first :])) for w in windows] == expected
    assert all(len(w.read) <= max_length for w in windows)


def test_rolling_by_hand():
    # Five tokens, three read at a time: [BOS 1 2] predicts 1 2 3; then 4 and 5 are left, and the
    # model can read three tokens again: [2 3 4] predicts 4 (from 3) and 5 (from 4).
    assert rolling_windows([1, 2, 3, 4, 5], prefix_token=BOS, max_length=3) == [
        Scoring(tokens=(BOS, 1, 2, 3), first=1, truncated=False),
        Scoring(tokens=(2, 3, 4, 5), first=2, truncated=False),
    ]
    assert rolling_windows([], prefix_token=BOS, max_length=3) == []
