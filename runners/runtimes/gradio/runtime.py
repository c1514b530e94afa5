"""Runtime `gradio`: an app is asked as its users ask it, and answers in its own time.

It gives no log-probabilities, counts no tokens, and takes neither a seed, a length nor stop
strings: what is measured is the app, with its own settings. Each question has a session of its own.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from runners.endpoint.address import Address, read_address
from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import PASSING, EndpointError
from runners.endpoint.generating import cut_at
from runners.endpoint.gradio_answer import MASKED, GradioAnswer
from runners.endpoint.gradio_app import AppEndpoint, GradioApp, NoEndpoint, choose_endpoint, data_of
from runners.endpoint.gradio_calls import ask, describe
from runners.endpoint.started import StartedServer
from runners.endpoint.transport import Patience
from runners.runtimes.gradio.space import Space, wake
from runners.runtimes.gradio.starting import HOST, start
from runners.worker import protocol
from runners.worker.generation import APP_ERROR
from runners.worker.runtime import OnProgress, WorkerError
from runners.worker.serving import ASKED

VERSION = "1"
BUILD = "standard library"
ALL_FAIL = 3
"""Errors of the app at the first so many questions: then it answers none."""
PAUSE_S = 1.0
TRIES = Retries(times=2, first_wait_s=5.0)
"""Tries after a fault on the way to an app elsewhere; an app of one's own is asked once."""


