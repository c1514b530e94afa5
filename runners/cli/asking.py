"""Options about how candidates are asked, by lm-eval's names, and what they turn into."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runners.candidates.on_gpu import with_gpu_layers

if TYPE_CHECKING:
    from evals.suites import Suite
    from runners.candidates.spec import Candidate

F = TypeVar("F", bound=Callable[..., Any])


def pairs(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> dict[str, Any] | None:
    """`KEY=VALUE,…` or a JSON object as a dictionary; values as YAML reads them."""
    import yaml

    if text is None:
        return None
    try:
        if text.lstrip().startswith("{"):
            found = json.loads(text)
        else:
            parts = [part.partition("=") for part in text.split(",") if part.strip()]
            found = {key.strip(): yaml.safe_load(value) for key, _, value in parts}
            if any(not sign or not key.strip() for key, sign, _ in parts):
                raise ValueError(f"{text!r} is not KEY=VALUE,… nor a JSON object")
    except (ValueError, yaml.YAMLError) as error:
        raise click.BadParameter(str(error), param=parameter) from error
    return dict(found)


def layers_option(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> int | str | None:
    """`all`, `none` or a number, as a candidate's setting takes it."""
    if text is None or text == "all":
        return text
    if text == "none":
        return 0
    if not text.isascii() or not text.isdigit():
        raise click.BadParameter(f"{text!r} is none of all, none and a number", param=parameter)
    return int(text)


ASKING_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--num-fewshot", type=click.IntRange(0, 100), metavar="N",
                 help="Worked examples before each question, of every task."),
    click.option("--fewshot-as-multiturn/--fewshot-in-one-message", "multiturn", default=None,
                 help="With a chat template: examples as turns of their own (default), or all in "
                 "one message."),
    click.option("--gen", metavar="KEY=VALUE,…", callback=pairs,
                 help="Generation arguments instead of the tasks' own, e.g. max_gen_toks=1024; "
                 "also a JSON object, where a value has a comma (lm-eval's --gen_kwargs)."),
    click.option("--metadata", metavar="JSON", callback=pairs,
                 help="Settings for tasks that make their own data, e.g. "
                 "'{\"max_seq_lengths\": [1024]}'."),
)  # fmt: skip
"""Options about the suite."""
ASKED = ("num_fewshot", "multiturn", "gen", "metadata")
"""Their names as parameters."""


no_score_option = click.option(
    "--no-score", is_flag=True, help="Keep the answers, and score none (lm-eval's --predict_only)."
)


def candidate_options(command: F) -> F:
    """Options about every candidate's chat template and context."""
    for option in reversed([
        click.option("--chat-template", type=click.Choice(["auto", "all", "off"]),
                     help="Use the models' own templates for generation tasks (auto), for "
                     "log-likelihood tasks, too, as lm-eval's --apply_chat_template (all), or "
                     "never; default: as each candidate says."),
        click.option("--system", metavar="TEXT",
                     help="System text before a task's own description, e.g. /no_think."),
        click.option("--context", type=click.IntRange(16, 1_048_576), metavar="N",
                     help="Context length in tokens, instead of what each candidate says (default: "
                     "what it was trained for, at most 4096)."),
        click.option("--gpu-layers", metavar="N|all|none", callback=layers_option,
                     help="Layers on the GPU, of candidates of llama.cpp (default: as each says; "
                     "none). weighin doctor says what the build can do."),
    ]):  # fmt: skip
        command = option(command)
    return command


def asked_otherwise(suite: Suite, options: dict[str, Any]) -> Suite:
    """A suite with what the command line says instead.

    Raises:
        SpecError: a value is wrong.
    """
    from evals.spec_file import check_spec
    from evals.suites import Suite

    content = suite.model_dump(exclude_unset=True)
    shots = options["num_fewshot"]
    if shots is not None:
        content["tasks"] = [{**task, "num_fewshot": shots} for task in content["tasks"]]
    if options["multiturn"] is not None:
        content["fewshot_as_multiturn"] = options["multiturn"]
    for key in ("gen", "metadata"):
        if options[key]:
            content[key] = {**(content.get(key) or {}), **options[key]}
            # The command's word is the last one.
            content["tasks"] = [
                {**task, key: {**(task.get(key) or {}), **options[key]}} if task.get(key) else task
                for task in content["tasks"]
            ]
    return check_spec(content, Suite, where="options")


def with_template(
    candidates: Sequence[Candidate], options: dict[str, Any]
) -> tuple[Candidate, ...]:
    """Candidates with the command line's chat template, system text, context and layers on the GPU;
    they are others then.

    Raises:
        click.UsageError: a system text without a template.
        SpecError: layers for a runtime that has no such setting.
    """
    template, system = options["chat_template"], options["system"]
    if template == "off" and system:
        raise click.UsageError("--system goes through the template, and --chat-template is off")
    given = {"template": template, "system": system}
    changed = {key: value for key, value in given.items() if value is not None}
    if template == "off":  # and with it what would go through it
        changed |= {"system": "", "args": {}}
    length = {} if options["context"] is None else {"context": options["context"]}
    told = [
        one.model_copy(
            update={
                "chat": one.chat.model_copy(update=changed),
                "settings": one.settings.model_copy(update=length),
            }
        )
        for one in candidates
    ]
    layers = options["gpu_layers"]
    return tuple(told if layers is None else [with_gpu_layers(one, layers) for one in told])
