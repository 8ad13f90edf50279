"""Names that are safe in a path, a job name, a lock and a command line, made from aliases of any text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 50
_HASH_LENGTH = 8
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_UNSAFE = re.compile(r"[^a-z0-9]+")


def slugs(aliases: Sequence[str]) -> dict[str, str]:
    """Each alias's slug: `[a-z0-9-]`, at most 50 characters, unique among these aliases.

    An alias that already is a slug keeps its text. Any other gets a short hash of itself (without regard to case,
    as aliases are compared), so that its slug does not depend on which other aliases there are.
    """
    found = {alias: alias for alias in aliases if _is_plain(alias)}
    taken = set(found.values())
    for alias in aliases:
        if alias not in found:
            slug = _hashed_slug(alias, taken)
            found[alias] = slug
            taken.add(slug)
    return {alias: found[alias] for alias in aliases}


def _is_plain(alias: str) -> bool:
    return len(alias) <= LONGEST and _PLAIN.fullmatch(alias) is not None


def _hashed_slug(alias: str, taken: set[str]) -> str:
    readable = _readable(alias)
    attempt = 0
    while True:
        seed = alias.casefold() + ("\0" + str(attempt) if attempt else "")
        digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
        slug = f"{readable}-{digest}" if readable else f"env-{digest}"
        if slug not in taken:
            return slug
        attempt += 1  # only a crafted alias, or two that differ by case, come here


def _readable(alias: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", alias.casefold()).encode("ascii", "ignore").decode("ascii").lower()
    return _UNSAFE.sub("-", ascii_text).strip("-")[: LONGEST - _HASH_LENGTH - 1].strip("-")
