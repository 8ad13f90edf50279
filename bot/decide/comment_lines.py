"""Which lines of a comment are its author's own words, as GitHub shows it: not code, not quoted, not hidden.

A Markdown parser says where paragraphs, quotes, lists, code and HTML are (docs/decisions tells why we have none of our
own). Within them, what matters is only whether the beginning of a line lies in a code span, a comment, or an HTML
element that quotes, strikes out or folds away. Where that is in doubt the line is nobody's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt


class Standing(StrEnum):
    """Where a line stands whose beginning people can read. Only an own one may be a command."""

    OWN = "own"
    QUOTE = "quote"
    LIST = "list"
    TABLE = "table"
    HTML = "HTML"


LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line in Markdown, and nothing else does."""

# What nests deeper is nobody's, with all that follows: nesting is what costs time.
_MARKDOWN = MarkdownIt("commonmark", {"html": True, "maxNesting": 12}).enable("table").disable(["inline", "text_join"])
_CONTAINERS = {
    "blockquote_open": Standing.QUOTE,
    "bullet_list_open": Standing.LIST,
    "ordered_list_open": Standing.LIST,
    "table_open": Standing.TABLE,
}
_ASIDE = frozenset((
    "blockquote", "code", "del", "details", "dl", "kbd", "math", "noscript", "ol", "pre", "q", "s", "samp", "select",
    "strike", "summary", "svg", "table", "template", "tt", "ul", "var",
))  # fmt: skip
_SWALLOWING = frozenset((
    "iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp",
))  # fmt: skip

