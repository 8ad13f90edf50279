"""A workflow's graph drawn in text: every environment once, a step to the right for every wave.

An environment hangs below the last of its upstreams in the highest wave; what else it needs stands beside it as
`+ alias`, without what follows from other needs. Leaves that need the same share their lines where there are many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.cli.output import Cell, Tone, paint, printable, width_of
from planner.definition import Environment, Workflow
from planner.graph import Graph

_MOST_SINGLE_LINES = 40
"""Environments up to which everyone has a line with its details; above, like leaves share lines."""
_FEWEST_SHARING = 4
_WIDEST_COLUMN = 40
_LEAST_DETAILS = 16
_WIDTH_OF_FILES = 100
_TEE, _CORNER, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "


_MOST_REDUCED = 2_000
"""Environments above which needs are drawn as declared: finding out takes seconds there, and nobody reads it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the drawing: the branches before the names, the environments, what they need besides."""

    branches: str
    aliases: tuple[str, ...]
    also: tuple[str, ...]


def direct_needs(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """Each node's upstreams without those that another of its upstreams needs anyway (the transitive reduction)."""
    if len(graph.needs) > _MOST_REDUCED or not _perhaps_implied(graph):
        return graph.needs
    import networkx  # noqa: PLC0415 (a quarter of a second, and few graphs need it)

    whole: networkx.DiGraph[str] = networkx.DiGraph(
        (upstream, node) for node, upstreams in graph.needs.items() for upstream in upstreams
    )
    reduced = networkx.transitive_reduction(whole)
    return {
        node: tuple(upstream for upstream in upstreams if reduced.has_edge(upstream, node))
        for node, upstreams in graph.needs.items()
    }


def _perhaps_implied(graph: Graph) -> bool:
    """Whether any need may be implied by another one: what is implied lies in an earlier wave than what implies it."""
    return any(len({graph.wave[upstream] for upstream in upstreams}) > 1 for upstreams in graph.needs.values())


def lines(graph: Graph, *, share: bool) -> Iterator[Line]:
    """The drawing's lines, from top to bottom; with `share`, leaves that need the same stand on one."""
    direct = direct_needs(graph)
    parent = _parents(graph, direct)
    children: dict[str, list[str]] = {node: [] for node in graph.needs}
    for node, above in parent.items():
        children[above].append(node)
    roots = [node for node in graph.needs if node not in parent]
    also = {node: tuple(one for one in direct[node] if one != parent.get(node)) for node in graph.needs}
    waiting = [(Line("", group, ()), "") for group in reversed(_groups(roots, children, also, share=share))]
    while waiting:
        line, indent = waiting.pop()
        yield line
        below = [child for alias in line.aliases for child in children[alias]]
        groups = _groups(below, children, also, share=share)
        for number, group in reversed(list(enumerate(groups, start=1))):
            last = number == len(groups)
            branches = indent + (_CORNER if last else _TEE)
            waiting.append((Line(branches, group, also[group[0]]), indent + (_BLANK if last else _BAR)))


