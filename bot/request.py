"""What somebody asks for: from the command line or a comment, one frozen request, one way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.decide.deeds import By


class Aim(StrEnum):
    """What a request is for."""

    DEPLOY = "deploy"
    DESTROY = "destroy"
    ADOPT = "adopt"


@dataclass(frozen=True, slots=True)
class Request:
    """An aim over a selection at a commit, by somebody.

    `base`: only what is affected since that revision; `since_deployed`: since each one's last deploy. `given`: values
    of `-v`; `forget`: names of kept values to drop.
    """

    aim: Aim
    by: By
    revision: str = "HEAD"
    commit: str | None = None  # this very one, kept in the mirror already: then `revision` is not looked at
    dirty: bool = False
    patterns: tuple[str, ...] = ()
    only: bool = False
    from_: tuple[str, ...] = ()
    base: str | None = None
    since_deployed: bool = False
    work_tree: bool = False
    workflow: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    forget: tuple[str, ...] = ()
    jobs: int = 4
    fail_fast: bool = False
    force: bool = False
    plan_only: bool = False
    retry_of: int | None = None
    keep_for: int | None = None  # of a retry: whose the values of `-v` were
    pull: int | None = None  # the id of the pull request that it was asked for on
    continuous: bool = False  # a push asked for it
    assume_upstreams: bool = False  # this store never saw them; somebody else deployed them just now

    @property
    def narrowed(self) -> bool:
        """Whether it names environments: then what was removed from the files is left alone."""
        return bool(self.patterns or self.from_)
