"""Whether a command on a pull request may go ahead: every gate is a pure function, and what is not known refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.decide import reviews
from bot.decide.permissions import Actor, Answer, may
from bot.decide.pull_facts import Approval, Asked, CheckFact, CheckState, PullFacts, PullState, Verb, WorkflowFile
from bot.decide.refusals import Code, Refusal, is_commit, short
from planner.definition import Permissions, Requirements

__all__ = [
    "Actor", "Approval", "Asked", "CheckFact", "CheckState", "Code", "PullFacts", "PullState", "Refusal", "Verb",
    "WorkflowFile", "gates", "lasting", "uncertainty", "welcome", "withdrawal",
]  # fmt: skip

_SHORTEST_NAMED = 7
_AGAIN = "write the command again in a minute"
_ONLY_OPEN = frozenset({Verb.PLAN, Verb.DEPLOY, Verb.DESTROY, Verb.ADOPT})
_WITHOUT_RULES = frozenset({Verb.HELP, Verb.STATUS, Verb.EXPLAIN, Verb.CANCEL, Verb.REJECT})
_AFTERWARDS = frozenset(Verb) - _ONLY_OPEN - {Verb.RESTORE}


@dataclass(frozen=True, slots=True)
class _Case:
    asked: Asked
    facts: PullFacts
    permissions: Permissions
    requirements: Requirements


_Gate = Callable[[_Case], Iterator[Refusal]]


def gates(
    asked: Asked, facts: PullFacts, permissions: Permissions, requirements: Requirements
) -> tuple[Refusal, ...]:  # fmt: skip
    """All that a command lacks, always in the same order; nothing means that it may go ahead.

    Where it does not belong on a pull request of that state, what only an open one could meet is not told.
    """
    case = _Case(asked, facts, permissions, requirements)
    lacks = (*_permission(case), *_rules_known(case), *_state(case), *_called_off(case))
    if asked.verb in welcome(facts.state):
        lacks += tuple(refusal for gate in _GATES.get(asked.verb, ()) for refusal in gate(case))
    return lacks


UNKNOWN = frozenset({Code.PERMISSION_UNKNOWN, Code.RULES_UNKNOWN, Code.APPROVALS_UNKNOWN, Code.CODE_OWNERS_UNKNOWN})
"""Of what `lasting` gives: it could not be found out."""


def lasting(
    asked: Asked, facts: PullFacts, permissions: Permissions, requirements: Requirements, *, reviewed: bool
) -> tuple[Refusal, ...]:
    """What is lacking of that which must still hold whenever something begins that a command asked for.

    That is who asked for it, and where it takes them (`reviewed`) the reviews of the commit, which stands as the head.
    """
    case = _Case(asked, facts, permissions, requirements)
    lacks = (*_permission(case), *_rules_known(case))
    return (*lacks, *_approvals(case), *_code_owners(case)) if reviewed else lacks


def uncertainty(lacks: Sequence[Refusal], asked: Asked) -> str:
    """Why it is not known whether anything more may begin of what was asked for, in a few words."""
    first = lacks[0]
    if first.code is Code.PERMISSION_UNKNOWN:
        return f"it could not be found out whether {asked.actor.login} may still {asked.verb.value} here"
    return first.message


def withdrawal(lacks: Sequence[Refusal], asked: Asked) -> str:
    """Why nothing more may begin of what was asked for, in a few words."""
    first = lacks[0]
    if first.code is Code.NOT_ALLOWED:
        return f"{asked.actor.login} may no longer {asked.verb.value} here"
    return f"{first.message} {', '.join(first.names)}".strip()


def welcome(state: PullState) -> frozenset[Verb]:
    """The verbs that belong on a pull request of that state."""
    if state is PullState.OPEN:
        return frozenset(Verb)
    return _AFTERWARDS | {Verb.RESTORE} if state is PullState.CLOSED else _AFTERWARDS


# ---- who


def _permission(case: _Case) -> Iterator[Refusal]:
    for deed, rule in rules(case.asked, case.facts, case.permissions):
        answer = may(case.asked.actor, rule)
        if answer is Answer.DENY and not rule:
            mend = "name somebody under permissions in the headwater.yml at the root of the default branch"
            yield Refusal(Code.NOT_ALLOWED, f"nobody may {deed} here", mend)
        elif answer is Answer.DENY:
            mend = "ask somebody who may to write the command, or change permissions on the default branch"
            yield Refusal(Code.NOT_ALLOWED, f"you may not {deed} here; it takes any of", mend, rule)
        elif answer is Answer.DENY_UNKNOWN:
            message = f"it could not be found out whether you may {deed} here; it takes any of"
            mend = f"{_AGAIN}; teams are known only if the App may read members"
            yield Refusal(Code.PERMISSION_UNKNOWN, message, mend, rule)


def rules(asked: Asked, facts: PullFacts, permissions: Permissions) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What somebody must be for what they ask: each deed with its rule, of which any part is enough."""
    found = (*_rules(asked, facts, permissions), *_stronger_rules(asked, permissions))
    return tuple((deed, tuple(rule)) for deed, rule in found)


