"""The noise floor's probe, as two runs of the same items: packed with others, and alone."""

from __future__ import annotations

from dataclasses import replace

from leaderboard.rows.answers import Answers

PLAIN = "plain_logprobs"


def probe_answers(answers: Answers) -> tuple[Answers, Answers] | None:
    """The probe's items as they were scored packed, and plainly (each from an empty cache).

    What one candidate's log-likelihoods do between the two is what packing alone makes, so that a
    statistic of two runs has its floor in `statistic(plain, packed)`.

    Args:
        answers: one run.

    Returns:
        (packed, plain): both with the probe's items alone; in the samples of `plain` the column
        `logprobs` holds the plain log-likelihoods (nats, one a request, in the same order), and the
        metrics' columns are still those of the packed items. None where the run kept no probe: it
        made none, or is older than the column `plain_logprobs`.
    """
    samples = answers.samples
    if PLAIN not in samples.column_names or "logprobs" not in samples.column_names:
        return None
    valid = samples.column(PLAIN).is_valid().to_pylist()
    places = [row for row, probed in enumerate(valid) if probed]
    if not places:
        return None
    of_row = {row: place for place, row in enumerate(places)}
    rows = {key: of_row[row] for key, row in answers.rows.items() if row in of_row}
    packed = samples.take(places)
    plain = packed.set_column(
        packed.column_names.index("logprobs"), "logprobs", packed.column(PLAIN)
    )
    return replace(answers, rows=rows, samples=packed), replace(answers, rows=rows, samples=plain)
