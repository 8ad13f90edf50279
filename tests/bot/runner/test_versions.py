"""Which binary is taken for which version."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bot.runner.failure import RunnerError
from bot.runner.tools.versions import Binary, binaries, choose, satisfies

FOUND = [Binary("/path", None), Binary("/five", "1.5.7"), Binary("/nine", "1.9.0"), Binary("/pre", "1.10.0-rc1")]


def ask(binary: Binary) -> str | None:
    return {"/path": "1.6.2"}.get(binary.path)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (None, "/path"),
        ("", "/path"),
        ("RESOLVE_FROM_TERRAFORM_CODE", "/path"),
        ("latest", "/pre"),
        ("1.5.7", "/five"),
        ("= 1.5.7", "/five"),
        ("v1.5.7", "/five"),
        ("1.6", "/path"),
        ("~> 1.5", "/nine"),
        ("~> 1.5.0", "/five"),
        (">= 1.3, < 1.6", "/five"),
        (">= 1.3, != 1.9.0, < 1.9.1", "/path"),
        ("^1.5", "/nine"),
        ("1.10.0-rc1", "/pre"),
    ],
)
def test_the_newest_that_fits_is_taken(wanted: str | None, path: str) -> None:
    assert choose(FOUND, wanted, ask, "terraform").path == path


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("2.0.0", "found here: 1.5.7, 1.6.2, 1.9.0, 1.10.0-rc1"),
        ("~> 1.5.8", "asked for"),
        ("newest", "is not a version"),
        (">= ", "is not a version"),
    ],
)
def test_what_is_not_there_is_told(wanted: str, said: str) -> None:
    with pytest.raises(RunnerError, match=said):
        choose([*FOUND[::-1]], wanted, ask, "terraform")


def test_without_any_binary_the_mend_is_told() -> None:
    with pytest.raises(RunnerError, match=r"No opentofu was found on the PATH"):
        choose([], None, ask, "opentofu")


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [("1.5.7", "1.5.7", True), ("1.5.70", "1.5.7", False), ("1.10.0", "> 1.9", True), ("2.0.0", "~> 1.5", False)],
)
def test_versions_compare_by_number(version: str, wanted: str, fits: bool) -> None:
    assert satisfies(version, wanted) is fits


def test_binaries_are_found_where_people_keep_them(tmp_path: Path) -> None:
    places = {
        "bin/terraform": None,
        "bin/terraform-1.5.7": "1.5.7",
        ".tfenv/versions/1.4.6/terraform": "1.4.6",
        ".terraform.versions/terraform_1.3.0": "1.3.0",
    }
    for place in places:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (tmp_path / "bin" / "terraform-docs").write_text("")
    (tmp_path / "bin" / "terraform-1.0.0").write_text("not executable")
    found = list(binaries("terraform", {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}))
    own = Binary(str(Path(sys.executable).with_name("headwater-terraform")))
    assert found == [*(Binary(str(tmp_path / place), version) for place, version in places.items()), own]
    assert list(binaries("tofu", {"PATH": os.devnull, "HOME": str(tmp_path)})) == []