def _rules(asked: Asked, facts: PullFacts, permissions: Permissions) -> Iterator[tuple[str, Sequence[str]]]:
    """What everybody who writes such a command must be, with the deed that it is about."""
    verb = asked.verb
    if verb in (Verb.STATUS, Verb.EXPLAIN):
        yield verb.value, ("read",)
    elif verb in (Verb.APPROVE, Verb.REJECT):
        yield verb.value, permissions.approve
    elif verb is Verb.PLAN:
        yield from _plan_rules(asked, facts, permissions.deploy)
    elif verb is not Verb.HELP:
        yield verb.value, permissions.deploy


def _plan_rules(asked: Asked, facts: PullFacts, deploy: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Planning a branch runs what pushing to it ran already: it takes little, except where code or values are foreign.

    Everybody has `read` in a public repository, and passers-by shall not spend its jobs.
    """
    if facts.fork:
        yield "have the code of a fork planned", deploy
    else:
        yield "plan", ("read" if facts.private else "triage", *deploy)
    if asked.values:
        yield "give values of your own", deploy


def _stronger_rules(asked: Asked, permissions: Permissions) -> Iterator[tuple[str, Sequence[str]]]:
    """What options, and what belongs to others, take beside that."""
    if asked.force:
        yield "use --force", permissions.admin
    if asked.verb is Verb.UNLOCK and asked.state:
        yield "free the lock of a state", permissions.admin
    elif asked.verb is Verb.UNLOCK and asked.locked_elsewhere is not False:
        yield "free what another pull request holds", permissions.admin


def _rules_known(case: _Case) -> Iterator[Refusal]:
    """Rules that cannot be read might forbid it. What anybody may do, and what only stops something, needs none."""
    asked, facts = case.asked, case.facts
    plain = asked.verb is Verb.PLAN and not facts.fork and not asked.values
    if not facts.rules_known and not plain and asked.verb not in _WITHOUT_RULES:
        message = "the workflow files of the default branch have problems, so it is not known who may do that there"
        yield Refusal(Code.RULES_UNKNOWN, message, "mend them on the default branch, then write the command again")


# ---- where


def _state(case: _Case) -> Iterator[Refusal]:
    state, verb = case.facts.state, case.asked.verb
    if verb in welcome(state):
        return
    here = ", ".join(f"/{one.value}" for one in Verb if one in welcome(state))
    message = f"/{verb.value} does not belong on a pull request that is {state.value}"
    if state is PullState.CLOSED:
        yield Refusal(Code.PULL_CLOSED, message, f"reopen it; as it is, it takes {here}")
    else:
        yield Refusal(Code.PULL_MERGED, message, f"open another one; this one takes {here}")


def _called_off(case: _Case) -> Iterator[Refusal]:
    """What was written last holds, in whatever order GitHub sends it."""
    if case.asked.cancelled and case.asked.verb in _GATES:
        mend = f"write /{case.asked.verb.value} again if it is still wanted"
        yield Refusal(Code.CALLED_OFF, "GitHub sent this only after /cancel, which was written after it", mend)


def _installation(case: _Case) -> Iterator[Refusal]:
    """Jobs can be started: the App may do what it must, and the default branch has the file that runs them."""
    facts, lacking = case.facts, "the default branch has no workflow file for our jobs"
    if facts.app_lacks:
        mend = "have an owner of the account accept the new permissions of the App"
        yield Refusal(Code.APP_PERMISSION, "the App lacks permissions", mend, facts.app_lacks)
    if facts.workflow_file is WorkflowFile.MISSING:
        mend = "write it with headwater init --github and merge it into the default branch"
        yield Refusal(Code.WORKFLOW_FILE_MISSING, lacking, mend)
    elif facts.workflow_file is WorkflowFile.BROUGHT:
        yield Refusal(Code.WORKFLOW_FILE_MISSING, lacking, "merge this pull request, which brings it")
    elif facts.workflow_file is None:
        message = "it could not be found out whether the default branch has the workflow file for our jobs"
        yield Refusal(Code.WORKFLOW_FILE_UNKNOWN, message, _AGAIN)


def _draft(case: _Case) -> Iterator[Refusal]:
    if case.facts.draft:
        yield Refusal(Code.DRAFT, "this pull request is a draft", "mark it as ready for review")


def _base(case: _Case) -> Iterator[Refusal]:
    facts, mend = case.facts, "change the base branch, or triggers.branches"
    bases = facts.bases or (("", (facts.default_branch,)),)
    wrong = [(name, branches) for name, branches in bases if facts.base not in branches]
    if wrong and len(bases) > 1:
        message = "from pull requests to this base branch nothing is deployed of"
        names = tuple(name for name, _ in wrong)
        yield Refusal(Code.BASE_BRANCH, message, f"name another workflow with --workflow, {mend}", names)
    elif wrong:
        message = "nothing is deployed from pull requests to this base branch, only to"
        yield Refusal(Code.BASE_BRANCH, message, mend, wrong[0][1])


# ---- which commit


def _commit(case: _Case) -> Iterator[Refusal]:
    """A commit that is named is the head; a fork's is named whole, for short ones are forged in seconds."""
    asked, facts = case.asked, case.facts
    named = asked.named.lower() if asked.named is not None else None
    enough = _SHORTEST_NAMED if not facts.fork else len(facts.head)
    if named is not None and not (len(named) >= _SHORTEST_NAMED and facts.head.startswith(named)):
        mend = f"look at what was pushed, then name {short(facts.head)} or no commit"
        yield Refusal(Code.OTHER_COMMIT, f"the commit named is not the head, which is {short(facts.head)}", mend)
    elif facts.fork and facts.vetted != facts.head and (named is None or len(named) < enough):
        message = "this pull request comes from a fork, whose code runs only once its exact commit is named"
        mend = f"read the code, then write /plan @{facts.head}" if is_commit(facts.head) else "read the code first"
        yield Refusal(Code.FORK_COMMIT, message, mend)


def _seen(case: _Case) -> Iterator[Refusal]:
    """What is deployed is what the author of the command could see (a push may come between reading and writing)."""
    seen, head = case.asked.seen, case.facts.head
    verb = case.asked.verb.value
    if seen is None and case.facts.fork and case.facts.vetted != head:
        return  # it has to be named first, and is shown then
    if seen is None and case.facts.workflow_file in (WorkflowFile.MISSING, WorkflowFile.BROUGHT):
        return  # nothing could be planned, and that is told
    if seen is None:
        message = f"nothing was shown of {short(head)} when the command was written"
        yield Refusal(Code.NOTHING_SHOWN, message, f"write /plan, read it, then write /{verb} again")
    elif seen != head:
        message = f"the head is {short(head)} now, but {short(seen)} was shown when the command was written"
        yield Refusal(Code.PUSHED_SINCE, message, f"read the plan of {short(head)}, then write /{verb} again")


# ---- against the base branch


def _mergeable(case: _Case) -> Iterator[Refusal]:
    facts = case.facts
    if facts.conflicts or facts.mergeable is False:
        message = "it conflicts with the base branch" + (" in" if facts.conflicts else "")
        yield Refusal(Code.CONFLICTS, message, "merge the base branch into it, or rebase it", facts.conflicts)
    elif facts.mergeable is None:
        message = "GitHub does not say yet whether it conflicts with the base branch"
        yield Refusal(Code.MERGEABLE_UNKNOWN, message, _AGAIN)


def _up_to_date(case: _Case) -> Iterator[Refusal]:
    rule, facts, mend = case.requirements.up_to_date, case.facts, "merge the base branch into it, or rebase it"
    if rule == "none":
        return
    if rule == "branch":
        if facts.behind is None:
            message = "it could not be found out whether it has all commits of the base branch"
            yield Refusal(Code.BEHIND_UNKNOWN, message, _AGAIN)
        elif facts.behind:
            yield Refusal(Code.BEHIND, "the base branch has commits that it lacks", mend)
    elif facts.stale is None and facts.rules_known:  # else it is that which cannot be read, and is told
        message = "it could not be found out what the base branch has changed since"
        yield Refusal(Code.STALE_UNKNOWN, message, _AGAIN)
    elif facts.stale:
        yield Refusal(Code.STALE, "the base branch has since changed what these read", mend, facts.stale)


def _approvals(case: _Case) -> Iterator[Refusal]:
    return reviews.approvals(case.facts, case.requirements)


def _code_owners(case: _Case) -> Iterator[Refusal]:
    return reviews.code_owners(case.facts, case.requirements)


def _checks(case: _Case) -> Iterator[Refusal]:
    return reviews.checks(case.facts, case.requirements)


# ---- approving


def _another_person(case: _Case) -> Iterator[Refusal]:
    """Who approves neither commanded the deployment nor wrote the pull request."""
    asked, facts = case.asked, case.facts
    if case.requirements.self_approval or asked.idle:
        return
    mend = "have somebody else approve it, or set requirements.selfApproval: true on the default branch"
    if asked.commanders is None:
        yield Refusal(Code.COMMANDER_UNKNOWN, "it could not be found out who asked for what waits", _AGAIN)
    elif any(asked.actor.is_(login) for login in asked.commanders):
        yield Refusal(Code.OWN_COMMAND, "you asked for what waits here, so you cannot approve it", mend)
    if asked.actor.is_(facts.author):
        yield Refusal(Code.OWN_PULL, "this pull request is yours, so you cannot approve what it deploys", mend)


def _plan_seen(case: _Case) -> Iterator[Refusal]:
    """An approval is of a plan that its author could read."""
    if case.asked.unshown is None:
        message = "it could not be found out whether the plan that waits was shown before the command was written"
        yield Refusal(Code.PLAN_UNSEEN_UNKNOWN, message, _AGAIN)
    elif case.asked.unshown:
        message = "the plan that waits was shown only after the command was written, for"
        yield Refusal(Code.PLAN_UNSEEN, message, "read it, then write /approve again", case.asked.unshown)


# A destroy and an adoption run the head's code with the power to deploy, as a deploy does, so they take the same.
WITH_POWER = frozenset({Verb.DEPLOY, Verb.DESTROY, Verb.ADOPT})
_WITH_POWER: tuple[_Gate, ...] = (
    _draft, _base, _commit, _seen, _mergeable, _up_to_date, _approvals, _code_owners, _checks, _installation,
)  # fmt: skip

_GATES: Mapping[Verb, tuple[_Gate, ...]] = {
    Verb.PLAN: (_commit, _installation),
    **dict.fromkeys(sorted(WITH_POWER), _WITH_POWER),
    Verb.RESTORE: (_installation,),
    Verb.RETRY: (_installation,),
    Verb.APPROVE: (_another_person, _plan_seen, _installation),
}
