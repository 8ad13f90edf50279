"""What `requirements` asks of a pull request before its code is run with the power to deploy: reviews and checks."""

from __future__ import annotations

from collections.abc import Iterator

from bot.decide.permissions import Actor, Answer, may, same_login
from bot.decide.pull_facts import Approval, CheckFact, CheckState, PullFacts
from bot.decide.refusals import Code, Refusal, short
from planner.definition import Requirements

_WRITER = ("write",)


def approvals(facts: PullFacts, requirements: Requirements) -> Iterator[Refusal]:
    """Enough people who may write, neither the author nor the last pusher, have approved the head commit."""
    if facts.changes_requested and (requirements.approvals or requirements.code_owners):
        message = "changes are requested by"
        yield Refusal(
            Code.CHANGES_REQUESTED, message, "have them review again, or dismiss their reviews", facts.changes_requested
        )
    if not requirements.approvals:
        return
    sure, possible = _counted(facts)
    if facts.approvals is None or sure < requirements.approvals <= possible:
        message = f"it could not be found out whether {_approvals(requirements.approvals)} of {short(facts.head)} count"
        mend = "write the command again in a minute; one more approval by somebody who may write helps too"
        yield Refusal(Code.APPROVALS_UNKNOWN, message, mend)
    elif possible < requirements.approvals:
        message = f"commit {short(facts.head)} has {sure} of {_approvals(requirements.approvals)}"
        mend = "have it approved by people who may write, other than the author and who pushed last"
        yield Refusal(Code.APPROVALS, message, mend)


def _approvals(count: int) -> str:
    return f"{count} approval" if count == 1 else f"{count} approvals"


def _counted(facts: PullFacts) -> tuple[int, int]:
    """How many approvals count for sure, and how many may count. Nobody counts twice."""
    barred = [facts.author, *([facts.last_pusher] if facts.last_pusher else [])]
    found: dict[str, Answer] = {}
    for one in facts.approvals or ():
        if one.commit == facts.head and not any(same_login(one.login, other) for other in barred):
            found[one.login.casefold()] = _counts(one)
    sure = sum(answer is Answer.ALLOW for answer in found.values())
    possible = sum(answer is not Answer.DENY for answer in found.values())
    return (sure if facts.last_pusher else max(sure - 1, 0)), possible  # the unknown pusher is at most one of them


def _counts(approval: Approval) -> Answer:
    return may(Actor(approval.login, approval.role), _WRITER)


def code_owners(facts: PullFacts, requirements: Requirements) -> Iterator[Refusal]:
    """Code owners have approved, by GitHub's own judgement."""
    if not requirements.code_owners or facts.code_owner_approval:
        return
    if facts.code_owner_approval is None:
        mend = "write the command again in a minute; the protection of the base branch must ask for code owners"
        yield Refusal(Code.CODE_OWNERS_UNKNOWN, "GitHub does not say whether code owners have approved", mend)
    else:
        mend = "ask the code owners of the changed files for a review"
        yield Refusal(Code.CODE_OWNERS, "code owners have not approved", mend)


_NOT_PASSED: tuple[tuple[CheckState, Code, str, str], ...] = (
    (CheckState.FAILURE, Code.CHECKS_FAILED, "checks have failed", "mend what they found and push, or run them again"),
    (CheckState.PENDING, Code.CHECKS_PENDING, "checks have not ended", "wait for them, then write the command again"),
    (CheckState.MISSING, Code.CHECKS_MISSING, "checks have not been reported", "see why they did not run at this head"),
)


def checks(facts: PullFacts, requirements: Requirements) -> Iterator[Refusal]:
    """Other checks have passed. Our own never count: they would wait for the very deploy that they hold back."""
    if requirements.checks == "none":
        return
    if facts.checks is None:
        mend = "write the command again in a minute; the App needs to read checks, statuses and administration"
        yield Refusal(Code.CHECKS_UNKNOWN, "it could not be found out which checks have passed", mend)
        return
    counted = [one for one in facts.checks if not one.ours and (one.required or requirements.checks == "all")]
    for state, code, message, mend in _NOT_PASSED:
        names = _names(counted, state)
        if names:
            yield Refusal(code, message, mend, names)


def _names(found: list[CheckFact], state: CheckState) -> tuple[str, ...]:
    return tuple(sorted({one.name for one in found if one.state is state}))