# A quoted value of an attribute is looked at up to a limit, lest many that are never closed cost the square of their
# number. A tag that is not well formed counts as one, too: browsers are generous.
_VALUE = r"""(?:[^\s"'=<>`]++|'[^']{0,1000}+'|"[^"]{0,1000}+")"""
# Atomic groups, where a possessive quantifier would do: before Python 3.11.5 that is wrong for more than a character.
_ATTRIBUTES = rf"(?>(?:\s++[a-z_:][\w.:-]*+(?>(?:\s*+=\s*+{_VALUE})?))*)\s*+/?>"
_SIGN = re.compile(
    rf"""(?P<end>\n)
    |(?P<escape>\\[!-/:-@\[-`{{-~])
    |(?P<ticks>`+)
    |(?P<strike>~~+)
    |(?P<raw><!--|<!\[CDATA\[|<\?|<!(?=[a-z]))
    |(?P<address><[a-z][a-z0-9+.-]{{1,31}}:[^<>\s]*+>)
    |</(?P<close>[a-z][a-z0-9-]*+)\s*+>
    |<(?P<open>[a-z][a-z0-9-]*+)(?=[\s/>])(?:{_ATTRIBUTES})?
    |(?P<other></?[a-z][^<>"'=]*+>)
    |(?P<broken></?[a-z])""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_RAW_ENDS = {"<!--": "-->", "<![cdata[": "]]>", "<?": "?>", "<!": ">"}


def standings(text: str) -> dict[int, Standing]:
    """The lines, by number from 1, whose beginnings can be read, and where each stands. Linear in the text."""
    lines = LINE_END.split(text)
    reader = _Reader(lines)
    found: dict[int, Standing] = {}
    reached = 0
    for block in _blocks(text):
        first = max(block.first, reached)  # the cells of a table all have the same line
        reached = max(block.last, reached)
        readable = reader.beginnings(block, first)
        found |= {first + count: block.standing for count, one in enumerate(readable, start=1) if one}
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines of text (from `first`, before `last`, counted from 0) outside code."""

    first: int
    last: int
    standing: Standing
    markdown: bool


def _blocks(text: str) -> Iterator[_Block]:
    container = Standing.OWN
    for token in _MARKDOWN.parse(text):
        if token.level == 0 and token.nesting:
            container = _CONTAINERS.get(token.type, Standing.OWN)
        if token.map is None:
            continue
        if token.type == "inline":
            yield _Block(token.map[0], token.map[1], container, markdown=True)
        elif token.type == "html_block":
            standing = Standing.HTML if container is Standing.OWN else container
            yield _Block(token.map[0], token.map[1], standing, markdown=False)


class _Reader:
    """Reads the blocks in their order; what they leave open hides what comes after."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._open: Counter[str] = Counter()
        self._lost = False  # something without a sure end may take what follows for a part of itself
        self._last_comment_end = max((number for number, line in enumerate(lines) if "-->" in line), default=-1)

    def beginnings(self, block: _Block, first: int) -> list[bool]:
        """Of each line of a block, from `first` on, whether its beginning can be read as it stands there."""
        text = _Text("\n".join(self._lines[first : block.last]), block)
        readable = [self._is_readable()] if block.last > first else []
        place = 0
        while found := _SIGN.search(text.text, place):
            place = found.end()
            if found["end"]:
                readable.append(self._is_readable() and not text.struck)
                continue
            if found["raw"]:
                place = self._raw(text, found["raw"].lower(), place)
            elif found["open"] or found["close"] or found["broken"]:
                self._tag(text, found)
            else:
                place = text.after(found)
            readable += [False] * text.breaks(found.start(), place)
        return readable

    def _is_readable(self) -> bool:
        return not self._lost and not self._open

    def _raw(self, text: _Text, sign: str, place: int) -> int:
        """Where a comment or its like ends whose content begins at this place; in a paragraph an endless one is text.

        Of `<?`, CDATA and comments such as `<!-->` browsers and Markdown think differently: nothing is sure after them.
        Nor is it after a comment that only a later block seems to end.
        """
        end = _RAW_ENDS[sign]
        ends = text.has_after(place, end)
        if sign == "<!--":
            odd = text.text.startswith((">", "->"), place) or text.has_after(place, "--!>")
            odd |= not ends and self._last_comment_end >= text.block.last
        else:
            odd = sign != "<!"
        self._lost |= odd or not (ends or text.block.markdown)
        return text.text.index(end, place) + len(end) if ends else place

    def _tag(self, text: _Text, found: re.Match[str]) -> None:
        """An element opens or closes."""
        opened, closed = (found["open"] or "").lower(), (found["close"] or "").lower()
        whole = found[0].endswith(">")
        self._lost |= opened in _SWALLOWING or not (whole or text.block.markdown)
        if opened in _ASIDE and (whole or text.has_after(found.end(), ">")):
            self._open[opened] += 1
        elif self._open[closed] > 1:
            self._open[closed] -= 1
        else:
            del self._open[closed]


class _Text:
    """The text of one block: where things end in it, without looking for the same end twice."""

    def __init__(self, text: str, block: _Block) -> None:
        self.text, self.block = text, block
        self.struck = False
        self._last = {sign: text.rfind(sign) for sign in ("-->", "--!>", "]]>", "?>", ">", "~~")}
        self._ticks: defaultdict[int, list[int]] = defaultdict(list)
        for run in re.finditer("`+", text) if block.markdown else ():
            self._ticks[len(run[0])].append(run.start())

    def has_after(self, place: int, sign: str) -> bool:
        """Whether the sign comes at this place or later."""
        return self._last[sign] >= place

    def breaks(self, start: int, end: int) -> int:
        """How many lines end between two places."""
        return self.text.count("\n", start, end)

    def after(self, found: re.Match[str]) -> int:
        """Where to go on after a sign of Markdown; in HTML it is none."""
        place = found.end()
        if found["ticks"]:
            places = self._ticks.get(len(found["ticks"]), [])
            index = bisect_left(places, place)
            return places[index] + len(found["ticks"]) if index < len(places) else place
        if found["escape"] and not self.block.markdown:
            return found.start() + 1
        if found["strike"]:
            self.struck = self.block.markdown and not self.struck and self.has_after(place, "~~")
        return place
