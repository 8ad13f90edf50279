"""GitHub's Markdown as safe HTML: tables, details, diff fences, Mermaid flowcharts drawn."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.github.page.mermaid import NotDrawn, draw

ALLOWED = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "span", "strike", "strong", "sub",
    "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
}  # fmt: skip
VOID = {"br", "hr", "img"}
ATTRIBUTES = {"href", "src", "alt", "title", "align", "open", "width", "height", "start", "colspan", "rowspan"}
DROPPED = {"script", "style", "iframe", "object", "embed", "template", "noscript", "textarea", "title", "svg", "math"}
MENTION = re.compile(r"(?<![\w/@`])@([A-Za-z0-9][A-Za-z0-9-]*(?:/[A-Za-z0-9_-]+)?)")
ALERT = re.compile(r"<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\](?:<br>\s*(?!</p>)|(?=</p>))")
DRAWING = "drawing-7c1f-{}"


def render(text: str) -> str:
    """A comment's body as HTML."""
    drawings: list[str] = []
    made = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])

    def fence(tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        language, content = tokens[place].info.strip().split(" ")[0], tokens[place].content
        drawings.append(_fence(language, content))
        return f"<p>{DRAWING.format(len(drawings) - 1)}</p>"

    made.add_render_rule("fence", lambda _, tokens, place, options, env: fence(tokens, place, options, env))
    cleaned = ALERT.sub(_alert, _Cleaner().clean(made.render(text)))
    for number, drawing in enumerate(drawings):
        cleaned = cleaned.replace(f"<p>{DRAWING.format(number)}</p>", drawing)
    return cleaned


def _alert(found: re.Match[str]) -> str:
    kind, more = found[1].lower(), found[0].endswith("]")
    return f'<blockquote class="alert {kind}"><p><strong>{kind.capitalize()}</strong>' + ("" if more else "</p><p>")


def _fence(language: str, content: str) -> str:
    if language == "mermaid":
        try:
            return f'<div class="mermaid">{draw(content)}</div>'
        except NotDrawn as failed:
            return f'<div class="error">Unable to render rich display: {html.escape(str(failed))}</div>' + _code(
                content
            )
    if language == "diff":
        lines = (f'<span class="{_diff(line)}">{html.escape(line)}\n</span>' for line in content.splitlines())
        return f'<pre class="diff"><code>{"".join(lines)}</code></pre>'
    return _code(content)


def _code(content: str) -> str:
    return f"<pre><code>{html.escape(content)}</code></pre>"


def _diff(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "hunk", "!": "changed", "#": "comment"}.get(line[:1], "same")


class _Cleaner(HTMLParser):
    """Keeps the tags that GitHub keeps, closes what is left open, marks mentions."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []
        self._dropped: str | None = None

    def clean(self, text: str) -> str:
        """The safe HTML."""
        self.feed(text)
        self.close()
        return "".join([*self._out, *(f"</{tag}>" for tag in reversed(self._open))])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        if self._dropped or tag in DROPPED:
            self._dropped = self._dropped or tag
        elif tag in ALLOWED:
            kept = [(name, value or "") for name, value in attrs if name in ATTRIBUTES and _harmless(name, value or "")]
            written = "".join(f' {name}="{html.escape(value)}"' for name, value in kept)
            self._out.append(f"<{tag}{written}>")
            if tag not in VOID:
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        if self._dropped:
            self._dropped = None if tag == self._dropped else self._dropped
        elif tag in self._open:
            while (last := self._open.pop()) != tag:
                self._out.append(f"</{last}>")
            self._out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._dropped:
            return
        text = html.escape(data, quote=False)
        if not {"code", "pre", "a"} & set(self._open):
            text = MENTION.sub(r'<a class="mention" href="/\1">@\1</a>', text)
        self._out.append(text)


def _harmless(name: str, value: str) -> bool:
    if name not in ("href", "src"):
        return True
    scheme = re.sub(r"[\x00-\x20]", "", value).lower().partition(":")
    return not scheme[1] or scheme[0] in ("http", "https", "mailto") or "/" in scheme[0] or scheme[0].startswith("#")
