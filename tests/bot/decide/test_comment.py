"""What a comment asks for: a corpus of comments as people write them, and every way to write a command wrong.

`T17` of the traps: a command that is quoted or in code is none (edited comments and those of bots never come here).
"""

from __future__ import annotations

from dataclasses import fields

import pytest
from inline_snapshot import snapshot

from bot.commands import GRAMMARS
from bot.decide.comment import MOST_COMMANDS, Command, Mistake, parse
from planner.format.texts import unprintable


def said(text: str) -> list[str]:
    """What was understood, in short: commands with what is set, mistakes with what to type instead."""
    return [
        _command(one) if isinstance(one, Command) else f"{one.line}! {one.message} => {one.hint}"
        for one in parse(text, GRAMMARS)
    ]


def _command(one: Command) -> str:
    rest = {field.name: getattr(one, field.name) for field in fields(one)[3:]}
    told = [f"{name}={value}" for name, value in rest.items() if value]
    return " ".join((f"{one.line} {one.verb}", *told))


def only(text: str) -> Command:
    (found,) = parse(text, GRAMMARS)
    assert isinstance(found, Command), found
    return found


def wrong(text: str) -> tuple[str, str]:
    (found,) = parse(text, GRAMMARS)
    assert isinstance(found, Mistake), found
    return found.message, found.hint


# ---- comments as people write them

COMMENTS = {
    "alone": ("/deploy", ["1 deploy"]),
    "thanks first": ("Thanks, that looks right.\n\n/deploy\n", ["3 deploy"]),
    "no empty line": ("LGTM\n/deploy db\nlet me know", ["2 deploy patterns=('db',)"]),
    "several": (
        "/plan db\nand then\n/deploy db --only\n\n/status",
        ["1 plan patterns=('db',)", "3 deploy patterns=('db',) only=True", "5 status"],
    ),
    "windows": ("/plan\r\n\r\n/deploy  \r\n", ["1 plan", "3 deploy"]),
    "old mac": ("/plan\r/deploy\r", ["1 plan", "2 deploy"]),
    "spaces around": ("   /deploy \t db  ", ["1 deploy patterns=('db',)"]),
    "heading below": ("/deploy\n---\nnotes", ["1 deploy"]),
    "shouted": ("/DEPLOY", ["1 deploy"]),
    "named": ("/headwater deploy db", ["1 deploy patterns=('db',)"]),
    "named before": ("headwater /deploy db", ["1 deploy patterns=('db',)"]),
    "named twice over": ("/Headwater /deploy", ["1 deploy"]),
    "named without a slash": ("headwater deploy db --only", ["1 deploy patterns=('db',) only=True"]),
    "a quote, then an answer": ("> did you deploy it?\n\n/deploy", ["3 deploy"]),
    "an emoji": ("/deploy 🚀 'öl & gas'", ["1 deploy patterns=('🚀', 'öl & gas')"]),
    "after code": ("```sh\nterraform plan\n```\n/deploy", ["4 deploy"]),
    "after a folded log": ("<details><summary>log</summary>\n\nboom\n\n</details>\n\n/retry", ["7 retry"]),
    "after a table": ("|a|b|\n|-|-|\n|1|2|\n\n/retry", ["5 retry"]),
    "after a closed comment": ("<!-- from a template -->\n\n/plan\n\n<!-- end -->", ["3 plan"]),
    "a lone backtick above": ("it's a ` sign\n/plan", ["2 plan"]),
    "a tag that only looks like one": ("if a <b or c <s then\n/plan", ["2 plan"]),
    "a tag in code": ("the `<details>` element\n/plan", ["2 plan"]),
    "fork": ("/plan @4F2A91C0", ["1 plan commit=4f2a91c0"]),
    "values": (
        "/plan -v SIZE=large -v TAGS='[\"a b\"]' --forget OLD",
        ["1 plan given=(('SIZE', 'large'), ('TAGS', '[\"a b\"]')) forget=('OLD',)"],
    ),
    "kill": ("/cancel --kill --workflow 'my shop'", ["1 cancel workflow=my shop kill=True"]),
    "destroy": ("/destroy a b --confirm shop --force", ["1 destroy patterns=('a', 'b') force=True confirm=shop"]),
    "unlock": ("/unlock db --state 4b1c-9", ["1 unlock patterns=('db',) state=4b1c-9"]),
    "from": ("/deploy --from vpc --from=net", ["1 deploy from_=('vpc', 'net')"]),
    "help about": ("/help /deploy", ["1 help patterns=('deploy',)"]),
    "help as on a shell": ("/deploy db --help", ["1 help patterns=('deploy',)"]),
    "nothing": ("", []),
    "prose": ("The plan is fine, please deploy.", []),
    "prose about us": ("headwater plans are nice", []),
    "more prose about us": ("headwater plan is nice", []),
    "a question about us": ("headwater deploy db?", []),
    "a sentence about us": ("Headwater deploy works again\nHeadwater deploy db", []),
    "within a line": ("please run /deploy now", []),
    "a path": ("/etc/passwd is not here\n/deploy/db neither\n/plan/", []),
    "others' commands": ("/lgtm\n/retest\n/ok-to-test\n/assign @me\n/test all\n/rebase\n/hold", []),
    "too far from the margin": ("look:\n    /deploy\n\t/deploy", []),
    "a regular expression": ("/^plan$/", []),
    "a division": ("/ 2", []),
    "an escaped slash": ("\\/deploy", []),
    "an entity": ("&#47;deploy", []),
    "bold": ("**/deploy**", []),
    "a heading": ("# /deploy", []),
    "T17 quoted": ("> /deploy\n> /destroy --confirm shop\n\nI would not.", []),
    "T17 quoted in a quote": ("> > /deploy\n>\n> no", []),
    "T17 an alert": ("> [!WARNING]\n> /deploy", []),
    "T17 code": ("```\n/deploy\n```", []),
    "T17 code of another fence": ("~~~~ text\n```\n/deploy\n~~~\n/deploy\n~~~~", []),
    "T17 code without an end": ("look:\n```\n/deploy\n\n/deploy", []),
    "T17 code by indent": ("look:\n\n    /deploy\n\n\t/deploy\n", []),
    "T17 a code span over lines": ("I typed `foo\n/deploy\nbar` there", []),
    "T17 code in a list": ("- so:\n  ```\n  /deploy\n  ```\n", []),
    "T17 code that a list does not close": ("- a\n  ```\n  x\nb\n  ```\n/deploy\n", []),
    "a list": ("- /deploy\n* /deploy\n1. /deploy\n- [ ] /deploy", []),
    "a paragraph of a list": ("1. Then write\n   /deploy\n\n   /deploy", []),
    "hidden by a comment": ("<!--\n/deploy\n-->", []),
    "hidden by a comment within a line": ("text <!-- so\n/deploy\n--> text", []),
    "hidden by a comment over paragraphs": ("text <!-- so\n\n/deploy\n\n--> text", []),
    "a comment without an end": ("<!--\n\n/deploy", []),
    "folded": ("<details>\n<summary>log</summary>\n\n/deploy\n\n</details>", []),
    "folded without an end": ("<details>\n\n/deploy", []),
    "preformatted": ("<pre>\n/deploy\n\n/deploy\n</pre>", []),
    "code element": ("<code>\n\n/deploy\n\n</code>", []),
    "struck out": ("~~no\n/deploy~~\n\n<del>\n\n/deploy\n\n</del>", []),
    "a cell": ("a|b\n-|-\n1|2\n   /deploy", []),
    "a title of a link": ("[a]:\n/deploy\n", []),
}


