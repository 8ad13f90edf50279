"""What a retry comes to: what did not succeed in one deployment, at that deployment's commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.decide.deeds import By
from bot.decide.facts import TaskAction
from bot.errors import HeadwaterError
from bot.prepare import prepare
from bot.preparing.situation import Prepared
from bot.project import Project
from bot.request import Aim, Request
from bot.store.deployments import flags
from bot.store.environments import EnvironmentRow


def prepare_retry(
    project: Project, number: int, rows: Sequence[EnvironmentRow], *, by: By, jobs: int, force: bool
) -> tuple[Prepared, ...]:
    """The environments of a deployment that did not succeed, ready to be planned again at its commit.

    What a deploy was to destroy, since it is gone from the file, is tried again as just that: it asks for approval.
    Raises NotAllowed where something else that is deployed by now needs what would be destroyed, unless with `force`.
    """
    with project.database.reading() as connection:
        told = flags(connection, number)
    if told is None:
        raise HeadwaterError(f"deployment #{number} is gone", "deploy again: headwater deploy")
    given = project.vault.open(told.given) if told.given is not None else {}
    destroying = told.action is TaskAction.DESTROY
    removed = tuple(row for row in rows if not destroying and row.facts.action is TaskAction.DESTROY)
    others = tuple(row.last_alias or row.alias for row in rows if row not in removed)  # as that commit calls them
    request = Request(
        aim=Aim.DESTROY if destroying else Aim.DEPLOY,
        by=by,
        commit=told.commit,
        dirty=told.dirty,
        patterns=others,
        only=bool(others),
        workflow=project.workflow(told.commit, rows[0].file, others[0]).file if others else rows[0].file,
        given={name: str(value) for name, value in given.items()} if isinstance(given, dict) else {},
        jobs=jobs,
        force=destroying and force,
        retry_of=number,
        keep_for=told.keep_for,
    )
    prepared = prepare(project, request)
    if not others:  # no name means all: here, none
        prepared = tuple(replace(one, order=(), sources={}) for one in prepared)
    return tuple(replace(one, removed=removed) for one in prepared) if removed else prepared


def after_another(failed: Mapping[int, Sequence[EnvironmentRow]], needed: Mapping[int, set[int]]) -> dict[int, str]:
    """What needs something that failed in another deployment, by id: alone it would go upon what was there before."""
    own = [(number, row) for number, broken in failed.items() for row in broken]
    where = {row.id: number for number, row in own}
    later: dict[int, str] = {}
    while more := {
        row.id: row.alias
        for number, row in own
        if row.id not in later
        and any(one in later or where.get(one, number) != number for one in needed.get(row.id, ()))
    }:
        later |= more
    return later
