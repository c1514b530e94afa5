"""A suite: a named, versioned list of tasks and the latency workloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from evals.abilities import NAME as ABILITY
from evals.scales import Stated
from evals.spec_file import (
    NAME,
    Spec,
    find_spec,
    reachable,
    spec_names,
)

FOLDER = Path(__file__).parent / "catalog" / "suites"


MOST_PROMPT_TOKENS = 131_072
MOST_CHARACTERS = 64 * 1024
"""Characters of generation arguments or metadata, as JSON."""
REQUESTS, REQUESTS_OF_MANY, MANY = 5, 2, 10
"""Timed requests of a workload, fewer where a candidate runs in many processes. Runs differ by more
than the requests of one run: two requests in ten processes say more than five in five."""


def _prompt(value: object) -> int | Literal["fill"]:
    """A number of tokens, or `fill`; pydantic's own union would name each of its arms."""
    if value == "fill":
        return "fill"
    text = str(value) if isinstance(value, int | str) else ""
    tokens = int(text) if text.isdecimal() else 0
    if not 1 <= tokens <= MOST_PROMPT_TOKENS:
        raise ValueError(f"Input should be 1 to {MOST_PROMPT_TOKENS:,} tokens, or fill")
    return tokens


class Workload(Spec):
    """A fixed latency workload: one request, batch 1, greedy, no stop."""

    prompt_tokens: Annotated[int | Literal["fill"], PlainValidator(_prompt)]
    """`fill`: what the new tokens leave of the candidate's own context."""
    new_tokens: Annotated[int, Field(ge=2, le=16_384)]
    requests: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Timed requests; None: as the suite's `latency_repeats` says, and one of `fill`."""

    @property
    def name(self) -> str:
        """`PROMPT+NEW` in tokens, or `fill+NEW`: the same for candidates of any context."""
        return f"{self.prompt_tokens}+{self.new_tokens}"

    @property
    def fills(self) -> bool:
        """True where it fills the candidate's context: one long request, without a warm-up."""
        return self.prompt_tokens == "fill"

    def prompt_of(self, context: int) -> int | None:
        """Prompt tokens in a context of that length; None where the workload does not fit."""
        prompt = self.prompt_tokens
        length = context - self.new_tokens if isinstance(prompt, str) else prompt
        return length if 1 <= length <= context - self.new_tokens else None


def _of_json(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Keys and values that JSON can hold; None where there are none."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"give values of JSON: {error}") from error
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"more than {MOST_CHARACTERS:,} characters")
    return value or None


Given = Annotated[dict[str, Any] | None, AfterValidator(_of_json)]


class SuiteTask(Spec):
    """One lm-eval task (or group, e.g. mmlu) of a suite."""

    task: Annotated[str, Field(min_length=1)]
    num_fewshot: Annotated[int, Field(ge=0, le=100)] | None = None
    """Worked examples before each question; None: as many as the task's own YAML says."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Items per task, or per subject of a group; None: all."""
    total: Annotated[int, Field(ge=1)] | None = None
    """Items of a whole group, drawn from its tasks in proportion to their sizes; None: `limit`."""
    metric: str | None = None
    """Headline metric; None: acc, else exact_match, else the task's first metric."""
    scale: Stated | None = None
    """Scale of the metric's item scores: share (0 to 1) or percent (0 to 100). None: taken from the
    task's metadata or gold answers; a metric of unknown scale enters no mean."""
    cluster: Annotated[str, Field(min_length=1)] | None = None
    """Column of the documents by which items belong together, e.g. source_id. None: the one in the
    task's metadata, else a passage, context, story, article or paragraph. `beginning`: what prompts
    share at their start, where documents have no such column."""
    ability: Annotated[str, Field(pattern=ABILITY)] | None = None
    """Ability that the task measures, e.g. tools (`evals.abilities`). None: taken from the task's
    metadata, else known by its name."""
    gen: Given = None
    """Generation arguments that stand in for the task's own, as lm-eval's `--gen_kwargs`."""
    metadata: Given = None
    """Settings that lm-eval hands to a task that makes its own data, e.g. RULER's lengths."""
    repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Answers to each document of a generation task, e.g. for pass@5, alike unless `gen` samples.
    None: as the task's YAML says."""
    chat_template: Literal["auto", "all", "off"] | None = None
    """Where this task uses a candidate's chat template, whatever the candidate says."""
    optional: bool | None = None
    """True: it is beside the suite's score, which candidates have that are not asked it because
    their context is too short. None: no candidate has a score without it."""

    @model_validator(mode="after")
    def _one_size(self) -> SuiteTask:
        if self.limit is not None and self.total is not None:
            raise ValueError("give one of limit (items a task) and total (items of the group)")
        return self


class Suite(Spec):
    """A named, versioned list of tasks and the latency workloads."""

    name: Annotated[str, Field(pattern=NAME)]
    version: Annotated[int, Field(ge=1)] = 1
    description: str = ""
    tasks: Annotated[tuple[SuiteTask, ...], Field(min_length=1)]
    gen: Given = None
    """Generation arguments of every generation task; a task's own `gen` comes last."""
    metadata: Given = None
    """Metadata of every task; a task's own come last."""
    fewshot_as_multiturn: bool = True
    """True: with a chat template, few-shot examples are turns of their own. False: one message."""
    seed: int = 1234
    """Seed of the items' permutation and of few-shot sampling (lm-eval's own default)."""
    workloads: tuple[Workload, ...] = (
        Workload(prompt_tokens=32, new_tokens=64),
        Workload(prompt_tokens=512, new_tokens=64),
    )
    latency_repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Timed requests a workload, after one warm-up that is stored apart; None: 5, and 2 in a run of
    10 repeats or more."""
    probe_items: Annotated[int, Field(ge=0, le=10_000)] = 200
    """Multiple-choice items that are scored again, plainly, for the noise floor; 0: none."""
    against: str | None = None
    """Suite that is asked, too, with `run --against`: of answers in words there are no
    log-likelihoods to hold against the reference's. None: this suite's own answers are held."""

    @model_validator(mode="after")
    def _no_task_twice(self) -> Suite:
        names = [t.task for t in self.tasks]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"task {twice[0]!r} is listed twice")
        return self

    def gen_of(self, entry: SuiteTask) -> dict[str, Any]:
        """Generation arguments of one entry's tasks; empty: their own."""
        return {**(self.gen or {}), **(entry.gen or {})}

    def metadata_of(self, entry: SuiteTask) -> dict[str, Any]:
        """Metadata of one entry's tasks."""
        return {**(self.metadata or {}), **(entry.metadata or {})}

    @property
    def options(self) -> dict[str, Any]:
        """Keys that are about every task, defaults left out."""
        told = {"gen": self.gen, "metadata": self.metadata}
        found: dict[str, Any] = {key: value for key, value in told.items() if value}
        return found if self.fewshot_as_multiturn else {**found, "fewshot_as_multiturn": False}

    def requests(self, workload: Workload, repeats: int) -> int:
        """Timed requests of a workload in one process of so many."""
        if workload.requests is not None or workload.fills:
            return workload.requests or 1
        return self.latency_repeats or (REQUESTS if repeats < MANY else REQUESTS_OF_MANY)


def suite_names() -> list[str]:
    """Every suite of the catalogue, sorted."""
    return spec_names(FOLDER)


def find_suite(text: str) -> Suite:
    """A suite by its catalogue name or its YAML file.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    with reachable(text):
        return find_spec(text, Suite, FOLDER, word="suite")
