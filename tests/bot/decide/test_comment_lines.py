"""Which lines of a comment stand as its author's own words, and in what the others stand."""

from __future__ import annotations

import pytest

from bot.decide.comment_lines import Standing, standings


def marked(text: str) -> str:
    """Each line's standing in a letter: own, quote, list, table, html, or `.` for what nobody says."""
    found = standings(text)
    letters = {None: ".", **{one: one.value[0].lower() for one in Standing}}
    return "".join(letters[found.get(number)] for number in range(1, len(text.split("\n")) + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", "oo.o"),
        ("a\n===\nb", "o.o"),
        ("# a\nb", "oo"),
        ("> a\nb\n\nc", "qq.o"),
        ("> ```\na", ".o"),
        ("> # a\nb", "qo"),
        ("- a\nb\n\n  c\n\nd", "ll.l.o"),
        ("1. a\n2. b", "ll"),
        ("a|b\n-|-\n1|2\nc\n\nd", "t.tt.o"),
        ("```\na\n```\nb", "...o"),
        ("a\n    b", "oo"),
        ("a\n\n    b\nc", "o..o"),
        ("<br>\na\n\nb", "hh.o"),
        ("</div>\na", "hh"),
        ("<pre>\na\n\nb\n</pre>\nc", "h....o"),
        ("<details>\n\na\n\n<details>\nb\n</details>\nc\n</details>\n\nd", "h.........o"),
        ("a <code>b\nc</code>\nd", "o.o"),
        ("a </code>\nb", "oo"),
        ("a <kbd>b\n\nc", "o.."),
        ("`<code>`\na", "oo"),
        ("\\<code>\na", "oo"),
        ("a `b\nc` `d\ne`", "o.."),
        ("a `b\n\nc`", "o.o"),
        ("a ``b ` c\nd`` e\nf", "o.o"),
        ("a \\`b\nc`", "oo"),
        ("a <!-- b\nc --> d\ne", "o.o"),
        ("a <!-- b\nc", "oo"),
        ("a <!-- b\n\nc\n\n-->\n\nd", "o......"),
        ("<!-- a -->\nb\n\n<!-- c -->\n\nd", "ho.h.o"),
        ("a <i title='\nb'>\nc", "o.o"),
        ("a <https://x.test/?q=`>\nb`", "oo"),
        ("a <!--> b\nc --> d\n\ne", "o..."),
        ("<div>\\<details>\n\n</div>\n\nb", "h...."),
        ("a ~~b\nc~~\nd", "o.o"),
        ("a ~~b\nc", "oo"),
        ("- <details>\n\na\n\n</details>\n\nb", "l.....o"),
        ("> a `b\n> c`\n\nd", "q..o"),
        ("<div title='\n\na\n\n'>\n\nb", "h......"),
        ("a <script> b\nc", "o."),
        ("[a]: b\nc", ".o"),
        ("a|b\n-|-\n<kbd>|2\n\n</kbd>\n\nc", "t.t...o"),
    ],
)
def test_a_line_stands_where_github_shows_it(text: str, expected: str) -> None:
    assert marked(text) == expected


def test_what_is_nested_too_deep_is_nobodys_with_all_that_follows() -> None:
    assert marked("> " * 10 + "a\n\nb") == "q.o"
    assert marked("> " * 13 + "a\nb") == ".."
    assert marked("\n".join("  " * depth + "- a" for depth in range(9)) + "\n\nb").endswith("...")
