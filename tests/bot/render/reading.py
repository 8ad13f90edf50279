"""What people see of a comment: its Markdown rendered as GitHub renders it, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.github.page.markdown import render

LIVE = re.compile(
    r"@\w|#\d|\bGH-\d|https?://|\bwww\.|:[\w+-]+:(?!\w)|[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ufeff]", re.I
)
"""What GitHub, or a reader's screen, would make something of in running text."""


@dataclass
class Seen(HTMLParser):
    """A rendered comment: its elements in order, its links, its text that runs, its text in code or links."""

    body: str
    elements: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    coded: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.html = render(self.body)
        self.feed(self.html)
        self.close()

    def __hash__(self) -> int:
        return id(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("br", "img", "hr"):
            self._open.append(tag)
        if tag == "tr" and "tbody" in self._open:
            self.rows += 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = {"code", "pre", "svg", "a"} & set(self._open)
        (self.coded if inside else self.running).append(data)
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def structure(self) -> list[str]:
        """The elements that shape the comment: what escaping itself makes is left out."""
        return [tag for tag in self.elements if tag not in ("code", "span", "text", "rect", "path")]


def balanced(body: str) -> bool:
    """Whether every fence and every folded block of a Markdown text is closed, and nothing comes after the footer."""
    tokens = _tokens(body)
    blocks = "".join(token.content for token in tokens if token.type == "html_block")
    lines = body.split("\n")
    for token in tokens:
        if token.type == "fence":
            assert token.map is not None
            last = lines[token.map[1] - 1]
            if last != token.markup:
                return False
    return blocks.count("<details") == blocks.count("</details>")


def rows_of_tables(body: str) -> int:
    """How many rows all tables of a Markdown text have below their heads."""
    tokens = _tokens(body)
    return sum(token.type == "tr_open" for token in tokens) - sum(token.type == "thead_open" for token in tokens)


def _tokens(body: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(body)
