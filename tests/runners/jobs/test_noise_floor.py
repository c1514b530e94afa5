"""Which items are probed, and what their two scores say."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.tasks.items import Item
from runners.jobs.noise_floor import choices, noise_floor, not_measured, probe
from runners.worker import protocol


def item(choices: int = 2, kind: str = "loglikelihood") -> Item:
    instances = tuple(SimpleNamespace(request_type=kind, args=("c", "a")) for _ in range(choices))
    return Item(doc_id=0, doc={}, instances=instances, target=0, identity="0", chance=None)


def scored(*logprobs: float) -> protocol.ItemScore:
    return protocol.ItemScore(
        logprobs=list(logprobs), greedy=[False] * len(logprobs), tokens=1, truncated=False
    )


def test_entries_share_the_probe_equally_and_evenly_spaced():
    items = {"a": [item()] * 3, "b1": [item()] * 50, "b2": [item()] * 50, "c": [item()] * 400}
    groups = {"a": "a", "b1": "b", "b2": "b", "c": "c"}
    found = probe(groups, items, most=20)
    # Three of a, which has no more; the seventeen that are left go half to b, half to c.
    assert Counter(groups[one.task] for one in found) == {"a": 3, "b": 8, "c": 9}
    assert [one.place for one in found if one.task == "b1"] == [0, 12, 25, 37]
    assert [one.place for one in found if one.task == "c"][:3] == [0, 44, 88]


def test_only_items_with_choices_are_probed():
    items = {
        "one": [item(1)],
        "text": [item(2, "generate_until")],
        "rolling": [item(1, "loglikelihood_rolling")],
        "choices": [item(2)],
    }
    found = probe({name: name for name in items}, items, most=200)
    assert [one.task for one in found] == ["choices"]


@given(
    sizes=st.lists(st.integers(0, 40), max_size=6),
    most=st.integers(1, 60),
)
def test_as_many_as_there_are_and_none_twice(sizes, most):
    items = {str(n): [item()] * size for n, size in enumerate(sizes)}
    found = probe({name: name for name in items}, items, most=most)
    assert len(found) == len(set(found)) == min(most, sum(sizes))
    assert all(0 <= one.place < len(items[one.task]) for one in found)


def test_a_choice_that_changes_counts():
    packed = [scored(-1, -2), scored(-3, -2), scored(-1, -1.5)]
    plain = [scored(-1.25, -2), scored(-2, -2.5), scored(-1, -1.5)]
    floor = noise_floor(packed, plain, [2, 2, 2])
    assert (floor.items, floor.changed) == (3, 1)
    assert floor.share == pytest.approx(1 / 3)
    assert floor.largest_nats == 1.0


def test_of_equal_choices_the_first_is_taken():
    assert noise_floor([scored(-1, -1)], [scored(-1, -2)], [2]).changed == 0
    assert noise_floor([scored(-1, -1)], [scored(-2, -1)], [2]).changed == 1


def test_what_is_asked_without_a_context_is_no_choice():
    """acc_mutual_info asks for two choices after the context, then for both after none."""
    kind = "loglikelihood"
    args = [("c", " a"), ("c", " b"), ("", " a"), ("", " b")]
    instances = tuple(SimpleNamespace(request_type=kind, args=one) for one in args)
    both = Item(doc_id=0, doc={}, instances=instances, target=0, identity="0", chance=None)
    assert choices(both) == 2
    assert choices(item(4)) == 4
    assert choices(item(1)) == 0
    # The third and fourth were likelier than the choices, and moved by 3 nats.
    packed, plain = scored(-1, -2, -0.5, -4), scored(-1.5, -2, -3.5, -0.1)
    floor = noise_floor([packed], [plain], [2])
    assert (floor.changed, floor.largest_nats) == (0, 0.5)


def test_a_floor_that_is_not_known_says_why():
    floor = not_measured("because")
    assert (floor.share, floor.largest_nats, floor.reason) == (None, None, "because")
