"""Reads a webhook's payload by dotted names: each value is what it should be, or the payload is not its event's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from unicodedata import category

_MOST = 2**63 - 1  # what a row can hold
_MOST_SMALL = 2**31 - 1
_LONGEST_NAME = 1024
_NEVER_IN_NAMES = ("Cc", "Cs")  # control characters and halves of a surrogate pair
_LONGEST_PROSE = 65_536  # characters that GitHub takes in a comment
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class NotItsShape(Exception):  # noqa: N818 (never leaves what decides)
    """Something is missing or of another type; the text names it."""


def identifier(value: object) -> int | None:
    """A value as an id of GitHub's, None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else None


class Fields:
    """A payload. Names are dotted: `pull_request.head.sha`."""

    def __init__(self, payload: Mapping[str, object]) -> None:
        self._payload = payload

    def find(self, name: str) -> object:
        """Whatever is there; None for nothing."""
        found: object = self._payload
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def number(self, name: str) -> int:
        """An id. Raises NotItsShape."""
        found = identifier(self.find(name))
        if found is None:
            raise NotItsShape(f"{name} is no id")
        return found

    def small(self, name: str) -> int:
        """A number that counts, as pull requests have. Raises NotItsShape."""
        found = self.number(name)
        if found > _MOST_SMALL:
            raise NotItsShape(f"{name} is too large")
        return found

    def flag(self, name: str) -> bool:
        """Yes or no. Raises NotItsShape."""
        found = self.find(name)
        if not isinstance(found, bool):
            raise NotItsShape(f"{name} is neither true nor false")
        return found

    def text(self, name: str) -> str:
        """A name: not empty, not long, and nothing that a database could not keep. Raises NotItsShape."""
        found = self.find(name)
        if not isinstance(found, str) or not found:
            raise NotItsShape(f"{name} is no text")
        kept = found.isprintable() or not any(category(sign) in _NEVER_IN_NAMES for sign in found)
        if len(found) > _LONGEST_NAME or not kept:
            raise NotItsShape(f"{name} is no name")
        return found

    def text_or_none(self, name: str) -> str | None:
        """A name, or None where there is none. Raises NotItsShape."""
        return None if self.find(name) in (None, "") else self.text(name)

    def prose(self, name: str) -> str:
        """What a person wrote, without what no database could keep; empty where there is none. Raises NotItsShape."""
        found = self.find(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise NotItsShape(f"{name} is no text")
        return found.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:_LONGEST_PROSE]

    def commit(self, name: str) -> str:
        """A whole commit id. Raises NotItsShape."""
        found = self.find(name)
        if not isinstance(found, str) or not _COMMIT.fullmatch(found):
            raise NotItsShape(f"{name} is no commit")
        return found

    def moment(self, name: str) -> str:
        """A time as GitHub writes it. Raises NotItsShape."""
        found = self.find(name)
        if not isinstance(found, str) or not _MOMENT.fullmatch(found):
            raise NotItsShape(f"{name} is no time")
        return found

    def repositories(self, name: str) -> list[dict[str, object]]:
        """The ids and full names of a list of repositories; what is none is left out."""
        found = self.find(name)
        pairs = [_brief(one) for one in found] if isinstance(found, list) else []
        return [one for one in pairs if one is not None]


def _brief(value: object) -> dict[str, object] | None:
    if not isinstance(value, Mapping):
        return None
    fields = Fields(value)
    try:
        return {"id": fields.number("id"), "full_name": fields.text("full_name")}
    except NotItsShape:
        return None
