"""What can go wrong, told to people: what happened, to which environment, what to do next."""

from __future__ import annotations


class HeadwaterError(Exception):
    """Something failed that people can understand and mend; `what` says what happened, `mend` what to do.

    `code` and `names` are those of a Refusal (bot/decide/refusals.py), where it is one that has a code.
    """

    code = "error"
    names: tuple[str, ...] = ()

    def __init__(self, what: str, mend: str = "") -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what}\n{mend}" if mend else what)


class WrongUse(HeadwaterError):  # noqa: N818  (reads as what it says)
    """The command or its arguments make no sense here: an unknown name, options that exclude each other."""


class NotAllowed(HeadwaterError):  # noqa: N818
    """What was asked is refused: the state of things, or the rules of the repository, forbid it."""


class StoreError(HeadwaterError):
    """The store cannot be used: it is read-only, full, of a newer version, or out of reach."""
