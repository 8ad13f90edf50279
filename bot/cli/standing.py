"""How every workflow of the call stands, for the commands that show it; what acts is imported only for a store."""

from __future__ import annotations

from bot.cli.beside_bot import say_so
from bot.cli.definitions import listing, repository_of
from bot.cli.global_options import Globals
from bot.standing import Standing, never_worked_on
from bot.state_folder import has_store


def current_standings(settings: Globals) -> tuple[Standing, ...]:
    """How the workflows stand, after taking in what attempts left behind. Raises DefinitionError."""
    repository = repository_of(settings)
    if not has_store(settings.state_folder(repository.git_dir), settings.database):
        say_so(settings, repository)
        return never_worked_on(listing(repository, settings))
    from bot.cli.acting import Session  # noqa: PLC0415  (slow to import)
    from bot.standing import standings  # noqa: PLC0415

    session = Session(settings)
    session.collect()
    return standings(session.project, listing(session.project.repository, settings))
