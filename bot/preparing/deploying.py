"""What a deploy, its plan or an adoption of one workflow comes to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.backends import with_stray_state
from bot.errors import NotAllowed
from bot.preparing.situation import (
    Prepared,
    Situation,
    refuse_missing_secrets,
    refuse_steps,
    refuse_stray_states,
    refuse_tools,
    resolved,
    sources,
)
from bot.request import Aim
from bot.store.environments import EnvironmentRow
from bot.store.values import WHOLE_WORKFLOW
from planner.definition import Environment
from planner.graph import Graph
from planner.selection import select


def prepare_deploy(situation: Situation) -> Prepared:
    """What a deploy (or a plan, or an adoption) of one workflow comes to."""
    request, workflow, rows = situation.request, situation.workflow, situation.rows()
    environments = resolved(situation, rows)
    disabled = tuple(alias for alias, one in environments.items() if one.disabled is True)
    graph = Graph.of(workflow).without(disabled)
    patterns, from_ = situation.patterns(request.patterns), situation.patterns(request.from_)
    _refuse_disabled(patterns, disabled)
    affected = _affected_aliases(situation, graph)
    selection = select(
        graph,
        patterns,
        affected,
        None if request.assume_upstreams else {alias for alias, row in rows.items() if row.deployed},
        only=request.only,
        from_=from_,
        current={alias for alias, row in rows.items() if row.deployed and row.commit == situation.commit},
        upstreams_may_wait=request.plan_only,
    )
    order, busy = selection.environments, tuple[str, ...]()
    if request.aim is Aim.ADOPT:
        order = tuple(alias for alias in order if alias not in rows or not rows[alias].deployed)
        busy = tuple(alias for alias in order if alias in rows and rows[alias].facts.under_way)
        order = tuple(alias for alias in order if alias not in busy)
    refuse_tools([environments[alias] for alias in order])
    refuse_steps([environments[alias] for alias in order])
    fresh = [environments[alias] for alias in order if alias not in rows or not rows[alias].used]
    stray = with_stray_state(situation.project.repository.top, fresh)
    if not request.plan_only:
        refuse_stray_states(stray)
        chosen = [environments[alias] for alias in order]
        refuse_missing_secrets(workflow, chosen, request.given, situation.project.secrets)
    _refuse_disabled_outputs(environments, order, disabled, rows)
    removed = () if request.narrowed or request.aim is Aim.ADOPT else situation.removed()
    return Prepared(
        request=request,
        commit=situation.commit,
        dirty=situation.dirty,
        workflow=workflow,
        graph=graph,
        order=order,
        environments=environments,
        rows=rows,
        reasons=_reasons(situation),
        removed=removed,
        doubtful=tuple(row for row in removed if row.id in situation.who.doubtful),
        moves={row.id: row.alias for row in rows.values() if row.id in situation.who.moves},
        identities=situation.who,
        left_out=disabled,
        busy=busy,
        uncommitted=situation.uncommitted,
        stray=stray,
        sources=sources(situation.project, [environments[alias] for alias in order]),
        kept=_kept_names(situation, [rows[alias] for alias in order if alias in rows]),
    )


def _kept_names(situation: Situation, chosen: Sequence[EnvironmentRow]) -> tuple[str, ...]:
    found: set[str] = set()
    for row in chosen:
        kept = situation.stored.kept.get(row.workflow_id, {})
        found |= {*kept.get(WHOLE_WORKFLOW, {}), *kept.get(row.id, {})}
    return tuple(sorted(found - set(situation.request.forget) - set(situation.request.given)))


def _affected_aliases(situation: Situation, graph: Graph) -> Collection[str]:
    if situation.affected is None:
        return graph.needs.keys()
    found = situation.affected.get(situation.workflow.file)
    return {one.alias for one in found.environments if one.affected and one.alias in graph.needs} if found else set()


def _reasons(situation: Situation) -> dict[str, tuple[str, ...]]:
    found = situation.affected.get(situation.workflow.file) if situation.affected else None
    if found is None:
        return {}
    return {
        one.alias: tuple(f"{why.code.value}: {why.detail}" if why.detail else why.code.value for why in one.reasons)
        for one in found.environments
    }


def _refuse_disabled(patterns: Sequence[str], disabled: Sequence[str]) -> None:
    keys = {alias.casefold(): alias for alias in disabled}
    named = [keys[pattern.casefold()] for pattern in patterns if pattern.casefold() in keys]
    if named:
        raise NotAllowed(
            f"{', '.join(named)}: disabled in the workflow file", "enable it there (`disabled`), or leave it out"
        )


def _refuse_disabled_outputs(
    environments: Mapping[str, Environment],
    order: Sequence[str],
    disabled: Sequence[str],
    rows: Mapping[str, EnvironmentRow],
) -> None:
    """A disabled environment's last outputs serve; where there never were any, nothing that reads them can start."""
    keys = {alias.casefold() for alias in disabled if alias not in rows or not rows[alias].deployed}
    for alias in order:
        for variable in environments[alias].variables:
            for reference in variable.references:
                if reference.alias.casefold() in keys:
                    raise NotAllowed(
                        f"{alias!r} reads the output {reference.output!r} of {reference.alias!r}, "
                        "which is disabled and was never deployed",
                        f"enable {reference.alias!r}, or give {variable.name} another value",
                    )
