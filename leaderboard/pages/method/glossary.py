"""The words and formulas of the board: what each number is, and whose formula it is."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.pages.method.measured_terms import LATENCY, MEMORY, SEVERAL
from leaderboard.pages.method.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Terms that belong together."""

    title: str
    terms: tuple[Term, ...]


_ACCURACY = (
    Term(
        word="accuracy",
        meaning="unweighted mean of the tasks' headline metrics that are shares of items; a group "
        "counts once. Which tasks count is the task's matter, and a candidate without a usable "
        "number in any task of the suite has no accuracy",
        formula="Σ score / tasks; standard error √Σ se² / tasks",
        code="leaderboard.stats.intervals.combined",
        heads=("accuracy", "score"),
    ),
    Term(
        word="ability",
        meaning="what a task measures: known by its name, or said by its file or suite. Its score "
        "is the mean of its tasks, however many items they have",
        formula="Σ weight · score / Σ weight over its tasks, each 1 unless tasks are weighed",
        code="leaderboard.rows.abilities.ability_score",
    ),
    Term(
        word="weighted accuracy",
        meaning="mean of the abilities by the weights that a reader gives them, however many tasks "
        "each has; without weights every task counts the same",
        formula="Σ weight · ability / Σ weight",
        code="leaderboard.rows.abilities.task_weights",
    ),
    Term(
        word="± of accuracy",
        meaning="over items: what another sample of such items would give, for one model",
        formula="a task: Wilson's score interval over n / design effect items; the mean of tasks: "
        "√Σ (distance of a task's limit)² / tasks",
        source="E. B. Wilson, JASA 22 (1927) 209-212; R. G. Newcombe, Statistics in Medicine 17 "
        "(1998) 857-872",
        code="leaderboard.stats.intervals.proportion_interval",
    ),
    Term(
        word="below guessing",
        meaning="a task, or the mean, scores significantly lower than guessing would: a bias of "
        "the answers' form, e.g. always yes. One-sided, at 5 % after Holm's correction",
        formula="P(X ≤ right), X ~ Binomial(n, chance); Φ(Σ(score - chance) / √Σ chance(1 - "
        "chance)/n)",
        source="Holm, Scandinavian Journal of Statistics 6 (1979) 65-70",
        code="leaderboard.stats.guessing.below",
    ),
    Term(
        word="above guessing",
        meaning="accuracy counted from guessing, 0, to everything right, 100; honest to read, and "
        "worse at telling candidates apart, since a two-choice task has twice the noise",
        formula="mean over tasks of (accuracy - chance) / (1 - chance)",
        code="leaderboard.stats.guessing.normalised",
        heads=("above guessing",),
    ),
    Term(
        word="chance",
        meaning="what guessing scores, e.g. 1 / number of choices; a score is told from it by a "
        "one-sided exact binomial test at 5 %",
        formula="P(X ≥ right), X ~ Binomial(n, chance)",
        code="leaderboard.stats.intervals.above_chance",
        heads=("guessing",),
    ),
    Term(
        word="noise floor",
        meaning="choices that change when the same model is run with another layout of its cache; "
        "such changes go both ways, so that the accuracy moves by much less",
        formula="f = changed choices / items; a mean of n items moves by at most 1.96 √(f / n), 95 "
        "times in 100",
        code="leaderboard.runs.timings.noise_floor",
        heads=("packing alone",),
    ),
    Term(
        word="within T seconds",
        meaning="of a generation task: the score when answers complete after T count as wrong",
        formula="Σ score of items complete by T / items",
        code="leaderboard.runs.deadline.within",
    ),
    Term(
        word="n",
        meaning="items that were asked and scored; more of them make the interval narrower, by the "
        "square root of their number",
        code="leaderboard.rows.score.task_score",
        heads=("n", "items"),
    ),
)
_COMPARING = (
    Term(
        word="perplexity ratio",
        meaning="of the same documents; above 1 the other is worse. Bits per byte as the "
        "perplexity a byte",
        formula="e^(Σ (log-likelihood of the reference - of the other) / Σ words, bytes or "
        "documents); its interval is by sign flips of the documents, from 300 on by Student's t",
        source="J. A. Hartigan, JASA 64 (1969) 1303-1317",
        code="leaderboard.stats.sign_flips.rate_loss",
        heads=("perplexity ratio",),
    ),
    Term(
        word="fidelity",
        meaning="perplexity ratio of the answers' texts to a reference of the same tokenizer, over "
        "all choices of the tasks whose choices are texts (labels are left out: a shift of all "
        "letters says nothing). It is closeness, not accuracy: a fine-tune is no damage",
        formula="e^(Σ (log-likelihood of the reference - of the other) / Σ tokens); its interval "
        "by sign flips of the items, from 300 on by Student's t",
        source="J. A. Hartigan, JASA 64 (1969) 1303-1317",
        code="leaderboard.compare.fidelity.fidelity",
    ),
    Term(
        word="KL over the choices",
        meaning="how far a candidate's distribution over an item's choices is from the reference's",
        formula="mean of Σ p (ln p - ln q), p of the reference, both normalised over the choices",
        code="leaderboard.compare.fidelity.choice_divergence",
        heads=("KL",),
    ),
    Term(
        word="choices changed",
        meaning="items whose most likely choice is another one than the reference's, of all tasks "
        "with choices; some change with batching alone (noise floor)",
        formula="changed choices / items with two choices or more",
        code="leaderboard.compare.fidelity.fidelity",
        heads=("choices changed",),
    ),
    Term(
        word="gained, lost",
        meaning="items that the other scores higher, and lower, than the reference",
        code="leaderboard.stats.paired_means.paired_difference",
        heads=("gained", "lost"),
    ),
    Term(
        word="p (McNemar)",
        meaning="how odd such lopsided flips would be if neither were better",
        formula="2 · P(X ≥ max(gained, lost)), X ~ Binomial(gained + lost, ½)",
        source="Q. McNemar, Psychometrika 12 (1947) 153-157",
        code="leaderboard.stats.paired_counts.mcnemar",
        heads=("p",),
    ),
    Term(
        word="p, over tasks",
        meaning="the same after allowing for several tasks: bounds the share of false finds",
        formula="smallest pᵢ · m / i from i up",
        source="Y. Benjamini & Y. Hochberg, JRSS B 57 (1995) 289-300",
        code="leaderboard.stats.corrections.benjamini_hochberg",
    ),
    Term(
        word="± of a difference",
        meaning="the differences that the items do not rule out",
        formula="every δ that the score test of paired proportions does not reject",
        source="T. Tango, Statistics in Medicine 17 (1998) 891-908",
        code="leaderboard.stats.paired_counts.score_interval",
        heads=("difference",),
    ),
    Term(
        word="± over all tasks",
        meaning="of the mean of the tasks' differences",
        formula="square-and-add: the limits' distances add as squares",
        source="G. Y. Zou & A. Donner, Statistics in Medicine 27 (2008) 1693-1702",
        code="leaderboard.stats.paired_means.mean_difference",
    ),
    Term(
        word="minimum detectable difference",
        meaning="smallest true difference that such items show with 80 % power; below it, "
        "“no difference found” means nothing",
        formula="√n δ = z₀.₉₇₅ √ψ + z₀.₈ √(ψ - δ²)",
        source="R. J. Connor, Biometrics 43 (1987) 207-211",
        code="leaderboard.stats.paired_counts.detectable_difference",
        heads=("detectable",),
    ),
    Term(
        word="ratio",
        meaning="of geometric means over process runs, other / reference; paired where a batch "
        "interleaved the two",
        formula="exp(mean log ratio ± t · standard error)",
        source="Student 1908; unpaired: B. L. Welch, Biometrika 34 (1947) 28-35",
        code="leaderboard.stats.run_ratios.paired_ratio",
        heads=("other / reference",),
    ),
    Term(
        word="no worse than a margin",
        meaning="pass: the whole interval of the loss lies below the margin; regressed: all of it "
        "above 0 and the loss at the margin or more; else cannot tell",
        source="G. Piaggio et al., JAMA 308 (2012) 2594-2604",
        code="leaderboard.stats.noninferiority.judge_loss",
    ),
)
_CHOOSING = (
    Term(
        word="Pareto-optimal",
        meaning="unbeaten in accuracy, speed and memory at once, as probably as not",
        code="leaderboard.choose.front.place",
        heads=("Pareto-optimal",),
    ),
    Term(
        word="certainty",
        meaning="share of draws, over other items and runs, in which the one to ship is the most "
        "accurate that fits, shrunk to the mean; given where it ties with nobody",
        formula="Bayesian bootstrap over passages, with a pseudo-item for each candidate; without "
        "answers, Beta(right + ½, wrong + ½)",
        source="D. B. Rubin, The Annals of Statistics 9 (1981) 130-134",
        code="leaderboard.stats.item_resampling.resample_items",
        heads=("most accurate",),
    ),
    Term(
        word="expected shortfall",
        meaning="what the best that fits has over the one to ship, averaged over the draws",
        code="leaderboard.choose.choice.choose",
    ),
    Term(
        word="ties",
        meaning="candidates without a significant accuracy difference from the best of them",
        formula="McNemar's test, and beyond the studentised range of so many equal candidates, 5 %",
        code="leaderboard.choose.ranking.rank",
        heads=("rank",),
    ),
)
_CONDITIONS = (
    Term(
        word="candidate",
        meaning="what could be shipped, the same on every machine: weights (with their "
        "quantisation), runtime, and the settings that someone chose",
        formula="digest over the weights' sha256, the runtime and what differs from its defaults",
        code="runners.records.identity.candidate_digest",
        heads=("candidate",),
    ),
    Term(
        word="conditions",
        meaning="where and how it was measured: machine, build of the runtime, budget; times and "
        "memory of unlike conditions never share a table",
        code="leaderboard.rows.conditions.conditions",
    ),
    Term(
        word="machine",
        meaning="a fingerprint over the processor's generation and instruction sets, cores, memory "
        "and GPUs; early records know its name only, which several generations share",
        formula="first 12 hex digits of a sha256",
        code="runners.compute.machine.Machine",
        heads=("machine",),
    ),
    Term(
        word="build",
        meaning="the runtime's version and compiled libraries, and kernels left out because they "
        "fail; unknown in early records",
        formula="digest over versions and the libraries' hashes",
        code="runners.runtimes.build.runtime_build",
        heads=("build",),
    ),
    Term(
        word="flags",
        meaning="what a reader of a measurement should know: other processes were busy, a cache "
        "was cold, answers were cut",
        code="leaderboard.rows.flags.flags_of",
        heads=("flags", "flagged"),
    ),
)
CHAPTERS = (
    Chapter(title="Times", terms=LATENCY),
    Chapter(title="Several users at once", terms=SEVERAL),
    Chapter(title="Memory and size", terms=MEMORY),
    Chapter(title="Accuracy", terms=_ACCURACY),
    Chapter(title="Two candidates on the same items", terms=_COMPARING),
    Chapter(title="Which one do I ship", terms=_CHOOSING),
    Chapter(title="Measured under the same conditions", terms=_CONDITIONS),
)
