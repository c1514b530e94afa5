"""Chat prompts by the model's own template, rendered beside the worker and never inside it.

The template is somebody's code in a weights file: it runs in a process of its own whose memory and
time are bounded (evals/tasks/templates.py), and what it takes is no part of the candidate's peak.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evals.errors import RuntimeFailure
from evals.tasks.items import build_requests
from evals.tasks.templates import TemplateChild, TemplateFault
from runners.endpoint.generating import TURNS, written_turns
from runners.engine.thought import MAX_THOUGHT_TOKENS, find_marks
from runners.jobs.measured import AskedTask
from runners.jobs.recommended import chosen_sampling
from runners.jobs.windows import PLAINLY, Answering
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.jobs.prepared import PreparedTask
    from runners.jobs.worker_process import WorkerProcess


class ChatTemplateError(RuntimeFailure):
    """The model's chat template fails on a task's messages; the other tasks go on."""


class ChatPrompts:
    """Renders each item's messages for lm-eval, and counts prompts not shown whole."""

    def __init__(
        self, task: str, template: protocol.ChatTemplate, child: TemplateChild,
        args: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._task, self._template, self._child, self._args = task, template, child, args
        self.without_system = 0
        """Prompts that lack a system message, which the template refuses or does not show."""

    def __call__(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool = True
    ) -> str:
        """One prompt; without a generation prompt the last message's turn stays open.

        A server that does not tell its template gets the messages themselves.

        Raises:
            ChatTemplateError: the template fails, or takes more than it may.
        """
        if self._template.text.startswith(TURNS):
            return written_turns(messages)
        try:
            text, complete = self._child.chat(
                self._template.text,
                messages,
                add_generation_prompt=add_generation_prompt,
                bos=self._template.bos,
                eos=self._template.eos,
                args=self._args,
            )
        except TemplateFault as fault:
            raise ChatTemplateError(
                f'task "{self._task}": the model\'s chat template {fault}'
            ) from fault
        self.without_system += not complete
        return text

    def turn_end(self) -> str:
        """Text that the template writes after an answer; empty where it does not say."""
        told = self._template
        if told.text.startswith(TURNS):
            return ""
        try:
            return self._child.turn_end(told.text, bos=told.bos, eos=told.eos, args=self._args)
        except TemplateFault:
            return ""


def asked_task(
    job: Job, task: PreparedTask, worker: WorkerProcess, measured: Measured
) -> AskedTask:
    """A task's items for one candidate: by its chat template where it has one and wants it.

    Made anew for every candidate that has a template: lm-eval keeps one set of instances a task.

    Raises:
        ChatTemplateError: the template fails on this task.
    """
    chat, name, model = job.candidate.chat, task.loaded.name, measured.model
    template_for = task.loaded.chat_template or chat.template
    templated = model is not None and model.chat_template
    if not task.generates and not (templated and template_for == "all"):
        return AskedTask(name=name, items=task.asked(task.items), stages=task.stages)
    none = protocol.ChatTemplate(text="", bos="", eos="")
    template = worker.ask(protocol.ReadTemplate(), protocol.ChatTemplate) if templated else none
    how = _answering(job, template.text, measured) if task.generates else PLAINLY
    if not templated or template_for == "off":
        items = task.asked(build_requests(task.loading))
        return AskedTask(name=name, items=items, stages=task.stages, how=how)
    with TemplateChild() as child:
        prompts = ChatPrompts(name, template, child, chat.args)
        built = build_requests(
            task.loading,
            chat_template=prompts,
            tokenizer_name=job.weights.sha256 or job.candidate.name,
            system=chat.system,
        )
        items = task.asked(built)
        how = replace(how, turn_end=prompts.turn_end()) if task.generates else how
    return AskedTask(
        name=name,
        items=items,
        stages=task.stages,
        without_system=(prompts.without_system, len(built)),
        unused=tuple(k for k in chat.args if not re.search(rf"\b{re.escape(k)}\b", template.text)),
        how=how,
    )


def _answering(job: Job, template: str, measured: Measured) -> Answering:
    """How the candidate answers: what its file says, else what its template and weights say."""
    told = job.candidate.reasoning
    marks = find_marks(template, told.end)
    if marks is not None and told.start is not None:
        marks = replace(marks, start=told.start)
    return Answering(
        marks=marks,
        thought_tokens=told.max_tokens or MAX_THOUGHT_TOKENS,
        sampling=chosen_sampling(job, measured),
        window=job.candidate.runtime_spec.window,
    )
