"""Text from outside stays text, whatever it is made of; it is read back through a real Markdown renderer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.decide.comment_words import words_of
from bot.decide.transitions import Code, TaskState
from bot.render import deployment_comment, explain_comment, marked, marker, notice, plan_comment
from bot.render.markdown import (
    GONE,
    clean,
    code,
    codes,
    commit_link,
    fence,
    html_code,
    link,
    one_line,
    prose,
    pull_link,
)
from bot.render.models import DeploymentComment, PlanComment, Row, Section
from bot.render.steps import command
from tests.bot.render.reading import LIVE, Seen, balanced
from tests.bot.render.samples import BASE, COMMIT, JOB, URL, deployed, planned
from tests.depth import examples

HOSTILE = [
    "@acme/team",
    "a @ada, b@ada.example",
    "#12 and acme/shop#12 GH-12",
    "https://evil.example/x www.evil.example ftp://x",
    "[x](https://evil.example) ![x](https://evil.example/x.png)",
    "<img src=https://evil.example/x.png> <a href='//evil.example'>x</a>",
    "<!-- headwater plan 1 -->",
    "</details></summary></code></td></table>",
    "<script>alert(1)</script>",
    "```\n</details>\n# big",
    "`````diff",
    "``a` b```",
    "a | b || c \\| d \\\\| e \\",
    "*bold* __bold__ ~~gone~~ _it_ a_b_c **",
    "# title",
    "- item",
    "1. item",
    "> quote",
    "===",
    "    indented",
    "\t tab\n\n\nnew paragraph",
    "$x$ and $$y$$ and $`z`$",
    ":shipit: :+1: ::",
    "&lt;b&gt; &amp; &#64;ada &commat;ada",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x9b1m",
    "\u202etxt.exe\u202c \u2066x\u2069",
    "nul\x00 bell\x07 back\x08 \ufeff\u200b\u00ad",
    "half \ud800 and \udcff",
    "environment 🚀 with 👩‍👩‍👧 and ümlaut",
    "'; drop table x; --",
    "{{ 7 * 7 }} {% raw %}",
    "\"quoted\" 'single'",
    "x" * 3_000,
    "[^1]: note",
    "- [ ] task",
    "\\",
    "`",
    "|mailto:a@b.example",
    " ",
]
SIGNS = "`~|\\<>[](){}#@!*_-+=.:;&$\"'/ \n\t\r0aZ\x00\x1b\u202e🚀"
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from(SIGNS), max_size=40),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map(lambda found: " ".join(found)[:4_000]),
    st.text(max_size=60),
)


def models(text: str) -> tuple[PlanComment, DeploymentComment]:
    """Both comments with the text wherever a text may come from outside."""
    names = (text, f"2{text}")
    rows = (
        planned(
            text or "x",
            name=text,
            tool=text,
            counts={"change": 1, "destroy": 2},
            text=f"  + {text}\n{text}\n",
            reasons=tuple(
                f"{kind}: {text}" for kind in ("file-changed", "upstream-affected", "definition-changed", "odd")
            ),
            changes=((text, ("delete",)), (text, ("update",))),
            job_url=JOB,
        ),
        Row(
            "b",
            needs=(text or "x",),
            state=TaskState.FAILED,
            code=Code.TOOL_FAILED,
            error=f"{text}\n{text}",
            detail=text,
        ),
        Row("c", needs=("b",), state=TaskState.BLOCKED, code=Code.UPSTREAM_BROKEN, detail=", ".join(names)),
        Row("d", needs=("b",), state=TaskState.BLOCKED, code=Code.LOCKED, detail=text, locked_by=text),
        Row("e", needs=("b",), state=TaskState.CANCELLED, code=Code.REJECTED, detail=text),
        Row("f", needs=("b",), state=TaskState.SKIPPED, code=Code.NEEDS_VALUE, detail=text, waits_for=names),
        Row("g", needs=("b",), state=TaskState.WAITING, code=Code.SUBMITTED, waits_for=names),
        deployed("h", "b", state=TaskState.NEEDS_APPROVAL, code=Code.PLAN_DIFFERS),
        deployed(f"9{text}", "b", state=TaskState.NEEDS_APPROVAL, code=Code.PLAN_DIFFERS),
    )
    section = Section(text, text, rows=rows, warnings=(text,))
    plan = PlanComment(
        "k", COMMIT, BASE, URL, (section, section), (), (text,), (text,)
    )  # fmt: skip
    deployment = DeploymentComment(
        "k",
        text,
        text,
        COMMIT,
        URL,
        (section,),
        refusals=(("code", text, text, names), ("code", text, "")),  # type: ignore[arg-type]
        mistakes=((text, text, text),),  # type: ignore[arg-type]
        waits=text,
        said=(text,),
        loud=(text,),
        problems=(f"{text or 'x'}:1:2: {text}",),
    )
    return plan, deployment


def bodies(text: str) -> list[str]:
    plan, deployment = models(text)
    problems = replace(plan, problems=(f"{text or 'x'}:1:2: {text}", text))
    return [plan_comment(plan), plan_comment(problems), deployment_comment(deployment)]


@cache
def tame() -> list[list[str]]:
    return [shape(Seen(body).structure) for body in bodies("tame")]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_is_smuggled_in(text: str) -> None:
    assert_harmless(text)


@settings(max_examples=examples(50), deadline=None)
@given(text=texts)
@example("")
def test_nothing_is_smuggled_in_by_chance(text: str) -> None:
    assert_harmless(text)


def shape(elements: list[str]) -> list[str]:
    """The elements without those that come and go with what is a link, or a line of a box, of ours."""
    return [one for one in elements if one not in ("a", "svg", "br")]


def assert_harmless(text: str) -> None:
    for body, expected in zip(bodies(text), tame(), strict=True):
        assert balanced(body)
        body.encode()
        seen = Seen(body)
        assert not text.strip() or shape(seen.structure) == expected
        assert all(one.startswith(URL) for one in seen.links), seen.links
        assert "mention" not in seen.html
        for part in seen.running:
            assert LIVE.search(part) is None, part
        assert marked(body) in (("plan", "k"), ("deployment", "k"))
        assert body.count("<!-- headwater") == 1


@given(texts)
@example("\x85")
def test_every_alias_can_be_read(text: str) -> None:
    shown = one_line(text, 100)
    for made in (code(text), html_code(text)):
        assert "\n" not in made
        assert Seen(f"before {made} after").text.strip().replace("\u200b", "") == f"before {shown or '—'} after"
    in_table = Seen(f"| a | b |\n| - | - |\n| {code(text)} | x |\n")
    assert in_table.elements.count("td") == 2
    assert (shown or "—") in in_table.text.replace("\u200b", "")


@given(texts)
def test_prose_says_the_same(text: str) -> None:
    seen = Seen(f"| a |\n| - |\n| {prose(text)} |\n")
    assert seen.elements.count("td") == 1
    assert seen.rows == 1
    told = seen.running + seen.coded
    letters = [sign for sign in one_line(text) if sign.isalnum()]
    assert sorted([*letters, "a"]) == sorted(sign for part in told for sign in part if sign.isalnum())


@given(texts)
def test_a_fence_ends_only_where_it_should(text: str) -> None:
    body = f"{fence(text, 'diff')}\n\nafter"
    assert balanced(body)
    seen = Seen(body)
    assert seen.elements[0] == "pre"
    assert [part.strip() for part in seen.running if part.strip()] == ["after"]


def test_commands_and_quoted_parts_stand_as_code() -> None:
    assert (
        prose("say /deploy or `x y`, not a/deploy or /deployed") == "say `/deploy` or `x y`, not a/deploy or /deployed"
    )
    assert prose("`a|b`") == "<code>a&#124;b</code>"
    assert prose("half ` open") == "half &#96; open"


def test_what_cannot_be_seen_is_seen() -> None:
    assert clean("\x1b[31mred\x1b[0m\u202e\u2066x\x00\r\ny\rz\tt") == f"red{GONE}x{GONE}\ny\nz\tt"
    assert clean("👩‍👩‍👧 ümlaut") == "👩‍👩‍👧 ümlaut"
    assert one_line("a\n b\t c", 4) == "a b…"


def test_links_go_nowhere_else() -> None:
    assert link("x", "javascript:alert(1)") == "x"
    assert link("x", None) == "x"
    assert link("[x]", "https://a.example/(b) c>") == "[&#91;x&#93;](https://a.example/%28b%29%20c%3E)"
    assert commit_link("main; rm", URL) == "`main; rm`"
    assert pull_link("#12", URL) == f"[#12]({URL}/pull/12)"
    assert pull_link("@ada", URL) == "@\u200bada"
    assert codes(["a", "b", "c", "d"]) == "`a`, `b`, `c` and 1 more"
    assert codes([]) == ""


@given(texts)
def test_what_is_to_be_typed_means_what_it_says(alias: str) -> None:
    alias = one_line(alias)
    assert [word.text for word in words_of(command("deploy", alias, "db"))] == ["/deploy", alias, "db"]
    assert command("deploy", "eu-west-1") == "/deploy eu-west-1"


def test_markers() -> None:
    assert marker("plan", "acme/shop:12") == "<!-- headwater plan acme/shop:12 -->"
    assert marked("<!-- headwater plan acme/shop:12 -->\r\nx") == ("plan", "acme/shop:12")
    for body in (
        "",
        "x\n<!-- headwater plan 1 -->",
        " <!-- headwater plan 1 -->",
        "<!-- headwater plan -->",
        "<!-- headwater plan 1 2 -->",
    ):
        assert marked(body) is None
    for kind, key in (("plan", "a b"), ("plan", "x>"), ("Plan", "1"), ("plan", ""), ("plan", "a\nb")):
        with pytest.raises(ValueError, match="marker"):
            marker(kind, key)


def test_a_notice_is_prose() -> None:
    body = notice("`db` is free: @ada may /deploy it\n\n# no title\n\n" + "x\n\n" * 50)
    seen = Seen(body)
    assert set(seen.elements) == {"p", "code"}
    assert "# no title".replace("#", "#\u200b") in seen.text
    assert marked(body) == ("notice", "-")
    assert explain_comment is not None
