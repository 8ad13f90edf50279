"""The graph of a workflow as Mermaid, coloured by state. Aliases are data: what could mean something is a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.decide.saying import plan_counts
from bot.decide.transitions import TaskState
from bot.render.markdown import Markdown, fence, one_line
from bot.render.models import Row, Section
from bot.render.words import Look, changes, counted, look_of

MOST_EDGES = 500
"""Edges that GitHub draws."""
MOST_CHARACTERS = 50_000
"""Characters of a diagram that GitHub draws."""
MOST_OPEN = 30
"""Environments up to which a graph is shown unfolded."""
_WIDTH = 900
"""Points up to which a graph goes across: a comment on GitHub has some 800, a wider graph is drawn smaller."""
_LONGEST = 32
_MOST_WAVES = 50
"""Boxes of a graph that shows waves alone; the last one stands for all that are left."""
_GRAVEST = ("bad", "stopped", "asks", "busy", "good", "idle", "quiet")
"""Which of its environments gives a wave its colour."""
_MOST_ACROSS = 6  # waves that stand side by side
_MOST_TALL = 12  # boxes up to which the counts stand on a line of their own
_COMPACT = '%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%'

# Half-clear fills with no colour for the text: so they do on a light page as on a dark one.
_CLASSES = {
    "good": "fill:#2da44e26,stroke:#2da44e",
    "busy": "fill:#388bfd33,stroke:#388bfd,stroke-width:2px",
    "asks": "fill:#d4a72c40,stroke:#bf8700,stroke-width:2px",
    "bad": "fill:#cf222e33,stroke:#cf222e,stroke-width:2px",
    "stopped": "fill:#cf222e0d,stroke:#cf222e,stroke-dasharray:4 3",
    "idle": "fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3",
    "quiet": "fill:#8c959f1a,stroke:#8c959f",
}
_OF_LOOK = {
    Look.IDLE: "idle",
    Look.BUSY: "busy",
    Look.GOOD: "good",
    Look.ASKS: "asks",
    Look.BAD: "bad",
    Look.STOPPED: "stopped",
    Look.QUIET: "quiet",
}
_SAFE_BETWEEN = frozenset("-_./")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph that GitHub draws; `large` ones are folded. `waves`: it has a box for each wave, no environments."""

    block: Markdown
    nodes: int
    large: bool
    waves: bool = False


def drawing(section: Section, *, plan: bool) -> Drawing | None:
    """The graph of a section, wave by wave where GitHub would not draw all of it; None for one without any edge."""
    ids = {alias.casefold(): f"n{place}" for place, alias in enumerate([row.alias for row in section.rows])}
    edges = [
        (ids[need.casefold()], ids[row.alias.casefold()])
        for row in section.rows
        for need in dict.fromkeys(row.needs)
        if need.casefold() in ids
    ]
    if not edges:
        return None
    if len(edges) <= MOST_EDGES and len(text := _text(section, ids, edges, plan=plan)) <= MOST_CHARACTERS:
        return Drawing(fence(text, "mermaid"), len(ids), len(ids) > MOST_OPEN)
    return Drawing(fence(_wave_text(_waves(section, edges), plan=plan), "mermaid"), len(ids), large=True, waves=True)


def _wave_text(waves: Sequence[Sequence[Row]], *, plan: bool) -> str:
    """One box for each wave: how many environments, and how many of them change or are done."""
    nodes, used = [], set()
    for place, wave in enumerate(waves[:_MOST_WAVES]):
        rest = waves[_MOST_WAVES:] if place == _MOST_WAVES - 1 else ()
        rows = [*wave, *(row for later in rest for row in later)]
        kind = min((_kind(row, plan=plan) for row in rows), key=_GRAVEST.index)
        used.add(kind)
        name = f"waves {place + 1} to {len(waves)}" if rest else f"wave {place + 1}"
        nodes.append(f'n{place}["{name}<br/>{counted(len(rows), "environment")}{_told(rows, plan=plan)}"]:::{kind}')
    arrows = " --> ".join(f"n{place}" for place in range(len(nodes)))
    return _chart("LR" if len(nodes) <= _MOST_ACROSS else "TD", [*nodes, arrows], used)


