"""One job -> one record: a candidate on a suite, in a worker of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

from evals.suites import Suite, Workload
from runners.candidates.chosen import chosen_settings
from runners.candidates.spec import Candidate
from runners.candidates.weights import Weights
from runners.compute.budget import Budget
from runners.compute.budget_use import engine_bytes, threads
from runners.compute.machine import Machine
from runners.jobs.prepared import PreparedTask
from runners.jobs.suite_digest import suite_digest
from runners.jobs.user_level import Users
from runners.records.circumstances import ExecutorInfo
from runners.records.identity import candidate_digest, digest
from runners.records.store import Store
from runners.runtimes.build import runtime_build
from runners.runtimes.devices import required_devices
from runners.runtimes.llamacpp.prove import Proof
from runners.runtimes.llamacpp.proven import UNTRIED
from runners.runtimes.spec import Program
from runners.worker.offload import Device

PROSE = {"description", "source"}
"""The keys of a budget that limit nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options that the jobs of one batch share."""

    store: Store
    command: str
    timeout_s: float
    keep_prompts: bool = False
    fresh: bool = False
    executor: ExecutorInfo | None = None
    """Scheduler that runs the batch here; None: this command alone."""
    job_timeout_s: float | None = None
    """A worker that takes longer in all is ended; None: it may take as long as it answers."""


@dataclass(frozen=True, kw_only=True)  # no slots: the digests are worked out once
class Job:
    """Candidate x suite x budget x repeat, on this machine."""

    candidate: Candidate
    weights: Weights
    suite: Suite
    tasks: Sequence[PreparedTask]
    machine: Machine
    batch: str
    repeat: int
    position: int
    jobs: int
    engine_memory_bytes: int
    """Bounds the engine, and with it how items are packed: other bits result."""
    scores: bool = True
    """True: the tasks are answered; False: a repeat of the timed phases alone."""
    times: bool = True
    """True: the suite's workloads are timed; False: the tasks are answered alone."""
    throughput: bool = False
    """Pack generations, several at a time, and time none of them."""
    unscored: bool = False
    """Keep the answers, and score none."""
    budget: Budget | None = None
    repeats: int = 1
    """Processes of each candidate in the batch: where they are many, each times fewer requests."""
    reference: Job | None = None
    """Whose logits its own are held against; None: nobody's. No part of its key: a run that was
    held against nothing is the same run."""
    users: Users | None = None
    """Several users at once, after everything else; None: one alone."""
    timing_s: float | None = None
    """Seconds that its timed workloads may take; None: as long as they do. No part of its key."""
    comparison: str = ""
    """Name of a comparison with a given time; empty: all items are asked. How many are asked is
    decided on the way, so that its runs are held against nothing else."""
    proof: Proof = UNTRIED
    """Result of the proof that the runtime's build computes on this processor."""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The runtime's settings as they will be used."""
        chosen = self.candidate.settings
        return {
            **chosen.model_dump(),
            "threads": chosen.threads or threads(self.machine.usable_cpus, self.budget),
        }

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """Workloads that are timed: the suite's, where the runtime can be timed at all."""
        return self.suite.workloads if "latency" in self.candidate.runtime_spec.can else ()

    @property
    def users_s(self) -> float:
        """Seconds at least that several users take."""
        users = self.users
        return len(users.levels) * users.seconds if users is not None and self.times else 0.0

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """The settings that someone chose, defaults left out."""
        return chosen_settings(self.candidate, self.weights.trained_context)

    @cached_property
    def candidate_digest(self) -> str:
        """Digest of what would be shipped: weights, runtime, chosen settings; on every machine."""
        return candidate_digest(self.weights.sha256, self.candidate.runtime, self.chosen)

    @cached_property
    def program(self) -> Program | None:
        """The program that the runtime starts, whose process is measured; None: it starts none.

        Raises:
            RuntimeFailure: it is not on this machine.
        """
        find = self.candidate.runtime_spec.find_program
        return find(self.candidate.settings) if find else None

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """GPUs that the candidate asks for, as they are found here; empty: it asks for none.

        Raises:
            RuntimeFailure: they are not here.
        """
        one = self.candidate
        return required_devices(one.name, one.runtime_spec, one.settings)

    @cached_property
    def build(self) -> tuple[str, ...]:
        """Versions and hashes that say which build of the runtime this is; empty: not all here."""
        return runtime_build(self.candidate.runtime, self.candidate.settings)

    @cached_property
    def suite_digest(self) -> str:
        """Digest of what is asked and how answers are scored (runners/jobs/suite_digest.py)."""
        found = suite_digest(self.suite, self.tasks)
        return digest([found, self.comparison]) if self.comparison else found

    @cached_property
    def key(self) -> str:
        """Key of the job: equal for the same candidate, asked the same, under the same conditions.
        Conditions are the runtime's build, what converted the weights, threads, machine, GPUs and
        budget.
        """
        return digest(
            [
                self.candidate.name,
                self.candidate_digest,
                [self.weights.made_from, self.build],
                self.settings["threads"],
                self.suite_digest,
                self.repeat,
                self.scores,
                self.engine_bytes,
                self.suite.probe_items,
                self.place,
                *(["throughput"] if self.throughput else []),
                *(["unscored"] if self.unscored else []),
                *([] if self.times else ["untimed"]),
                *([self.users.model_dump()] if self.users and self.times else []),
                *([f"without {self.proof.left_out}"] if self.proof.left_out else []),
                *([[one.title for one in self.devices]] if self.devices else []),
                # Until 1.0 a minor version may pack items otherwise, and so give other bits.
                version("weighin").split(".")[:2],
                *([_limits(self.budget)] if self.budget else []),
            ]
        )

    @property
    def elsewhere(self) -> str:
        """Host and port of a model that runs where it cannot be measured; empty: it runs here."""
        return self.candidate.settings.elsewhere

    @property
    def place(self) -> str:
        """Fingerprint of where it runs; times of two places never compare. A model elsewhere is
        reached by a network from here, so this machine's fingerprint is part of its own.
        """
        here = self.machine.fingerprint
        return f"remote:{self.elsewhere} from {here}" if self.elsewhere else here

    @property
    def engine_bytes(self) -> int:
        """Bytes that the scoring engine may take: under a budget perhaps less than asked."""
        return engine_bytes(self.engine_memory_bytes, self.budget, self.weights.bytes)


def _limits(budget: Budget) -> dict[str, Any]:
    return {key: value for key, value in budget.said().items() if key not in PROSE}
