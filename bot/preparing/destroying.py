"""What a destroy of one workflow comes to."""

from __future__ import annotations

from collections.abc import Mapping

from bot.errors import NotAllowed
from bot.preparing.situation import Prepared, Situation, refuse_steps, refuse_tools, resolved, sources
from bot.request import Request
from bot.since import unfinished
from bot.store.environments import EnvironmentRow
from planner.definition import Environment
from planner.graph import Graph
from planner.selection import named_environments


def prepare_destroy(situation: Situation) -> Prepared:
    """What a destroy of one workflow comes to: what is there, also of what the file no longer has."""
    request, rows = situation.request, situation.rows()
    present = {alias: row for alias, row in rows.items() if row.deployed or unfinished(row)}
    gone = {row.alias: row for row in situation.removed() if row.defined_at and (row.deployed or unfinished(row))}
    needs = {**Graph.of(situation.workflow).needs, **_former_needs(situation, gone)}
    everything = {**present, **gone}
    graph = Graph({alias: tuple(one for one in upstreams if one in needs) for alias, upstreams in needs.items()})
    named = _named_to_destroy(graph, request)
    chosen = frozenset(everything) if named is None else named & frozenset(everything)
    if named is not None:
        _refuse_needed(graph, chosen, everything, request)
    environments = resolved(situation, rows) if not gone else {**resolved(situation, rows), **_former(situation, gone)}
    order = tuple(alias for alias in graph.reversed().order if alias in chosen)
    refuse_tools([environments[alias] for alias in order])
    refuse_steps([environments[alias] for alias in order])
    return Prepared(
        request=request,
        commit=situation.commit,
        dirty=situation.dirty,
        workflow=situation.workflow,
        graph=graph,
        order=order,
        environments=environments,
        rows={**rows, **gone},
        reasons={},
        identities=situation.who,
        sources=sources(situation.project, [environments[alias] for alias in order]),
        moves={row.id: row.alias for row in rows.values() if row.id in situation.who.moves},
    )


def _named_to_destroy(graph: Graph, request: Request) -> frozenset[str] | None:
    if not request.narrowed:
        return None
    starts = named_environments(graph, request.from_)
    return named_environments(graph, request.patterns) | starts | graph.descendants(starts)


def _refuse_needed(
    graph: Graph, chosen: frozenset[str], everything: Mapping[str, EnvironmentRow], request: Request
) -> None:
    """What something deployed needs is not taken away from under it."""
    left = [alias for alias in graph.order if alias in graph.descendants(chosen) - chosen and alias in everything]
    if left and not request.force:
        names = ", ".join(repr(alias) for alias in left)
        raise NotAllowed(
            f"still deployed, and needing what would be destroyed: {names}",
            "destroy those too (name them, or use --from ALIAS), or insist with --force",
        )


def _former_needs(situation: Situation, gone: Mapping[str, EnvironmentRow]) -> dict[str, tuple[str, ...]]:
    return {alias: one.needs for alias, one in _former(situation, gone).items()}


def _former(situation: Situation, gone: Mapping[str, EnvironmentRow]) -> dict[str, Environment]:
    """The definitions of removed environments, from the commit that each was last deployed at."""
    found: dict[str, Environment] = {}
    for alias, row in gone.items():
        if row.defined_at is None:
            continue
        former = situation.project.workflow(row.defined_at, row.file, alias).environment(alias)
        if former is not None:
            found[alias] = former
    return found
