"""What the audit log tells of: who did what, from where, and what let them. The words are a closed set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ITSELF = "headwater"
"""Who acts where no person does."""


class Deed(StrEnum):
    """What is done to an environment. Those that are tasks have the words of `TaskAction`."""

    PLAN = "plan"
    PLAN_DESTROY = "destroy-plan"
    DEPLOY = "deploy"
    DESTROY = "destroy"
    ADOPT = "adopt"
    UNLOCK_STATE = "unlock"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    GIVE_UP = "give up"  # a lost attempt is taken for ended
    LOCK = "lock"  # of an environment, for a pull request
    RETRY = "retry"  # only where it is refused: else it is the deploy or destroy that it comes to, and so is restore
    RESTORE = "restore"
    MOVE = "move"  # an environment takes another name, path or file
    DETACH = "detach"  # an environment that is in no file any more is forgotten, with what it holds
    RESTORED = "restored"  # a backup of the whole database
    REDO = "redo"  # of a webhook


class Result(StrEnum):
    """What came of a deed; a task also ends in a state of its own (`succeeded`, `failed`, …)."""

    REQUESTED = "requested"
    REFUSED = "refused"
    DONE = "done"
    TAKEN = "taken"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class By:
    """Who asks for something. `origin`: `cli`, a pull request (`#12`) or a push. `asked`: the command as a verb.

    `allowed`: the rules that let them, in words; what nobody but the program itself asks for names its cause there.
    `pull`: the number of that pull request.
    """

    actor: str
    origin: str
    allowed: tuple[str, ...]
    asked: str = ""
    pull: int | None = None