def _parents(graph: Graph, direct: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Where each node hangs: below its upstream in the highest wave, of several the last of the file."""
    position = {node: place for place, node in enumerate(graph.needs)}
    return {
        node: max(needs, key=lambda upstream: (graph.wave[upstream], position[upstream]))
        for node, needs in direct.items()
        if needs
    }


def _groups(
    siblings: Sequence[str],
    children: Mapping[str, Sequence[str]],
    also: Mapping[str, tuple[str, ...]],
    *,
    share: bool,
) -> list[tuple[str, ...]]:
    """Siblings one by one, or those without children that need the same together, at the place of their first."""
    if not share:
        return [(node,) for node in siblings]
    alike = Counter(also[node] for node in siblings if not children[node])
    groups: dict[object, list[str]] = {}
    for node in siblings:
        shares = not children[node] and alike[also[node]] >= _FEWEST_SHARING
        groups.setdefault(also[node] if shares else node, []).append(node)
    return [tuple(group) for group in groups.values()]


def drawing(workflow: Workflow, width: int | None = None) -> str:
    """The whole drawing with its headline; `width` is that of the terminal, where one reads."""
    graph = Graph.of(workflow)
    environments = {one.alias: one for one in workflow.environments}
    share = len(environments) > _MOST_SINGLE_LINES
    drawn = list(lines(graph, share=share))
    body = _shared_lines(drawn, environments, width) if share else _single_lines(drawn, environments, width)
    return "\n".join([_headline(workflow, graph), *body])


def _headline(workflow: Workflow, graph: Graph) -> str:
    count, levels = len(graph.needs), len(graph.waves)
    extent = f"{count} environment{'s' * (count != 1)} in {levels} level{'s' * (levels != 1)}"
    name = paint(printable(workflow.name), Tone.STRONG)
    return f"{name}  {paint(f'{extent} · {printable(workflow.file)}', Tone.FAINT)}"


def _single_lines(drawn: Sequence[Line], environments: Mapping[str, Environment], width: int | None) -> Iterator[str]:
    """One environment a line, with what else it needs, and its tool and place as far as there is room."""
    names = [line.branches + printable(line.aliases[0]) for line in drawn]
    remarks = [_remark(line.also, environments[line.aliases[0]]) for line in drawn]
    first, second = _column(names), _column([remark.text for remark in remarks])
    tools = max((len(one.tool) for one in environments.values()), default=0)
    for line, name, remark in zip(drawn, names, remarks, strict=True):
        environment = environments[line.aliases[0]]
        shown = _padded(name, first)
        shown = paint(line.branches, Tone.FAINT) + shown.removeprefix(line.branches)
        noted = _padded(remark.text, second)
        space = " " * (len(noted) - len(remark.text))
        details = f"{environment.tool.value:<{tools}}  {_where(environment)}"
        if width is not None:
            details = _cut(details, width - max(first, width_of(name) + 2) - width_of(noted))
        yield f"{shown}{paint(remark.text, remark.tone)}{space}{paint(details, Tone.FAINT)}".rstrip()


def _shared_lines(drawn: Sequence[Line], environments: Mapping[str, Environment], width: int | None) -> Iterator[str]:
    """Names alone, wrapped; what follows a line hangs below its first name."""
    for line in drawn:
        names = [printable(alias) for alias in line.aliases]
        words = [f"{name}," for name in names[:-1]] + names[-1:]
        remark = _remark(line.also, environments[line.aliases[0]] if len(line.aliases) == 1 else None)
        following = line.branches.replace(_TEE, _BAR).replace(_CORNER, _BLANK)
        pieces = _wrapped(words, (width or _WIDTH_OF_FILES) - width_of(line.branches))
        pieces[-1] += f"  {paint(remark.text, remark.tone)}" if remark.text else ""
        for number, piece in enumerate(pieces):
            yield paint(following if number else line.branches, Tone.FAINT) + piece


def _wrapped(words: Sequence[str], width: int) -> list[str]:
    pieces = [words[0]]
    for word in words[1:]:
        if width_of(pieces[-1]) + 1 + width_of(word) <= width:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces


def _column(texts: Sequence[str]) -> int:
    """The width of a column with the gap behind it; a few overlong texts do not push everything aside."""
    widest = max(map(width_of, texts), default=0)
    return min(widest, _WIDEST_COLUMN) + 2 if widest else 0


def _padded(text: str, column: int) -> str:
    return text + " " * max(column - width_of(text), 2 if text else 0)


def _cut(text: str, room: int) -> str:
    if width_of(text) <= room:
        return text
    return "" if room < _LEAST_DETAILS else text[: room - 1] + "…"


def _remark(also: Sequence[str], environment: Environment | None) -> Cell:
    """What else the environment needs, and what is special about it."""
    parts = [f"+ {', '.join(map(printable, also))}"] if also else []
    if environment is None:
        return Cell(" · ".join(parts), Tone.BUSY)
    if environment.requires_approval:
        parts.append("asks for approval")
    if environment.disabled is True:
        parts.append("disabled")
    elif environment.disabled:
        parts.append(f"disabled: {printable(environment.disabled)}")
    return Cell(" · ".join(parts), Tone.WARN if environment.disabled else Tone.BUSY)


def _where(environment: Environment) -> str:
    place = printable(environment.path or ".")
    if environment.repository:
        place = f"{printable(environment.repository)}//{place}"
    if environment.revision:
        place += f"@{printable(environment.revision)}"
    return f"{place} ({printable(environment.workspace)})" if environment.workspace else place