@pytest.mark.parametrize(("text", "expected"), COMMENTS.values(), ids=COMMENTS)
def test_a_comment_is_understood_as_its_reader_would(text: str, expected: list[str]) -> None:
    assert said(text) == expected


def test_the_text_of_a_command_is_its_line() -> None:
    assert only("hello\n  /deploy \t 'a b'  \r\nbye").text == "/deploy \t 'a b'"


# ---- what GitHub shows as part of something else


@pytest.mark.parametrize(
    ("above", "part_of"),
    [("> quoted", "quote"), ("- a list", "list"), ("a|b\n-|-\n1|2", "table"), ("</details>", "HTML"), ("<br>", "HTML")],
)
def test_a_line_that_github_puts_into_what_is_above_it_is_told_and_not_run(above: str, part_of: str) -> None:
    message, hint = wrong(f"{above}\n/deploy db")
    assert message == f"this line belongs to the {part_of} above it: leave an empty line before it"
    assert hint == "/deploy db"
    assert said(f"{above}\n\n/deploy db")[0].endswith("deploy patterns=('db',)")


def test_what_is_no_command_there_is_not_told() -> None:
    assert said("> quoted\n/deply") == said("- list\n/etc/hosts") == []


# ---- slips


@pytest.mark.parametrize(
    ("slip", "meant"),
    {
        "/deply": "/deploy", "/dpeloy": "/deploy", "/deployy": "/deploy", "/plna": "/plan", "/plan.": "/plan",
        "/plans": "/plan", "/aprove": "/approve", "/approove": "/approve", "/destory": "/destroy", "/cancle": "/cancel",
        "/hlep": "/help", "/statsu": "/status", "/explian": "/explain", "/Unlok": "/unlock", "/deploy,": "/deploy",
    }.items(),
)  # fmt: skip
def test_a_slip_is_told_what_it_was_meant_to_be(slip: str, meant: str) -> None:
    assert wrong(f"{slip} db") == (f"there is no command '{slip}'; did you mean {meant}?", f"{meant} db")


