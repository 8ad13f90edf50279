"""Mermaid flowcharts, as far as comments use them, drawn as SVG: nodes, edges with texts, classes and styles."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

MOST_EDGES, MOST_CHARACTERS = 500, 50_000  # GitHub's own limits
HEAD = re.compile(r"(?:graph|flowchart)(?:\s+(TD|TB|BT|LR|RL))?\s*;?\Z")
NODE = re.compile(
    r"""\s*(?P<id>[A-Za-z0-9_][\w.-]*?)(?P<shape>\(\[|\[\[|\[\(|\(\(|\{\{|\[|\(|\{|>)?"""
    r"""(?(shape)(?:"(?P<quoted>[^"]*)"|(?P<text>[^\]\)\}"]*))(?:\]\)|\]\]|\)\]|\)\)|\}\}|\]|\)|\}))"""
    r"""(?P<class>:::[\w-]+)?(?=\s|;|&|-->|---|-\.|==|\Z)"""
)
EDGE = re.compile(r"\s*(?P<line>-->|---|-\.->|-\.-|==>|===)\s*(?:\|\s*\"?(?P<text>[^|\"]*)\"?\s*\|)?")
CODE = re.compile("\x01(\\d+)\x02")  # of a sign, written `#35;`
HEIGHT, CHARACTER, PADDING, GAP, LAYER = 40, 7.6, 28, 26, 70


class NotDrawn(ValueError):  # noqa: N818 what GitHub says of it
    """A diagram that GitHub would not draw, or that this small painter does not know."""


@dataclass
class Box:
    """A node; `x` and `y` are its middle."""

    name: str
    label: str
    kind: str = ""
    round: bool = False
    x: float = 0.0
    y: float = 0.0

    @property
    def lines(self) -> list[str]:
        """The label, line by line."""
        return [html.unescape(CODE.sub(r"&#\1;", line)) for line in re.split(r"<br\s*/?>|\n", self.label)]

    @property
    def width(self) -> float:
        """As wide as its longest line."""
        return max(len(line) for line in self.lines) * CHARACTER + PADDING

    @property
    def height(self) -> float:
        """As high as its lines."""
        return HEIGHT + 18 * (len(self.lines) - 1)


@dataclass
class Chart:
    """A flowchart."""

    across: bool = False
    boxes: dict[str, Box] = field(default_factory=dict)
    edges: list[tuple[str, str, str, str]] = field(default_factory=list)
    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    styles: dict[str, dict[str, str]] = field(default_factory=dict)


def draw(text: str) -> str:
    """The SVG of a flowchart. Raises NotDrawn."""
    if len(text) > MOST_CHARACTERS:
        raise NotDrawn("Maximum text size in diagram exceeded")
    chart = read(text)
    if len(chart.edges) > MOST_EDGES:
        raise NotDrawn(f"Too many edges: {len(chart.edges)}, the maximum is {MOST_EDGES}")
    return _painted(chart, *place(chart))


def read(text: str) -> Chart:
    """What a flowchart says. Raises NotDrawn with the line that is not understood."""
    text = re.sub(r"#(\d+);", "\x01\\1\x02", text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("%%")]
    head = HEAD.match(lines[0]) if lines else None
    if head is None:
        raise NotDrawn(f"not a flowchart: {lines[0] if lines else ''!r}")
    chart = Chart(across=head[1] in ("LR", "RL"))
    for line in lines[1:]:
        for part in (
            line.rstrip(";").split(";")
            if not line.startswith(("classDef", "style", "linkStyle"))
            else [line.rstrip(";")]
        ):
            _line(chart, part.strip())
    return chart


def _line(chart: Chart, line: str) -> None:
    word, _, rest = line.partition(" ")
    if word in ("classDef", "style"):
        name, _, given = rest.strip().partition(" ")
        pairs = (one.split(":", 1) for one in given.split(",") if ":" in one)
        target = chart.classes if word == "classDef" else chart.styles
        for each in name.split(","):
            target[each] = {key.strip(): value.strip() for key, value in pairs}
    elif word == "class":
        names, _, kind = rest.strip().rpartition(" ")
        for name in names.split(","):
            _box(chart, name.strip()).kind = kind.strip()
    elif word not in ("click", "linkStyle", "subgraph", "end", "direction") and line:
        _statement(chart, line)


def _box(chart: Chart, name: str) -> Box:
    return chart.boxes.setdefault(name, Box(name, name))


def _group(chart: Chart, line: str, place: int) -> tuple[list[str], int]:
    names = []
    while True:
        found = NODE.match(line, place)
        if found is None:
            raise NotDrawn(f"Parse error at {line[place:]!r}")
        box = _box(chart, found["id"])
        if found["shape"]:
            box.label = found["quoted"] if found["quoted"] is not None else (found["text"] or "").strip()
            box.round = found["shape"].startswith("(")
        if found["class"]:
            box.kind = found["class"][3:]
        names.append(found["id"])
        place = found.end()
        more = re.compile(r"\s*&").match(line, place)
        if more is None:
            return names, place
        place = more.end()


def _statement(chart: Chart, line: str) -> None:
    names, place = _group(chart, line, 0)
    while line[place:].strip():
        edge = EDGE.match(line, place)
        if edge is None:
            raise NotDrawn(f"Parse error at {line[place:]!r}")
        following, place = _group(chart, line, edge.end())
        chart.edges += [(one, other, edge["text"] or "", edge["line"]) for one in names for other in following]
        names = following


def place(chart: Chart) -> tuple[float, float]:
    """Give each box its place, layer by layer; gives width and height."""
    layer = dict.fromkeys(chart.boxes, 0)
    for _ in chart.boxes:  # longest path; a cycle stops growing after as many rounds as there are nodes
        moved = False
        for one, other, _, _ in chart.edges:
            if one != other and layer[other] <= layer[one] < len(chart.boxes):
                layer[other], moved = layer[one] + 1, True
        if not moved:
            break
    rows: dict[int, list[Box]] = {}
    for name, box in chart.boxes.items():
        rows.setdefault(layer[name], []).append(box)
    before = {other: [one for one, to, _, _ in chart.edges if to == other] for other in chart.boxes}
    deep, wide = 10.0, 0.0
    sizes = []
    for number in sorted(rows):
        row = rows[number]
        along = [box.height if chart.across else box.width for box in row]
        sizes.append(sum(along) + GAP * (len(row) - 1))
    most = max(sizes, default=0.0)
    for size, number in zip(sizes, sorted(rows), strict=True):
        row = rows[number]
        row.sort(key=lambda box: _middle(chart, before[box.name]))
        thick = max(box.width if chart.across else box.height for box in row)
        at = 10 + (most - size) / 2
        for box in row:
            length = box.height if chart.across else box.width
            box.x, box.y = (deep + thick / 2, at + length / 2) if chart.across else (at + length / 2, deep + thick / 2)
            at += length + GAP
        deep += thick + LAYER
    wide = most + 20
    return (deep - LAYER + 10, wide) if chart.across else (wide, deep - LAYER + 10)


def _middle(chart: Chart, names: list[str]) -> float:
    places = [chart.boxes[name].y if chart.across else chart.boxes[name].x for name in names]
    return sum(places) / len(places) if places else 0.0


COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\Z|[a-zA-Z]+\Z|rgba?\([\d., %]+\)\Z|\d+(px)?\Z|[\d ]+\Z")


def _style(chart: Chart, box: Box) -> dict[str, str]:
    given = {**chart.classes.get("default", {}), **chart.classes.get(box.kind, {}), **chart.styles.get(box.name, {})}
    return {name: value for name, value in given.items() if COLOUR.match(value)}


def _painted(chart: Chart, width: float, height: float) -> str:
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-label="Diagram">',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L10 5L0 10z" class="tip"/></marker></defs>',
    ]
    for one, other, text, line in chart.edges:
        out.append(_edge(chart.boxes[one], chart.boxes[other], text, line, across=chart.across))
    for box in chart.boxes.values():
        given = _style(chart, box)
        shape = ";".join(
            f"{name}:{given[name]}" for name in ("fill", "stroke", "stroke-width", "stroke-dasharray") if name in given
        )
        radius = box.height / 2 if box.round else 5
        out.append(
            f'<rect class="box" x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="{radius:.0f}" style="{html.escape(shape)}"/>'
        )
        colour = f' style="fill:{html.escape(given["color"])}"' if "color" in given else ""
        first = box.y + 5 - 9 * (len(box.lines) - 1)
        for number, line in enumerate(box.lines):
            out.append(f'<text x="{box.x:.1f}" y="{first + 18 * number:.1f}"{colour}>{html.escape(line)}</text>')
    return "".join([*out, "</svg>"])


def _edge(one: Box, other: Box, text: str, line: str, *, across: bool) -> str:
    if across:
        x, y, to_x, to_y = one.x + one.width / 2, one.y, other.x - other.width / 2, other.y
        bend = f"C{(x + to_x) / 2:.1f} {y:.1f} {(x + to_x) / 2:.1f} {to_y:.1f}"
    else:
        x, y, to_x, to_y = one.x, one.y + one.height / 2, other.x, other.y - other.height / 2
        bend = f"C{x:.1f} {(y + to_y) / 2:.1f} {to_x:.1f} {(y + to_y) / 2:.1f}"
    kind = "edge dotted" if "." in line else "edge thick" if "=" in line else "edge"
    tip = ' marker-end="url(#tip)"' if line.endswith(">") else ""
    path = f'<path class="{kind}" d="M{x:.1f} {y:.1f}{bend} {to_x:.1f} {to_y:.1f}"{tip}/>'
    if text:
        path += (
            f'<text class="word" x="{(x + to_x) / 2:.1f}" y="{(y + to_y) / 2:.1f}">{html.escape(text.strip())}</text>'
        )
    return path
