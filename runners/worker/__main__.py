"""The worker: `python -P -m runners.worker NAME MODULE:CLASS`, spoken to over stdin and stdout.

The runtime's name is what it calls itself in messages; its code is the one thing it imports.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
import traceback
from typing import IO, TYPE_CHECKING

from runners.worker import protocol, wire
from runners.worker.crashing import leave_no_core
from runners.worker.freed import give_back_freed
from runners.worker.runtime import (
    KeepsDeviceAccount,
    OpensContexts,
    WorkerError,
    checked_template,
    serving_many,
)

if TYPE_CHECKING:
    from runners.worker.runtime import OnProgress, Runtime

PROGRESS_EVERY_S = 0.5
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def main() -> int:
    """Answer questions until the parent closes the pipe."""
    _die_with_the_parent()
    leave_no_core()
    inbox, outbox = wire.claim_pipes()
    name, code = sys.argv[1:]
    module_name, _, class_name = code.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, OSError, RuntimeError) as error:
        wire.send(outbox, _not_imported(name, error))
        return 1
    runtime: Runtime = getattr(module, class_name)()
    wire.send(
        outbox,
        protocol.Ready(
            protocol=protocol.VERSION,
            pid=os.getpid(),
            runtime=name,
            runtime_version=module.VERSION,
            runtime_build=module.BUILD,
        ),
    )
    while (question := wire.receive(inbox)) is not None:
        if isinstance(question, protocol.Close):
            runtime.close()
            modules = sorted({name.partition(".")[0] for name in sys.modules})
            wire.send(outbox, protocol.Closed(modules=modules))
            return 0
        wire.send(outbox, _answer(runtime, question, _reporter(outbox)))
    return 0


def _asked(runtime: Runtime, question: protocol.Message, progress: OnProgress) -> protocol.Message:
    match question:
        case protocol.Load():
            return runtime.load(question)
        case protocol.RunLatency():
            return runtime.latency(question, progress)
        case protocol.OpenEngine():
            return runtime.open_engine(question)
        case protocol.Score():
            return runtime.score(question.items, progress)
        case protocol.ScorePlain():
            return runtime.score_plain(question.items, progress)
        case protocol.Diverge():
            return runtime.diverge(question)
        case protocol.OpenContext() if isinstance(runtime, OpensContexts):
            opened = runtime.open_context(question)
            give_back_freed()
            return opened
        case protocol.Generate():
            return runtime.generate(question, progress)
        case protocol.ReadTemplate():
            return checked_template(runtime.chat_template())
        case _:
            return _asked_of_some(runtime, question, progress)


def _asked_of_some(
    runtime: Runtime, question: protocol.Message, progress: OnProgress
) -> protocol.Message:
    """What only some runtimes can answer."""
    match question:
        case protocol.ReadDevice():
            own = runtime.device_memory() if isinstance(runtime, KeepsDeviceAccount) else {}
            return protocol.DeviceSaid(own_bytes=own)
        case protocol.OpenUsers():
            return serving_many(runtime).open_users(question)
        case protocol.RunUsers():
            return serving_many(runtime).run_users(question, progress)
        case _:
            raise WorkerError(f"{type(question).__name__} is no question")


def _answer(runtime: Runtime, question: protocol.Message, progress: OnProgress) -> protocol.Message:
    try:
        return _asked(runtime, question, progress)
    except WorkerError as error:
        return protocol.Failed(message=str(error), expected=True)
    except Exception as error:  # noqa: BLE001  # the one place that turns a crash into a message
        return protocol.Failed(
            message=f"{type(error).__name__}: {error}"[:500],
            expected=False,
            traceback=traceback.format_exc(),
        )


def _die_with_the_parent() -> None:
    """Ask Linux to kill this process when the parent is gone, and to hand it its orphans.

    While it computes it would not notice the closed pipe. Elsewhere it ends with its answer. It is
    the thread that spawned the worker that counts: a parent's thread must outlive its workers.
    A process that a runtime started, and that went into the background, stays below this one.
    """
    if sys.platform != "linux":
        return
    # Without ctypes, or with a libc that has no prctl, it does as on other systems.
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reporter(outbox: IO[bytes]) -> OnProgress:
    last = time.monotonic()

    def report(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_EVERY_S:
            last = now
            wire.send(outbox, protocol.Progress(done=done))

    return report


def _not_imported(runtime: str, error: Exception) -> protocol.Failed:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    message = f"the runtime {runtime} cannot be imported: {error}"[:500]
    return protocol.Failed(message=message, expected=True, missing=missing or "")


if __name__ == "__main__":
    sys.exit(main())