def test_behind_our_name_anything_unknown_is_told() -> None:
    assert said("/headwater dance\n/headwater") == snapshot(
        [
            "1! there is no command '/dance'; /help lists them => /help",
            "2! /headwater says no command; /help lists them => /help",
        ]
    )
    assert said("/headwater deply db") == snapshot(
        ["1! there is no command '/deply'; did you mean /deploy? => /deploy db"]
    )
    assert said("headwater dance\nheadwater deply db\nheadwater /some/path") == []


# ---- characters that are not what they seem


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("/dеploy", "U+0435 (CYRILLIC SMALL LETTER IE)"),
        ("/ԁерӏоу", "U+0501 (CYRILLIC SMALL LETTER KOMI DE)"),
        ("／deploy", "U+FF0F (FULLWIDTH SOLIDUS)"),
        ("⁄deploy", "U+2044 (FRACTION SLASH)"),
        ("∕deploy", "U+2215 (DIVISION SLASH)"),
        ("/ｄeploy", "U+FF44 (FULLWIDTH LATIN SMALL LETTER D)"),
        ("/𝐝eploy", "U+1D41D (MATHEMATICAL BOLD SMALL D)"),
        ("/deplоy db", "U+043E (CYRILLIC SMALL LETTER O)"),
        ("/dep\u200bloy", "U+200B (ZERO WIDTH SPACE)"),
        ("\u200b/deploy", "U+200B (ZERO WIDTH SPACE)"),
        ("\ufeff/deploy", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ("\u202e/deploy", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("/\u2066deploy\u2069", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("/dep\u00adloy", "U+00AD (SOFT HYPHEN)"),
        ("/deplo\u0301y", "U+0301 (COMBINING ACUTE ACCENT)"),
        ("\u00a0/deploy", "U+00A0 (NO-BREAK SPACE)"),
        ("\u3000/deploy", "U+3000 (IDEOGRAPHIC SPACE)"),
        ("/deploy\u00a0db", "U+00A0 (NO-BREAK SPACE)"),
        ("/deploy\u2028/plan", "U+2028 (LINE SEPARATOR)"),
        ("/deploy\0", "U+0000 (a control character)"),
        ("/deploy\x0b db", "U+000B (a control character)"),
    ],
)
def test_what_only_looks_like_a_command_is_named_and_never_run(text: str, character: str) -> None:
    message, hint = wrong(text)
    assert "is not /deploy" in message
    assert character in message
    assert hint.split()[0] == "/deploy"


def test_kelvin_and_long_s_are_no_letters_of_ours() -> None:
    assert wrong("/unloc\N{KELVIN SIGN}")[1] == "/unlock"
    assert wrong("/\N{LATIN SMALL LETTER LONG S}tatus")[1] == "/status"
    assert said("headwater ſtatus") == []


def test_look_alikes_of_nothing_of_ours_are_left_alone() -> None:
    assert said("／etc\n/дом\nпривет\n日本語\n/плав") == []


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("/deploy d\0b", "U+0000 (a control character)"),
        ("/deploy 'd\x1bb'", "U+001B (a control character)"),
        ("/deploy db \u202egnp", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("/plan -v A=\u2066b", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("/deploy d\ud800b", "U+D800 (a control character)"),
    ],
)
def test_no_argument_has_a_character_that_nobody_can_see(text: str, character: str) -> None:
    assert wrong(text)[0] == f"this has the character {character}, which nobody can see"


def test_dashes_and_ats_of_telephones_are_told() -> None:
    assert said("/deploy —only\n/deploy db –only\n/plan –v A=b\n/plan ＠4f2a91c") == snapshot(
        [
            "1! '—only' begins with U+2014 (EM DASH), not with -; a name that does is quoted => /deploy --only",
            "2! '–only' begins with U+2013 (EN DASH), not with -; a name that does is quoted => /deploy db --only",
            "3! '–v' begins with U+2013 (EN DASH), not with -; a name that does is quoted => /plan -v A=b",
            "4! '＠4f2a91c' begins with U+FF20 (FULLWIDTH COMMERCIAL AT), not with @; a name that does is quoted => /plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
        ]
    )
    assert only("/deploy '—only' db—x").patterns == ("—only", "db—x")


def test_a_mistake_can_be_stored_and_shown() -> None:
    for text in ("/deploy \0 db", "/deploy \ud800", "/deploy " + "x" * 60_000 + " --what", "\u202e/deploy"):
        (found,) = parse(text, GRAMMARS)
        assert isinstance(found, Mistake)
        for one in (found.text, found.message, found.hint):
            assert len(one) <= 300
            assert unprintable(one) is None
            one.encode()


# ---- names


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("a b", ("a", "b")),
        ("'a b' c", ("a b", "c")),
        ('"a b"', ("a b",)),
        ("`a b` `net-*`", ("a b", "net-*")),
        ("“a b” ‘c d’ „e f“ „g h” «i j»", ("a b", "c d", "e f", "g h", "i j")),
        ("'it''s mine'", ("it's mine",)),
        ('"say ""hi"""', ('say "hi"',)),
        ("it's customer's", ("it's", "customer's")),
        ("'--only' '@4f2a91c' '-v'", ("--only", "@4f2a91c", "-v")),
        ("net-* [ab]? **", ("net-*", "[ab]?", "**")),
        ("a\\b", ("a\\b",)),
        ("<db> &amp; a|b", ("<db>", "&amp;", "a|b")),
        ("👩‍🚀 'größe 5'", ("👩‍🚀", "größe 5")),
        ("' a '", (" a ",)),
        ("a=b c='d e'", ("a=b", "c=d e")),
    ],
)
def test_names_may_hold_anything(written: str, names: tuple[str, ...]) -> None:
    assert only(f"/plan {written}").patterns == names


