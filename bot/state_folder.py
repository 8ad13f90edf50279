"""Whether anything is stored, to be known before what opens the store is imported: that takes a third of a second."""

from __future__ import annotations

from pathlib import Path

STORE_FILE = "headwater.db"


def has_store(state: Path, database: str | None) -> bool:
    """Whether anything was ever stored in this state folder, or in the database of that URL if one is given."""
    return bool(database) or (state / STORE_FILE).exists()
