"""The parser on comments of any kind: it never fails, never takes long, and never runs what readers do not see as said."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.commands import GRAMMARS
from bot.decide.comment import Command, Mistake, parse, spelled
from planner.format.texts import unprintable
from tests.depth import examples
from tests.github.page.markdown import render

LONGEST = 65_536

# ---- any text

PIECES = (
    "/plan", "/deploy", "/destroy", "headwater", " ", "   ", "\t", "\n", "\n", "\r\n", "\r", "\n\n", "```", "~~~", "`",
    "``", "<!--", "-->", "<details>", "</details>", "<pre>", "<code>", "> ", "- ", "1. ", "    ", "'", '"', "“", "”",
    "--only", "--from", "-v", "A=b", "=", "@4f2a91c", "--confirm", "shop", "\\", "|", "-|-", "---", "===", "[a]:", "\0",
    "\u202e", "\u200b", "\ufeff", "\u00a0", "／", "е", "é", "🚀", "\ud800", "<", ">", "<!x", "<?", "&lt;", "x",
)  # fmt: skip
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


@given(texts)
@settings(max_examples=examples(400), deadline=None)
@example("/plan\n" * 50)
@example("/\n/ \n/\0\n")
def test_any_text_has_an_answer(text: str) -> None:
    found = parse(text, GRAMMARS)
    lines = re.split(r"\r\n|\r|\n", text)
    assert [one.line for one in found] == sorted({one.line for one in found})
    for one in found:
        line = lines[one.line - 1]
        if isinstance(one, Command):
            assert one.text == line.strip(" \t")
            assert one.verb in GRAMMARS
            assert unprintable(one.text.replace("\t", " ")) is None
            one.text.encode()
        else:
            assert one.message
            assert one.hint
            (one.message + one.hint + one.text).encode()


@given(texts, st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=examples(200), deadline=None)
def test_every_kind_of_line_end_is_one(text: str, end: str) -> None:
    plain = re.sub(r"\r\n|\r", "\n", text)
    assert parse(plain.replace("\n", end), GRAMMARS) == parse(plain, GRAMMARS)


# ---- as GitHub shows it

ASIDE = {
    "blockquote", "code", "del", "details", "kbd", "li", "ol", "pre", "q", "s", "samp", "strike", "summary", "table",
    "tt", "ul", "var",
}  # fmt: skip
MARKUP = (
    "```", "````", "~~~", "``", "`", "<!--", "-->", "<details>", "</details>", "<pre>", "</pre>", "<code>", "</code>",
    "<div>", "</div>", "<br>", "> ", "- ", "1. ", "  ", "    ", "\t", "* ", "|", "-|-", "a|b", "---", "===", "# ", "\\",
    "\\`", "[a]: ", "[a", "](", "<a title='", "'>", '">', '<a href="', "x", "~~", "***", "&lt;", "<!-->", "<?", "?>",
    "<![CDATA[", "]]>", "<script>", "</script>", "<http://a`b>", "$$", "<p>", "</p>", "<table>", "</table>", "<CODE>",
    "</Code >", "<code\n>", "\r", "<del>", "</del>", "<!x", "<b", "'", '"', "10) ", "+ ", "",
)  # fmt: skip
marked_lines = st.tuples(st.sampled_from(["", "", "", " ", "   ", "> ", "- "]), st.sampled_from(["", "", "", *MARKUP]))
lines_of_markup = st.lists(st.sampled_from(MARKUP), min_size=1, max_size=4).map("".join)


class Seen(HTMLParser):
    """Which commands a page shows, and within which elements."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.within: dict[int, set[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for found in re.finditer(r"/plan m(\d+)z", data):
            self.within[int(found[1])] = set(self.open)