@pytest.mark.parametrize("written", ["'a", "a 'b c", "\"a'", '“a"', "'a'b", "'a''", "''", "X='a"])
def test_a_quote_that_does_not_end_where_it_should_is_told(written: str) -> None:
    assert wrong(f"/plan {written}")[1] == GRAMMARS["plan"].usage[0]


def test_quotes_are_told_apart() -> None:
    assert [wrong(f"/plan {one}")[0] for one in ("'a b", "'a'b", "''", "a 'b\"")] == snapshot(
        [
            "the quote ' is opened and never closed",
            "there is no space after \"'a'\"",
            "a name is empty",
            "the quote ' is opened and never closed",
        ]
    )


# ---- options


def test_values_belong_to_the_plan() -> None:
    assert said("/deploy -v X=1\n/deploy db -v 'NAME=a b'\n/deploy --forget X") == snapshot(
        [
            "1! /deploy takes no -v: values belong to the plan that people review, so plan with them first, then write /deploy => /plan -v X=1",
            "2! /deploy takes no -v: values belong to the plan that people review, so plan with them first, then write /deploy => /plan -v NAME='a b'",
            "3! /deploy takes no --forget: values belong to the plan that people review, so plan with them first, then write /deploy => /plan --forget X",
        ]
    )


def test_confirming_needs_the_name_of_the_workflow() -> None:
    assert said("/destroy --confirm\n/destroy --confirm --force") == snapshot(
        [
            "1! --confirm needs WORKFLOW => /destroy [ENV…] --confirm WORKFLOW [--only | --from ALIAS] [--workflow NAME] [--force]",
            "2! --confirm needs WORKFLOW, and '--force' follows; quote it if it is meant => /destroy [ENV…] --confirm WORKFLOW [--only | --from ALIAS] [--workflow NAME] [--force]",
        ]
    )


def test_an_unknown_option_is_told_the_nearest() -> None:
    assert said("/deploy --onyl 'a b'\n/plan --form=vpc db\n/plan --values X=1\n/deploy -x\n/plan -") == snapshot(
        [
            "1! /deploy has no option '--onyl'; did you mean --only? => /deploy --only 'a b'",
            "2! /plan has no option '--form'; did you mean --from? => /plan --from=vpc db",
            "3! /plan has no option '--values'; a name that begins with - is quoted => /plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            "4! /deploy has no option '-x'; a name that begins with - is quoted => /deploy [ENV…] [--only | --from ALIAS] [--workflow NAME] [@SHA]",
            "5! /plan has no option '-'; a name that begins with - is quoted => /plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
        ]
    )


