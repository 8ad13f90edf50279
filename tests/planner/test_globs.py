"""Globs over paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.globs import escaped, fixed_folder, matches


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.yml", "a.yml", True),
        ("*.yml", "b/a.yml", False),
        ("**/*.yml", "a.yml", True),
        ("**/*.yml", "b/c/a.yml", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/", "a/b/c", True),
        ("./a//b", "a/b", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/bz", False),
        ("a**", "ab/c", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].tf", "a.tf", True),
        ("[!ab].tf", "a.tf", False),
        ("[!ab].tf", "c.tf", True),
        ("a[/]b", "a/b", False),
        ("a{b,cd}.tf", "acd.tf", True),
        ("a{b,cd}.tf", "ab,cd.tf", False),
        ("a.tf", "axtf", False),
        (r"\*.tf", "*.tf", True),
        (r"\*.tf", "a.tf", False),
        ("[", "[", True),
        ("[z-a]", "[z-a]", True),
        ("a/**/b/**/c/*.tf", "a/b/x/b/c/y/b/c/m.tf", True),
        ("a/**/b/**/c/*.tf", "a/x/c/m.tf", False),
        ("**/**/a/**/**", "x/a/y", True),
        ("*a*{b,bc}*d", "xaybcd", True),
        ("*.t*f*", "main.tofu", True),
        ("{a", "{a", True),
        ("**", "any/thing\nat all", True),
    ],
)
def test_what_a_glob_names(glob: str, path: str, expected: bool) -> None:
    assert matches(glob, path) is expected


@pytest.mark.parametrize(
    ("glob", "folder"),
    [
        ("*.yml", ""),
        ("a/b/*.yml", "a/b"),
        ("a/*/b", "a"),
        ("a/b", "a"),
        ("**", ""),
        ("./a/b/", "a/b"),
        ("a/{b,c}/d", "a"),
    ],
)
def test_the_folder_that_all_lies_in(glob: str, folder: str) -> None:
    assert fixed_folder(glob) == folder


@pytest.mark.parametrize("glob", ["*a" * 60 + "b", "**/a/" * 40 + "b", "{a,aa}" * 40 + "b", "**/" * 200 + "*b"])
def test_no_glob_takes_for_ever(glob: str) -> None:
    assert not matches(glob, "a" * 200)
    assert not matches(glob, "a/" * 400 + "c")


PATHS = st.lists(st.text(min_size=1).filter(lambda text: "/" not in text and text != "."), min_size=1, max_size=4)


@given(PATHS)
def test_an_escaped_path_matches_itself_alone(segments: list[str]) -> None:
    path = "/".join(segments)
    assert matches(escaped(path), path)
    assert not matches(escaped(path), path + "x")


@given(st.text(), st.text())
def test_any_text_is_a_glob(glob: str, path: str) -> None:
    matches(glob, path)
    fixed_folder(glob)
