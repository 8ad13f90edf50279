"""Characters that look like others: what only looks like a command never runs, and its writer is told why."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

LONGEST = 64  # of a word that may look like a command; what is longer is none

# Other scripts' letters for those that names of commands are made of, and what looks like a slash.
_LETTERS = {
    **dict(zip("асеорхуіјѕһԁԛԝӏткмнвпгԍ", "aceopxyijshdqwltkmhbnrg", strict=True)),
    **dict(zip("αβγεηικνορτυχω", "abyenikvoptuxw", strict=True)),
    **dict(zip("օոսհցք", "onuhgp", strict=True)),
    **dict(zip("ıɑɡɩʏłđøℓ", "iagiyldol", strict=True)),
}
_SLASHES = dict.fromkeys("⁄∕⧸╱〳／", "/")
_TABLE = str.maketrans(_LETTERS | _SLASHES)
_DASHES = "‐‑‒–—―−﹣－⁃"
_ATS = "＠﹫"
_UNSEEN = ("Cf", "Cc", "Mn", "Me")


def meant_word(text: str, known: Collection[str]) -> str | None:
    """The known word (such as `/plan`) that this one looks like without being it; None where it looks like none."""
    if text.isascii() and text.isprintable():
        return None
    folded = unicodedata.normalize("NFKD", text[:LONGEST]).lower().translate(_TABLE)
    visible = "".join(one for one in folded if unicodedata.category(one) not in _UNSEEN).split()
    return visible[0] if visible and visible[0] in known else None


def odd_character(text: str) -> str:
    """The first character of a text that is not plain ASCII, with its name: `U+0435 (CYRILLIC SMALL LETTER IE)`."""
    return next((character_name(one) for one in text if not (one.isascii() and one.isprintable())), "")


def character_name(character: str) -> str:
    """How to call a character that cannot be seen, or cannot be told from another one."""
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"


def sign_meant(text: str) -> str | None:
    """The sign, `-` or `@`, that the first character of a word only looks like."""
    if text[:1] and text[0] in _DASHES:
        return "-"
    return "@" if text[:1] and text[0] in _ATS else None
