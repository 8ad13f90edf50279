"""The frame: global options, help, errors, exit codes, and what a cold start imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from inline_snapshot import snapshot

from bot.cli import commands
from bot.cli.commands import COMMANDS, Entry, Section
from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.main import command_line, main
from bot.errors import HeadwaterError, NotAllowed, StoreError, WrongUse
from bot.runner.failure import RunnerError
from planner.problems import DefinitionError, Place, PlannerError, Problem, Severity
from tests.bot.cli.conftest import process

HEAVY = ("git", "networkx", "pydantic", "rich", "sqlalchemy")


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> list[Globals]:
    """A command `probe` that notes its globals and raises what `fail` holds."""
    seen: list[Globals] = []

    @click.command(cls=Command)
    @click.option("--depth", type=int, default=1, help="How deep.")
    @click.pass_obj
    def command(settings: Globals, depth: int) -> ExitCode:
        seen.append(settings)
        return ExitCode.WAITS if depth == 3 else ExitCode.DONE

    monkeypatch.setitem(commands.COMMANDS, "probe", Entry(Section.LOOK, __name__, "Look"))
    monkeypatch.setattr(sys.modules[__name__], "command", command, raising=False)
    return seen


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command(cls=Command)
    def command() -> None:
        raise error

    monkeypatch.setitem(commands.COMMANDS, "fail", Entry(Section.LOOK, __name__, "Fail"))
    monkeypatch.setattr(sys.modules[__name__], "command", command, raising=False)


def test_global_options_stand_before_and_after_the_command(probe: list[Globals], tmp_path: Path) -> None:
    before = ["-C", str(tmp_path), "--workflow", "shop", "--json", "-q", "--no-color", "--state", "s", "probe"]
    after = ["probe", "-C", str(tmp_path), "--workflow", "shop", "--json", "-q", "--no-color", "--state", "s"]
    assert main(before) == main(after) == 0
    wanted = Globals(tmp_path, "shop", json=True, quiet=True, no_color=True, state=Path("s"))
    assert probe == [wanted, wanted]


def test_the_later_of_two_global_options_counts(probe: list[Globals]) -> None:
    main(["--workflow", "a", "probe", "--workflow", "b"])
    assert probe[0].workflow == "b"


def test_state_and_database_exclude_each_other(probe: list[Globals], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", "s", "probe", "--database", "sqlite://"]) == 2
    assert capsys.readouterr().err == snapshot("""\
error: --state and --database exclude each other
  give the one that holds the state you mean
""")


def test_a_database_of_the_process_environment_yields_to_the_command_line(
    probe: list[Globals], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", "postgresql://db/headwater")
    main(["probe"])
    main(["probe", "--state", "here"])
    assert [(one.state, one.database) for one in probe] == [(None, "postgresql://db/headwater"), (Path("here"), None)]


def test_a_folder_that_is_not_there(probe: list[Globals], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", "/nowhere/at/all", "probe"]) == 2
    assert "-C /nowhere/at/all: no such folder" in capsys.readouterr().err
    assert not probe


def test_a_command_says_its_exit_code(probe: list[Globals]) -> None:
    assert main(["probe", "--depth", "3"]) == 3


def test_a_typo_is_answered_with_the_nearest_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["afected"]) == 2
    assert main(["xyzzy"]) == 2
    assert capsys.readouterr().err == snapshot("""\
error: no such command: afected
  did you mean 'headwater affected'?
error: no such command: xyzzy
  'headwater --help' lists all commands
""")


def test_wrong_options_say_where_help_is(probe: list[Globals], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--depth", "deep"]) == 2
    assert capsys.readouterr().err == snapshot("""\
error: invalid value for '--depth': 'deep' is not a valid integer
  see 'headwater probe --help'
""")


def test_help_tells_own_and_shared_options_apart(probe: list[Globals], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--help"]) == 0
    assert capsys.readouterr().out == snapshot("""\
Usage: headwater probe [OPTIONS]

Options:
  --depth INTEGER  How deep.
  -h, --help       Show this message and exit.

Options of every command:
  -C DIR           Work as if started in DIR.
  --workflow NAME  Only this workflow of the repository.
  --json           Answer in JSON, for machines.
  -q, --quiet      Only the answer and errors.
  --no-color       No colours (also NO_COLOR=1).
  --state DIR      Keep the state here, not in the git folder.
  --database URL   Keep the state in this database (also
                   HEADWATER_DATABASE_URL).
""")


def test_no_arguments_are_a_call_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]


def test_help_groups_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == snapshot("""\
Usage: headwater [OPTIONS] COMMAND [ARGS]...

  Deploy infrastructure in dependency order: see what a change touches, plan
  it, deploy it.

Look:
  status      The state of every workflow and environment
  graph       Draw what needs what
  affected    What a change touches, and why
  explain     Why an environment is affected, waits or was skipped
  outputs     The outputs of what is deployed
  variables   What an environment receives, and where each value is from

Change:
  plan        Show what a deploy would do; changes nothing
  deploy      Deploy environments in dependency order
  destroy     Destroy environments, downstream first
  adopt       Record as deployed what exists already and plans no change

Deployments:
  retry       Run again what failed, and what that blocked
  cancel      Stop a deployment gracefully
  approve     Let an environment that waits for approval go on
  reject      Cancel an environment that waits for approval
  history     Past deployments, newest first
  audit       Who did what to which environment, and what let them
  show        One deployment: its environments, plans and reasons
  logs        What the tool printed for an environment

