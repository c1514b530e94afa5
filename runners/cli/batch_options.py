"""Options that say what a batch measures: the same for `weighin run` and `weighin plan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runners.cli.app_options import app_options, with_app
from runners.cli.asking import candidate_options, no_score_option, with_template
from runners.cli.completion_names import complete_candidates
from runners.cli.options import (
    budget_options,
    choose_budget,
    choose_questions,
    choose_suite,
    engine_memory_option,
    runtime_option,
    suite_options,
    trust_code_option,
)
from runners.cli.server_options import choose_with_servers, server_options
from runners.cli.users_options import choose_users, users_options

if TYPE_CHECKING:
    from runners.batches.batch import Batch

F = TypeVar("F", bound=Callable[..., Any])


def batch_options(command: F) -> F:
    """Candidates, suite, budget, repeats and how they are asked."""
    for option in reversed([
        click.argument("candidates", nargs=-1, metavar="[CANDIDATE]…",
                       shell_complete=complete_candidates),
        server_options,
        app_options,
        runtime_option,
        suite_options,
        candidate_options,
        budget_options,
        users_options,
        click.option("--repeats", type=click.IntRange(min=1), default=1, metavar="N",
                     help="Processes per candidate, interleaved in random order; default 1. From "
                     "10 on each times two requests a workload instead of five."),
        click.option("--score", type=click.Choice(["once", "each"]), default="once",
                     help="With --repeats: answer the tasks in the first repeat alone (default) or "
                     "in each."),
        engine_memory_option,
        click.option("--throughput", is_flag=True,
                     help="Answer generation tasks several prompts at a time: faster, but without "
                     "times."),
        no_score_option,
        trust_code_option,
    ]):  # fmt: skip
        command = option(command)
    return command


def chosen_batch(candidates: tuple[str, ...], options: dict[str, Any]) -> Batch:
    """The batch that these options ask for.

    Raises:
        SpecError: a candidate, suite, budget or file of questions is unknown or wrong.
        click.UsageError: two options that exclude each other.
    """
    from runners.batches.batch import Batch

    questions = choose_questions(options)
    chosen = with_template(with_app(choose_with_servers(candidates, options), options), options)
    suite = choose_suite(options, questions)
    return Batch(
        candidates=chosen,
        suite=suite,
        questions=questions,
        repeats=options["repeats"],
        score=options["score"],
        limit=options["limit"],
        data=options["data"],
        include=options["include"],
        trust_tasks=options["trust_tasks"],
        allow_code=options["allow_code"],
        throughput=options["throughput"],
        unscored=options["no_score"],
        engine_memory_bytes=options["engine_memory"],
        budget=choose_budget(options),
        users=choose_users(options, chosen, suite),
    )