@given(st.lists(st.one_of(marked_lines, lines_of_markup, st.just("")), min_size=2, max_size=14))
@settings(max_examples=examples(1500), deadline=None)
@example(["- ```\n  x", ("", ""), "  ```", ("", "")])
@example(["a <a title='`'> `x", ("", "` y"), ("", "")])
@example(["<details>", "", ("", ""), "", "</details>", "", ("", "")])
@example(["x <!-- y <code>", "", "-->", "", ("", "")])
@example(["~~a", ("", ""), "b~~"])
def test_what_runs_is_what_the_page_shows_as_its_authors_own_words(pieces: list[str | tuple[str, str]]) -> None:
    """Every command is visible on the page that another renderer makes, and in nothing that quotes or folds it."""
    lines = [
        f"{piece[0]}/plan m{number}z {piece[1]}" if isinstance(piece, tuple) else piece
        for number, piece in enumerate(pieces)
    ]
    text = "\n".join(lines)
    shown = Seen(render(text)).within
    for one in parse(text, GRAMMARS):
        if isinstance(one, Command):
            mark = int(re.findall(r"m(\d+)z", one.text)[0])
            assert mark in shown, "nobody can see it"
            assert not ASIDE & shown[mark]


PLAIN = st.sampled_from(
    ["Thanks!", "I looked at `db` and [the plan](https://x.test).", "*Nice*, **really**", "1 < 2", "a | b"]
)
APART = st.sampled_from([
    "> /deploy", "- /deploy\n- /deploy", "```\n/deploy\n```", "~~~~\n```\n/deploy\n~~~~", "    /deploy",
    "<!-- \n/deploy\n-->", "<details>\n\n/deploy\n\n</details>", "<pre>\n/deploy\n</pre>", "a|b\n-|-\n1|2",
    "# /deploy", "***", "<br>", "1. a\n\n   /deploy",
])  # fmt: skip