Server:
  setup       Make the GitHub App in your browser, and keep its keys
  serve       Serve pull requests: web and workers in one
  web         Only listen; for replicas, on PostgreSQL
  worker      Only work; for replicas, on PostgreSQL
  backup      Copy the server's SQLite database while it runs
  restored    Say that the database is a restored backup
  deliveries  The webhooks that came, and what became of them

CI and files:
  init        Find stacks and write a first headwater.yml
  lint        Tell all problems of the workflow files
  doctor      Check git, tools, store and definitions
  matrix      What is affected, as job matrices for a CI
  ci          Write a whole CI file for this repository
  schema      The JSON Schema of workflow files, for editors
  completion  A completion script for bash, zsh or fish

Options:
  -C DIR           Work as if started in DIR.
  --workflow NAME  Only this workflow of the repository.
  --json           Answer in JSON, for machines.
  -q, --quiet      Only the answer and errors.
  --no-color       No colours (also NO_COLOR=1).
  --state DIR      Keep the state here, not in the git folder.
  --database URL   Keep the state in this database (also
                   HEADWATER_DATABASE_URL).
  --version        The version.
  -h, --help       Show this message and exit.

  'headwater COMMAND --help' says more. Options may stand before or after the
  command.
""")


def test_every_line_of_the_table_fits_a_terminal_of_80_columns() -> None:
    assert [name for name, one in COMMANDS.items() if len(one.help) > 66] == []


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if find_spec(one.module)])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"Usage: headwater {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (PlannerError("no such revision: x\ngive a branch"), 2, "error: no such revision: x\n  give a branch\n"),
        (WrongUse("no alias 'd'", "did you mean 'db'?"), 2, "error: no alias 'd'\n  did you mean 'db'?\n"),
        (HeadwaterError("db failed"), 1, "error: db failed\n"),
        (NotAllowed("db is locked"), 2, "error: db is locked\n"),
        (StoreError("disk full", "free some"), 1, "error: disk full\n  free some\n"),
        (RunnerError("git was killed"), 1, "error: git was killed\n"),
        (click.Abort(), 130, "error: cancelled\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            PermissionError(13, "Permission denied", "/state"),
            1,
            "error: /state: Permission denied\n  nothing was lost: mend this and run it again\n",
        ),
        (
            KeyError("x"),
            1,
            "error: KeyError: 'x'\n  this is a fault in Headwater; HEADWATER_DEBUG=1 shows where, please report it\n",
        ),
        (HeadwaterError("evil \x1b[31m\u202e"), 1, "error: evil \\x1b[31m\\u202e\n"),
    ],
)
def test_errors_are_told_in_words_with_their_exit_code(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(error, monkeypatch)
    assert main(["fail"]) == code
    assert capsys.readouterr() == ("", told)


def test_all_problems_of_definitions_are_told_one_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [
        Problem(Place("b.yml", 2, 3), "unknown key"),
        Problem(Place("a.yml", 1, 1), "doubled need", Severity.WARNING),
    ]
    failing_with(DefinitionError(problems), monkeypatch)
    assert main(["fail"]) == 2
    assert capsys.readouterr().err == snapshot("""\
a.yml:1:1: warning: doubled need
b.yml:2:3: unknown key
error: 1 problem in the workflow files
""")


def test_the_traceback_is_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(KeyError("x"), monkeypatch)
    monkeypatch.setenv("HEADWATER_DEBUG", "1")
    assert main(["fail"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_colours_only_where_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(HeadwaterError("x"), monkeypatch)
    main(["fail"])
    assert "\x1b" not in capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["fail"])
    assert "\x1b[31merror:" in capsys.readouterr().err
    main(["fail", "--no-color"])
    assert "\x1b" not in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    main(["fail"])
    assert "\x1b" not in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    script = "import sys; from bot.cli.main import main; sys.exit(main(['--help']))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_terminal_without_unicode_shows_what_it_can(shop: object, tmp_path: Path) -> None:
    done = process("-C", str(tmp_path / "repo"), "graph", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "billing" in done.stdout


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a fresh process has imported when the command is done."""
    script = (
        "import sys, json; from bot.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return set(modules)


def test_help_imports_no_command_and_nothing_heavy(tmp_path: Path) -> None:
    modules = imported_by("--help", cwd=tmp_path)
    assert modules.isdisjoint(HEAVY)
    assert modules.isdisjoint(one.module for one in COMMANDS.values())


def test_completing_names_imports_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_HEADWATER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "headwater de")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert main([]) == 0
    assert capsys.readouterr().out == "plain,deploy\nplain,destroy\nplain,deliveries\n"


def test_aliases_complete_without_regard_to_case(
    shop: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command(cls=Command)
    @click.argument("alias", shell_complete=environment_aliases)
    def command(alias: str) -> None: ...

    monkeypatch.setitem(commands.COMMANDS, "probe", Entry(Section.LOOK, __name__, "Look"))
    monkeypatch.setattr(sys.modules[__name__], "command", command, raising=False)
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv("_HEADWATER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "headwater probe B")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert main([]) == 0
    assert capsys.readouterr().out == "plain,billing\n"


def test_the_table_names_all_commands_of_the_group() -> None:
    assert command_line().list_commands(click.Context(command_line())) == list(COMMANDS)
