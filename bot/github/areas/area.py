"""What all areas share: whose repository, and who calls."""

from __future__ import annotations

import re

from bot.github.calls import Caller
from bot.github.errors import NotFound

_FULL_NAME = re.compile(r"(?!\.+/)[A-Za-z0-9_.-]+/(?!\.+\Z)[A-Za-z0-9_.-]+\Z")


class Area:
    """Calls about one repository. All of them raise GitHubError (`bot.github.errors`)."""

    def __init__(self, caller: Caller, full_name: str) -> None:
        if not _FULL_NAME.match(full_name):
            raise NotFound(f"{full_name!r} is not the name of a repository", "write it as OWNER/NAME")
        self.full_name = full_name
        self._caller = caller
        self._base = f"/repos/{full_name}"
