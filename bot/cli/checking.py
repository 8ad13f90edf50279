"""One thing that `headwater doctor` looks at, and what both a machine for people and one for a server are asked."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import HeadwaterError

if TYPE_CHECKING:
    from bot.store.database import Database


class Verdict(StrEnum):
    """What a check came to. Only `BAD` makes the exit code 1."""

    GOOD = "ok"
    WARN = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


def check_state_folder(folder: Path) -> Check:
    """Whether the state can be written where it belongs, or where its folder would be made."""
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"headwater")
            os.fsync(file.fileno())
    except OSError as error:
        mend = "make it writable, free some space, or name another folder with --state"
        return Check("state folder", Verdict.BAD, f"{folder} cannot be written: {error.strerror}", mend)
    return Check("state folder", Verdict.GOOD, str(folder) + ("" if folder.exists() else " (made when first needed)"))


def check_store(database: Database | None, first: str) -> Check:
    """Whether the store can be opened, and is of a version that this Headwater knows; `first` is what makes one."""
    from bot.store.database import shown_url  # noqa: PLC0415 (brings SQLAlchemy)

    if database is None:
        return Check("store", Verdict.GOOD, f"none yet; {first} makes it")
    try:
        with database.reading():
            return Check("store", Verdict.GOOD, shown_url(database.url))
    except HeadwaterError as error:
        return Check("store", Verdict.BAD, error.what, error.mend)
