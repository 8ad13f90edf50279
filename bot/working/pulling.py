"""Bringing a pull request up to date: what it is now, and the plans of its head."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from bot.decide.deeds import By
from bot.decide.trust import changed_power
from bot.errors import HeadwaterError
from bot.github.app import lacking_words
from bot.github.data import PullData
from bot.github.limits import Priority
from bot.hosting.mirror import PULLS
from bot.hosting.project import HostedProject
from bot.prepare import prepare, prepare_vanished
from bot.preparing.situation import Prepared
from bot.request import Aim, Request
from bot.server import Server
from bot.store import conversation, deployments, hosting, publications, work
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind
from bot.submit import submit_plan
from bot.working import before_merge
from bot.working.against_base import warnings
from bot.working.ending import give_back, tell_off_main
from bot.working.places import hosted_of
from bot.working.remarks import remarks_on
from bot.working.superseding import cut_off, stop_former
from bot.working.voiding import void_former
from bot.working.workflow_file import jobs_can_run, why_anew
from planner.definition import Workflow
from planner.problems import DefinitionError, PlannerError

PLAN_JOBS = 250
"""Plans touch nothing, so none of them waits for another: as many at once as one dispatch holds.

The repository's budget of jobs holds for plans too, but for a quarter of it that is left to deploys.
"""

_PLANNED = "an open pull request is planned by itself, a fork or draft once somebody who may names its commit"


def bring_up_to_date(server: Server, key: str) -> None:
    """See what a pull request is now, and plan its head where that was not done."""
    github_id, _, number = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    if hosted is None:
        return
    project = server.project(hosted)
    pull = refresh(server, project, int(number))
    if not pull.open:
        give_back(server, hosted, pull)
        return
    void_former(server, pull)
    with server.database.writing() as connection:
        tell_off_main(connection, hosted, pull.number, time.time())
    if _may_plan(pull):
        planning(server, project, pull)()
        server.wake()
    else:
        with server.database.writing() as connection:
            _want_head_check(connection, hosted, pull, time.time())
            if pull.fork or publications.find(connection, hosted.id, Kind.PLAN, str(pull.number)) is not None:
                publications.want(connection, hosted.id, Kind.PLAN, str(pull.number), time.time(), number=pull.number)
    if before_merge.is_demanded(server, hosted, pull):
        with server.database.writing() as connection:
            before_merge.want(connection, hosted, pull)


def refresh(server: Server, project: HostedProject, number: int) -> PullRow:
    """Write down what GitHub says of a pull request now, and have its commits here."""
    hosted = project.hosted
    told = server.client(hosted).at(Priority.PLAN).pull(number)
    fetch(project, told)
    return keep_told(server, project, told)


def keep_told(server: Server, project: HostedProject, told: PullData) -> PullRow:
    """Write down what GitHub said of a pull request; who pushed a head that no webhook told of is not known."""
    values = _values(told)
    with server.database.writing() as connection:
        before = hosting.pull(connection, project.hosted.id, told.number)
        if before is not None and before.head != told.head_sha:
            values["last_pusher"] = hosting.UNKNOWN_PUSHER
        pull = hosting.keep_pull(connection, project.hosted.id, told.number, values)
        if before is not None and before.open != pull.open:
            _retell_plan(connection, project.hosted, pull)
        return pull


def _retell_plan(connection: Connection, hosted: HostedRepository, pull: PullRow) -> None:
    """Bring the plan comment up to date, if there is one."""
    if publications.find(connection, hosted.id, Kind.PLAN, str(pull.number)) is not None:
        publications.want(connection, hosted.id, Kind.PLAN, str(pull.number), time.time(), number=pull.number)


def fetch(project: HostedProject, told: PullData) -> None:
    """Have the head, the base branch and the default branch in the mirror; once it is closed, its base may be gone."""
    branches = {told.base_ref, project.hosted.default_branch}
    refs = {f"refs/heads/{one}": f"refs/heads/{one}" for one in branches}
    if told.state == "open":
        refs[f"refs/pull/{told.number}/head"] = f"{PULLS}{told.number}"
    base = told.base_ref if told.base_ref != project.hosted.default_branch else ""
    project.mirror.update(refs, may_be_gone=f"refs/heads/{base}")


def _values(told: PullData) -> dict[str, object]:
    state = "merged" if told.merged else told.state
    return {
        "state": state,
        "draft": told.draft,
        "fork": told.fork,
        "title": told.title,
        "author": told.author,
        "head": told.head_sha,
        "head_ref": told.head_ref,
        "base_ref": told.base_ref,
        "merge_commit": told.merge_commit if told.merged else None,
        "html_url": told.html_url,
    }


def _may_plan(pull: PullRow) -> bool:
    """Drafts and forks wait until somebody who may says so for this very commit."""
    return pull.may_run == pull.head if pull.fork or pull.draft else True


def planning(server: Server, project: HostedProject, pull: PullRow, *, again: bool = False) -> Callable[[], bool]:
    """What plans the head of a pull request, unless that was done; `again`: all the same.

    It is called where it is to be kept, once; it gives whether anything is shown of the head.
    """
    base = project.repository.merge_base(base_of(project, pull), pull.head)
    with server.database.reading() as connection:
        before = conversation.plan(connection, pull.plan)
        lacking = before is not None and cut_off(connection, before)
    lacking |= before is not None and bool(before.held) and jobs_can_run(server, project, pull.head)
    if before is not None and not again and not lacking and (before.commit, before.base) == (pull.head, base):
        return partial(bool, before.deployments or before.problems or before.after_merge or before.held)
    prepared, problems, after_merge = _prepared(server, project, pull)
    held: list[str] = []
    if prepared and not jobs_can_run(server, project, pull.head):
        held, prepared = [alias for one in prepared for alias in one.order], []
    notices = [*_notices(project, server, pull, base), *warnings(project, pull, _places(prepared))]
    remarks = [remarks_on(one) for one in prepared]

    def deed() -> bool:
        now, anything = time.time(), bool(prepared or problems or after_merge or held)
        with server.database.writing() as connection:
            made = [submit_plan(project, one) for one in prepared]
            current = hosting.pull_by_id(connection, pull.id)
            conversation.add_plan(
                connection,
                pull.id,
                {
                    "commit": pull.head,
                    "base": base,
                    "deployments": made,
                    "problems": problems,
                    "after_merge": list(after_merge),
                    "notices": notices,
                    "cautions": {str(number): said for number, said in zip(made, remarks, strict=True)},
                    "held": held,
                    "created_at": now,
                },
            )
            if current is not None:
                stop_former(connection, current, now)
            _publish(
                connection,
                project.hosted,
                pull,
                made,
                now,
                anything=anything,
                wait=server.settings.gather_seconds,
            )
            work.request(connection, "commands", f"{project.hosted.github_id}:{pull.number}", now, now)
        return anything

    return deed


def base_of(project: HostedProject, pull: PullRow) -> str:
    base = project.mirror.head_of(f"refs/heads/{pull.base_ref}")
    if base is None:
        raise HeadwaterError(f"the base branch {pull.base_ref} is gone", "choose another base branch")
    return base


def _prepared(
    server: Server, project: HostedProject, pull: PullRow
) -> tuple[list[Prepared], list[str], tuple[str, ...]]:
    """What would be planned, workflow by workflow; the problems that keep some from it; what holds after the merge."""
    project.mirror.keep(pull.head)
    reading = project.reading(pull.head)
    try:
        definitions = reading.require()
    except DefinitionError as error:
        return [], [str(one) for one in error.problems], ()
    after_merge = changed_power(project.default_definitions(), definitions)
    found: list[Prepared] = []
    problems: list[str] = []
    for workflow in definitions.workflows:
        try:
            found += [one for one in prepare(project, plan_request(server, project, pull, workflow)) if _matters(one)]
        except (HeadwaterError, PlannerError) as error:
            problems += _told_of(workflow, error)
    found += prepare_vanished(project, plan_request(server, project, pull))
    kept = [without_foreign_removals(project, pull, one) for one in found]
    return [one for one in kept if _matters(one)], problems, after_merge


def _told_of(workflow: Workflow, error: Exception) -> list[str]:
    """What keeps a workflow from being planned, each problem with its file."""
    lines = [line for line in str(error).splitlines() if line]
    if isinstance(error, HeadwaterError) and error.mend:
        lines = [f"{error.what}: {error.mend}"] if "\n" not in error.what else error.what.splitlines()
    return [line if line.startswith(f"{workflow.file}:") else f"{workflow.file}: {line}" for line in lines]


def _matters(prepared: Prepared) -> bool:
    return bool(prepared.order or prepared.removed)


def plan_request(server: Server, project: HostedProject, pull: PullRow, workflow: Workflow | None = None) -> Request:
    """The request for the plans of a head: of one workflow, or of all."""
    given = server.vault.open(pull.given) if pull.given is not None else {}
    return Request(
        aim=Aim.DEPLOY,
        by=By(pull.author, f"#{pull.number}", (_PLANNED,), pull=pull.number),
        commit=pull.head,
        base=base_of(project, pull),
        workflow=workflow.file if workflow is not None else None,
        given={name: str(value) for name, value in given.items()} if isinstance(given, dict) else {},
        forget=pull.forget,
        jobs=PLAN_JOBS,
        plan_only=True,
        pull=pull.id,
    )


def without_foreign_removals(project: HostedProject, pull: PullRow, prepared: Prepared) -> Prepared:
    """Without what the base branch got since: a pull request removes only what it takes out of a file itself."""
    if not prepared.removed:
        return prepared
    base = project.repository.merge_base(base_of(project, pull), pull.head)
    try:
        before = project.definitions(base)
    except PlannerError:
        return replace(prepared, removed=(), doubtful=())
    had = {(one.file, each.key) for one in before.workflows for each in one.environments}
    mine = tuple(row for row in prepared.removed if (row.file, row.key) in had)
    return replace(prepared, removed=mine, doubtful=tuple(row for row in prepared.doubtful if row in mine))


def _places(prepared: Iterable[Prepared]) -> set[tuple[str, str]]:
    return {(one.workflow.file, alias.casefold()) for one in prepared for alias in one.order}


def _notices(project: HostedProject, server: Server, pull: PullRow, base: str) -> list[str]:
    """What people should mend, though nothing waits for it: of workflow files, what this pull request writes."""
    lacking = lacking_words(server.github.installation(project.hosted.installation_id))
    why = why_anew(project, server.settings.public_url) or ""
    warned = project.reading(pull.head).warnings
    mine = {file for file in {one.place.file for one in warned} if _differs(project, file, base, pull.head)}
    own = [one for one in (lacking, why) if one]
    return [*own, *(str(one) for one in warned if one.place.file in mine)]


def _differs(project: HostedProject, file: str, base: str, head: str) -> bool:
    return project.mirror.file(base, file) != project.mirror.file(head, file)


def _publish(
    connection: Connection,
    hosted: HostedRepository,
    pull: PullRow,
    numbers: list[int],
    now: float,
    *,
    anything: bool,
    wait: float,
) -> None:
    """Have the plan comment and the checks of this head posted; without anything to tell, the check alone.

    They wait a moment, so that the jobs are dispatched first.
    """
    want = partial(publications.want, connection, hosted.id, now=now, number=pull.number, wait=wait)
    posted = publications.find(connection, hosted.id, Kind.PLAN, str(pull.number))
    if anything or posted is not None:
        want(Kind.PLAN, str(pull.number), deployments=numbers)
    _want_head_check(connection, hosted, pull, now, numbers, wait)
    before_merge.refresh(connection, hosted, pull, *numbers)
    for one in numbers:
        want(Kind.PLAN_CHECK, str(one), sha=pull.head, deployments=[one])
        want_deploy_check(connection, hosted, pull, one, now, wait)


def _want_head_check(
    connection: Connection,
    hosted: HostedRepository,
    pull: PullRow,
    now: float,
    numbers: Sequence[int] = (),
    wait: float = 0.0,
) -> None:
    want = partial(publications.want, connection, hosted.id, now=now, number=pull.number, wait=wait)
    want(Kind.HEAD_CHECK, f"{pull.number}:{pull.head}", sha=pull.head, deployments=numbers)


def want_deploy_check(
    connection: Connection, hosted: HostedRepository, pull: PullRow, deployment: int, now: float, wait: float = 0.0
) -> None:
    """Have the check of a workflow's deploys posted; `deployment` is one of them, or its plan.

    It stands at the commit that is deployed, or at the head where that is none of the pull request's (a restore).
    """
    told = deployments.flags(connection, deployment)
    if told is not None and not told.continuous:  # that of a merge stands at its own commit
        at = told.commit if conversation.was_planned(connection, pull.id, told.commit) else pull.head
        want = partial(publications.want, connection, hosted.id, now=now, number=pull.number, wait=wait)
        want(Kind.DEPLOY_CHECK, f"{pull.id}:{at}:{told.workflow}", sha=at, deployments=[deployment])
        before_merge.refresh(connection, hosted, pull, deployment)
