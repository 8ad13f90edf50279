"""Tables, tones and JSON."""

from __future__ import annotations

import json
import os
import pty
import sys

import pytest
from inline_snapshot import snapshot

from bot.cli.output import Cell, Tone, paint, print_json, printable, table, width_of


def test_columns_line_up_whatever_the_signs_are() -> None:
    rows = [["vpc", "0", "one file"], ["notification 🔔", "12", ""], ["über数", "3", Cell("done", Tone.GOOD)]]
    assert table(["NAME", "WAVE", "WHY"], rows, right=["WAVE"]).replace("\x1b[0m", "") == snapshot("""\
\x1b[2mNAME             \x1b[2mWAVE  \x1b[2mWHY
vpc                 0  one file
notification 🔔    12
über数              3  \x1b[32mdone\
""")


def test_the_last_column_wraps_below_itself() -> None:
    text = table(["A", "WHY"], [["db", "infra/db/main.tf changed and so did infra/db/variables.tf"]], width=40)
    assert text.replace("\x1b[2m", "").replace("\x1b[0m", "") == snapshot("""\
A   WHY
db  infra/db/main.tf changed and so did
    infra/db/variables.tf\
""")


def test_a_table_without_rows_is_its_headers() -> None:
    assert "NAME" in table(["NAME"], [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain über 🔔", "plain über 🔔"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("bytes\udcff", "bytes\\udcff"),
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_no_cell_steers_the_terminal() -> None:
    assert "\x07" not in table(["NAME", "PATH"], [["a\x07", Cell("b\x07")]])


def test_widths_are_those_of_a_terminal() -> None:
    assert [width_of(one) for one in ("abc", "数据", "🔔", "e\u0301", "👩\u200d🚀")] == [3, 4, 2, 1, 4]


def test_plain_text_stays_plain() -> None:
    assert paint("x", Tone.PLAIN) == "x"
    assert paint("", Tone.BAD) == ""


def test_json_for_machines_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"alias": "über\x1b\u202e🔔", "wave": 1})
    out = capsys.readouterr().out
    assert out == '{"alias":"\\u00fcber\\u001b\\u202e\\ud83d\\udd14","wave":1}\n'
    assert json.loads(out) == {"alias": "über\x1b\u202e🔔", "wave": 1}


def test_json_is_indented_where_a_person_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        print_json({"wave": 1})
        terminal.flush()
        seen = os.read(master, 100)
    os.close(master)
    assert seen.replace(b"\r", b"") == b'{\n  "wave": 1\n}\n'