def test_an_option_of_another_command_is_told_whose_it_is() -> None:
    assert said("/cancel --force\n/plan --kill\n/deploy db --state 1\n/approve @4f2a91c\n/retry -v A=b") == snapshot(
        [
            "1! /cancel takes no --force; /destroy, /retry do => /cancel [--workflow NAME] [--kill]",
            "2! /plan takes no --kill; /cancel does => /plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            "3! /deploy takes no --state; /unlock does => /deploy [ENV…] [--only | --from ALIAS] [--workflow NAME] [@SHA]",
            "4! /approve takes no @SHA; a name that begins with @ is quoted => /approve [ENV…] [--workflow NAME]",
            "5! /retry takes no -v; /plan does => /retry [--workflow NAME] [--force]",
        ]
    )


def test_options_want_their_values_and_no_others() -> None:
    lines = ("--workflow", "--from --only", "-v", "-v A", "-v =b", "-v 1A=b", "-v A=1 -v A=2", "--only=yes", "--from=")
    assert [wrong(f"/plan {one}") for one in lines] == snapshot(
        [
            (
                "--workflow needs NAME",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "--from needs ALIAS, and '--only' follows; quote it if it is meant",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "-v needs KEY=VALUE",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "-v 'A' is not KEY=VALUE",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "'' is no name of a variable: letters, digits and _, no digit first",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "'1A' is no name of a variable: letters, digits and _, no digit first",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            (
                "-v A is given twice",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
            ("--only takes no value", "/plan --only"),
            (
                "--from needs ALIAS",
                "/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]",
            ),
        ]
    )
    assert only("/plan -v A=").given == (("A", ""),)
    assert only("/plan --from '--only'").from_ == ("--only",)


def test_options_that_exclude_each_other_or_come_twice_are_told() -> None:
    lines = ("--only --from a", "--workflow a --workflow b", "@4f2a91c @4f2a91d", "@main", "@4f2a91", "@" + "a" * 65)
    assert [wrong(f"/plan {one}")[0] for one in lines] == snapshot(
        [
            "--only adds nothing and --from adds the downstream: give one of them",
            "--workflow is given twice",
            "two commits are named",
            "'@main' is no commit: @ and 7 to 64 hexadecimal digits; a name with an @ is quoted",
            "'@4f2a91' is no commit: @ and 7 to 64 hexadecimal digits; a name with an @ is quoted",
            "'@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is no commit: @ and 7 to 64 hexadecimal digits; a name with an @ is quoted",
        ]
    )
    assert only("/plan db --only --only").only


def test_some_commands_are_about_no_environment_or_about_one() -> None:
    assert said("/status db\n/cancel 12\n/explain\n/explain a b\n/unlock --state 1\n/unlock a b --state 1") == snapshot(
        [
            "1! /status takes no environments, and here stands 'db' => /status [--workflow NAME]",
            "2! /cancel takes no environments, and here stands '12' => /cancel [--workflow NAME] [--kill]",
            "3! /explain is about one environment, and none is named => /explain ENV [--workflow NAME]",
            "4! /explain is about one environment, and 2 are named => /explain ENV [--workflow NAME]",
            "5! --state frees the state of one environment: name it => /unlock ENV --state ID",
            "6! --state frees the state of one environment: name it => /unlock ENV --state ID",
        ]
    )


def test_help_is_about_one_command() -> None:
    assert said("/help dploy\n/help deploy plan\n/help xyzzy\n/help --only") == snapshot(
        [
            "1! there is no command 'dploy'; did you mean deploy? => /help deploy",
            "2! /help is about one command => /help deploy",
            "3! there is no command 'xyzzy' => /help",
            "4! /help takes no --only; /plan, /deploy, /destroy, /adopt do => /help [COMMAND]",
        ]
    )


# ---- too much


def test_a_comment_holds_only_so_many_commands() -> None:
    found = parse("/plan\n" * (MOST_COMMANDS + 5), GRAMMARS)
    assert [isinstance(one, Command) for one in found] == [True] * MOST_COMMANDS + [False]
    assert found[-1].line == MOST_COMMANDS + 1
    assert len(parse("/plan\n" * MOST_COMMANDS, GRAMMARS)) == MOST_COMMANDS


def test_a_line_holds_only_so_many_words() -> None:
    assert len(only("/plan" + " a" * 500).patterns) == 500
    assert wrong("/plan" + " a" * 501)[0] == "this is too much for one line: at most 500 words"


def test_the_parser_knows_only_what_it_is_given() -> None:
    assert parse("/plan\n/deply\nheadwater plan", {}) == ()
    plan = {"plan": GRAMMARS["plan"]}
    assert parse("/deploy\n/status", plan) == ()
    (found,) = parse("/plan --help", plan)
    assert isinstance(found, Mistake)
