"""The known name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_COMPARISONS = 100_000  # about half a second: ten thousand wrong names must not take minutes


class Names:
    """Known names, and which of them is nearest to an unknown one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._folded = {name.casefold(): name for name in reversed(self._names)}
        self._comparisons_left = _MOST_COMPARISONS

    def nearest(self, name: str) -> str | None:
        """The nearest known name; None when none is near, or when too many were asked for already."""
        folded = name.casefold()
        if folded in self._folded:
            return self._folded[folded]
        self._comparisons_left -= len(self._folded)
        if self._comparisons_left < 0 and len(self._folded) > 100:
            return None
        import difflib  # noqa: PLC0415 - only where something is wrong

        found = difflib.get_close_matches(folded, self._folded, n=1, cutoff=0.6)
        return self._folded[found[0]] if found else None

    def hint(self, name: str) -> str:
        """` (did you mean 'x'?)`, or nothing."""
        found = self.nearest(name)
        return f" (did you mean {found!r}?)" if found is not None else ""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The nearest of these names, or None."""
    return Names(names).nearest(name)


def meant(name: str, names: Iterable[str]) -> str:
    """What to do about a name that is none of these: the nearest one, or which there are."""
    known = tuple(names)
    near = nearest(name, known)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known are: {', '.join(sorted(known)[:10]) or 'none'}"
