"""What the gates need to know of a command: asked of GitHub, git and the store, as far as the verb takes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.commands.case import Case
from bot.commands.choosing import means
from bot.decide.comment import Command
from bot.decide.gates import WITH_POWER
from bot.decide.permissions import Actor, Answer, may, role_of, teams_in
from bot.decide.pull_facts import Approval, Asked, CheckFact, CheckState, PullFacts, PullState, Verb
from bot.decide.required_checks import Reported, Wanted, check_facts
from bot.errors import HeadwaterError
from bot.github.data import PullData, ReviewData
from bot.github.errors import Forbidden, GitHubError, NotFound
from bot.github.repository_client import RepositoryClient
from bot.hosting.project import HostedProject
from bot.store import conversation, hosting, locks, publications, views
from bot.store.hosting import PullRow
from bot.working.against_base import Place, base_head, changed_since, lacks_base
from bot.working.requesting import affected
from bot.working.seen import shown_since
from bot.working.waiting import Proposal, Proposed, WaitingTask
from bot.working.workflow_file import standing
from planner.definition import Permissions, Requirements
from planner.problems import PlannerError

_STARTS_JOBS = WITH_POWER | {Verb.PLAN, Verb.RESTORE, Verb.RETRY, Verb.APPROVE}
_MERGEABLE_TRIES = 5


def actor(client: RepositoryClient, login: str, permissions: Permissions) -> Actor:
    """Who somebody is in the repository; what could not be found out is unknown."""
    try:
        role = role_of(client.permission(login), None)
    except NotFound:
        role = "none"
    except Forbidden:
        role = None
    teams: dict[str, bool | None] = {}
    for name in sorted(teams_in(permissions)):
        organization, _, slug = name.removeprefix("@").partition("/")
        try:
            teams[name] = client.team_member(organization, slug, login)
        except Forbidden:
            teams[name] = None
    return Actor(login, role, teams)


def asked(case: Case, who: Actor) -> Asked:
    """What the command asks for, and what its author could know."""
    command, verb = case.command, Verb(case.command.verb)
    with case.server.database.reading() as connection:
        mine = case.pull.id
        held = [one for one in locks.of_repository(connection, case.hosted.id) if means(command, one)]
        approving = verb is Verb.APPROVE
        waiting = [one for one in case.waiting if means(command, one)] if approving else []
        asking = [one for one in case.proposals if _is_meant(command, one)] if approving else []
        cancelled = conversation.cancelled_since(connection, case.row)
        unseen = _unseen(connection, case.row.created_at, [*waiting, *(part for one in asking for part in one.parts)])
    commanders = {*(one.commander for one in waiting if one.commander), *(one.command.actor for one in asking)}
    return Asked(
        verb=verb,
        actor=who,
        seen=case.row.seen or _nothing_to_see(case),
        named=command.commit,
        force=command.force,
        state=command.state is not None,
        values=bool(command.given or command.forget),
        locked_elsewhere=bool(command.patterns) and any(one.pull != mine for one in held),
        commanders=tuple(sorted(commanders)),
        unshown=unseen,
        idle=approving and not (waiting or asking),
        cancelled=cancelled,
    )


def _is_meant(command: Command, proposal: Proposal) -> bool:
    return not proposal.parts or any(means(command, part) for part in proposal.parts)


def _unseen(connection: Connection, written: float, parts: Sequence[WaitingTask | Proposed]) -> tuple[str, ...]:
    """The aliases whose plans were shown only after something was written, or are not shown yet."""
    shown: dict[int, float] = {}
    for deployment in {one.deployment for one in parts}:
        shown |= shown_since(connection, deployment)
    never = float("inf")
    return tuple(one.alias for one in parts if one.plan is not None and shown.get(one.plan, never) >= written)


def _nothing_to_see(case: Case) -> str | None:
    """The head, where nothing is affected at it, so that there never was a plan comment; else None."""
    plan = case.plan
    if plan is None or plan.commit != case.pull.head or plan.deployments or plan.problems or plan.held:
        return None
    with case.server.database.reading() as connection:
        posted = publications.find(connection, case.hosted.id, publications.Kind.PLAN, str(case.pull.number))
    return case.pull.head if posted is None else None


def pull_facts(case: Case, requirements: Requirements, client: RepositoryClient) -> PullFacts:
    """The pull request as it is now, as far as this verb needs it."""
    verb, pull, told = Verb(case.command.verb), case.pull, case.told
    power = verb in WITH_POWER
    if power:
        told = _with_mergeable(client, told)
    facts = replace(
        plain_facts(case.project, pull, pull.head),
        last_pusher=_known_pusher(pull),
        vetted=pull.may_run if pull.fork else None,
        bases=_bases(case) if power else (),
        mergeable=told.mergeable,
        conflicts=_conflicts(case) if power and told.mergeable is False else (),
        stale=_stale(case) if power and requirements.up_to_date == "environment" else (),
        behind=lacks_base(case.project, case.pull) if power and requirements.up_to_date == "branch" else False,
        checks=_checks(case, client, requirements) if power else (),
        app_lacks=case.server.github.missing_permissions(case.hosted.installation_id) if verb in _STARTS_JOBS else (),
        workflow_file=standing(case.server, case.project, pull.head) if verb in _STARTS_JOBS else None,
    )
    return with_reviews(facts, client, pull, requirements) if power else facts


def plain_facts(project: HostedProject, pull: PullRow, head: str) -> PullFacts:
    """What the store and git know of a pull request, with this commit as its head."""
    return PullFacts(
        number=pull.number,
        state=PullState(pull.state),
        draft=pull.draft,
        author=pull.author,
        head=head,
        fork=pull.fork,
        base=pull.base_ref,
        default_branch=project.hosted.default_branch,
        private=project.hosted.private,
        rules_known=project.rules_known,
    )


def with_reviews(
    facts: PullFacts, client: RepositoryClient, pull: PullRow, requirements: Requirements, *, begun: bool = False
) -> PullFacts:
    """The same with the reviews that the requirements ask for, and with who pushed the commit that stands as the head.

    Of another commit than the newest, GitHub does not say whether code owners approved it: that is taken for so.
    With `begun`, approvals of a commit that is not the newest any more count, if no person has dismissed them but only
    a push since.
    """
    reviews = client.reviews(pull.number) if requirements.approvals or requirements.code_owners else ()
    decision = client.review_decision(pull.number) if requirements.code_owners and facts.head == pull.head else None
    dismissed = any(one.state == "DISMISSED" and one.commit == facts.head for one in reviews)
    asks_anew = begun and (dismissed or (requirements.code_owners and decision != "APPROVED"))
    newest = client.pull(pull.number).head_sha if asks_anew else pull.head
    if begun and dismissed and newest != facts.head:
        outdated = client.outdated_approvals(pull.number)
        reviews = tuple(replace(one, state="APPROVED") if one.id in outdated else one for one in reviews)
    reviewed = _reviewed(reviews)
    roles = {login: _role(client, login) for login, commits in reviewed.items() if commits != frozenset()}
    owners = facts.head != newest or decision == "APPROVED" if requirements.code_owners else None
    return replace(
        facts,
        last_pusher=_pusher(client, pull, facts.head) if requirements.approvals else facts.last_pusher,
        approvals=tuple(
            Approval(login, commit, roles[login])
            for login, commits in reviewed.items()
            for commit in sorted(commits or ())
        ),
        changes_requested=tuple(
            login
            for login, commits in reviewed.items()
            if commits is None and may(Actor(login, roles[login]), ("write",)) is not Answer.DENY
        ),
        code_owner_approval=owners,
    )


def _reviewed(reviews: Sequence[ReviewData]) -> dict[str, frozenset[str] | None]:
    """What each person's reviews come to: the commits that they approve; None: they ask for changes."""
    found: dict[str, frozenset[str] | None] = {}
    for one in reviews:
        before, commit = found.get(one.author) or frozenset(), {one.commit or ""}
        if one.state == "CHANGES_REQUESTED":
            found[one.author] = None
        elif one.state in ("APPROVED", "DISMISSED"):
            found[one.author] = before | commit if one.state == "APPROVED" else before - commit
    return found


