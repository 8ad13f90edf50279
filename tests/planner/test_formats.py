from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.format.formats import (
    cron_refusal,
    glob_refusal,
    https_refusal,
    interpolated_refusal,
    is_https,
    normal_path,
    repository_host,
    repository_key,
    seconds,
    version_refusal,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        *(
            ("infra/db", "infra/db"),
            ("./infra//db/", "infra/db"),
            ("/infra/db", "infra/db"),
            ("", ""),
            ("/", ""),
            (".", ""),
        ),
        *(
            ("a/../b", "b"),
            ("..a/b", "..a/b"),
            ("...", "..."),
            ("..", None),
            ("../a", None),
            ("a/../../b", None),
            ("/..", None),
        ),
    ],
)
def test_paths_are_brought_to_one_form(text: str, path: str | None) -> None:
    assert normal_path(text) == path


@given(st.text(alphabet="./ab", max_size=12))
def test_no_path_leaves(text: str) -> None:
    found = normal_path(text)
    inside = posixpath.normpath("/up/root/" + text.lstrip("/"))
    assert (found is not None) == (inside == "/up/root" or inside.startswith("/up/root/"))
    assert found is None or posixpath.normpath("/up/root/" + found) == inside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", 1800),
        ("90s", 90),
        ("2h", 7200),
        ("1h30m10s", 5410),
        ("30", None),
        ("0s", None),
        ("", None),
        ("1.5h", None),
        ("5m1h", None),
    ],
)
def test_times(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["* * * * *", "0 6 * * 1-5", "*/15 0,12 1-31/2 JAN-MAR sun", " 0\t6 * * 7 "])
def test_schedules(text: str) -> None:
    assert cron_refusal(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* * 0 * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "* * * * MO",
        "a * * * *",
        "1, * * * *",
        "* * * * * *",
        "*-3 * * * *",
        "²* * * *",
    ],
)
def test_what_is_no_schedule(text: str) -> None:
    assert cron_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.11.4",
        "1.10",
        "~> 1.5",
        ">= 1.2, < 2.0",
        "latest",
        "v1.2.3-rc1+b",
        "1.5.x",
        "^3",
        "RESOLVE_FROM_TERRAFORM_CODE",
        "3",
    ],
)
def test_versions(text: str) -> None:
    assert version_refusal(text) is None


@pytest.mark.parametrize("text", ["--help", "-1", "$(id)", "1;id", "../x", "${V}"])
def test_what_is_no_version(text: str) -> None:
    assert version_refusal(text)


@pytest.mark.parametrize("text", ["**", "a/*.tf", "**/x", "..a", "a..b/c", "*"])
def test_globs(text: str) -> None:
    assert glob_refusal(text) is None


@pytest.mark.parametrize("text", ["..", "../a", "a/../b", "a/..", "/a", "/"])
def test_globs_that_leave(text: str) -> None:
    assert glob_refusal(text)


@pytest.mark.parametrize("text", ["a", "${A}", "$A", "$${", "$${a b}", "a-${A}-$${A}", "$${A}${B}", "100$", "{}"])
def test_texts_to_fill_in(text: str) -> None:
    assert interpolated_refusal(text) is None


@pytest.mark.parametrize(
    "text", ["${", "${a b}", "${1}", "-x", "${environments.a.outputs.b}", "${env0-workflow:a:b}", "$${a}${b c}"]
)
def test_texts_that_cannot_be_filled_in(text: str) -> None:
    assert interpolated_refusal(text)


def test_all_addresses_of_a_repository_are_one() -> None:
    addresses = [
        "https://github.com/acme/infra",
        "https://github.com/acme/infra.git",
        "https://GitHub.com/ACME/Infra/",
        "https://token@github.com/acme/infra",
        "ssh://git@github.com:22/acme/infra.git",
        "git@github.com:acme/infra.git",
        "github.com:acme/infra",
        "git://github.com/acme/infra.git",
    ]
    assert {repository_key(address) for address in addresses} == {"github.com/acme/infra"}
    assert {repository_host(address) for address in addresses} == {"github.com"}


def test_a_folder_is_an_address_of_its_own() -> None:
    assert repository_key("/srv/Git/infra.git") == "/srv/Git/infra"
    assert repository_host("/srv/git/infra.git") is None


@pytest.mark.parametrize(
    "address",
    [
        "http://a/b",
        "git@a:b/c",
        "ssh://a/b",
        "ext::sh -c id",
        "file:///a",
        "https://u:p@a/b",
        "https://a",
        "https://a/b c",
        "--upload-pack=x",
        "https://a/b?x",
        "https://a/b#x",
    ],
)
def test_only_plain_https_is_read(address: str) -> None:
    assert not is_https(address)
    assert https_refusal(address)


def test_credentials_are_not_repeated() -> None:
    assert "hunter2" not in (https_refusal("https://user:hunter2@github.com/a/b") or "")
