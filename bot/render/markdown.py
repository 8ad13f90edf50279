"""Text from outside as Markdown in which it can do nothing: no mention, link, image, tag, fence or formula.

`Markdown` is text that is safe already; the templates put every other text through `prose`. Names stand in code, where
nothing is read but the name; sentences stand as prose, each sign that could mean something written as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from bot.decide.comment_words import spelled
from bot.render.problems import ProblemPlace

GONE = "\N{REPLACEMENT CHARACTER}"
"""What stands for signs that nobody could see, or that would turn what stands beside them."""

_BREAK = "\u200b"  # no width: keeps `@` from the name behind it
_COLOURS = re.compile("(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\\\)")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]+"
)
_OUR_MARKER = re.compile(r"<!--(?=\s*headwater)", re.IGNORECASE)
_QUOTED = re.compile(
    r"`([^`\n]+)`|(?<![\w/.:-])(/(?:plan|deploy|destroy|approve|reject|cancel|retry|unlock|adopt|restore|explain|status|help)"
    r"(?: @[0-9a-f]{40,64})?)(?![\w/.-])"
)
_LEADING = re.compile(r"[-+=]|\d{1,9}(?=[.)])")
_MEANING = re.compile(
    r"[\\`*\[\]<>&~|$]|(?<![^\W_])_|_(?![^\W_])"
    r"|(?P<at>@)|(?P<hash>\#)|(?P<colon>:(?=//|[\w+-]+:))|(?P<dot>(?<=www)\.)|(?P<dash>(?<=\bGH)-(?=\d))",
    re.IGNORECASE,
)
_MEANING_IN_CODE = re.compile(r"[!\"#$%&'*:;<>?@\[\\\]^_`{|}~]|(?<=www)\.", re.IGNORECASE)
_TAME = re.compile(r"[^`|\\<]*")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9\[]")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Markdown(str):
    """Text that is Markdown: written here, or from outside and made harmless."""

    __slots__ = ()


def joined(parts: Iterable[Markdown], separator: str = "") -> Markdown:
    """Markdown from parts; the separator is ours."""
    return Markdown(separator.join(parts))


def clean(text: str) -> str:
    """Text that shows all that it is: without colours, and with a visible sign for what cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    text = _COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(GONE, text)


