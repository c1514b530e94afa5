"""The fake in this process: what it answers, and what it refuses to be told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evals.tasks.templates import TemplateChild
from runners.runtimes.fake.runtime import Fake
from runners.worker import protocol
from runners.worker.runtime import WorkerError

ITEMS = [
    protocol.ScoreItem(contexts=[f"Question {n}:"], continuations=[(0, "yes"), (0, "maybe")])
    for n in range(1000)
]


def fake(**options) -> Fake:
    runtime = Fake()
    runtime.load(loading(options))
    return runtime


def loading(options: dict) -> protocol.Load:
    settings = {"context": None, "threads": 1, "kv_cache_type": "f16", "mmap": True}
    return protocol.Load(path=None, settings={**settings, "fake": options})


def picks(runtime: Fake, items: list[protocol.ScoreItem] = ITEMS) -> list[int]:
    scored = runtime.score(items, lambda _: None)
    return [item.logprobs.index(max(item.logprobs)) for item in scored.items]


def prompt(text: str, max_tokens: int = 99) -> protocol.GenerateItem:
    return protocol.GenerateItem(
        prompt=text, until=[], max_tokens=max_tokens, temperature=0, top_k=0, top_p=1, seed=0
    )


def test_a_score_by_hand():
    (item,) = fake(pick=1).score(ITEMS[:1], lambda _: None).items
    # The picked "maybe" loses 0.001 nat a character, the other 1: it wins at any length.
    assert item == protocol.ItemScore(
        logprobs=[-3.0, -0.005], greedy=[False, True], tokens=3 + 5, truncated=False
    )


def test_it_answers_the_same_each_time_and_by_its_seed():
    assert picks(fake()) == picks(fake()) != picks(fake(seed=1))
    # Without `pick` it has no favourite: 500 of 1,000, give or take four standard errors of 16.
    assert sum(picks(fake())) == pytest.approx(500, abs=64)


def test_an_answer_depends_on_its_item_alone():
    assert picks(fake(), ITEMS[700:]) == picks(fake())[700:]


@pytest.mark.parametrize(("pick", "expected"), [(0, 0), (1, 1), (2, 0), (3, 1)])
def test_pick_counts_round(pick, expected):
    assert set(picks(fake(pick=pick))) == {expected}


def test_wrong_rate_is_kept_and_seeded():
    wrong = [n for n, picked in enumerate(picks(fake(pick=0, wrong_rate=0.2))) if picked != 0]
    # 200 of 1,000, give or take four standard errors of 12.6.
    assert len(wrong) == pytest.approx(200, abs=51)
    other = [n for n, p in enumerate(picks(fake(pick=0, wrong_rate=0.2, seed=1))) if p != 0]
    assert wrong != other
    assert set(picks(fake(pick=0, wrong_rate=1))) == {1}
    # An item that is wrong at one rate is wrong at every higher one.
    more = [n for n, p in enumerate(picks(fake(pick=0, wrong_rate=0.3))) if p != 0]
    assert set(wrong) < set(more)


def test_the_only_choice_is_not_greedy_where_it_is_wrong():
    item = protocol.ScoreItem(contexts=["The"], continuations=[(0, " end")])
    assert fake().score([item], lambda _: None).items[0].greedy == [True]
    assert fake(wrong_rate=1).score([item], lambda _: None).items[0].greedy == [False]


def test_a_rolling_text_costs_a_nat_a_word():
    item = protocol.ScoreItem(contexts=["one two three"], continuations=[], rolling=True)
    assert fake().score([item], lambda _: None).items == [
        protocol.ItemScore(logprobs=[-3.0], greedy=[False], tokens=3, truncated=False)
    ]


def test_progress_counts_items():
    told: list[int] = []
    fake().score(ITEMS[:3], told.append)
    assert told == [1, 2, 3]


def asked(*items: protocol.GenerateItem) -> protocol.Generate:
    return protocol.Generate(items=list(items))


def test_generation():
    generated = fake(text="It is 42.").generate(asked(prompt("six times seven?")), lambda _: None)
    (item,) = generated.items
    assert (item.text, item.stop, item.prompt_tokens) == ("It is 42.", "end of sequence", 3)
    assert len(item.times.token_s) == 3  # a word is a token
    (wrong,) = (
        fake(text="It is 42.", wrong_rate=1).generate(asked(prompt("?")), lambda _: None).items
    )
    assert wrong.text == ".24 si tI"


def test_times_keep_to_the_delays():
    runtime = fake(delay_first_token_s=0.02, delay_per_token_s=0.01)
    times = runtime.latency(
        protocol.RunLatency(prompt_tokens=8, new_tokens=4, warmups=1, repeats=2), lambda _: None
    )
    assert (len(times.warmups), len(times.repeats), times.evaluated_tokens) == (1, 2, 8)
    for request in (*times.warmups, *times.repeats):
        # Deadlines, so delays never add up; a sleep never ends early: 20, 30, 40, 50 ms at least.
        assert [
            round(t, 6) >= due
            for t, due in zip(request.token_s, (0.02, 0.03, 0.04, 0.05), strict=True)
        ] == [True] * 4
        assert request.token_s == sorted(request.token_s)
    assert times.first_token_ns <= time.perf_counter_ns()


def test_it_holds_maps_and_gives_back(tmp_path: Path):
    file = tmp_path / "weights"
    file.write_bytes(bytes(10_000))
    runtime = Fake()
    loaded = runtime.load(loading({"memory_bytes": 2**20, "map_file": str(file)}))
    assert loaded.weights_bytes == 2**20
    runtime.close()
    file.unlink()


def test_chat_prompt():
    found = fake().chat_template()
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    with TemplateChild() as child:
        text, _ = child.chat(
            found.text, messages, add_generation_prompt=True, bos=found.bos, eos=found.eos
        )
    assert text == "system: Be brief.\nuser: Hi\nassistant: "
    assert fake(template="{{ 1 }}").chat_template().text == "{{ 1 }}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"wrong_rat": 0.1}, 'unknown key "wrong_rat" (known: chat_template, child_bytes, context'),
        ({"fail_at": "loading"}, 'fail_at: unknown phase "loading" (known: load, latency,'),
        ({"fail_how": "explode"}, 'fail_how: unknown way "explode" (known: exception, refuse,'),
        ({"wrong_rate": "0.1"}, "wrong_rate: '0.1' is no float"),
        ({"pick": 0.5}, "pick: 0.5 is no int"),
        ({"pick": True}, "pick: True is no int"),
        ({"chat_template": 1}, "chat_template: 1 is no bool"),
    ],
)
def test_a_wrong_option_is_refused(options, said):
    with pytest.raises(WorkerError) as caught:
        fake(**options)
    assert f"settings.fake{'' if 'key' in said else '.'}" in str(caught.value)
    assert said in str(caught.value)


def test_a_whole_number_serves_as_a_float():
    assert set(picks(fake(pick=0, wrong_rate=0))) == {0}


def test_its_logits_are_drawn_from_the_text_and_its_noise_from_the_seed(tmp_path: Path):
    kept = str(tmp_path / "logits")
    asked = {"text": "The queue reaches back to the mill.", "window": 20}
    fake().diverge(protocol.Diverge(**asked, keep=kept))
    same = fake(seed=4).diverge(protocol.Diverge(**asked, reference=kept))
    assert max(map(abs, same.kl_nats)) < 1e-4
    little, much = (
        fake(logit_noise=noise).diverge(protocol.Diverge(**asked, reference=kept))
        for noise in (0.1, 1.0)
    )
    assert len(much.kl_nats) == 9
    assert 1e-4 < sum(little.kl_nats) < sum(much.kl_nats)
    with pytest.raises(WorkerError, match="128 tokens in its vocabulary, not 256"):
        fake(vocabulary=128).diverge(protocol.Diverge(**asked, reference=kept))
