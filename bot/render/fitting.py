"""Fitting what there is to say into what GitHub takes: what matters least goes first, and what is left out is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.decide.transitions import TaskState
from bot.render.folded import brief, foldable, length, whole
from bot.render.markdown import Markdown
from bot.render.models import Row
from bot.render.words import FAILED, changes


def characters(text: str) -> int:
    """Characters as the strictest counts them: those beyond the first 65,536 of Unicode are two."""
    return len(text) if text.isascii() else len(text) + sum(sign > "\uffff" for sign in text)


def utf8_bytes(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


@dataclass(frozen=True, slots=True)
class Room:
    """How much there may be, and how it is counted."""

    most: int
    size: Callable[[str], int]


COMMENT = Room(65_000, characters)
"""A comment: GitHub takes 65,536 characters."""
CHECK = Room(65_000, utf8_bytes)
"""The summary or the text of a check run: GitHub takes 65,535 bytes of each."""

Place = tuple[int, int]
"""A section, and a row of it."""
Render = Callable[["Layout"], str]
Fold = Callable[[Row, Markdown], Markdown]


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told beside the plans' texts: the graph, how many reasons of each environment, links to its job."""

    graph: bool = True
    reasons: int = 2
    links: bool = True


LESS_AND_LESS = (
    Detail(),
    Detail(reasons=1),
    Detail(reasons=1, graph=False),
    Detail(reasons=0, graph=False),
    Detail(reasons=0, graph=False, links=False),
)
_MOST_ROWS = 1_000  # more would not fit with the shortest of aliases
_BRIEF, _BRIEFEST = 1_200, 200
_SHRINKS = 2_000  # characters that a text may lose when it is made clean


@dataclass(frozen=True, slots=True)
class Layout:
    """What is shown: how much detail, the folded texts by their place, how many have no room.

    `shown`: the environments that stand in their table, the others are counted; None means all.
    """

    detail: Detail = Detail()
    texts: Mapping[Place, Markdown] = field(default_factory=dict)
    left_out: int = 0
    shown: frozenset[Place] | None = None

    def shows(self, place: Place) -> bool:
        """Whether an environment stands in its table."""
        return self.shown is None or place in self.shown


def fitted(render: Render, fold: Fold, rows: Mapping[Place, Row], room: Room) -> str:
    """The text with as much in it as there is room for; `fold` puts a text of a row into its folded block."""
    with_text = {place: row for place, row in rows.items() if foldable(row)}
    if len(rows) <= _MOST_ROWS and sum(map(length, with_text.values())) <= room.most:
        everything = render(Layout(texts={place: fold(row, whole(row)) for place, row in with_text.items()}))
        if room.size(everything) <= room.most:
            return everything
    layout = fitting_layout(render, rows, room, Layout(left_out=len(with_text)))
    told = {place: row for place, row in with_text.items() if layout.shows(place)}
    texts = texts_within(fold, told, Room(room.most - room.size(render(layout)), room.size))
    return render(replace(layout, texts=texts, left_out=len(with_text) - len(texts)))


def fitting_layout(render: Render, rows: Mapping[Place, Row], room: Room, layout: Layout) -> Layout:
    """The most detailed layout that fits while all texts are left out."""
    for detail in LESS_AND_LESS:
        layout = replace(layout, detail=detail)
        if len(rows) <= _MOST_ROWS and room.size(render(layout)) <= room.most:
            return layout
    ranked = sorted(rows, key=lambda place: (rank(rows[place]), place))

    def fewer(number: int) -> Layout:
        return replace(layout, shown=frozenset(ranked[:number]))

    return fewer(most_that_fit(lambda number: render(fewer(number)), min(len(ranked), _MOST_ROWS), room))


def most_that_fit(render: Callable[[int], str], most: int, room: Room) -> int:
    """The greatest number, up to `most`, whose text fits: the more, the longer."""
    fits, too_many = 0, most + 1
    while too_many - fits > 1:
        tried = (fits + too_many) // 2
        fits, too_many = (tried, too_many) if room.size(render(tried)) <= room.most else (fits, tried)
    return fits


def texts_within(fold: Fold, rows: Mapping[Place, Row], room: Room) -> dict[Place, Markdown]:
    """The folded texts that have room, by their place."""
    return _Texts(fold, room).chosen(list(rows.items()))


def rank(row: Row) -> int:
    """How little it matters: failures and what waits for people are 0, then losses, changes, and the rest."""
    if row.state in FAILED or row.state in (TaskState.NEEDS_APPROVAL, TaskState.LOST):
        return 0
    if not changes(row):
        return 3
    return 1 if row.counts.get("destroy") or row.counts.get("replace") else 2


class _Texts:
    """Chooses folded texts for a room: all in brief first, then the smallest whole, then the others longer."""

    def __init__(self, fold: Fold, room: Room) -> None:
        self._fold = fold
        self._size = room.size
        self._room = room.most
        self._found: dict[Place, Markdown] = {}

    def chosen(self, told: Sequence[tuple[Place, Row]]) -> dict[Place, Markdown]:
        """The texts by their place; those that are not among them have no room."""
        short = max(_BRIEFEST, min(_BRIEF, self._room // max(len(told), 1) - _BRIEFEST))
        for place, row in sorted(told, key=lambda one: (rank(one[1]), length(one[1]), one[0])):
            self._put(place, row, brief(row, short))
        cut = [
            (place, row)
            for place, row in sorted(told, key=lambda one: (length(one[1]), one[0]))
            if place in self._found and not self._put_whole(place, row)
        ]
        for number, (place, row) in enumerate(cut):
            self._put_longer(place, row, short, self._room // (len(cut) - number))
        return self._found

    def _put_longer(self, place: Place, row: Row, short: int, share: int) -> None:
        """Put as much of a text as its share of the room takes; how long it becomes is known once it is made."""
        for part in (0.95, 0.6, 0.3):
            if self._put(place, row, brief(row, short + int(share * part))):
                return

    def _put_whole(self, place: Place, row: Row) -> bool:
        if length(row) > self._room + len(self._found[place]) + _SHRINKS:
            return False  # not worth the time to clean it
        return self._put(place, row, whole(row))

    def _put(self, place: Place, row: Row, body: Markdown) -> bool:
        """Put a text in its place, instead of a shorter one, if there is room for it."""
        block = self._fold(row, body)
        more = self._size(block) - self._size(self._found.get(place, ""))
        if more > self._room:
            return False
        self._room -= more
        self._found[place] = block
        return True
