"""What holds for every command: the global options, given before or after the command's name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bot.errors import WrongUse

DATABASE_VARIABLE = "HEADWATER_DATABASE_URL"
STATE_VARIABLE = "HEADWATER_STATE"
_META = "headwater.globals."


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of one call. `state` and `database` exclude each other; both None: below the git folder."""

    folder: Path = Path()
    workflow: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False
    state: Path | None = None
    database: str | None = None

    def path(self, name: str | Path) -> Path:
        """A file named on the command line: relative to `-C DIR`."""
        return self.folder / name

    def state_folder(self, git_folder: Path) -> Path:
        """Where Headwater keeps its state: `--state DIR`, else `headwater/` in the git folder."""
        return self.state or git_folder / "headwater"


class GlobalOption(click.Option):
    """An option of every command; its value goes to `Globals`, not to the command's function."""

    def __init__(self, *declarations: str, **settings: Any) -> None:  # noqa: ANN401  (click's own keywords)
        super().__init__(declarations, expose_value=False, callback=_remember, **settings)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT:
        context.meta[f"{_META}{parameter.name}"] = value


def _workflow_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from bot.cli.completing import workflow_names  # noqa: PLC0415  (completing alone needs it)

    return workflow_names(context, parameter, incomplete)


def global_options() -> list[click.Parameter]:
    """The global options, new for each command (click ties an option to its command)."""
    folder = click.Path(path_type=Path)
    return [
        GlobalOption("-C", "folder", metavar="DIR", type=folder, help="Work as if started in DIR."),
        GlobalOption(
            "--workflow", metavar="NAME", shell_complete=_workflow_names, help="Only this workflow of the repository."
        ),
        GlobalOption("--json", is_flag=True, help="Answer in JSON, for machines."),
        GlobalOption("-q", "--quiet", is_flag=True, help="Only the answer and errors."),
        GlobalOption("--no-color", is_flag=True, help="No colours (also NO_COLOR=1)."),
        GlobalOption("--state", metavar="DIR", type=folder, help="Keep the state here, not in the git folder."),
        GlobalOption("--database", metavar="URL", help=f"Keep the state in this database (also {DATABASE_VARIABLE})."),
    ]


def globals_of(context: click.Context) -> Globals:
    """The global options of this call, from the command line first, then from the process environment.

    Raises WrongUse where `--state` and `--database` are both given.
    """
    given = {name.removeprefix(_META): value for name, value in context.meta.items() if name.startswith(_META)}
    state, database = given.get("state"), given.get("database")
    if state and database:
        raise WrongUse("--state and --database exclude each other", "give the one that holds the state you mean")
    if not (state or database):
        database = os.environ.get(DATABASE_VARIABLE) or None
        state = Path(os.environ[STATE_VARIABLE]) if not database and os.environ.get(STATE_VARIABLE) else None
    folder = given.get("folder", Path())
    if not folder.is_dir():
        raise WrongUse(f"-C {folder}: no such folder", "give a folder that exists")
    return Globals(
        folder=folder,
        workflow=given.get("workflow"),
        json=bool(given.get("json")),
        quiet=bool(given.get("quiet")),
        no_color=context.color is False,
        state=Path(state) if state else None,
        database=database,
    )


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
