"""At the start: whether GitHub knows the App that we are told to be, and sends us what we have to hear."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from bot.errors import WrongUse
from bot.github.app import App, lacking_words
from bot.github.data import NEEDED, AppData
from bot.github.errors import GitHubError, NotFound, Unauthorized
from bot.github.reading import missing
from bot.settings import Settings
from bot.web.manifest import EVENTS

_SECONDS = 5.0
"""A GitHub that does not answer keeps nobody from starting."""


_log = structlog.get_logger("headwater.start")


def introduce(settings: Settings) -> None:
    """Ask GitHub about the App, and log what its settings lack; raises WrongUse where GitHub does not know it."""
    try:
        for doubt in doubts(settings):
            _log.warning(doubt)
    except GitHubError as error:
        _log.warning("GitHub could not be asked about the App", why=error.what)


def doubts(settings: Settings, *, accounts: bool = False) -> list[str]:
    """What the App's settings at GitHub lack; with `accounts` also what those where it is installed have not accepted.

    Raises WrongUse where GitHub does not know it, GitHubError where it does not answer.
    """
    app = App(settings.github_app_id, settings.private_key, settings.github_api_url, timeout=_SECONDS)
    try:
        own = _doubts(app.itself(), settings.public_url)
        return [*own, *(one for one in map(lacking_words, app.installations() if accounts else ()) if one)]
    except (Unauthorized, NotFound) as error:
        raise WrongUse(
            f"GitHub at {settings.github_api_url} knows no App {settings.github_app_id} with this key ({error.what})",
            "HEADWATER_GITHUB_APP_ID is the App ID on the App's page, HEADWATER_GITHUB_PRIVATE_KEY_FILE a key that was "
            "made there, HEADWATER_GITHUB_API_URL says which GitHub; and this machine's clock must be right",
        ) from error
    finally:
        app.close()


def _doubts(app: AppData, public_url: str) -> Iterator[str]:
    """Pure: what of an App would leave us deaf or powerless."""
    wanted = f"{public_url}/webhook"
    if app.webhook_url != wanted:
        there = f"to {app.webhook_url}" if app.webhook_url else "nowhere"
        mend = "change that in its settings, or HEADWATER_PUBLIC_URL"
        yield f"the App {app.slug} sends its webhooks {there}, not to {wanted}: {mend}"
    deaf = [one for one in EVENTS if one not in app.events]
    if deaf:
        yield f"the App {app.slug} does not hear of {', '.join(deaf)}: tick these events in its settings"
    lacking = missing(NEEDED.items(), dict(app.permissions))
    if lacking:
        yield f"the App {app.slug} does not ask for {', '.join(lacking)}: grant that in its settings"
