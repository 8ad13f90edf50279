"""Which of the checks at a head count: those of the App that a branch wants them from, and never our own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bot.decide.pull_facts import CheckFact, CheckState

_WORST_FIRST = (
    CheckState.FAILURE,
    CheckState.PENDING,
    CheckState.MISSING,
    CheckState.NEUTRAL,
    CheckState.SKIPPED,
    CheckState.SUCCESS,
)
HEAD_CHECK = "headwater plan"
PLAN_CHECK, DEPLOY_CHECK = "headwater plan: ", "headwater deploy: "
"""Before the name of a workflow."""
PUSH_CHECK = "headwater deploy"
"""Of a commit that was pushed: what that deployed."""
DEPLOYED_CHECK = "headwater deployed"
"""Of a pull request, where its base branch demands that all is deployed before a merge."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The newest check run of an App and a name; or a commit status, whose App GitHub does not tell (`app` None)."""

    name: str
    state: CheckState
    ours: bool = False
    app: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A check that the branch demands; `app` None: from whomever."""

    name: str
    app: int | None = None


def check_facts(wanted: Iterable[Wanted], reported: Iterable[Reported], our_app: int) -> tuple[CheckFact, ...]:
    """What is known of each check that was reported or is demanded; of several with one name the worst counts."""
    by_name: defaultdict[str, list[Reported]] = defaultdict(list)
    for one in reported:
        by_name[one.name].append(one)
    demanded = sorted(set(wanted), key=lambda one: (one.name, one.app or 0))
    names = {one.name for one in demanded}
    facts = [_of_demanded(one, by_name.get(one.name, []), our_app) for one in demanded]
    return (*facts, *(_fact(name, found, required=False) for name, found in by_name.items() if name not in names))


def _of_demanded(wanted: Wanted, found: list[Reported], our_app: int) -> CheckFact:
    counted = [one for one in found if wanted.app is None or one.app in (wanted.app, None)]
    if counted:
        return _fact(wanted.name, counted, required=True)
    ours = _is_our_name(wanted.name) if wanted.app is None else wanted.app == our_app
    return CheckFact(wanted.name, ours, True, CheckState.MISSING)


def _fact(name: str, found: list[Reported], *, required: bool) -> CheckFact:
    others = [one for one in found if not one.ours]
    state = min((one.state for one in others or found), key=_WORST_FIRST.index)
    return CheckFact(name, not others, required, state)


def _is_our_name(name: str) -> bool:
    return name in (HEAD_CHECK, PUSH_CHECK, DEPLOYED_CHECK) or name.startswith((PLAN_CHECK, DEPLOY_CHECK))
