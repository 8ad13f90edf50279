from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from planner.definition import Json
from planner.format.yaml_nodes import LARGEST_FILE, Mapping, plain_value, read_yaml


def value_of(text: str) -> Json:
    tree, problems = read_yaml("f", text.encode())
    assert problems == []
    assert tree is not None
    return plain_value(tree)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1.10", "1.10"), ("1.5", 1.5), ("10", 10), ("0123", "0123"), ("1e3", "1e3"), ("0x1f", "0x1f"), ("-0", "-0")),
        *(("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
        *(("'true'", "true"), ('"1"', "1"), ("!!str 1", "1"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000")),
        *((".inf", ".inf"), ("9" * 30, "9" * 30), ("12:30", "12:30"), ("|\n    a\n    b\n", "a\nb\n")),
    ],
)
def test_a_number_that_json_would_write_otherwise_stays_text(text: str, value: Json) -> None:
    found = value_of(f"a: {text}\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_places_count_characters_from_one() -> None:
    tree, _ = read_yaml("f", "é: 1\nlist:\n  - ü: {b: c}\n".encode())
    assert isinstance(tree, Mapping)
    (_, _), (key, items) = tree.pairs
    assert (key.line, key.column) == (2, 1)
    assert (items.line, items.column) == (3, 3)


def test_merged_keys_stand_behind_own_ones() -> None:
    assert value_of("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n") == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"x": 3, "y": 1, "z": 2},
    }


def test_fifty_megabytes_are_refused_at_once() -> None:
    content = b"a: b\n" * 10_000_000
    start = time.process_time()
    tree, (problem,) = read_yaml("f", content)
    assert tree is None
    assert (
        str(problem)
        == "f:1:1: the file has 47.7 MiB, more than the 4 MiB that are read: split it into several workflow files"
    )
    assert time.process_time() - start < 0.1


def test_the_largest_file_is_read() -> None:
    content = b"a: " + b"b" * (LARGEST_FILE - 3)
    assert read_yaml("f", content)[1] == []
    assert read_yaml("f", content + b"b")[0] is None


def test_aliases_within_reason_are_read() -> None:
    text = "a: &a [1, 2, 3]\n" + "".join(f"k{number}: *a\n" for number in range(1000))
    assert value_of(text) == {"a": [1, 2, 3], **{f"k{number}": [1, 2, 3] for number in range(1000)}}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé😀 :#-", min_size=1, max_size=5), inner, max_size=3)
    ),
)


@given(JSON, st.booleans())
def test_what_yaml_writes_is_read_back(value: Json, flow: bool) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    assert value_of(text) == value


@given(st.binary(max_size=100))
def test_no_bytes_raise(content: bytes) -> None:
    tree, problems = read_yaml("f", content)
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in problems)
    assert tree is None or plain_value(tree) == plain_value(tree)
