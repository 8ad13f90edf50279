"""What holds for every command: the global options, given before or after the command's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bot.cli.completing import workflow_names
from bot.cli.global_options import DATABASE_VARIABLE, META, globals_of


class GlobalOption(click.Option):
    """An option of every command; its value goes to `Globals`, not to the command's function."""

    def __init__(self, *declarations: str, **settings: Any) -> None:  # noqa: ANN401  (click's own keywords)
        super().__init__(declarations, expose_value=False, callback=_remember, **settings)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT:
        context.meta[f"{META}{parameter.name}"] = value


def global_options() -> list[click.Parameter]:
    """The global options, new for each command (click ties an option to its command)."""
    folder = click.Path(path_type=Path)
    return [
        GlobalOption("-C", "folder", metavar="DIR", type=folder, help="Work as if started in DIR."),
        GlobalOption(
            "--workflow", metavar="NAME", shell_complete=workflow_names, help="Only this workflow of the repository."
        ),
        GlobalOption("--json", is_flag=True, help="Answer in JSON, for machines."),
        GlobalOption("-q", "--quiet", is_flag=True, help="Only the answer and errors."),
        GlobalOption("--no-color", is_flag=True, help="No colours (also NO_COLOR=1)."),
        GlobalOption("--state", metavar="DIR", type=folder, help="Keep the state here, not in the git folder."),
        GlobalOption("--database", metavar="URL", help=f"Keep the state in this database (also {DATABASE_VARIABLE})."),
    ]


class Command(click.Command):
    """A command of Headwater: takes the global options too, and gives its function `Globals` by `click.pass_obj`."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401  (click's own keywords)
        super().__init__(*args, **settings)
        self.params = [*self.params, *global_options()]

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own signature)
        ctx.obj = globals_of(ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options first and the global ones apart, so that nobody has to search."""
        _write_options(self, ctx, formatter)


class CommandGroup(click.Group):
    """A command with commands of its own, such as `headwater ci`; takes the global options too."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401  (click's own keywords)
        super().__init__(*args, **{"no_args_is_help": False, **settings})
        self.params = [*self.params, *global_options()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)


def _write_options(command: click.Command, context: click.Context, formatter: click.HelpFormatter) -> None:
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [(one, one.get_help_record(context)) for one in options]
    own = [record for one, record in records if record and not isinstance(one, GlobalOption)]
    shared = [record for one, record in records if record and isinstance(one, GlobalOption)]
    with formatter.section("Options"):
        formatter.write_dl(own)
    with formatter.section("Options of every command"):
        formatter.write_dl(shared)
