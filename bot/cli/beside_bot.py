"""A clone that a bot deploys: its state is the bot's, and what the command line keeps here is another one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bot.cli.global_options import Globals
from bot.cli.output import note, printable
from bot.errors import NotAllowed
from planner.ci.headwater_workflow import FILE, is_ours, url_in
from planner.repository import Repository

_REFUSED = re.compile(r"^headwater (deploy|destroy|adopt)\b((?: (?![-(])\S+)?).*")


def bot_of(repository: Repository) -> str | None:
    """The address of the bot that the repository's workflow file names, as it lies in the work tree; None: no bot."""
    if repository.top is None:
        return None
    text = workflow_file(repository.top)
    return url_in(text) if text is not None and is_ours(text) else None


def workflow_file(top: Path) -> str | None:
    """The text of the workflow file that a bot starts, its line ends as git has them; None where there is none."""
    try:
        return (top / FILE).read_bytes().decode(errors="replace").replace("\r\n", "\n")
    except OSError:
        return None


def say_so(settings: Globals, repository: Repository) -> None:
    """Tell on stderr, where a bot deploys this repository, that what is shown is not its state."""
    if (url := bot_of(repository)) is not None:
        note(
            f"note: the bot at {printable(url)} deploys this repository; told here is what was deployed from this "
            "machine alone. Comment /status on a pull request for the bot's state.",
            quiet=settings.quiet,
        )


def advised(lines: Iterable[str], repository: Repository) -> list[str]:
    """Lines of advice, of which no one is a command that would be refused: the bot takes it as a comment."""
    every = list(lines)
    if bot_of(repository) is None:
        return every
    comments = (_REFUSED.sub(r"/\1\2   (as a comment on a pull request)", line) for line in every)
    return list(dict.fromkeys(comments))


def refuse(repository: Repository, command: str) -> None:
    """Raise NotAllowed where a bot deploys this repository: two that deploy it would not know of each other."""
    if (url := bot_of(repository)) is not None:
        raise NotAllowed(
            f"the bot at {printable(url)} deploys this repository, and would not know of it: "
            "its locks, its queue and its approvals hold on pull requests alone",
            f"comment /{command} on a pull request; or, if the bot cannot do it: headwater {command} --beside-bot",
        )