class GradioRuntime:
    """One app: started here, or running elsewhere.

    Workloads, scores and logits are refused before it is started (`can` of its spec).
    """

    def __init__(self) -> None:
        self._server: StartedServer | None = None
        self._space: Space | None = None
        self._client: Client
        self._app: GradioApp
        self._endpoint: AppEndpoint
        self._inputs: dict[str, Any] = {}
        self._pause_s = 0.0
        self._slept_s = 0.0
        self._waited_s = 0.0
        self._faults: Counter[str] = Counter()
        """Faults on the way after which a question was sent again."""
        self._answered = self._failed = 0

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Start the app or find it, choose its endpoint, and ask the first question."""
        began = time.perf_counter()
        told = message.settings
        remote = message.path is None
        pause_s = told["pause_s"]
        self._pause_s = pause_s if pause_s is not None else PAUSE_S * remote
        self._inputs = dict(told["inputs"])
        if message.path is None:
            self._find(told)
        else:
            self._start(Path(message.path), told)
        self._choose(told["endpoint"])
        ready_s = time.perf_counter() - began
        first = self._ask(told["warm_up"])
        asked = told["warm_up"][:40]
        if first.fault:
            raise WorkerError(f"the first question ({asked!r}) failed: {first.fault}")
        if not first.text:
            raise WorkerError(
                f"{self._endpoint.signature} gave no text to the first question; settings.endpoint "
                "names another"
            )
        return protocol.Loaded(
            seconds=ready_s,
            weights_bytes=0,
            parameters=0,
            context=0,
            trained_context=0,
            threads=told["threads"],
            vocabulary=0,
            architecture="",
            chat_template=False,
            checked_s=time.perf_counter() - began - ready_s,
            root_pid=self._server.pid if self._server else None,
            first_text_s=first.text_s[0],
            server=self._said(),
        )

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Ask one question after the other."""
        answers, before, waited_s = [], self._faults.copy(), self._waited_s
        for number, item in enumerate(message.items):
            if self._answered or self._failed:
                time.sleep(self._pause_s)
            answers.append(self._item(item, self._ask(item.prompt)))
            progress(number + 1)
        met = self._faults - before
        tries = protocol.Tries(
            requests=len(answers),
            retries=met.total(),
            waited_s=self._waited_s - waited_s,
            outcomes=dict(met),
        )
        return protocol.Generated(items=answers, tries=tries)

    def close(self) -> None:
        """End the app that was started."""
        for one in (getattr(self, "_client", None), self._space):
            if one is not None:
                one.close()
        if self._server is not None:
            self._server.stop()

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:  # noqa: ARG002
        """Refuse to answer several at a time."""
        raise WorkerError("an app is asked one question at a time: leave out --throughput")

    def chat_template(self) -> protocol.ChatTemplate:
        """Tell that there is none: the app makes its own prompt of a question."""
        return protocol.ChatTemplate(text="", bos="", eos="")

    def _said(self) -> protocol.ServerSaid:
        about: dict[str, Any] = {
            ASKED: f"{self._endpoint.signature} of Gradio {self._app.version}",
            "title": self._app.title[:200],
        }
        if self._slept_s:
            about["asleep_s"] = round(self._slept_s, 1)
        return protocol.ServerSaid(
            kind="gradio",
            version=self._app.version,
            model=self._endpoint.name,
            models=[],
            context=None,
            about=about,
        )

    def _start(self, path: Path, told: dict[str, Any]) -> None:
        server = self._server = start(path, told["python"], told["port"])
        address = Address(scheme="http", host=HOST, port=server.port)
        self._client = self._made(address, told, key="")
        try:
            server.wait_until(self._is_ready, timeout_s=told["start_s"])
        except WorkerError as error:
            if "does not listen" in str(error):
                raise WorkerError(f"{error}; an app that sets its own: settings.port") from error
            raise
        self._app = describe(self._client)

    def _is_ready(self) -> bool:
        with suppress(EndpointError):
            describe(self._client)
            return True
        return False

    def _find(self, told: dict[str, Any]) -> None:
        key = _key(told["api_key_env"])
        if told["space"]:
            self._space = Space(told["space"], key)
            address = self._space.address()
        elif told["url"]:
            address = read_address(told["url"])
        else:
            raise WorkerError("names no app: weights: app.py, or settings.url, or settings.space")
        self._client = self._made(address, told, key=key)
        self._app, self._slept_s = wake(
            self._client, self._space, within_s=told["start_s"], wait=time.sleep
        )

    def _made(self, address: Address, told: dict[str, Any], *, key: str) -> Client:
        answer_s = told["answer_s"]
        patience = Patience(silence_s=answer_s, whole_s=answer_s)
        return Client(address, key=key, patience=patience, retries=Retries(times=0))

    def _choose(self, wanted: str) -> None:
        """Choose the endpoint, and see that it can be called before anything is asked."""
        try:
            self._endpoint = choose_endpoint(self._app, "" if wanted == "auto" else wanted)
            data_of(self._endpoint, "", self._inputs)
        except NoEndpoint as error:
            raise WorkerError(f"the app {error}") from error

    def _ask(self, prompt: str) -> GradioAnswer:
        """One answer; faults on the way to an app elsewhere are tried again.

        Raises:
            WorkerError: no answer came: the app ended, hangs, or cannot be reached.
        """
        data = data_of(self._endpoint, prompt, self._inputs)
        tried = 0
        while True:
            tried += 1
            try:
                return self._told(ask(self._client, self._app, self._endpoint, data))
            except EndpointError as fault:
                if fault.outcome in ("answer without an end", "no answer in time"):
                    raise WorkerError(
                        f"no answer within {self._client.patience.whole_s:g} s "
                        f"(settings.answer_s): the app hangs, or is slower: {prompt[:60]!r}"
                    ) from fault
                self._see_that_it_lives(fault)
                wait_s = TRIES.wait_s(tried, fault.retry_after_s)
                if self._server or fault.outcome not in PASSING or tried > TRIES.times:
                    raise WorkerError(f"no answer to {prompt[:60]!r}: {fault}") from fault
                self._faults[fault.outcome] += 1
                self._waited_s += min(wait_s, TRIES.most_wait_s)
                time.sleep(min(wait_s, TRIES.most_wait_s))

    def _told(self, answer: GradioAnswer) -> GradioAnswer:
        """The answer; of an error that the app masks, what its own log says last."""
        if self._server is None or answer.fault != MASKED:
            return answer
        said = self._server.last_words()
        return replace(answer, fault=f"its log says: {said}") if said else answer

    def _see_that_it_lives(self, fault: EndpointError) -> None:
        if self._server is None:
            return
        if fault.outcome in ("connection lost", "connection refused", "body cut short"):
            self._server.settle()
        self._server.check()

    def _item(self, item: protocol.GenerateItem, found: GradioAnswer) -> protocol.ItemText:
        """An answer as it is scored; an error that the app raises is one, too, and wrong."""
        if found.over_quota:
            raise WorkerError(
                f"quota: the Space has no GPU time left ({found.fault}); what was answered is "
                "kept, and the same command goes on from there"
            )
        self._failed += bool(found.fault)
        self._answered += not found.fault
        if self._failed >= ALL_FAIL and not self._answered:
            raise WorkerError(f"the first {self._failed} questions all failed: {found.fault}")
        text, stopped = cut_at(found.text, item.until)
        ended = "until" if stopped else "end of sequence"
        return protocol.ItemText(
            text="" if found.fault else text,
            stop=f"{APP_ERROR}: {found.fault[:300]}" if found.fault else ended,
            prompt_tokens=None,
            new_tokens=None,
            times=_times(found),
            truncated=False,
            first_answer=0 if found.text_s and not found.fault else None,
            queued_s=found.starts_s,
            ahead=found.ahead,
        )


def _times(found: GradioAnswer) -> protocol.RequestTimes | None:
    """Moments of the texts, which are no tokens; None where no text came."""
    if not found.text_s or found.fault:
        return None
    return protocol.RequestTimes(
        prefill_s=None, token_s=list(found.text_s), first_text=0, streamed=True
    )


def _key(variable: str | None) -> str:
    if variable is None:
        return ""
    key = os.environ.get(variable, "")
    if not key:
        raise WorkerError(f"settings.api_key_env: the variable {variable} is not set")
    return key