def one_line(text: str, most: int = 400) -> str:
    """Clean text in one line of at most so many characters."""
    text = " ".join(clean(text[: 4 * most + 4096]).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def prose(text: str, most: int = 400) -> Markdown:
    """A sentence in which nothing means anything, also in a cell of a table; commands and `…` stand as code."""
    if isinstance(text, Markdown):
        return text
    text = one_line(text, most)
    made, end = [], 0
    for found in _QUOTED.finditer(text):
        made += [_plain(text[end : found.start()], first=end == 0), _code(found[1] or found[2])]
        end = found.end()
    return Markdown("".join([*made, _plain(text[end:], first=end == 0)]))


def _plain(text: str, *, first: bool) -> str:
    made = _MEANING.sub(_written_out, text)
    return _LEADING.sub(_first_written_out, made, count=1) if first and _LEADING.match(made) else made


def _first_written_out(found: re.Match[str]) -> str:
    sign = found[0]
    return f"{sign}{_BREAK}" if sign.isdigit() else f"&#{ord(sign)};"


def _written_out(found: re.Match[str]) -> str:
    sign = found[0]
    if sign == "$":
        return "<span>&#36;</span>"  # an entity alone would still begin a formula
    match found.lastgroup:
        case "dot":
            return f"{_BREAK}{sign}"  # behind it, the break would count as a part of the host's name
        case "hash":
            return f"&#{ord(sign)};{_BREAK}"
        case None:
            return f"&#{ord(sign)};"
        case _:
            return f"{sign}{_BREAK}"


def code(text: str, most: int = 100) -> Markdown:
    """A name as code, in a line of its own or in a cell of a table."""
    return Markdown(_code(one_line(text, most)))


def _code(text: str) -> str:
    if not text.strip():
        return "—"
    if _TAME.fullmatch(text):
        return f"`{text}`"
    return _code_as_html(text).replace("&#64;", f"&#64;{_BREAK}")  # GitHub looks for addresses even in there


def _code_as_html(text: str) -> str:
    """Code for where Markdown is not read, and for names that a code span in a table could not hold."""
    return f"<code>{_MEANING_IN_CODE.sub(lambda found: f'&#{ord(found[0])};', text)}</code>"


def html_code(text: str, most: int = 100) -> Markdown:
    """A name as code within HTML (the summary of what is folded)."""
    text = one_line(text, most)
    return Markdown(_code_as_html(text) if text else "—")


def codes(names: Iterable[str], most: int = 3) -> Markdown:
    """A few names as code, and how many more there are: `a`, `b` and `c`; `a`, `b`, `c` and 4 more."""
    every = list(names)
    return some([code(name) for name in every[:most]], len(every))


def some(shown: Sequence[Markdown], number: int = 0) -> Markdown:
    """Some of as many things in a row, and how many more there are."""
    if number > len(shown):
        return Markdown(f"{', '.join(shown)} and {number - len(shown)} more")
    return Markdown(" and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown))


def fence(text: str, language: str = "") -> Markdown:
    """A block of code that ends only where it should: its fence is longer than any within."""
    text = _OUR_MARKER.sub("<!- -", clean(text)).strip("\n")
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    sign = "`" * (longest + 1)
    return Markdown(f"{sign}{language}\n{text}\n{sign}")


def link(text: str, url: str | None) -> Markdown:
    """A link to an address of GitHub or of this bot; the text alone where the address is none."""
    shown = prose(text)
    if url is None or not _ADDRESS.match(url):
        return shown
    return Markdown(f"[{shown}]({quote(url.encode(errors='replace'), safe='/:?#=&%@+,;~-._')})")


def commit_link(commit: str, repository_url: str) -> Markdown:
    """A commit in short, with a link to it."""
    if not _COMMIT.fullmatch(commit):
        return code(commit, 40)
    if not repository_url:
        return code(commit[:7])
    return link(code(commit[:7]), f"{repository_url}/commit/{commit}")


def file_link(place: ProblemPlace, commit: str, repository_url: str) -> Markdown:
    """A place in a file, with a link to it at that commit."""
    shown = code(f"{place.path}:{place.line}:{place.column}", 200)
    if not repository_url or not commit:
        return shown
    path = quote(place.path.encode(errors="replace"))
    return link(shown, f"{repository_url}/blob/{quote(commit, safe='')}/{path}#L{place.line}")


def pull_link(name: str, repository_url: str) -> Markdown:
    """A pull request (`#12`) with a link to it."""
    number = name.removeprefix("#")
    known = number.isascii() and number.isdigit() and len(number) < 12
    return link(Markdown(f"#{number}"), f"{repository_url}/pull/{number}") if known else prose(name)


def origin_words(text: str, repository_url: str) -> Markdown:
    """Where something was asked for: a pull request with a link to it, or as it is (`push to main`)."""
    return pull_link(text, repository_url) if text.startswith("#") else prose(text, 80)


def typed(word: str) -> str:
    """A name as it is typed in a command: in quotes where it is more than one plain word."""
    return spelled(word)


_MARKER = re.compile(r"<!-- headwater ([a-z][a-z-]*) ([^\s<>]+) -->")


def marker(kind: str, key: str) -> Markdown:
    """The first line of our comments, by which they are found again. Raises ValueError for what is no kind or key."""
    line = f"<!-- headwater {kind} {key} -->"
    if not _MARKER.fullmatch(line):
        raise ValueError(f"{kind!r} {key!r} cannot be told in a marker")
    return Markdown(line)


def marked(body: str) -> tuple[str, str] | None:
    """Kind and key of a comment of ours. Its author must be our bot: anybody can write such a line."""
    found = _MARKER.fullmatch(body.split("\n", 1)[0].rstrip("\r"))
    return (found[1], found[2]) if found else None
