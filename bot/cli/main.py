"""The console script `headwater`: finds the command, runs it, and turns what goes wrong into words and an exit code."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from bot import correlation
from bot.cli.commands import COMMANDS, Section
from bot.cli.context import global_options
from bot.cli.exit_codes import ExitCode
from bot.cli.output import print_error, print_lines_as_errors
from bot.errors import HeadwaterError, NotAllowed, WrongUse
from bot.runner.failure import RunnerError
from planner.problems import DefinitionError, PlannerError, Severity

PROGRAM = "headwater"
COMPLETION_VARIABLE = "_HEADWATER_COMPLETE"
_DEBUG_VARIABLE = "HEADWATER_DEBUG"
_GARBAGE = 100_000
"""New objects between two collections: ten thousand environments are no garbage, looking for some costs a tenth."""
_EPILOG = "'headwater COMMAND --help' says more. Options may stand before or after the command."


class LazyGroup(click.Group):
    """All commands of the table; the module of one is imported when it is called, never for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's own signature)
        """The names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; a typo is answered with the nearest one."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            raise WrongUse(f"no such command: {name}", _nearest(name))
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by what they are for."""
        width = max(map(len, COMMANDS))
        for section in Section:
            rows = [(name.ljust(width), one.help) for name, one in COMMANDS.items() if one.section is section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write commands first: that is what people look for."""
        self.format_commands(ctx, formatter)
        records = (one.get_help_record(ctx) for one in self.get_params(ctx))
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete names from the table, without importing a command."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  (only a completing shell needs it)

        found = [CompletionItem(name, help=one.help) for name, one in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _nearest(name: str) -> str:
    import difflib  # noqa: PLC0415  (only a typo needs it)

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"did you mean '{PROGRAM} {near[0]}'?" if near else f"'{PROGRAM} --help' lists all commands"


def command_line() -> click.Group:
    """The whole command line, as click sees it."""
    return LazyGroup(
        name=PROGRAM,
        help="Deploy infrastructure in dependency order: see what a change touches, plan it, deploy it.",
        epilog=_EPILOG,
        params=[*global_options(), _version_option()],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _version_option() -> click.Option:
    def show(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  (click's)
        if wanted:
            from importlib.metadata import version  # noqa: PLC0415  (costs a third of --help)

            click.echo(f"{PROGRAM} {version(PROGRAM)}")
            context.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help="The version."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are told on stderr, never as a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    gc.set_threshold(_GARBAGE)
    _forgive_encodings()
    color = _color(arguments)
    try:
        code = _run(arguments, color=color)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001  (the outermost edge)
        return _tell(error, color=color)
    except KeyboardInterrupt:
        return ExitCode.CANCELLED
    return code


def _run(arguments: list[str], *, color: bool | None) -> int:
    group = command_line()
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete  # noqa: PLC0415  (only a completing shell needs it)

        return shell_complete(group, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        context = group.make_context(PROGRAM, arguments or ["--help"], color=color)
        with context, correlation.bound(correlation.fresh("cli")):
            result = group.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _color(arguments: Sequence[str]) -> bool | None:
    """False: never; True: FORCE_COLOR asks for it; None: where a terminal reads. Known before anything can fail."""
    if "--no-color" in arguments or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _forgive_encodings() -> None:
    """Let a terminal that is not UTF-8 show `?` instead of failing in the middle of a deployment."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a test's stream
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _reader_left() -> int:
    """End quietly where the reader of a pipe has gone (`headwater graph | head`)."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.FAILED


def _tell(error: Exception, *, color: bool | None) -> int:
    if os.environ.get(_DEBUG_VARIABLE):
        import traceback  # noqa: PLC0415  (only a fault needs it)

        traceback.print_exception(error)
    match error:
        case DefinitionError():
            errors = [one for one in error.problems if one.severity is Severity.ERROR]
            print_lines_as_errors(map(str, error.problems), color=color)
            print_error(f"{len(errors)} problem{'s' * (len(errors) != 1)} in the workflow files", color=color)
            return ExitCode.WRONG
        case PlannerError():
            print_error(str(error), color=color)
            return ExitCode.WRONG
        case HeadwaterError():
            print_error(error.what, error.mend, color=color)
            return ExitCode.WRONG if isinstance(error, (WrongUse, NotAllowed)) else ExitCode.FAILED
        case RunnerError():
            print_error(str(error), color=color)
            return ExitCode.FAILED
        case click.ClickException():
            print_error(_in_our_words(error), _usage(error), color=color)
            return ExitCode.WRONG
        case click.Abort():
            print_error("cancelled", color=color)
            return ExitCode.CANCELLED
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            print_error(
                f"{where}{error.strerror or error}", "nothing was lost: mend this and run it again", color=color
            )
            return ExitCode.FAILED
        case _:
            what = f"{type(error).__name__}: {error}".strip(": ")
            mend = f"this is a fault in Headwater; {_DEBUG_VARIABLE}=1 shows where, please report it"
            print_error(what, mend, color=color)
            return ExitCode.FAILED


def _in_our_words(error: click.ClickException) -> str:
    """Click's message as ours are: one line, without a capital and a full stop."""
    message = " ".join(error.format_message().split()).removesuffix(".")
    return message[:1].lower() + message[1:]


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see '{context.command_path} --help'" if context else f"see '{PROGRAM} --help'"


if __name__ == "__main__":
    sys.exit(main())
