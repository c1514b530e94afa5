"""The command line: the one part that may import everything, and does so only when it must.

Exit codes: 0 done or pass, 1 regressed, 2 cannot tell, 3 wrong usage or a job that failed,
70 a bug, 130 interrupted. Click's and Python's own codes (2 for usage, 1 for a crash) are mapped,
or a crash would read as a regression. What becomes of stdout and stderr changes no verdict.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType

import click

from evals.errors import WeighinError
from evals.terminal import guard_streams, printable, wrapped
from runners.cli import streams

EXIT_FAILED = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
REFUSALS = frozenset({
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ELOOP, errno.EMFILE,
    errno.ENAMETOOLONG, errno.ENFILE, errno.ENOSPC, errno.EPERM, errno.EROFS, errno.ETXTBSY,
})  # fmt: skip
"""Errors with which the system refuses something: the user's to mend wherever they come up, and no
bug."""
MOST_PATH = 200
"""Characters of a path that a message repeats."""

COMMANDS = {
    "run": ("runners.cli.run", "Measure candidates on a suite (the main job)."),
    "list": ("runners.cli.listing", "List candidates, suites, tasks, budgets or runs."),
    "show": ("runners.cli.show", "Show all about a candidate's runs, or one run."),
    "board": ("runners.cli.board", "Show records in a browser: which one to ship."),
    "ship": ("runners.cli.ship", "Say which candidate to ship, within limits, and at which price."),
    "fit": ("runners.cli.fit", "Find the smallest memory limit in which a candidate works."),
    "compare": ("runners.cli.compare", "Say what changed between candidates, on every axis."),
    "check": ("runners.cli.check", "Stop a regression: pass, regressed or cannot tell (CI gate)."),
    "baseline": ("runners.cli.baseline", "Set, list or show what later runs are checked against."),
    "import": ("runners.cli.import_lm_eval", "Read the results of another harness into records."),
    "plan": ("runners.cli.plan", "Cut a comparison into blocks that other machines run."),
    "merge": ("runners.cli.merge", "Bring the records of several stores together."),
    "push": ("runners.cli.push", "Put runs into a dataset repository of the Hugging Face hub."),
    "pull": ("runners.cli.pull", "Bring runs that somebody pushed into a store."),
    "verify": ("runners.cli.verify", "Measure a sample of a run's items again: does it agree?"),
    "propose": ("runners.cli.propose", "Offer a result to a model's own page, by pull request."),
    "fetch": ("runners.cli.fetch", "Bring weights and data here, for later use offline."),
    "export": (
        "runners.cli.export",
        "Write the board as HTML or Markdown, or records as CSV.",
    ),
    "gc": ("runners.cli.gc", "Remove what a store and the cache no longer need."),
    "doctor": ("runners.cli.doctor", "Say what this machine can run and measure."),
    "mock-server": ("runners.cli.mock_server", "Serve no model, badly: to test clients against."),
    "completion": ("runners.cli.completion", "Print the script that completes names in a shell."),
}

GROUPS = {
    "Measure": ("run", "fit", "fetch", "plan", "merge", "import"),
    "Look": ("ship", "list", "show", "compare", "board", "export"),
    "Gate": ("check", "baseline"),
    "Share": ("push", "pull", "verify", "propose"),
    "Maintain": ("doctor", "gc", "mock-server", "completion"),
}
"""The commands as a reader looks for them; one that is in none stands under Maintain."""
EXAMPLES = (
    ("weighin run model.gguf --suite quick", "accuracy, speed and peak memory of one model"),
    ("weighin run a.gguf b.gguf --memory 1GiB", "which of two to ship under 1 GiB"),
    ("weighin run app.py --questions mine.csv", "your own questions, to a Gradio app of yours"),
    ("weighin board", "all results in a browser"),
    ("weighin check a.gguf --against results/baselines/a --rerun", "did it get worse?"),
)


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called: `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by group, without importing any, and examples."""
        grouped = {name for names in GROUPS.values() for name in names}
        for heading, names in GROUPS.items():
            more = [n for n in COMMANDS if n not in grouped] if heading == "Maintain" else []
            with formatter.section(heading):
                formatter.write_dl([(n, COMMANDS[n][1]) for n in (*names, *more) if n in COMMANDS])
        with formatter.section("Start: weighin run. Examples"):
            for command, text in EXAMPLES:
                formatter.write(f"  {command}\n      {text}\n")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of that name."""
        from evals.errors import did_you_mean

        name = args[0]
        known = name.startswith("-") or self.get_command(ctx, name) is not None
        if not known and not ctx.resilient_parsing:
            raise click.UsageError(f'no command "{name}"{did_you_mean(name, COMMANDS)}', ctx)
        return super().resolve_command(ctx, args)


def _version(context: click.Context, _parameter: click.Parameter, asked: object) -> None:
    if not asked or context.resilient_parsing:
        return
    from runners.cli.version import version_text

    click.echo(version_text())
    context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Say the version, the build, and what it runs on.")  # fmt: skip
def group() -> None:
    """Which small model, at which quantisation, can I ship on the compute that I have?

    Weighin runs models on lm-eval's tasks, each in a process of its own, and records accuracy,
    latency and peak memory of that same process.
    """


def main() -> None:
    """Run the command line and end with one of the documented exit codes.

    A verdict stands whatever becomes of the streams. A command that did all of its work ends with
    3 where stdout could not be written.
    """
    sys.excepthook = _bug
    streams.keep_open()
    out = sys.stdout = streams.unbreakable(sys.stdout, streams.STDOUT)
    sys.stderr = streams.unbreakable(sys.stderr, streams.STDERR)
    guard_streams()
    # lm-eval draws a bar for each task's requests; ours says where a run stands.
    os.environ.setdefault("TQDM_DISABLE", "1")
    signal.signal(signal.SIGTERM, _terminate)
    code = _run(sys.argv[1:] or ["--help"])
    lost = streams.lost(out)
    if lost is not None:
        say(f"stdout: cannot be written ({lost.strerror})")
    sys.exit(code or (EXIT_FAILED if lost else 0))


def _run(args: list[str]) -> int:
    try:
        code = group.main(args, prog_name="weighin", standalone_mode=False)
    except click.ClickException as error:
        say(_told(error))
        return EXIT_FAILED
    except WeighinError as error:
        say(str(error))
        return EXIT_FAILED
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        say(refusal(error))
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return EXIT_INTERRUPTED
    except SystemExit as ended:
        # Click ends so, with 1, where a pipe has closed. Stdout's never says that: it is another.
        if not ended.code:
            return 0
        say("this is a bug in weighin: BrokenPipeError")
        return EXIT_BUG
    return code if isinstance(code, int) else 0


def _told(error: click.ClickException) -> str:
    """Click's own sentences end with a stop, and do not say what would do."""
    text = error.format_message()
    if not isinstance(error, click.UsageError) or error.ctx is None or not text.endswith("."):
        return text
    return f"{text.rstrip('.')}; {error.ctx.command_path} --help says what there is"


def refusal(error: OSError, path: Path | None = None) -> str:
    """Name the file or folder that the system refused, and the reason, in one line.

    Args:
        error: of the system.
        path: what was to be written; None: what the error names.
    """
    named = error.filename
    if path is not None:
        where = str(path)
    else:
        where = os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else "a file"
    cut = f"{where[:MOST_PATH]}…" if len(where) > MOST_PATH else where
    return f"{cut}: cannot be {'written' if path else 'used'} ({error.strerror or error})"


def say(message: str) -> None:
    """One line on stderr, on a terminal wrapped between words, whatever the message is made of.

    Where nobody reads, nothing happens.
    """
    with contextlib.suppress(OSError):
        text = f"weighin: {printable(' '.join(message.split()))}"
        if sys.stderr.isatty():
            text = "\n".join(wrapped(text, shutil.get_terminal_size().columns))
        print(text, file=sys.stderr, flush=True)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: the worker is ended, what was measured is kept."""
    raise KeyboardInterrupt


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    try:
        traceback.print_exception(kind, error, trace)
        say(f"this is a bug in weighin: {kind.__name__}; please report the lines above")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(EXIT_BUG)
