"""Make the record's parts of numbers: times, memory, energy, engine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from runners.jobs.measured import (
    AnsweredWindow,
    LoadedModel,
    Measured,
    Metered,
    PhaseMarks,
    Sampled,
    Started,
    TimedPhase,
)
from runners.records import latency
from runners.records.answers import AnswersInfo, SummaryInfo
from runners.records.circumstances import NoiseInfo
from runners.records.parts import EnergyInfo, EngineInfo, LoadInfo
from runners.records.record import MemoryInfo, MemoryPhase
from runners.records.timed import RequestTimesInfo, WorkloadLatency
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evals.suites import Suite, Workload
    from runners.jobs.measured import TaskAnswers


def _requests(times: Sequence[protocol.RequestTimes]) -> list[RequestTimesInfo]:
    return [RequestTimesInfo(**asdict(one)) for one in times]


def latency_info(suite: Suite, timed: TimedPhase) -> dict[str, WorkloadLatency]:
    """Each workload's raw times, and what they come to."""
    return {
        workload.name: _workload(workload, timed.times[workload.name])
        for workload in suite.workloads
        if workload.name in timed.times
    }


def _workload(workload: Workload, times: protocol.LatencyTimes) -> WorkloadLatency:
    derived = [latency.request_latency(one) for one in times.repeats]
    rates = latency.by_request(times.repeats, times.evaluated_tokens)
    known = {
        "tpot_s": [one.tpot_s for one in derived if one.tpot_s is not None],
        "itl_s": [gap for one in derived for gap in one.itl_s],
        "prefill_tokens_per_s": rates["prefill_tokens_per_s"],
        "decode_tokens_per_s": rates["decode_tokens_per_s"],
    }
    return WorkloadLatency(
        prompt_tokens=times.evaluated_tokens,
        new_tokens=workload.new_tokens,
        evaluated_tokens=times.evaluated_tokens,
        warmups=_requests(times.warmups),
        repeats=_requests(times.repeats),
        ttft_s=_summary([one.ttft_s for one in derived]),
        tpot_s=summary_or_none(known["tpot_s"]),
        itl_s=summary_or_none(known["itl_s"]),
        prefill_tokens_per_s=summary_or_none(known["prefill_tokens_per_s"]),
        decode_tokens_per_s=summary_or_none(known["decode_tokens_per_s"]),
        unknown={name: _why_unknown(name, times) for name, values in known.items() if not values},
    )


def summary_or_none(values: Sequence[float]) -> SummaryInfo | None:
    """Percentiles of raw values; None where there are none."""
    return _summary(values) if values else None


def _summary(values: Sequence[float]) -> SummaryInfo:
    return SummaryInfo(**asdict(latency.summary(values)))


def _why_unknown(name: str, times: protocol.LatencyTimes) -> str:
    """Why a server's answers do not tell a number; in process all are known."""
    if name == "prefill_tokens_per_s":
        if times.evaluated_tokens is None:
            return "the server does not count the prompt's tokens"
        return "the server does not say when the prompt was evaluated"
    if all(one.counted is None for one in times.repeats):
        return "the server does not count the tokens of its answers"
    if name == "itl_s":
        return "the server sends several tokens at once, or tokens without a text"
    return "the answers have one token, or came in one piece"


def answers_info(tasks: Mapping[str, TaskAnswers]) -> dict[str, AnswersInfo]:
    """Generations by task: tokens, the wait for the answers, what was cut."""
    found: dict[str, AnswersInfo] = {}
    for name, task in tasks.items():
        texts = [t for reply in task.replies if isinstance(reply, list) for t in reply]
        if texts:
            waits = [wait for text in texts if (wait := _wait(text)) is not None]
            found[name] = AnswersInfo(
                n=len(texts),
                tokens=_sum_known([text.new_tokens for text in texts]),
                thought_tokens=sum(text.thought_tokens for text in texts),
                answer_s=summary_or_none(waits),  # an error instead of an answer has no time
                cut=sum(text.stop == "length" for text in texts),
                thought_cut=sum(text.stop == "thought" for text in texts),
            )
    return found


