"""Runtime `fake`: no model at all, deterministic, and as bad as it is told to be.

For tests of whatever stands around a model, and for seeing what Weighin does when a candidate is
slow, greedy for memory, wrong or dies. A candidate file sets it up:

    name: my-fake
    runtime: fake
    settings: {fake: {delay_per_token_s: 0.01, wrong_rate: 0.1, fail_at: scoring, fail_how: kill}}
"""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runners.engine.sizing import context_length
from runners.engine.thought import separate
from runners.runtimes.fake.device import fake_bytes, fake_offload
from runners.runtimes.fake.memory import PAGE, holding_child, touched
from runners.runtimes.fake.options import Options, read_options
from runners.worker import protocol, wire
from runners.worker.runtime import OnProgress, WorkerError, check_largest

if TYPE_CHECKING:
    import subprocess

VERSION = "1"
BUILD = "deterministic"
LINES = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
"""The chat template of a fake that has one."""


class Fake:
    """A runtime without a model."""

    def __init__(self) -> None:
        self._options = Options()
        self._held: bytearray | None = None
        self._context: bytearray | None = None
        self._length = 0
        self._mapped: mmap.mmap | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._offloaded: protocol.Offloaded | None = None

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Take the options, the memory and the time that they say."""
        started = time.perf_counter()
        self._options = read_options(message.settings["fake"])
        self._fail("load")
        self._held = touched(self._options.memory_bytes)
        self._length = message.settings["context"] or 4096
        if self._options.map_file:
            with Path(self._options.map_file).open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            for at in range(0, len(self._mapped), PAGE):
                self._mapped[at]
        if self._options.child_bytes:
            self._child = holding_child(self._options.child_bytes)
        self._offloaded = fake_offload(self._options, message.settings.get("gpu_layers", 0))
        time.sleep(self._options.delay_load_s)
        return protocol.Loaded(
            seconds=time.perf_counter() - started,
            weights_bytes=self._options.memory_bytes,
            parameters=0,
            context=self._length,
            trained_context=4096,
            threads=message.settings["threads"],
            vocabulary=self._options.vocabulary,
            architecture="fake",
            chat_template=self._options.chat_template or bool(self._options.template),
            offloaded=self._offloaded,
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Answer with the delays that the options say, against absolute deadlines."""
        self._fail("latency")
        runs, first_ns = [], 0
        for _ in range(message.warmups + message.repeats):
            started = time.perf_counter_ns()
            touched(self._options.spike_bytes)
            runs.append(self._timed(started, message.new_tokens))
            first_ns = first_ns or started + int(runs[0].token_s[runs[0].first_text or 0] * 1e9)
            progress(len(runs))
        return protocol.LatencyTimes(
            warmups=runs[: message.warmups],
            repeats=runs[message.warmups :],
            evaluated_tokens=message.prompt_tokens,
            first_token_ns=first_ns,
        )

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:  # noqa: ARG002
        """Nothing to make."""
        return protocol.EngineOpened(
            path="fake", cells=0, sequences=1, batch_tokens=0, output_rows=0, kv_bytes=0,
            output_bytes=0,
        )  # fmt: skip

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Prefer one continuation of each item."""
        started = time.perf_counter()
        answers = []
        for number, item in enumerate(items):
            if number == self._options.fail_after:
                self._fail("scoring")
            time.sleep(self._options.delay_per_item_s)
            answers.append(self._score_one(item))
            progress(number + 1)
        words = sum(a.tokens for a in answers)
        return protocol.Scored(
            items=answers,
            seconds=time.perf_counter() - started,
            raw_tokens=words,
            distinct_tokens=words,
        )

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Scores equal to packed ones: it has no cache whose layout could matter."""
        return self.score(items, progress)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:
        """Logits drawn from the text's bytes, which are its tokens, and noise beside them."""
        import numpy as np  # this model alone needs it: the others are smaller without

        from runners.engine import divergence

        self._fail("divergence")
        started, told = time.perf_counter(), self._options
        tokens = divergence.window_tokens(lambda text, _: list(text.encode()), message, 4096)
        shape = (len(divergence.scored(len(tokens))), told.vocabulary)
        logits = np.random.default_rng(tokens).normal(0, 3, shape)
        logits += told.logit_noise * np.random.default_rng(told.seed).normal(0, 1, shape)
        return divergence.diverged(logits.astype(np.float32), tokens, message, started)

    def open_context(self, message: protocol.OpenContext) -> protocol.ContextOpened:
        """Hold as much memory as the options say for each token, in place of the last context."""
        tokens = context_length(message, lambda text, _: text.split(), own=self._length)
        self._context = None
        self._context = touched(tokens * self._options.context_bytes_per_token)
        return protocol.ContextOpened(tokens=tokens)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer each prompt with the same text, or with its reverse where it is wrong."""
        answers = []
        for number, item in enumerate(message.items):
            if number == self._options.fail_after:
                self._fail("generation")
            answers.append(self._answer(item, packed=message.packed))
            progress(number + 1)
        return protocol.Generated(items=answers)

    def chat_template(self) -> protocol.ChatTemplate:
        """Role and content, a line each, unless the options bring a template."""
        return protocol.ChatTemplate(text=self._options.template or LINES, bos="<s>", eos="</s>")

    def device_memory(self) -> dict[str, int]:
        """Bytes that its layers would take on its GPU."""
        return fake_bytes(self._options, self._offloaded)

    def close(self) -> None:
        """Give the memory back."""
        self._held = None
        if self._child is not None:
            self._child.communicate()  # its input ends, and so does it
        if self._mapped is not None:
            self._mapped.close()

    def _answer(self, item: protocol.GenerateItem, *, packed: bool) -> protocol.ItemText:
        """Its text for one prompt; a word is a token, and the thought in it has a limit, too."""
        started = time.perf_counter_ns()
        raw = self._options.text
        if self._draw(item.prompt) < self._options.wrong_rate:
            raw = raw[::-1]
        most = item.thinking.max_tokens if item.thinking else 0
        thought, answer = separate(raw, item.thinking)
        thinks = len(raw.split()) - len(answer.split()) if thought else 0
        cut = thinks > most
        words = min(thinks, most) + (0 if cut else min(len(answer.split()), item.max_tokens))
        times = self._timed(started, max(1, words))
        return protocol.ItemText(
            text="" if cut else answer,
            stop="thought" if cut else "end of sequence",
            prompt_tokens=len(item.prompt.split()),
            new_tokens=max(1, words),
            times=None if packed else times,
            truncated=False,
            raw=raw if thought else "",
            thought_tokens=min(thinks, most),
            first_answer=thinks if answer and not cut and thinks < words else None,
        )

    def _timed(self, started_ns: int, new_tokens: int) -> protocol.RequestTimes:
        first_s = self._options.delay_first_token_s
        token_s = []
        for number in range(new_tokens):
            due_s = first_s + number * self._options.delay_per_token_s
            wait_s = due_s - (time.perf_counter_ns() - started_ns) / 1e9
            if wait_s > 0:
                time.sleep(wait_s)
            token_s.append((time.perf_counter_ns() - started_ns) / 1e9)
        empty = self._options.empty_tokens
        return protocol.RequestTimes(
            prefill_s=token_s[0], token_s=token_s, first_text=empty if empty < new_tokens else None
        )

    def _score_one(self, item: protocol.ScoreItem) -> protocol.ItemScore:
        if item.rolling:
            words = item.contexts[0].split()
            return protocol.ItemScore(
                logprobs=[-float(len(words))], greedy=[False], tokens=len(words), truncated=False
            )
        text = repr((item.contexts, item.continuations))
        n = len(item.continuations)
        picked = (
            self._options.pick % n if self._options.pick >= 0 else int(self._draw(text, "pick") * n)
        )
        wrong = self._draw(text) < self._options.wrong_rate
        if wrong:
            picked = (picked + 1) % n
        lengths = [max(1, len(continuation)) for _, continuation in item.continuations]
        # The picked one wins whatever its length, also where a metric is normalised by length.
        weights = [0.001 if i == picked else 1.0 for i in range(n)]
        logprobs = [-weight * length for weight, length in zip(weights, lengths, strict=True)]
        return protocol.ItemScore(
            logprobs=logprobs,
            greedy=[i == picked and not (wrong and n == 1) for i in range(n)],
            tokens=sum(lengths),
            truncated=False,
        )

    def _draw(self, text: str, salt: str = "wrong") -> float:
        """A number in [0, 1) that depends on the text, the salt and the seed alone."""
        digest = hashlib.sha256(f"{self._options.seed}/{salt}/{text}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    def _fail(self, phase: str) -> None:
        if self._options.fail_at != phase:
            return
        match self._options.fail_how:
            case "exception":
                raise ZeroDivisionError(f"the fake was told to crash in {phase}")
            case "refuse":
                raise WorkerError(f"the fake was told to refuse in {phase}")
            case "nan":
                check_largest(math.nan)
            case "exit":
                os._exit(7)
            case "hang":
                time.sleep(3600)
            case "garbage":
                _, outbox = wire.claim_pipes()
                outbox.write(b"\xff" * 64)
                outbox.flush()
                time.sleep(3600)
            case name:
                os.kill(os.getpid(), getattr(signal, f"SIG{name.upper()}"))
