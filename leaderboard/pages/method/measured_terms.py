"""The words of times and memory."""

from __future__ import annotations

from leaderboard.pages.method.term import Term

LATENCY = (
    Term(
        word="TTFT",
        meaning="time to first token, tokenising and sampling inside",
        formula="first token - request made",
        code="runners.records.latency.token_latency",
        heads=("TTFT", "first token saved"),
    ),
    Term(
        word="ITL",
        meaning="inter-token latency: each gap between two output tokens",
        formula="n - 1 gaps of n output tokens, each kept",
        code="runners.records.latency.token_latency",
    ),
    Term(
        word="decode tokens/s",
        meaning="speed of writing, one request at a time",
        formula="(n - 1) / (last token - first token)",
        code="runners.records.latency.token_latency",
        heads=("decode",),
    ),
    Term(
        word="prefill tokens/s",
        meaning="speed of reading the prompt",
        formula="prompt tokens evaluated / seconds to the first logits",
        code="runners.records.latency.token_latency",
        heads=("prefill",),
    ),
    Term(
        word="slow end",
        meaning="of times the high end, of rates the low one, over the requests of all runs: the "
        "slowest below 20 values, the 90th (10th) percentile from 20, the 95th (5th) from 60",
        formula="1 - 0.95^59 > 0.95: of 59 values the slowest lies beyond the 95th percentile",
        source="Wilks, Annals of Mathematical Statistics 12 (1941) 91-96",
        code="leaderboard.stats.tails.tail",
        heads=("slow end", "TTFT tail", "decode tail", "prefill tail"),
    ),
    Term(
        word="p50, p95, p99",
        meaning="percentiles within one run; p99 from 100 values up",
        formula="linear between the nearest ranks, at rank (n - 1) · q",
        source="Hyndman & Fan, The American Statistician 50 (1996) 361-365, method 7",
        code="runners.records.latency.percentile",
        heads=("median",),
    ),
    Term(
        word="cold start",
        meaning="process started -> model loaded -> first token of the first request",
        formula="ready + load + first token",
        code="runners.records.parts.LoadInfo",
        heads=("cold start",),
    ),
    Term(
        word="± of times and memory",
        meaning="run to run: what another start of the process would give. None for a single run",
        formula="mean ± t(n - 1) · s / √n over the n runs' medians",
        source="Student, Biometrika 6 (1908) 1-25",
        code="leaderboard.stats.intervals.mean_interval",
    ),
    Term(
        word="runs",
        meaning="starts of the process that were measured; times and memory are taken over them, "
        "answers in one of them",
        code="leaderboard.rows.repeats.counted",
        heads=("runs",),
    ),
    Term(
        word="thought",
        meaning="tokens that a model writes before its answer; they are not scored",
        formula="tokens before the end of the thought / generated items",
        code="leaderboard.rows.thought.thought_tokens",
        heads=("thought",),
    ),
    Term(
        word="seconds to the answer",
        meaning="from the request to the first token after the thought, which a reader waits for; "
        "to the last token where no answer came",
        formula="mean over generated items",
        code="leaderboard.rows.thought.answer_s",
        heads=("answer",),
    ),
)
SEVERAL = (
    Term(
        word="users",
        meaning="the most users at once, of the numbers that were tried, at which and below which "
        "95 % of the requests keep to the deadlines: the budget's, or 2 s to the first token and "
        "200 ms a token after it. A failed request does not keep to them",
        formula="requests sent within the window, each followed to its end; closed loop",
        source="deadlines: MLPerf Inference v4.0, Llama 2 70B, server",
        code="runners.records.goodput.served",
        heads=("users", "within deadline"),
    ),
    Term(
        word="throughput",
        meaning="output tokens a second of all users together, at the number of users that has "
        "most",
        formula="tokens that came within the window / its seconds",
        code="leaderboard.rows.users.most_throughput",
        heads=("throughput", "output"),
    ),
    Term(
        word="goodput",
        meaning="requests a second that keep to both deadlines",
        formula="request throughput · good answers / answers",
        code="runners.records.goodput.goodput",
        heads=("goodput",),
    ),
    Term(
        word="knee",
        meaning="the number of users beyond which more of them wait longer for little more "
        "throughput: twice as many are worth it while they raise it by more than √2",
        formula="the greatest throughput² / users",
        source="Kleinrock, Power and deterministic rules of thumb, ICC 1979",
        code="runners.records.goodput.knee",
    ),
)
MEMORY = (
    Term(
        word="peak MiB",
        meaning="the kernel's high-water mark of the worker's process tree, the largest of load, "
        "latency and generation: one user, the candidate's own context. Of several runs the "
        "largest's, ± how far one more may lie from it",
        formula="VmHWM, reset at each phase's start; ± t(n - 1) · s · √(1 + 1/n)",
        source="Hahn, JASA 64 (1969) 878-888",
        code="leaderboard.rows.metric.largest_run",
        heads=("peak", "peak saved"),
    ),
    Term(
        word="works from",
        meaning="the smallest memory limit under which every run worked, and under each larger "
        "one: held to it, without thrashing, with the scores of runs without a limit. A limit of "
        "memory compares with it where it is known, else with the peak",
        formula="weighin fit, to 16 MiB",
        code="leaderboard.rows.working_limits.working_limits",
        heads=("works from",),
    ),
    Term(
        word="GPU memory",
        meaning="the most that the candidate's processes were seen to hold on GPUs, read when a "
        "phase ends; the largest of load, latency and generation. Where the driver does not tell "
        "it by process, what the device held more than before, which is flagged",
        formula="NVML, used memory of the process tree",
        code="runners.records.gpu.device_peak",
        heads=("GPU memory",),
    ),
    Term(
        word="GPU buffers",
        meaning="the runtime's own account of its GPU memory: llama.cpp's buffers for weights, "
        "cache and compute, what torch reserved, or what MLX allocated. What the driver takes is "
        "not in it",
        formula="sum of the buffers on devices; torch's peak of reserved bytes",
        code="runners.records.gpu.device_own",
        heads=("GPU buffers",),
    ),
    Term(
        word="GPU layers",
        meaning="layers that were on a GPU by llama.cpp's log, the output's counted as one",
        formula="offloaded N/M layers to GPU",
        code="runners.engine.llama_log.offloaded",
        heads=("GPU layers",),
    ),
    Term(
        word="anon, file",
        meaning="resident bytes when a phase ends. Under pressure the kernel may drop file-backed "
        "pages and read them again; anonymous ones it cannot drop without swap",
        formula="RssAnon; RssFile + RssShmem",
        code="runners.records.record.MemoryPhase",
        heads=("anonymous", "file-backed"),
    ),
    Term(
        word="bits per weight",
        meaning="read from the file; above the number in a quantisation's name",
        formula="8 · bytes of all weight tensors / parameters",
        code="runners.records.record.QuantisationInfo",
        heads=("bits/weight",),
    ),
    Term(
        word="weights",
        meaning="size of the file or folder of weights, which is what a download costs",
        code="runners.records.record.CandidateInfo",
        heads=("weights", "disk saved"),
    ),
    Term(
        word="parameters",
        meaning="numbers in all weight tensors, read from the file; experts that rest included",
        code="runners.records.record.CandidateInfo",
        heads=("parameters",),
    ),
    Term(
        word="quantisation",
        meaning="the format in which weights are kept, in fewer bits than they were trained in, as "
        "the file names it: Q4_K_M",
        code="runners.records.record.QuantisationInfo",
        heads=("quantisation",),
    ),
)