@given(st.lists(st.one_of(PLAIN, APART, st.just("/plan db")), max_size=12))
@settings(max_examples=examples(300), deadline=None)
def test_a_command_in_a_paragraph_of_its_own_runs_whatever_is_around(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    found = parse(text, GRAMMARS)
    assert all(isinstance(one, Command) for one in found)
    assert [one.text for one in found] == [block for block in blocks if block == "/plan db"]


# ---- quoting commands


@given(
    st.text(alphabet=st.sampled_from("/plandeoy `~<>-\n'\"x"), max_size=80), st.sampled_from("`~"), st.integers(3, 9)
)
@settings(max_examples=examples(300), deadline=None)
def test_nothing_in_a_fence_is_a_command(inner: str, sign: str, length: int) -> None:
    longest = max((len(run) for run in re.findall(re.escape(sign) + "+", inner)), default=0)
    fence = sign * max(length, longest + 1)
    for text in (f"{fence} hcl\n/deploy\n{inner}\n/plan\n{fence}", f"look\n{fence}\n/deploy\n{inner}\n/plan"):
        assert parse(text, GRAMMARS) == ()
    (after,) = parse(f"{fence}\n/deploy\n{inner}\n{fence}\n\n/status", GRAMMARS)
    assert after.text == "/status"


@given(texts)
@settings(max_examples=examples(200), deadline=None)
def test_what_is_quoted_or_indented_is_no_command(text: str) -> None:
    lines = re.split(r"\r\n|\r|\n", text)
    assert parse("\n".join(f"> {line}" for line in lines), GRAMMARS) == ()
    assert parse("\n".join(f"    {line}" for line in lines), GRAMMARS) == ()


# ---- names


def is_alias(text: str) -> bool:
    """Whether a workflow file may have it as an alias."""
    return bool(text) and unprintable(text) is None and not re.search("[\ud800-\udfff]", text)


aliases = st.one_of(
    st.text(min_size=1, max_size=20),
    st.text(alphabet="ab'\"`“”‘’ =-@\\*?[]<>&|#–—", min_size=1, max_size=12),
).filter(is_alias)


@given(st.lists(aliases, min_size=1, max_size=4))
@settings(max_examples=examples(500), deadline=None)
@example(["--only"])
@example(["@4f2a91c"])
@example(['it\'s "mine"'])
@example([" "])
@example(["a='b"])
def test_every_alias_can_be_written(names: list[str]) -> None:
    line = " ".join(map(spelled, names))
    (found,) = parse(f"/plan {line}", GRAMMARS)
    assert isinstance(found, Command)
    assert found.patterns == tuple(names)
    (found,) = parse(f"/plan --from {spelled(names[0])} --workflow={spelled(names[-1])}", GRAMMARS)
    assert isinstance(found, Command)
    assert (found.from_, found.workflow) == ((names[0],), names[-1])


@given(aliases)
@settings(max_examples=examples(300), deadline=None)
def test_every_value_can_be_given(value: str) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    for line in (f"/plan -v A={quoted}", f"/plan -v {spelled(f'A={value}')}"):
        (found,) = parse(line, GRAMMARS)
        assert isinstance(found, Command)
        assert found.given == (("A", value),)


def test_plain_names_stay_plain() -> None:
    assert [spelled(name) for name in ("db", "eu/net-1.a", "größe", "a b", "it's", "-a", "🚀", "a=b")] == [
        "db", "eu/net-1.a", "größe", "'a b'", "'it''s'", "'-a'", "'🚀'", "'a=b'",
    ]  # fmt: skip


# ---- one character that only looks right


@given(st.sampled_from(sorted(GRAMMARS)), st.data())
@settings(max_examples=examples(400), deadline=None)
def test_no_command_with_a_foreign_character_in_its_name_runs(verb: str, data: st.DataObject) -> None:
    word = f"/{verb}"
    place = data.draw(st.integers(0, len(word)))
    odd = data.draw(st.characters(min_codepoint=0x80, exclude_categories=("Cs",)))
    replaced = word[:place] + odd + word[place + data.draw(st.integers(0, 1)) :]
    prose = f"headwater {replaced[1:]}" if place else ""
    for text in (replaced, f"{replaced} db", f"headwater {replaced}", f"/headwater {replaced}", prose):
        assert not any(isinstance(one, Command) for one in parse(text, GRAMMARS))


# ---- long texts

LONG = {
    "commands": "/plan\n",
    "slips": "/plam\n",
    "look-alikes": "/plаn\n",
    "words": "a ",
    "paragraphs": "a\n\n",
    "quotes": "> a\n",
    "deep quotes": ">",
    "lists": "- a\n",
    "deep lists": "- ",
    "ticks": "`a``",
    "strikes": "~~ a",
    "comments": "<!-- ",
    "elements": "<code>",
    "open elements": "<code ",
    "open values": "<a b='",
    "tables": "a|b\n-|-\n",
    "definitions": "[a]: b '\n",
    "declarations": "<!x ",
    "spaces": " ",
    "no-break spaces": "\u00a0",
}
SHAPES = {
    "alone": "{}\n\n/plan",
    "in a paragraph": "x {}\n/plan",
    "behind a command": "/plan {}",
    "lazily quoted": "> > > > > > a\n{}\n\n/plan",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("piece", LONG.values(), ids=LONG)
def test_the_time_grows_with_the_text_and_no_faster(piece: str, shape: str) -> None:
    """Sixteen times the text may take sixteen times the time; with its square it would be 256 times, at every try."""
    short, long = (shape.format(piece * (LONGEST // part // len(piece))) for part in (32, 2))
    ratios = (_seconds(long) / max(_seconds(short), 0.001) for _ in range(5))
    assert any(ratio < 64 for ratio in ratios)


def _seconds(text: str) -> float:
    start = time.thread_time()
    parse(text, GRAMMARS)
    return time.thread_time() - start


def test_a_comment_of_the_greatest_length_is_read_to_its_end() -> None:
    text = "x" * (LONGEST - 7) + "\n\n/plan"
    assert len(text) == LONGEST
    assert [one.line for one in parse(text, GRAMMARS)] == [3]
    (found,) = parse("/plan " + "x" * (LONGEST - 6), GRAMMARS)
    assert isinstance(found, Command)
    (found,) = parse("/plan '" + "x" * (LONGEST - 7), GRAMMARS)
    assert isinstance(found, Mistake)
