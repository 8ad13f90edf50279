"""`headwater completion SHELL`: the script that lets a shell complete Headwater's commands and options."""

from __future__ import annotations

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.output import say

_SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", metavar="SHELL", type=click.Choice(_SHELLS))
def command(shell: str) -> ExitCode:
    """Print the completion script for SHELL: bash, zsh or fish.

    \b
    bash: headwater completion bash > ~/.local/share/bash-completion/completions/headwater
    zsh:  headwater completion zsh > "${fpath[1]}/_headwater"
    fish: headwater completion fish > ~/.config/fish/completions/headwater.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415  (completing alone needs it)

    from bot.cli.main import COMPLETION_VARIABLE, PROGRAM, command_line  # noqa: PLC0415  (main finds this module)

    script = get_completion_class(shell)
    if script is None:  # click knows the three of them
        raise AssertionError(shell)
    say(script(command_line(), {}, PROGRAM, COMPLETION_VARIABLE).source())
    return ExitCode.DONE
