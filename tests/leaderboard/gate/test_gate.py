"""The gate on made records, and on the reference run, whose figures are not written here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import RecordError
from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import Gate, judge
from leaderboard.gate.policy import Policy
from leaderboard.gate.report import exit_code, headline, notes
from leaderboard.gate.verdicts import Judged
from leaderboard.gate.words import sentence
from runners.records.record import JobError
from tests.support.reference import STORE, ladder_runs

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

ROOT = Path(__file__).parents[3]
MIB = 2**20
# Run to run, in %: no two sides of a pair differ the same.
WOBBLE = (0.0, 1.0, -1.0, 0.5, -0.5, 0.2)


def policy(**rules: Any) -> Policy:
    return Policy.model_validate({"metrics": rules})


def side(
    made: Maker,
    name: str,
    *,
    scores: dict[str, list[float]] | None = None,
    runs: int = 6,
    slower: float = 1.0,
    **given: Any,
) -> Side:
    scores = {"t": [1.0] * 300} if scores is None else scores
    tasks = {t: made.task(sum(v) / len(v), len(v), group=t) for t, v in scores.items()}
    records = []
    for repeat in range(runs):
        wobble = 1 + WOBBLE[repeat] / 100 * (1 if name == "a" else -1)
        usual = {"ttft_s": 0.1 * slower * wobble, "decode": 50 / slower / wobble, **given}
        tasks_here = tasks if repeat == 0 else {}
        records.append(made.record(name, repeat=repeat, tasks=tasks_here, **usual))
    return Side(runs=tuple(records), samples=made.samples(scores))


def of(gate: Gate, metric: str) -> Judged:
    return next(j for j in gate.judged if j.metric == metric)


def verdicts(gate: Gate) -> dict[str, str]:
    """Of all but the slow ends of requests and the slowest runs, which test_slow.py has."""
    slow = ("_tail_s", "slowest_")
    return {j.metric: j.verdict for j in gate.judged if not any(word in j.metric for word in slow)}


def test_a_twin_passes_on_everything(made: Maker):
    gate = judge(side(made, "a"), side(made, "b"), Policy())
    assert set(verdicts(gate).values()) == {"pass"}
    assert list(verdicts(gate)) == [
        "accuracy", "ttft_s:8+4", "decode_tokens_per_s:8+4", "cold_start_s", "peak_bytes",
        "weights_bytes",
    ]  # fmt: skip
    assert (gate.verdict, exit_code(gate), gate.refused) == ("pass", 0, ())


def test_a_slower_candidate_regresses_and_a_faster_one_does_not(made: Maker):
    gate = judge(side(made, "a"), side(made, "b", slower=1.3), Policy())
    found = of(gate, "ttft_s:8+4")
    assert (found.verdict, gate.verdict, exit_code(gate)) == ("regressed", "regressed", 1)
    assert found.loss == pytest.approx(0.3, abs=0.01)
    assert (found.count, found.paired, found.severity) == (6, True, "fail")
    assert of(gate, "accuracy").verdict == "pass"
    assert judge(side(made, "a", slower=1.3), side(made, "b"), Policy()).verdict == "pass"


def test_memory_must_grow_by_the_share_and_by_the_bytes(made: Maker):
    def peak(before: int, after: int) -> str:
        a, b = side(made, "a", peak=before * MIB), side(made, "b", peak=after * MIB)
        return of(judge(a, b, Policy()), "peak_bytes").verdict

    assert peak(40, 47) == "pass"  # 17 %, and 7 MiB
    assert peak(1000, 1040) == "pass"  # 4 %, and 40 MiB
    assert peak(40, 48) == "regressed"
    assert peak(1000, 1051) == "regressed"


def test_a_loss_of_accuracy(made: Maker):
    worse = {"t": [0.0] * 20 + [1.0] * 280}
    gate = judge(side(made, "a"), side(made, "b", scores=worse), Policy())
    found = of(gate, "accuracy")
    # Holm over accuracy, two times, cold start and memory: five times the smallest p.
    assert found.p == pytest.approx(0.5**20)
    assert found.p_adjusted == pytest.approx(5 * 0.5**20)
    assert (found.verdict, found.loss) == ("regressed", pytest.approx(20 / 300))
    assert found.detectable is not None
    assert 0 < found.detectable < 20 / 300


def test_holm_guards_the_family(made: Maker):
    """Six of six lost: p = 1/64. Alone it regresses, beside four other metrics it is too little."""
    worse = {"t": [0.0] * 6 + [1.0] * 294}
    sides = side(made, "a"), side(made, "b", scores=worse)
    off = {"severity": "ignore"}
    alone = policy(ttft_s=RULE | off, decode_tokens_per_s=RULE | off, cold_start_s=RULE | off,
                   peak_bytes=RULE | off)  # fmt: skip
    assert of(judge(*sides, alone), "accuracy").verdict == "regressed"
    found = of(judge(*sides, Policy()), "accuracy")
    assert (found.p_adjusted, found.verdict) == (pytest.approx(5 / 64), "cannot tell")
    # What only warns is a family of its own.
    warns = {"severity": "warn"}
    beside = policy(ttft_s=RULE | warns, decode_tokens_per_s=RULE | warns,
                    cold_start_s=RULE | warns, peak_bytes=RULE | warns)  # fmt: skip
    assert of(judge(*sides, beside), "accuracy").verdict == "regressed"


RULE: dict[str, Any] = {"margin": 0.1}


def test_too_few_items_cannot_tell_and_say_how_many_would(made: Maker):
    few = {"t": [1.0] * 50}
    gate = judge(side(made, "a", scores=few), side(made, "b", scores=few), Policy())
    found = of(gate, "accuracy")
    assert (found.verdict, gate.verdict, exit_code(gate)) == ("cannot tell", "cannot tell", 2)
    assert found.needed
    # No flip on n items leaves a limit of z^2 / (n + z^2), 1 point at 268.
    assert 268 < found.needed < 5000


@pytest.mark.parametrize(("mapped", "code"), [("pass", 0), ("warn", 2), ("fail", 1)])
def test_a_policy_maps_what_cannot_be_told(made: Maker, mapped: str, code: int):
    few = {"t": [1.0] * 50}
    asked = Policy.model_validate({"on_cannot_tell": mapped})
    gate = judge(side(made, "a", scores=few), side(made, "b", scores=few), asked)
    assert (gate.verdict, exit_code(gate)) == ("cannot tell", code)


def test_three_pairs_are_refused_with_the_number_needed(made: Maker):
    asked = Policy.model_validate({"on_cannot_tell": "pass"})
    gate = judge(side(made, "a", runs=3), side(made, "b", runs=3, slower=9, peak=MIB), asked)
    memory, ttft = of(gate, "peak_bytes"), of(gate, "ttft_s:8+4")
    assert (memory.refused, memory.needed, memory.count, memory.loss) == (True, 5, 3, None)
    assert (ttft.refused, ttft.severity) == (True, "warn")  # times fail only with enough pairs
    assert gate.refused == (memory,)
    # What could not fail is never mapped to a pass.
    assert (gate.verdict, exit_code(gate)) == ("cannot tell", 2)
    assert not judge(side(made, "a", runs=5), side(made, "b", runs=5), asked).refused


def test_four_items_are_refused(made: Maker):
    few = {"t": [1.0] * 4}
    gate = judge(side(made, "a", scores=few), side(made, "b", scores=few), Policy())
    assert of(gate, "accuracy").refused
    assert of(gate, "accuracy").needed == 5


def test_runs_that_were_not_interleaved_only_warn_of_times(made: Maker):
    gate = judge(side(made, "a"), side(made, "b", batch="later", slower=2), Policy())
    found = of(gate, "ttft_s:8+4")
    assert (found.paired, found.verdict, found.severity) == (False, "regressed", "warn")
    assert of(gate, "peak_bytes").severity == "fail"
    assert gate.verdict == "pass"
    strict = policy(ttft_s={"margin": 0.1, "severity": "fail"})
    assert judge(side(made, "a"), side(made, "b", batch="later", slower=2), strict).verdict == (
        "regressed"
    )


def test_another_machine_judges_accuracy_and_size_alone(made: Maker):
    elsewhere = {"machine": {"fingerprint": "other"}}
    gate = judge(side(made, "a"), side(made, "b", slower=5, **elsewhere), Policy())
    assert verdicts(gate) == {
        "accuracy": "pass", "ttft_s:8+4": "cannot tell", "decode_tokens_per_s:8+4": "cannot tell",
        "cold_start_s": "cannot tell", "peak_bytes": "cannot tell", "weights_bytes": "pass",
    }  # fmt: skip
    assert "unlike machines" in of(gate, "ttft_s:8+4").reason
    assert (gate.verdict, gate.refused) == ("cannot tell", ())
    lenient = Policy.model_validate({"on_cannot_tell": "pass"})
    assert exit_code(judge(side(made, "a"), side(made, "b", **elsewhere), lenient)) == 0


def test_a_larger_file(made: Maker):
    def judged(size: int) -> Judged:
        larger = {"weights_bytes": size}
        return of(judge(side(made, "a"), side(made, "b", candidate=larger), Policy()),
                  "weights_bytes")  # fmt: skip

    assert (judged(round(1.04 * MIB)).verdict, judged(round(1.06 * MIB)).verdict) == (
        "pass", "regressed",
    )  # fmt: skip
    assert judged(MIB).interval is None


def test_single_tasks_warn(made: Maker):
    good, bad = [1.0] * 300, [0.0] * 30 + [1.0] * 270
    a = side(made, "a", scores=dict.fromkeys("tuvwxy", good))
    b = side(made, "b", scores={**dict.fromkeys("tuvwx", good), "y": bad})
    wide = policy(accuracy={"margin": 0.1})
    gate = judge(a, b, wide)
    assert of(gate, "accuracy:y").verdict == "regressed"
    assert (of(gate, "accuracy:y").severity, gate.verdict) == ("warn", "pass")


def test_a_policy_chooses_tasks(made: Maker):
    good, bad = [1.0] * 300, [0.0] * 100 + [1.0] * 200
    a = side(made, "a", scores={"t": good, "u": good})
    b = side(made, "b", scores={"t": good, "u": bad})
    assert judge(a, b, Policy()).verdict == "regressed"
    assert judge(a, b, Policy(tasks=("t",))).verdict == "pass"
    with pytest.raises(RecordError, match=r'no task "tt" in these runs .did you mean "t"'):
        judge(a, b, Policy(tasks=("tt",)))


def test_items_of_one_side_are_listed(made: Maker):
    a = side(made, "a", scores={"t": [1.0] * 300})
    b = side(made, "b", scores={"t": [1.0] * 298}, suite={"digest": "other"})
    with pytest.raises(RecordError, match="not asked the same"):
        judge(a, b, Policy())
    gate = judge(a, b, Policy(), insist=True)
    assert [key.doc_id for key in gate.missing[0].only_baseline] == [298, 299]
    assert [m.kind for m in gate.mismatches] == ["items", "items"]


def test_a_candidate_that_failed_regressed(made: Maker):
    why = JobError(phase="scoring", message="killed by the kernel (out of memory)")
    dead = Side(runs=(made.record("b", status="failed", error=why),))
    gate = judge(side(made, "a"), dead, Policy())
    assert (gate.verdict, exit_code(gate), gate.judged) == ("regressed", 1, ())
    assert "failed in scoring: killed by the kernel" in gate.failure


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_baseline_must_be_complete(made: Maker, status: str):
    with pytest.raises(RecordError, match=f"is {status}: a gate needs completed runs"):
        judge(Side(runs=(made.record("a", status=status),)), side(made, "b"), Policy())


def test_an_interrupted_candidate_says_nothing(made: Maker):
    with pytest.raises(RecordError, match="is interrupted"):
        judge(side(made, "a"), Side(runs=(made.record("b", status="interrupted"),)), Policy())


def test_without_samples_accuracy_cannot_be_told(made: Maker):
    bare = Side(runs=side(made, "b").runs)
    gate = judge(side(made, "a"), bare, Policy())
    assert of(gate, "accuracy").verdict == gate.verdict == "cannot tell"
    assert "samples" in of(gate, "accuracy").reason


def test_a_gate_where_nothing_decides_cannot_tell(made: Maker):
    names = ("accuracy", "peak_bytes", "ttft_s", "decode_tokens_per_s", "cold_start_s")
    asked = policy(**{name: {"margin": 0.1, "severity": "warn"} for name in names})
    assert judge(side(made, "a"), side(made, "b"), asked).verdict == "cannot tell"


def test_a_lost_item_is_named_and_cannot_pass(made: Maker):
    """The candidate has no score of one item: whatever the rest says, that one was not judged."""
    base = side(made, "a")
    fewer = side(made, "b", scores={"t": [1.0] * 299})
    asked = Policy.model_validate({"on_cannot_tell": "pass"})
    gate = judge(base, fewer, asked)
    assert set(verdicts(gate).values()) == {"pass"}
    assert (gate.verdict, gate.lost, exit_code(gate)) == ("cannot tell", 1, 2)
    assert "cannot tell: 1 items were not judged" in headline(gate)
    assert any("documents 299" in note for note in notes(gate))
    # Nor where both were asked 400 and answered the same 300.
    tasks = {"t": made.task(1.0, 300, asked=400, group="t")}
    short = [side(made, name) for name in ("a", "b")]
    short = [
        replace(one, runs=tuple(r.model_copy(update={"accuracy": tasks if r.accuracy else {}})
                                for r in one.runs))
        for one in short
    ]  # fmt: skip
    gate = judge(short[0], short[1], asked)
    assert (gate.verdict, gate.lost, exit_code(gate)) == ("cannot tell", 100, 2)
    assert "t: 100 items were answered by neither side" in notes(gate)
    # Nor does an accuracy without any estimate, however a policy maps what cannot be told.
    gate = judge(base, replace(fewer, samples=None), asked)
    assert (gate.verdict, exit_code(gate)) == ("cannot tell", 2)
    assert [j.metric for j in gate.unjudged] == ["accuracy"]


# The reference run.


def reference(rung: str, repeats: int = 99) -> Side:
    name = f"smollm2-135m-instruct-{rung}"
    runs = tuple(
        record
        for record in ladder_runs()
        if record.candidate.name == name and record.job.repeat < repeats
    )
    whole = Side(runs=runs)
    return Side(runs=runs, samples=STORE.samples(whole.scored.run_id))


def test_a_reference_candidate_against_its_twin_passes():
    """The same numbers under other ids: a run is never judged against itself."""
    side = reference("f16")
    twins = tuple(
        run.model_copy(update={"run_id": f"20270101T00000{i}-twin-0"})
        for i, run in enumerate(side.runs)
    )
    assert judge(side, replace(side, runs=twins), Policy()).verdict == "pass"
    with pytest.raises(RecordError, match="stands on both sides"):
        judge(side, side, Policy())


def test_the_answers_of_q8_0_do_not_regress_against_f16():
    """Its first token does, on the reference machine: 511 against 441 ms over ten runs each."""
    gate = judge(reference("f16"), reference("q8_0"), Policy())
    assert of(gate, "accuracy").verdict != "regressed"
    assert of(gate, "fidelity").verdict == "pass"
    assert of(gate, "ttft_s:512+64").verdict == "regressed"
    assert of(gate, "peak_bytes").verdict == "pass"


def test_q4_0_is_smaller_and_faster_than_f16():
    gate = judge(reference("f16"), reference("q4_0"), Policy())
    for metric in ("decode_tokens_per_s:512+64", "peak_bytes", "weights_bytes"):
        found = of(gate, metric)
        assert found.verdict == "pass"
        assert found.loss is not None
        assert found.loss < -0.1
    assert of(judge(reference("q4_0"), reference("f16"), Policy()), "peak_bytes").verdict == (
        "regressed"
    )


def test_q4_0_regresses_where_words_must_be_recalled_exactly():
    gate = judge(reference("f16"), reference("q4_0"), Policy(tasks=("lambada_openai",)))
    assert (gate.verdict, of(gate, "accuracy").verdict) == ("regressed", "regressed")


def test_three_reference_pairs_are_refused():
    gate = judge(reference("f16", 3), reference("q8_0", 3), Policy())
    assert [j.needed for j in gate.refused] == [5]
    assert gate.verdict == "cannot tell"


def perplexed(made: Maker, name: str, nats: list[float], **given: Any) -> Side:
    """A side whose suite is 300 right answers and one text a number, of ten words each."""
    base = side(made, name)
    assert base.samples
    value = math.exp(-sum(nats) / len(nats) / 10)
    task = made.task(value, len(nats), group="p", metric="word_perplexity", higher_is_better=False,
                     **given)  # fmt: skip
    tasks = {"t": made.task(1.0, 300), "p": task}
    first = made.record(name, tasks=tasks)
    count = len(base.samples)
    table = made.samples(
        {"t": [1.0] * count, "p": [None] * len(nats)},
        **{
            "metric.word_perplexity": [*[None] * count, *nats],
            "weight.word_perplexity": [*[None] * count, *[10.0] * len(nats)],
        },
    )
    return replace(base, runs=(first, *base.runs[1:]), samples=table)


NATS = [-20.0, -22.0, -19.0, -25.0, -21.0, -23.0, -20.5, -24.0]


def test_a_perplexity_decides_by_its_documents(made: Maker):
    good, worse = perplexed(made, "a", NATS), perplexed(made, "b", [2 * x for x in NATS])
    gate = judge(good, worse, Policy())
    found = of(gate, "perplexity:p")
    assert (found.verdict, found.severity, found.count, gate.verdict) == (
        "regressed", "fail", 8, "regressed"
    )  # fmt: skip
    assert (found.baseline, found.candidate) == (
        pytest.approx(math.exp(174.5 / 80)), pytest.approx(math.exp(349 / 80))
    )  # fmt: skip
    # 174.5 nats over 80 words: e^2.18125 = 8.857 times as perplexed.
    assert found.loss == pytest.approx(math.exp(174.5 / 80) - 1)
    assert exit_code(gate) == 1
    same = judge(good, perplexed(made, "b", NATS), Policy())
    assert (of(same, "perplexity:p").verdict, same.verdict) == ("pass", "pass")
    assert of(judge(worse, good, Policy()), "perplexity:p").verdict == "pass"


def test_two_documents_are_refused_and_never_pass(made: Maker):
    gate = judge(perplexed(made, "a", NATS[:2]), perplexed(made, "b", [-99.0, -99.0]), Policy())
    assert [(j.metric, j.needed) for j in gate.refused] == [("perplexity:p", 5)]
    assert (gate.verdict, exit_code(gate)) == ("cannot tell", 2)
    assert sentence(gate.refused[0]) == ("perplexity of p: not tested: needs 5 documents, has 2")


def test_a_perplexity_that_the_policy_ignores_is_named(made: Maker):
    sides = perplexed(made, "a", NATS), perplexed(made, "b", [2 * x for x in NATS])
    gate = judge(*sides, policy(perplexity={"margin": 0.02, "severity": "ignore"}))
    assert (gate.verdict, "perplexity:p" in verdicts(gate)) == ("pass", False)
    assert "not judged, since the policy ignores them: perplexity" in notes(gate)


def test_a_score_of_which_no_verdict_is_made_is_named(made: Maker):
    bleu = made.task(31.0, 2, group="p", metric="bleu", scale="corpus")
    tasks = {"t": made.task(1.0, 300), "p": bleu}
    sides = [
        replace(
            side(made, name),
            runs=tuple(
                run.model_copy(update={"accuracy": tasks if run.accuracy else {}})
                for run in side(made, name).runs
            ),
        )
        for name in ("a", "b")
    ]
    gate = judge(sides[0], sides[1], Policy())
    found = of(gate, "score:p")
    assert (found.severity, found.baseline, found.candidate) == ("warn", 31.0, 31.0)
    assert "pass on all 5 metrics that decide; not judged: score of p; " in headline(gate)
    assert sentence(found) in notes(gate)
    assert sentence(found).startswith("score of p: not judged: bleu: it is worked out over all")


@pytest.mark.parametrize("odd", [None, float("nan"), float("inf"), 7.0])
def test_one_item_without_a_usable_score_never_passes(made: Maker, odd: float | None):
    good = side(made, "a")
    broken = side(made, "b")
    table = made.samples({"t": [1.0] * 299 + [odd]})
    gate = judge(good, replace(broken, samples=table), Policy())
    assert (of(gate, "accuracy").verdict, gate.verdict) == ("cannot tell", "cannot tell")
    assert "b: 1 of 300 items have no usable acc: documents 299 (" in of(gate, "accuracy").reason
    assert judge(replace(good, samples=table), broken, Policy()).verdict == "cannot tell"
