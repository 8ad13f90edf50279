"""The commits that anything stored of a repository still names: its mirror keeps these."""

from __future__ import annotations

from sqlalchemy import Connection, select, union

from bot.store.hosted_tables import commands, publications, pull_plans, pulls, stories
from bot.store.tables import deployments, environments, plans, tasks, workflows


def named(connection: Connection, repository: int) -> frozenset[str]:
    """All of them."""
    mine = workflows.c.repository_id == repository
    of_environments = environments.join(workflows, environments.c.workflow_id == workflows.c.id)
    of_deployments = deployments.join(workflows, deployments.c.workflow_id == workflows.c.id)
    of_tasks = tasks.join(of_deployments, tasks.c.deployment_id == deployments.c.id)
    of_plans = plans.join(of_environments, plans.c.environment_id == environments.c.id)
    of_pull_plans = pull_plans.join(pulls, pull_plans.c.pull_id == pulls.c.id)
    found = union(
        select(environments.c.commit).select_from(of_environments).where(mine),
        select(deployments.c.commit).select_from(of_deployments).where(mine),
        *(select(one).select_from(of_tasks).where(mine) for one in (tasks.c.commit, tasks.c.source_commit)),
        select(plans.c.commit).select_from(of_plans).where(mine),
        *(
            select(one).select_from(of_pull_plans).where(pulls.c.repository_id == repository)
            for one in (pull_plans.c.commit, pull_plans.c.base)
        ),
        *(
            select(one).where(one.table.c.repository_id == repository)
            for one in (
                pulls.c.head,
                pulls.c.merge_commit,
                pulls.c.may_run,
                stories.c.commit,
                commands.c.seen,
                publications.c.sha,
            )
        ),
    )
    return frozenset(one for one in connection.execute(found).scalars() if one)


def pull_numbers(connection: Connection, repository: int) -> frozenset[int]:
    """The numbers of the pull requests that are known."""
    return frozenset(connection.execute(select(pulls.c.number).where(pulls.c.repository_id == repository)).scalars())
