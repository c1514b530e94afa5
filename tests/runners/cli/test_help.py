"""Help in groups, with examples that the commands take."""

from __future__ import annotations

import shlex

import click
import pytest

from runners.cli import COMMANDS, group
from runners.cli.help import GROUPS, MOST_COLUMNS, OTHERS, GroupedCommand, examples, heading_of

WHOLE = click.Context(group)
KNOWN = {name: found for name in COMMANDS if (found := group.get_command(WHOLE, name))}
GROUPED = {name: one for name, one in KNOWN.items() if isinstance(one, GroupedCommand)}


def test_every_option_of_a_group_is_an_option() -> None:
    options = {flag for one in GROUPED.values() for p in one.params for flag in p.opts}
    assert {flag for flags in GROUPS.values() for flag in flags} <= options


@pytest.mark.parametrize("name", GROUPED)
def test_options_stand_once_under_headings(name: str) -> None:
    command = GROUPED[name]
    text = command.get_help(click.Context(command, info_name=f"weighin {name}"))
    assert "\nWhat is asked:\n" in text
    assert f"\n{OTHERS}:\n" in text
    assert "\nOptions:\n" not in text
    lines = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    assert len(lines) == len(set(lines))
    assert "[CANDIDATE]" not in text.partition("What is measured:")[2].partition("Examples:")[0]


def test_an_option_that_no_group_names_is_kept_with_the_last() -> None:
    assert heading_of(click.Option(["--json"])) == OTHERS
    assert heading_of(click.Option(["--memory"])) == "What it may use (a budget)"


def test_examples_fit_a_terminal() -> None:
    assert examples(("weighin a", "one"), ("weighin ab", "two")) == (
        "\b\nExamples:\n  weighin a   one\n  weighin ab  two"
    )
    long = examples(("weighin " + "x" * 50, "y" * 30))
    assert max(map(len, long.splitlines())) <= MOST_COLUMNS


@pytest.mark.parametrize(
    "line",
    [
        line.strip()
        for one in KNOWN.values()
        for line in (one.epilog or "").splitlines()
        if line.strip().startswith("weighin ")
    ],
)
def test_the_command_of_an_example_is_parsed(line: str) -> None:
    """Its options are known and have the values that they need; the text behind is cut off."""
    _, name, *rest = shlex.split(line.partition("  ")[0].partition(" > ")[0])
    command = KNOWN[name]
    command.make_parser(click.Context(command)).parse_args(rest)
