"""All that Headwater asks of one repository on GitHub."""

from __future__ import annotations

from bot.github.areas.actions import Actions
from bot.github.areas.checks import Checks
from bot.github.areas.pulls import Pulls
from bot.github.areas.rules import Rules
from bot.github.areas.talk import Talk
from bot.github.calls import RAW, Call, parts
from bot.github.data import RepositoryData
from bot.github.errors import NotFound
from bot.github.limits import Priority
from bot.github.reading import repository_of

MOST_FILE_BYTES = 1024 * 1024


class RepositoryClient(Talk, Pulls, Rules, Checks, Actions):
    """Calls about one repository in the name of an installation; threads may share it.

    Every call raises a GitHubError of `bot.github.errors` where GitHub does not do what was asked, RateLimited too
    where Headwater itself keeps the call back. No call is repeated but for an expired token. A renamed repository is
    followed. What is read is asked for with the ETag of the last answer, so that asking again costs nothing.
    """

    def at(self, priority: Priority) -> RepositoryClient:
        """The same, its calls at another priority."""
        return RepositoryClient(self._caller.at(priority), self.full_name)

    def repository(self) -> RepositoryData:
        """The repository itself, under the name that it bears now."""
        return repository_of(self._caller.get(self._base))

    def file(self, path: str, ref: str) -> bytes | None:
        """A file at a branch, tag or commit; None where there is none (or a folder). At most 1 MiB."""
        call = Call("GET", f"{self._base}/contents/{parts(path)}", {"ref": ref}, accept=RAW, most=MOST_FILE_BYTES)
        try:
            answer = self._caller.answer(call)
        except NotFound:
            return None
        return None if answer["content-type"].startswith("application/json") else answer.body
