"""Which plans an attempt may apply: what was shown, what was approved, and what the workflow lets pass unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.decide.facts import TaskAction
from planner.definition import Caution


class Unseen(StrEnum):
    """Which differences from what was shown go on without a person."""

    NONE = "none"
    CREATES = "creates"
    CREATES_UPDATES = "creates-updates"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A plan that a person saw: its leaves, and the paths at which an approval lets it differ again."""

    leaves: Mapping[str, str]
    paths: tuple[str, ...] = ()
    less: bool = False  # a part of it is as good as all of it


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the runner is told: apply all, or what was reviewed, or what may pass unseen."""

    everything: bool = False
    reviewed: Reviewed | None = None
    unseen: Unseen = Unseen.NONE


@dataclass(frozen=True, slots=True)
class AcceptanceFacts:
    """What the decision needs to know of one task."""

    action: TaskAction
    requires_approval: bool
    auto_approve: bool
    approved: Reviewed | None = None
    shown: Reviewed | None = None
    never_deployed: bool = False
    awaited_output: bool = False  # its plan was shown as "after vpc"
    upstream_changed: bool = False  # one whose outputs it reads changed in this deployment
    continuous: bool = False  # a push asked for it, no person
    retried: bool = False  # what a former attempt did of the shown plan is no difference
    first_deploy: Caution = Caution.APPLY
    downstream: Caution = Caution.APPLY
    unseen_plans: Caution = Caution.APPROVE


def acceptance(facts: AcceptanceFacts) -> Acceptance:
    """What may be applied without asking again. An approval beats all; `requiresApproval` beats the rest."""
    if facts.action is TaskAction.ADOPT:
        return Acceptance()
    if facts.approved is not None:
        return Acceptance(reviewed=facts.approved)
    if facts.requires_approval:
        return Acceptance()
    if facts.auto_approve or _relaxed(facts):
        return Acceptance(everything=True)
    shown = replace(facts.shown, less=True) if facts.shown is not None and facts.retried else facts.shown
    return Acceptance(reviewed=shown, unseen=_unseen(facts))


def asks_for_unseen(facts: AcceptanceFacts) -> bool:
    """Whether nothing passes that nobody saw, whatever it is."""
    found = acceptance(facts)
    return not found.everything and found.unseen is Unseen.NONE


def _relaxed(facts: AcceptanceFacts) -> bool:
    """Whether a push may deploy what nobody saw (`unseenPlans: apply`); it never destroys by that."""
    return facts.continuous and facts.action is TaskAction.DEPLOY and facts.unseen_plans is Caution.APPLY


def _unseen(facts: AcceptanceFacts) -> Unseen:
    if facts.action is TaskAction.DESTROY:
        return Unseen.NONE
    if facts.never_deployed and facts.awaited_output:
        return Unseen.CREATES if facts.first_deploy is Caution.APPLY else Unseen.NONE
    if facts.upstream_changed and facts.shown is not None:
        return Unseen.CREATES_UPDATES if facts.downstream is Caution.APPLY else Unseen.NONE
    return Unseen.CREATES if facts.continuous else Unseen.NONE
