"""A reference's logits on the fixed text: evaluated once, kept in the cache, bounded."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import WeighinError
from evals.fetch.cache import cache_root, locked, scratch, short_key
from evals.replacing import put_folder, remove_folder
from runners.jobs.fixed_text import TEXT, WINDOW
from runners.jobs.loading import load_question
from runners.jobs.measured import Notify, ReferenceLogits, Step
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.llamacpp.proven import refuse_broken
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.job import Job, Options

FOLDER = "logits"
FILE = "logits.kld"
MOST_BYTES = 512 * 2**20
"""Most bytes of the folder; logits that were used longest ago go first."""


def reference_logits(job: Job, options: Options, notify: Notify) -> ReferenceLogits | None:
    """Have the logits that a job's are to be held against, before the job's own worker starts.

    Returns:
        Their file, or why they cannot be had; None where the job is to be held against nothing.
    """
    reference = job.reference
    if reference is None or not job.scores or reference.candidate_digest == job.candidate_digest:
        return None
    for one in (job, reference):
        if "logits" not in one.candidate.runtime_spec.can:
            return ReferenceLogits(reason=f"runtime {one.candidate.runtime} gives no logits")
    try:
        return ReferenceLogits(path=_kept(reference, options, notify))
    except (WeighinError, OSError) as error:
        name = reference.candidate.name
        return ReferenceLogits(reason=f"the logits of {name} cannot be had: {error}")


def _kept(reference: Job, options: Options, notify: Notify) -> Path:
    folder = cache_root() / FOLDER / _key(reference)
    with locked(short_key(str(folder))):
        if not (folder / FILE).is_file():
            notify(Step(phase=f"logits of {reference.candidate.name}, the reference"))
            with scratch() as made:
                new = made / folder.name
                new.mkdir()
                _evaluate(reference, options, new / FILE)
                folder.parent.mkdir(parents=True, exist_ok=True)
                put_folder(new, folder)
            _bound(folder)
    os.utime(folder / FILE)  # it was used now
    return folder / FILE


def _key(reference: Job) -> str:
    """A name for everything that the logits depend on: the candidate, its build, the text."""
    return short_key(json.dumps([
        reference.candidate_digest,
        [reference.weights.made_from, reference.build],
        reference.proof.left_out,
        [hashlib.sha256(TEXT.encode()).hexdigest(), WINDOW],
    ]))  # fmt: skip


def _evaluate(reference: Job, options: Options, file: Path) -> None:
    """Load the reference in a worker of its own, outside of any budget, and write its logits."""
    refuse_broken(reference.proof)
    with WorkerProcess(
        reference.candidate.runtime,
        threads=reference.settings["threads"],
        timeout_s=options.timeout_s,
        within_s=options.job_timeout_s,
    ) as worker:
        worker.ask(load_question(reference, mmap=True), protocol.Loaded)
        question = protocol.Diverge(text=TEXT, window=WINDOW, keep=str(file))
        worker.ask(question, protocol.Diverged)
        worker.close()


def _bound(newest: Path) -> None:
    """Remove what was used longest ago until the folder holds `MOST_BYTES`, `newest` spared."""
    files = sorted(newest.parent.glob(f"*/{FILE}"), key=lambda file: file.stat().st_mtime)
    held = sum(file.stat().st_size for file in files)
    for file in files:
        if held <= MOST_BYTES:
            return
        if file.parent != newest:
            held -= file.stat().st_size
            remove_folder(file.parent)
