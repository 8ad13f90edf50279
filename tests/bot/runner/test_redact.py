"""No sensitive value, in any of its forms, cut anywhere, is in what comes out."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.runner.redact import Redactor, Scrubber, clean, patterns
from tests.depth import examples

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
secret = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=6, max_size=24),
    st.text('ab*/+\n"\\<$%{ é', min_size=6, max_size=16),
    st.text("ab", min_size=6, max_size=9),
)
FORMS: dict[str, Callable[[str, int], str]] = {
    "exact": lambda value, _: value,
    "JSON": lambda value, _: json.dumps(value),
    "JSON, not ASCII": lambda value, _: json.dumps(value, ensure_ascii=False),
    "JSON in JSON": lambda value, _: json.dumps(json.dumps({"a": value})),
    "Go's JSON": lambda value, _: (
        json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
    "URL": lambda value, _: urllib.parse.quote(value),
    "URL, all": lambda value, _: urllib.parse.quote(value, safe=""),
    "form": lambda value, _: urllib.parse.quote_plus(value),
    "base64": lambda value, shift: base64.b64encode(b"\0\1\2"[:shift] + value.encode() + b"tail").decode(),
    "base64, urlsafe": lambda value, shift: base64.urlsafe_b64encode(b"\0\1\2"[:shift] + value.encode()).decode(),
}


def scrub(data: bytes, values: Iterable[str]) -> str:
    """The whole of a stream at once."""
    scrubber = Scrubber(values)
    return scrubber.feed(data) + scrubber.flush()


def revealing(value: str, shift: int, form: str) -> str:
    """The part of an encoded value that gives it away: for base64, what its neighbours do not touch."""
    if not form.startswith("base64"):
        return FORMS[form](value, shift).strip('"')
    code = base64.urlsafe_b64encode if "urlsafe" in form else base64.b64encode
    data = value.encode()
    return code(bytes(shift) + data).decode()[-(-8 * shift // 6) : (shift + len(data)) * 8 // 6]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


@settings(max_examples=examples(250), deadline=None)
@given(
    st.lists(secret, min_size=1, max_size=3),
    st.lists(st.tuples(text, st.integers(0, 2), st.sampled_from(sorted(FORMS)), st.integers(0, 2)), max_size=6),
    st.lists(st.integers(0, 400), max_size=8),
)
@example(["abcabcabc"], [("abc", 0, "exact", 0), ("", 0, "exact", 0)], [3, 4, 9])
@example(["******"], [("***", 0, "exact", 0)], [4])
@example(["ab\r\ncdef"], [("", 0, "exact", 0)], [3])
def test_no_form_of_a_value_comes_out_wherever_the_stream_was_cut(
    values: list[str], parts: list[tuple[str, int, str, int]], places: list[int]
) -> None:
    stream = "".join(before + FORMS[form](values[which % len(values)], shift) for before, which, form, shift in parts)
    scrubber = Scrubber(values)
    shown = "".join(scrubber.feed(chunk) for chunk in cut(stream.encode(), places)) + scrubber.flush()
    assert shown == scrub(stream.encode(), values), "a cut must not change what is shown"
    for value in values:
        assert value not in shown
        for form in FORMS:
            for shift in range(3):
                assert revealing(value, shift, form) not in shown, form


def masked_by_hand(stream: str, values: list[str]) -> str:
    """The oracle: mark every character of every occurrence, join what overlaps, one mask for each run."""
    spans = [(at, at + len(one)) for one in patterns(values) for at in range(len(stream)) if stream.startswith(one, at)]
    runs: list[list[int]] = []
    for start, end in sorted(spans):
        if runs and start < runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], end)
        else:
            runs.append([start, end])
    mask, out, position = Redactor(values).mask, "", 0
    for start, end in runs:
        out, position = out + stream[position:start] + mask, end
    return out + stream[position:]


PIECES = ("aaaaaa", "ababab", "abaaba", "babbab")


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=3),
    st.lists(st.sampled_from((*PIECES, "a", "b", "ab", "c", "aaaaaaab")), max_size=10).map("".join),
    st.lists(st.integers(0, 60), max_size=12),
)
def test_overlapping_values_become_one_mask_as_counted_by_hand(
    values: list[str], stream: str, places: list[int]
) -> None:
    redactor = Redactor(values)
    shown = "".join(redactor.feed(chunk.decode()) for chunk in cut(stream.encode(), places)) + redactor.flush()
    assert shown == masked_by_hand(stream, values)
    assert redactor.redact(stream) == shown


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=120), st.lists(st.integers(0, 120), max_size=6))
@example(b"\x1b]0;title\x1b\\text\r\n\x1b[31m\xff", [5, 11, 15, 18])
def test_any_bytes_become_clean_text(data: bytes, places: list[int]) -> None:
    scrubber = Scrubber(())
    shown = "".join(scrubber.feed(chunk) for chunk in cut(data, places)) + scrubber.flush()
    shown.encode()
    assert not [sign for sign in shown if (ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160]
    assert shown == clean(data.decode(errors="replace")) or b"\x1b" in data or b"\x9b" in data


def test_escape_sequences_go_and_text_stays() -> None:
    assert scrub(b"\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x07 \x1b(Bend\r\n50%\r100%\n", ()) == (
        "red link end\n50%\n100%\n"
    )
    assert scrub(b"pass\x1b[0mword", ["password"]) == "***"


def test_lines_of_a_long_value_are_found_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n  short\nab\n-----END KEY-----\n"
    shown = scrub(b"  + MIIEvQIBADANBgkqhkiG9w0BAQEFAASC ab\n", [key])
    assert shown == "  + *** ab\n"


def test_a_long_value_is_found_in_wrapped_base64() -> None:
    value = "".join(chr(33 + number * 7 % 90) for number in range(200))
    shown = scrub(base64.encodebytes(value.encode()), [value])
    assert len(shown.replace(Redactor([value]).mask, "").strip()) < 6


def test_values_within_lists_and_maps_and_numbers_are_found() -> None:
    values = [{"user": "administrator", "ports": [5432, 1234567]}]
    assert scrub(b"administrator 5432 1234567", values) == "*** 5432 ***"


def test_terraforms_own_escapes_are_found() -> None:
    assert scrub(rb'x = "a$${b}c\"d"', ['a${b}c"d']) == 'x = "***"'


@pytest.mark.parametrize("sign", ["*", "█", "•"])
def test_the_mask_shares_no_character_with_a_value(sign: str) -> None:
    mask = Redactor([sign * 6 + "abc"]).mask
    assert sign not in mask


def test_what_cannot_be_part_of_a_value_is_shown_at_once() -> None:
    redactor = Redactor(["x" * 1000 + "yz"])
    assert redactor.feed("applying...") == "applying..."
    assert redactor.feed("xx") == ""
    assert redactor.feed("a") == "xxa"


def test_it_is_fast_enough_for_large_logs() -> None:
    """Not a benchmark: only that the cost stays linear and small, with many values and small chunks."""
    values = [f"secret-value-number-{number}" for number in range(20)]
    scrubber = Scrubber(values)
    line = b"2026-01-01T00:00:00Z [INFO] nothing to be seen in this line at all, it is only long\n"
    before = time.process_time()
    for _ in range(10):
        scrubber.feed(line * 12_000)
    assert time.process_time() - before < 10
