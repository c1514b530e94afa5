"""`weighin completion SHELL`: the script that completes commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "weighin"
VARIABLE = "_WEIGHIN_COMPLETE"
"""Variable by which the script asks click's own `main` for completions."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the script that completes commands, options, candidates, suites and runs.

    To enable it, once (weighin must be on the PATH of a new shell):

    \b
    bash  weighin completion bash > ~/.weighin-completion.bash
          echo '. ~/.weighin-completion.bash' >> ~/.bashrc
    zsh   weighin completion zsh > ~/.weighin-completion.zsh
          echo '. ~/.weighin-completion.zsh' >> ~/.zshrc     (after compinit)
    fish  weighin completion fish > ~/.config/fish/completions/weighin.fish
    """  # noqa: D301  # click reads the backspace as: leave these lines as they are
    from runners.cli import group

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click completes nothing in {shell}")
    print(kind(group, {}, PROGRAM, VARIABLE).source())
    return 0