def _told(rows: Sequence[Row], *, plan: bool) -> str:
    """What of a wave is worth its place, on a line of its own."""
    if plan:
        changing = sum(map(changes, rows))
        return f"<br/>{changing} to change" if changing else ""
    looks = Counter(look_of(row) for row in rows)
    return "<br/>" + " ".join(f"{look.value} {looks[look]}" for look in Look if looks[look])


def _kind(row: Row, *, plan: bool) -> str:
    return _plan_class(row) if plan else _OF_LOOK[look_of(row)]


def _text(section: Section, ids: Mapping[str, str], edges: Sequence[tuple[str, str]], *, plan: bool) -> str:
    nodes, used = [], set()
    separator = "<br/>" if len(section.rows) <= _MOST_TALL else " "
    for row in section.rows:
        kind = _kind(row, plan=plan)
        used.add(kind)
        nodes.append(f'{ids[row.alias.casefold()]}["{_label(row, separator, plan=plan)}"]:::{kind}')
    return _chart(_direction(section, edges), [*nodes, *_arrows(edges)], used)


def _chart(direction: str, lines: Sequence[str], used: Collection[str]) -> str:
    every = [*lines, *(f"classDef {kind} {_CLASSES[kind]}" for kind in _CLASSES if kind in used)]
    return "\n".join([_COMPACT, f"flowchart {direction}", *(f"  {line}" for line in every)])


def _arrows(edges: Sequence[tuple[str, str]]) -> list[str]:
    """One line for all that need the same: `n0 --> n1 & n2`."""
    targets: dict[str, list[str]] = {}
    for one, other in edges:
        targets.setdefault(one, []).append(other)
    return [f"{one} --> {' & '.join(others)}" for one, others in targets.items()]


def _plan_class(row: Row) -> str:
    if row.state is not TaskState.SUCCEEDED:
        return _OF_LOOK[look_of(row)]
    if not changes(row):
        return "quiet"
    if row.counts.get("destroy") or row.counts.get("replace"):
        return "bad"
    return "asks" if row.counts.get("change") else "good"


def _label(row: Row, separator: str, *, plan: bool) -> str:
    name = label(row.alias)
    if plan:
        shown = row.state is TaskState.SUCCEEDED and changes(row)
        return f"{name}{separator}{plan_counts(row.counts)}" if shown and plan_counts(row.counts) else name
    return f"{look_of(row).value} {name}"


def label(text: str) -> str:
    """A name as Mermaid shows it: signs that Mermaid, Markdown or HTML would read are written as their numbers."""
    text = one_line(text, _LONGEST)
    return "".join(_sign(text, place) for place in range(len(text)))


def _sign(text: str, place: int) -> str:
    sign = text[place]
    if sign == " " or (sign.isalnum() and sign != "ﬂ") or not (sign.isascii() or sign == "ﬂ"):
        return sign
    between = 0 < place < len(text) - 1 and text[place - 1].isalnum() and text[place + 1].isalnum()
    return sign if sign in _SAFE_BETWEEN and between else f"#{ord(sign)};"


def _direction(section: Section, edges: Sequence[tuple[str, str]]) -> str:
    """From left to right where that fits the width of a comment, or is less wide than from top to bottom."""
    waves = [[60 + 8 * min(len(row.alias) + 2, _LONGEST) for row in wave] for wave in _waves(section, edges)]
    across = sum(max(waves_of) for waves_of in waves) + 50 * (len(waves) - 1)
    down = max(sum(wave) + 50 * (len(wave) - 1) for wave in waves)
    return "LR" if across <= max(_WIDTH, down) else "TD"


def _waves(section: Section, edges: Sequence[tuple[str, str]]) -> list[list[Row]]:
    """The rows, layer by layer; they stand in dependency order."""
    layer: dict[str, int] = {}
    upstreams: dict[str, list[str]] = {}
    for one, other in edges:
        upstreams.setdefault(other, []).append(one)
    waves: dict[int, list[Row]] = {}
    for place, row in enumerate(section.rows):
        node = f"n{place}"
        layer[node] = max((layer.get(one, 0) + 1 for one in upstreams.get(node, ())), default=0)
        waves.setdefault(layer[node], []).append(row)
    return [waves[number] for number in sorted(waves)]
