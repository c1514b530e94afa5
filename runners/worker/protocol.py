"""Messages between the parent and the worker.

The parent asks, the worker answers each question with exactly one answer, before which any
number of `Progress` may come. Standard library only: the worker imports this file, and whatever
it imports counts as the candidate's memory. How messages travel is `wire.py`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runners.worker.generation import ContextOpened as ContextOpened
from runners.worker.generation import Generate as Generate
from runners.worker.generation import Generated as Generated
from runners.worker.generation import GenerateItem as GenerateItem
from runners.worker.generation import ItemText as ItemText
from runners.worker.generation import OpenContext as OpenContext
from runners.worker.generation import RequestTimes as RequestTimes
from runners.worker.generation import Thinking as Thinking
from runners.worker.offload import DeviceSaid as DeviceSaid
from runners.worker.offload import Offloaded as Offloaded
from runners.worker.offload import ReadDevice as ReadDevice
from runners.worker.serving import ServerSaid as ServerSaid
from runners.worker.serving import Tries as Tries
from runners.worker.users import OpenUsers as OpenUsers
from runners.worker.users import RunUsers as RunUsers
from runners.worker.users import UserRequest as UserRequest
from runners.worker.users import UsersOpened as UsersOpened
from runners.worker.users import UsersTimes as UsersTimes

VERSION = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker has imported its runtime and has loaded nothing yet."""

    protocol: int
    pid: int
    runtime: str
    runtime_version: str
    runtime_build: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load the weights. `settings`: all of the runtime's own, each with its value."""

    path: str | None
    settings: dict[str, Any]
    extra_buffers: bool = True
    """False: no weights are repacked for kernels that fail in this build
    (runners/runtimes/llamacpp/prove.py).
    """
    program: list[str] = field(default_factory=list)
    """Command of the program that the runtime starts, without its own arguments, inside the job's
    limit."""
    unlimited: list[str] = field(default_factory=list)
    """The same program outside of it, for what it is asked of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The weights are in memory; no context exists yet."""

    seconds: float
    weights_bytes: int
    parameters: int
    context: int
    """Tokens: what the latency context and the truncation of prompts use."""
    trained_context: int
    threads: int
    vocabulary: int
    architecture: str
    chat_template: bool
    compute: str = ""
    """Number type that the model computes in, where it is chosen when the model loads."""
    device: str = ""
    """Device, e.g. `cuda:0`; empty where the runtime has no choice."""
    recommends: dict[str, Any] = field(default_factory=dict)
    """Generation settings that the model's own files ask for, by transformers' names."""
    checked_s: float = 0.0
    """Seconds after the weights were there in which the runtime held itself to plain evaluation;
    no deployment spends them."""
    packs: bool = True
    """True: prefixes shared by sequences are evaluated once; False: scores are right, but slow."""
    caches: bool = True
    """True: a sequence continues from its cache; False: each token is computed with all before."""
    server: ServerSaid | None = None
    """The server behind which the model is; None: it is in this process."""
    first_text_s: float | None = None
    """Seconds from the request that loading makes to its first text; None: it makes none."""
    serve: list[str] = field(default_factory=list)
    """Command that started the server, with `{weights}` and `{port}` for what is this machine's."""
    root_pid: int | None = None
    """A process that the runtime started, e.g. a server: it and its descendants are measured."""
    offloaded: Offloaded | None = None
    """What is on devices beside the processor; None: nothing is, and nobody asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLatency:
    """One fixed workload, each request timed alone from an empty cache."""

    prompt_tokens: int
    new_tokens: int
    warmups: int
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyTimes:
    """The requests of one workload, in the order in which they ran."""

    warmups: list[RequestTimes]
    repeats: list[RequestTimes]
    evaluated_tokens: int | None
    """Prompt tokens of each request; None where a server does not count them."""
    first_token_ns: int
    """`time.perf_counter_ns` of the very first token that has text, or of the very first where none
    has (its clock is the parent's, too)."""
    cached_tokens: int | None = 0
    """Most prompt tokens of a timed request that a server took from a cache; None: not told."""
    cache_ratio: float | None = None
    """Time to first token of a prompt by that of the same prompt again. It is tried where a server
    does not tell what it took from a cache."""
    ended_early: int = 0
    """Timed requests that a server ended before the tokens that were asked for."""
    tries: Tries | None = None
    """What befell the requests to a server; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEngine:
    """Free the latency context and make the scoring engine's, within `memory_bytes` if it can."""

    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOpened:
    """Capacity and memory of the scoring engine that was opened."""

    path: str
    cells: int
    sequences: int
    batch_tokens: int
    output_rows: int
    kv_bytes: int | None
    """KV cache and recurrent state; None where the runtime does not say."""
    output_bytes: int
    """Rows of logits, in each place that they lie in."""
    apart_nats: float | None = None
    """Largest difference, in the check of a server, between a token's log-probability generated and
    scored; None where nothing was checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreItem:
    """One document: its distinct contexts, and for each continuation the context it follows.

    `rolling` items have one context, and no continuation: the whole text is scored.
    """

    contexts: list[str]
    continuations: list[tuple[int, str]]
    rolling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One window of items; it is answered as a whole."""

    items: list[ScoreItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlain:
    """Items scored one sequence at a time, each from an empty cache: what packing is held to."""

    items: list[ScoreItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScore:
    """Scores of an item's continuations: summed log-probability (nats), and True where greedy picks
    it.
    """

    logprobs: list[float]
    greedy: list[bool]
    tokens: int
    """Tokens of the continuations, over which the sums run."""
    truncated: bool
    alone: int = 0
    """Continuations that were encoded by themselves, since they form one token with the context."""
    bounds: int = 0
    """Continuations of which only an upper bound is known, which stands for them: a server tells
    its likeliest tokens alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The answer to `Score` or `ScorePlain`, an entry an item, in the order they were asked."""

    items: list[ItemScore]
    seconds: float
    raw_tokens: int
    """Tokens that scoring each continuation alone would have evaluated."""
    distinct_tokens: int
    """Tokens of the window that were evaluated, or kept from the window before."""
    halved_to: int | None = None
    """Most tokens of a batch since memory ran out; None: it did not."""
    tries: Tries | None = None
    """What befell the requests to a server; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverge:
    """Evaluate a window of text and keep its logits, or hold them against kept ones."""

    text: str
    window: int
    """Tokens at most."""
    reference: str | None = None
    keep: str | None = None
    """Files: of a reference's logits, to be compared with; to write these to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverged:
    """The answer to `Diverge`; the lists are empty where there was no reference."""

    kl_nats: list[float]
    same_top: list[bool]
    """By scored position: divergence, and whether both prefer the same next token."""
    positions: int
    vocabulary: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTemplate:
    """Hand out the model's own chat template; the parent has it rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate:
    """The answer to `ReadTemplate`: Jinja, and the texts of the tokens that it is told."""

    text: str
    bos: str
    eos: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Free everything and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The last message: the top-level modules that this process had imported."""

    modules: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Items of the current window that are done; sent between batches only."""

    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The question could not be answered. `expected`: a sentence for people, else a bug."""

    message: str
    expected: bool
    traceback: str = ""
    missing: str = ""
    """Module that the runtime needs and that is not installed; the parent knows what to install."""


Message = (
    Ready | Load | Loaded | RunLatency | LatencyTimes | OpenEngine | EngineOpened | Score | Scored
    | ScorePlain | Diverge | Diverged | OpenContext | ContextOpened | Generate | Generated
    | ReadTemplate | ChatTemplate | Close | Closed | Progress | Failed | OpenUsers | UsersOpened
    | RunUsers | UsersTimes | ReadDevice | DeviceSaid
)  # fmt: skip