def _role(client: RepositoryClient, login: str) -> str | None:
    try:
        return role_of(client.permission(login), None)
    except GitHubError:
        return None


def _pusher(client: RepositoryClient, pull: PullRow, commit: str) -> str | None:
    """Who pushed a commit of the pull request, as GitHub lists it; else as webhooks told it, which know of the head."""
    if not pull.fork:
        try:
            return client.pusher(pull.head_ref, commit)
        except (NotFound, Forbidden):
            pass  # a GitHub Enterprise Server that does not list it
    return _known_pusher(pull) if commit == pull.head else pull.author


def _known_pusher(pull: PullRow) -> str | None:
    """Who pushed the head, as webhooks told it; what nobody told of is its author's."""
    known = pull.last_pusher or pull.author
    return None if known == hosting.UNKNOWN_PUSHER else known


def _bases(case: Case) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The branches that each workflow asked for is deployed from."""
    return tuple((name, case.project.bases_of(file)) for file, name in sorted(_workflows_asked_for(case).items()))


def _workflows_asked_for(case: Case) -> dict[str, str]:
    """The workflows that a command comes to, file -> name: those with plans, unless it names one or environments."""
    command = case.command
    named = {one for one in (command.workflow, command.confirm) if one is not None}
    try:
        every = {one.file: one.name for one in case.project.definitions(case.pull.head).workflows}
    except PlannerError:
        return {}
    if named:
        return {file: name for file, name in every.items() if named & {file, name}}
    meant = _chosen(case) if command.patterns or command.from_ else planned_places(case)
    files = {file for file, _ in meant}
    return {file: name for file, name in every.items() if file in files}


def _with_mergeable(client: RepositoryClient, told: PullData) -> PullData:
    """GitHub works out whether there are conflicts when it is asked, and says so a moment later."""
    for attempt in range(_MERGEABLE_TRIES):
        if told.mergeable is not None:
            break
        time.sleep(0.2 * (attempt + 1))
        told = client.pull(told.number)
    return told


def _conflicts(case: Case) -> tuple[str, ...]:
    base = base_head(case.project, case.pull)
    return case.project.mirror.conflicts(base, case.pull.head) if base is not None else ()


def _stale(case: Case) -> tuple[str, ...] | None:
    """The environments asked for whose inputs the base branch has changed since the pull request left it."""
    if case.plan is None and base_head(case.project, case.pull) is not None:
        return ()  # nothing was shown, and that is said
    found = changed_since(case.project, case.pull)
    if not found:
        return None if found is None else ()
    among = _meant(case)
    return tuple(alias for file, alias in found if (file, alias.casefold()) in among)


def _meant(case: Case) -> frozenset[Place]:
    """What a deploy comes to, also where the pull request does not affect it; else what its plans are about, too."""
    named = frozenset((file, alias.casefold()) for file, alias in _chosen(case))
    return named if case.command.verb == Verb.DEPLOY.value else named | planned_places(case)


def _chosen(case: Case) -> frozenset[Place]:
    """File and alias of what a command comes to; nothing where that cannot be said, which is then told instead."""
    try:
        return frozenset((one.workflow.file, alias) for one in affected(case) for alias in one.order)
    except (HeadwaterError, PlannerError):
        return frozenset()


def planned_places(case: Case) -> frozenset[Place]:
    """File and alias of all that the plans of this head are about."""
    found: set[Place] = set()
    with case.server.database.reading() as connection:
        for number in case.plan.deployments if case.plan else ():
            view = views.deployment(connection, number)
            if view is not None:
                found |= {(view.file, one.alias.casefold()) for one in view.tasks}
    return frozenset(found)


def _checks(case: Case, client: RepositoryClient, requirements: Requirements) -> tuple[CheckFact, ...] | None:
    if requirements.checks == "none":
        return ()
    required = client.required_checks(case.pull.base_ref)
    if required is None:
        return None
    if not required and requirements.checks == "required":
        return ()
    slug = case.server.github.slug
    newest = {(one.name, one.app_id): one for one in sorted(client.checks(case.pull.head), key=lambda one: one.id)}
    runs = [
        Reported(one.name, _check_state(one.status, one.conclusion), one.app_slug == slug, one.app_id)
        for one in newest.values()
    ]
    statuses = [Reported(one.context, _status_state(one.state)) for one in client.statuses(case.pull.head)]
    wanted = [Wanted(one.context, one.app_id) for one in required]
    return check_facts(wanted, [*runs, *statuses], case.server.settings.github_app_id)


def _status_state(state: str) -> CheckState:
    return {"success": CheckState.SUCCESS, "pending": CheckState.PENDING}.get(state, CheckState.FAILURE)


def _check_state(status: str, conclusion: str | None) -> CheckState:
    if status != "completed":
        return CheckState.PENDING
    known = {"success": CheckState.SUCCESS, "neutral": CheckState.NEUTRAL, "skipped": CheckState.SKIPPED}
    return known.get(conclusion or "", CheckState.FAILURE)
