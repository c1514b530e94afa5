"""Chat prompts by the model's own template, rendered beside the worker and never inside it.

The template is somebody's code in a weights file: it runs in a process of its own whose memory and
time are bounded (evals/tasks/templates.py), and what it takes is no part of the candidate's peak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.errors import RuntimeFailure
from evals.tasks.items import build_requests
from evals.tasks.templates import TemplateChild, TemplateFault
from runners.jobs.measured import AskedTask
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.jobs.prepared import PreparedTask
    from runners.jobs.worker_process import WorkerProcess


class ChatTemplateError(RuntimeFailure):
    """The model's chat template fails on a task's messages; the other tasks go on."""


class ChatPrompts:
    """Renders each item's messages for lm-eval, and counts prompts not shown whole."""

    def __init__(self, task: str, template: protocol.ChatTemplate, child: TemplateChild) -> None:
        self._task, self._template, self._child = task, template, child
        self.without_system = 0
        """Prompts that lack a system message, which the template refuses or does not show."""

    def __call__(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool = True
    ) -> str:
        """One prompt; without a generation prompt the last message's turn stays open.

        Raises:
            ChatTemplateError: the template fails, or takes more than it may.
        """
        try:
            text, complete = self._child.chat(
                self._template.text,
                messages,
                add_generation_prompt=add_generation_prompt,
                bos=self._template.bos,
                eos=self._template.eos,
            )
        except TemplateFault as fault:
            raise ChatTemplateError(
                f'task "{self._task}": the model\'s chat template {fault}'
            ) from fault
        self.without_system += not complete
        return text


def asked_generations(
    job: Job, task: PreparedTask, worker: WorkerProcess, measured: Measured
) -> AskedTask:
    """A generation task's items for one candidate: by its chat template where it has one.

    Made anew for every candidate: lm-eval keeps one set of instances a task.

    Raises:
        ChatTemplateError: the template fails on this task.
    """
    loaded, name, model = task.loaded, task.loaded.name, measured.model
    if job.candidate.chat_template == "off" or model is None or not model.chat_template:
        return AskedTask(name=name, items=build_requests(loaded))
    template = worker.ask(protocol.ReadTemplate(), protocol.ChatTemplate)
    with TemplateChild() as child:
        prompts = ChatPrompts(name, template, child)
        items = build_requests(
            loaded,
            chat_template=prompts,
            tokenizer_name=job.weights.sha256 or job.candidate.name,
        )
    return AskedTask(name=name, items=items, without_system=(prompts.without_system, len(items)))
