"""Help of the commands with many options: those that belong together under one heading."""

from __future__ import annotations

import click

GROUPS: dict[str, tuple[str, ...]] = {
    "What is measured": (
        "--model", "--api-key-env", "--endpoint", "--max-items", "--runtime", "--context",
        "--gpu-layers", "--against",
        "--accept-license", "--trust-remote-code",
    ),
    "What is asked": (
        "--suite", "--tasks", "--questions", "--include", "--trust-tasks", "--allow-code",
        "--limit", "--seed", "--data", "--num-fewshot", "--fewshot-as-multiturn", "--gen",
        "--metadata", "--chat-template", "--system", "--allow-different-prompts",
    ),
    "What it may use (a budget)": (
        "--budget", "--memory", "--vram", "--cpus", "--deadline-ttft", "--deadline-answer",
        "--min-decode", "--gpu",
    ),
    "How it is measured": (
        "--rerun", "--pairs", "--policy", "--time", "--repeats", "--score", "--engine-memory",
        "--throughput", "--no-score", "--users", "--users-time", "--resume", "--timeout",
        "--strict", "--dry-run",
    ),
    "On other machines": ("--job", "--block", "--on", "--split", "--blocks"),
}  # fmt: skip
"""Heading -> options; the others stand under the last heading."""
OTHERS = "What is kept and printed"


class GroupedCommand(click.Command):
    """A command whose options stand in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group that the command has options of."""
        found: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*GROUPS, OTHERS)}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and isinstance(option, click.Option):
                found[heading_of(option)].append(record)
        for heading, records in found.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def heading_of(option: click.Option) -> str:
    """The heading that an option stands under."""
    for heading, flags in GROUPS.items():
        if not set(option.opts).isdisjoint(flags):
            return heading
    return OTHERS


def examples(*lines: tuple[str, str]) -> str:
    """The end of a command's help: command lines and what each does, which keep their lines.

    Each is on one line with its text, or above it where both together are wider than a terminal.
    """
    width = max(len(command) for command, _ in lines)
    told = [
        f"  {command:{width}}  {text}"
        if width + len(text) < MOST_COLUMNS
        else f"  {command}\n      {text}"
        for command, text in lines
    ]
    return "\b\nExamples:\n" + "\n".join(told)


MOST_COLUMNS = 72
