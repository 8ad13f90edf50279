"""How the head of a pull request stands to what its base branch has become since."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.hosting.project import HostedProject
from bot.store.hosting import PullRow
from planner.problems import PlannerError
from planner.question import affected_in

Place = tuple[str, str]
"""The file of a workflow, and an alias in it, case folded."""


def base_head(project: HostedProject, pull: PullRow) -> str | None:
    """The commit of the base branch as it was last fetched."""
    return project.mirror.head_of(f"refs/heads/{pull.base_ref}")


def lacks_base(project: HostedProject, pull: PullRow) -> bool | None:
    """Whether the base branch has commits that the head has not; None where that is not known."""
    base = base_head(project, pull)
    return None if base is None else not project.mirror.contains(pull.head, base)


def changed_since(project: HostedProject, pull: PullRow) -> list[Place] | None:
    """What the base branch has changed since the pull request left it, file and alias; None where that is not known."""
    base = base_head(project, pull)
    if base is None:
        return None
    try:
        parted = project.repository.merge_base(base, pull.head)
        moved = affected_in(project.mirrored, parted, base, exact=True).workflows if parted != base else ()
    except PlannerError:
        return None
    found = {
        (workflow.file, one.alias): None
        for workflow in moved
        for one in workflow.environments
        if one.affected and any(why.code.value != "upstream-affected" for why in one.reasons)
    }
    return list(found)


def warnings(project: HostedProject, pull: PullRow, among: Collection[Place]) -> Iterator[str]:
    """What a deploy of these would be refused for as the base branch is now, for the plan comment."""
    base, rule = base_head(project, pull), project.default_definitions().requirements.up_to_date
    if base is None or not lacks_base(project, pull):
        return
    mend = f"merge `{pull.base_ref}` into it, or rebase it, before you write /deploy"
    if files := project.mirror.conflicts(base, pull.head):
        yield f"It conflicts with `{pull.base_ref}` in {_listed(files)}: {mend}"
    elif rule == "branch":
        yield f"`{pull.base_ref}` has commits that it lacks: {mend}"
    elif rule == "environment":
        stale = [alias for file, alias in changed_since(project, pull) or () if (file, alias.casefold()) in among]
        if stale:
            names, read = _listed(stale), "reads" if len(stale) == 1 else "read"
            yield f"`{pull.base_ref}` has since changed what {names} {read}: {mend}"


def _listed(names: Collection[str], most: int = 5) -> str:
    shown = [f"`{one}`" for one in list(names)[:most]]
    rest = [f"{len(names) - most} more"] if len(names) > most else []
    return ", ".join([*shown, *rest])
