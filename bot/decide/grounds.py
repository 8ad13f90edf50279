"""Why a command was let through: the rules that its author met and the requirements that held, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.decide.gates import WITH_POWER, rules
from bot.decide.permissions import Actor, Answer, may
from bot.decide.pull_facts import Asked, PullFacts, Verb
from planner.definition import Permissions, Requirements


def grounds(
    asked: Asked, facts: PullFacts, permissions: Permissions, requirements: Requirements
) -> tuple[str, ...]:  # fmt: skip
    """What let a command through that no gate refused, always in the same order: `deploy: write (ada is write)`."""
    let = [_met(deed, rule, asked.actor) for deed, rule in rules(asked, facts, permissions)]
    return (*let, *_held(asked.verb, facts, requirements))


def _met(deed: str, rule: tuple[str, ...], actor: Actor) -> str:
    """One rule, with what of somebody it takes."""
    teams = [name for name in rule if name.startswith("@") and may(actor, (name,)) is Answer.ALLOW]
    who = ", ".join([*([actor.role] if actor.role else []), *teams])
    return f"{deed}: {', '.join(rule)} ({actor.login} is {who or 'unknown'})"


def _held(verb: Verb, facts: PullFacts, requirements: Requirements) -> Iterator[str]:
    if verb is Verb.APPROVE:
        yield f"selfApproval: {str(requirements.self_approval).lower()}"
    if verb not in WITH_POWER:
        return
    yield f"approvals: {requirements.approvals}"
    yield f"codeOwners: {str(requirements.code_owners).lower()}"
    yield f"upToDate: {requirements.up_to_date}"
    yield f"checks: {requirements.checks}"
    if facts.fork:
        yield f"fork, vetted at {facts.head}"