def _sum_known(counts: Sequence[int | None]) -> int | None:
    """The sum, where every part of it is known."""
    known = [one for one in counts if one is not None]
    return sum(known) if len(known) == len(counts) else None


def _wait(text: protocol.ItemText) -> float | None:
    """Seconds until the answer began; in vain until the last token. None: it was not timed."""
    times = text.times
    if times is None:
        return None
    if text.first_answer is not None and text.first_answer < len(times.token_s):
        return times.token_s[text.first_answer]
    return times.token_s[-1] if times.token_s else times.prefill_s


def load_info(measured: Measured, timed: TimedPhase | None) -> LoadInfo | None:
    """Cold start in its parts; None where the weights were not loaded."""
    started, loaded = measured.last(Started), measured.last(LoadedModel)
    if started is None or loaded is None:
        return None
    first = timed.first_token_s if timed else None
    first = loaded.model.first_text_s if first is None else first
    ready_s = started.ready_s
    if loaded.model.root_pid is not None:
        # A server starts within the load, and no deployment of it has our worker, nor our search
        # for a prompt of the wanted length.
        ready_s, first = 0.0, (_first_request_s(timed) if timed else None) or first
    return LoadInfo(
        ready_s=ready_s,
        load_s=loaded.load_s,
        first_token_s=first,
        cold_start_s=None if first is None else ready_s + loaded.load_s + first,
        page_cache=measured.page_cache.state,
    )


def _first_request_s(timed: TimedPhase) -> float | None:
    """Time to first token of the very first request; None where nothing was timed."""
    asked = [one for times in timed.times.values() for one in (*times.warmups, *times.repeats)]
    return asked[0].token_s[asked[0].first_text or 0] if asked and asked[0].token_s else None


def noise_info(timed: TimedPhase | None) -> NoiseInfo | None:
    """Disturbance of the timed phase; None where there was no such phase."""
    if timed is None or timed.noise is None:
        return None
    return NoiseInfo(**asdict(timed.noise), **timed.readings)


def memory_info(measured: Measured) -> MemoryInfo | None:
    """Memory by phase, and its curve; None where the worker did not start."""
    memory, group = measured.memory, measured.group
    if not memory:
        return None
    headline = memory.get("latency") or list(memory.values())[-1]
    sampled = measured.last(Sampled)
    return MemoryInfo(
        source=headline.source,
        phases={
            name: MemoryPhase(
                peak_bytes=phase.peak_bytes,
                anon_bytes=phase.anon_bytes,
                file_bytes=phase.file_bytes,
                split_unknown=phase.split_unknown,
                group_peak_bytes=group[name].peak_bytes if name in group else None,
                refaulted_bytes=group[name].refaulted_bytes if name in group else None,
            )
            for name, phase in memory.items()
        },
        series=list(sampled.series) if sampled else [],
    )


def engine_info(
    opened: protocol.EngineOpened | None, windows: Sequence[AnsweredWindow]
) -> EngineInfo | None:
    """Memory and savings of the scoring engine; None where no task was scored."""
    if opened is None:
        return None
    scored = [w.reply for w in windows if isinstance(w.reply, protocol.Scored)]
    return EngineInfo(
        path=opened.path,
        cells=opened.cells,
        sequences=opened.sequences,
        kv_bytes=opened.kv_bytes,
        output_bytes=opened.output_bytes,
        apart_nats=opened.apart_nats,
        raw_tokens=sum(reply.raw_tokens for reply in scored),
        distinct_tokens=sum(reply.distinct_tokens for reply in scored),
        scoring_s=sum((reply.seconds for reply in scored), 0.0),
    )


def energy_info(metered: Metered | None, marks: Sequence[PhaseMarks]) -> EnergyInfo | None:
    """Joules by phase; None where the worker did not start."""
    if metered is None:
        return None
    joules = {str(one.phase): one.joules for one in marks}  # a restored phase's come last
    return EnergyInfo(
        source=metered.source,
        joules={phase: used for phase, used in joules.items() if used is not None},
        reason=metered.reason,
    )
