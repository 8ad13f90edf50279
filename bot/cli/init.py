"""`headwater init`: a first headwater.yml from what the repository holds, and the files that the bot needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bot.cli.context import Command
from bot.cli.definitions import repository_of
from bot.cli.exit_codes import ExitCode
from bot.cli.github_files import GitHubFiles, address_of_the_bot, as_json, tell, write_github_files
from bot.cli.global_options import Globals
from bot.cli.output import Tone, note, paint, print_json, printable, say, table
from bot.errors import WrongUse
from planner.definition import DEPLOYABLE_TOOLS
from planner.format.parsed import ROOT_FILES
from planner.reading import is_workflow_file, parse_file
from planner.repository import Repository
from planner.stacks import FoundStack, find_stacks
from planner.starter import missing_templates, starter_file, templates_file, unknown_templates
from planner.trees.tree import Tree

_TARGET = "headwater.yml"


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the work tree: its workflow files, its stacks, and the templates that nobody defines."""

    workflow_files: tuple[str, ...]
    stacks: tuple[FoundStack, ...]
    unknown_templates: tuple[str, ...]

    @property
    def root_file(self) -> str | None:
        """The file that holds what the workflows share, if there is one."""
        return next((name for name in ROOT_FILES if name in self.workflow_files), None)


@click.command(cls=Command)
@click.option("--github", is_flag=True, help="Write the workflow file that the bot starts, and once the set-up action.")
@click.option("--url", metavar="URL", help="With --github: where the bot is; else as the file has it.")
@click.pass_obj
def command(settings: Globals, *, github: bool, url: str | None) -> ExitCode:
    """Find the stacks of this repository and write a first headwater.yml; nothing is ever overwritten.

    A stack is a folder with *.tf or *.tofu files that no other one uses as a module, or with executables `plan` and
    `apply`. Where the workflow files of env0 name templates that this repository does not define, headwater.yml gets
    them, as far as they can be known.

    With --github, .github/workflows/headwater.yml is written too, and written anew when the definitions or the bot's
    address have changed; .github/actions/headwater-setup only where there is none.
    """
    if url is not None and not github:
        raise WrongUse("--url says where the bot is, and goes with --github", "headwater init --github --url URL")
    repository = repository_of(settings)
    address = address_of_the_bot(repository, url) if github else None
    found = look(repository.work_tree())
    text = text_to_write(found)
    if text is not None:
        _write_new(repository, text)
    told = 0 if settings.json else _tell(found, settings, wrote=text is not None, more=github)
    files = None if address is None else write_github_files(repository, address)
    if settings.json:
        print_json(_as_json(found, files, wrote=text is not None))
    elif files is not None:
        tell(files, quiet=settings.quiet, after=told)
    return ExitCode.DONE


def _tell(found: Found, settings: Globals, *, wrote: bool, more: bool) -> int:
    """Say what was found and what comes next, which goes on where there is `more`; how many steps that is so far."""
    if not found.workflow_files:
        return _tell_about_stacks(found.stacks, settings, more=more)
    if found.unknown_templates or not more:
        _tell_about_templates(found, settings, wrote=wrote)
    return 0


def look(tree: Tree) -> Found:
    """Read from the files what `init` needs to know."""
    modes = {path: entry.mode for path, entry in tree.all_paths() if entry.mode.startswith("100")}
    files = tuple(sorted(path for path in modes if is_workflow_file(path)))
    contents = tree.contents(files)
    return Found(
        workflow_files=files,
        stacks=find_stacks(sorted(modes), lambda path: modes[path] == "100755", tree.contents),
        unknown_templates=unknown_templates(parse_file(path, contents[path]) for path in files if path in contents),
    )


def text_to_write(found: Found) -> str | None:
    """The text of a new headwater.yml; None where there is nothing to write, or a file that must not be touched."""
    if not found.workflow_files:
        return starter_file(found.stacks)
    if found.unknown_templates and found.root_file is None:
        return templates_file(found.unknown_templates, found.stacks)
    return None


def _write_new(repository: Repository, text: str) -> None:
    target = (repository.top or Path()) / _TARGET
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WrongUse(
            f"{target} exists, though git ignores it: init never overwrites",
            "take it out of .gitignore, or move it away",
        ) from None


def _tell_about_stacks(stacks: Sequence[FoundStack], settings: Globals, *, more: bool) -> int:
    deployable = [one for one in stacks if one.tool in DEPLOYABLE_TOOLS]
    others = [one for one in stacks if one.tool not in DEPLOYABLE_TOOLS]
    if deployable:
        say(table(["Stack", "Tool"], [[one.path or "(the root)", one.tool.value] for one in deployable]))
    if others:
        say("\nLeft out, since Headwater cannot deploy them yet:")
        say(table(["Stack", "Tool"], [[one.path or "(the root)", one.tool.value] for one in others]))
    if not stacks:
        say("No stack was found: no folder with *.tf or *.tofu files, or with executables plan and apply.")
    say(f"\nWrote {paint(_TARGET, Tone.STRONG)}.")
    steps = [
        "write into it which environment needs which" if deployable else "add your first environment to it",
        "headwater lint                 checks it",
        "headwater graph --work-tree    draws it",
        *([] if more else ["commit it, then: headwater plan"]),
    ]
    note("What comes next:", quiet=settings.quiet)
    for number, step in enumerate(steps, start=1):
        note(f"  {number}. {step}", quiet=settings.quiet)
    return len(steps)


def _tell_about_templates(found: Found, settings: Globals, *, wrote: bool) -> None:
    files = ", ".join(map(printable, found.workflow_files[:5])) + (", …" if len(found.workflow_files) > 5 else "")
    if not found.unknown_templates:
        say(f"Nothing to write: this repository has its workflow files ({files}).")
        note("'headwater lint' checks them, 'headwater graph' draws them.", quiet=settings.quiet)
        return
    names = ", ".join(map(printable, found.unknown_templates))
    if wrote:
        say(f"Wrote {paint(_TARGET, Tone.STRONG)} with the templates that {files} names: {names}")
        note("Check every line marked in it, then: headwater lint", quiet=settings.quiet)
        return
    note(f"{found.root_file} exists and is never overwritten: add this to it, then run headwater lint", quiet=False)
    say(missing_templates(found.unknown_templates, found.stacks).removesuffix("\n"))


def _as_json(found: Found, files: GitHubFiles | None, *, wrote: bool) -> dict[str, object]:
    written = {} if files is None else {"github": as_json(files)}
    return {
        "wrote": _TARGET if wrote else None,
        "workflowFiles": list(found.workflow_files),
        "stacks": [{"path": one.path, "tool": one.tool.value} for one in found.stacks],
        "unknownTemplates": list(found.unknown_templates),
        **written,
    }
