"""Matrices of a CI: never too large, in order, nothing lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.ci.matrix import MatrixEntry, matrix, matrix_entries, shards
from tests.depth import examples
from tests.planner.github_run import workflow_of

ENTRIES = st.lists(st.integers(0, 5)).map(
    lambda waves: [
        MatrixEntry(f"env {number}", f"env-{number}", f"infra/{number}", "terraform", None, wave)
        for number, wave in enumerate(waves)
    ]
)


def test_an_entry_has_the_keys_that_others_build_on() -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"]}, {"db": {"workspace": "prod"}})
    assert matrix(matrix_entries(shop)) == {
        "waves": [
            {"include": [_leg("vpc", None, 0)]},
            {"include": [_leg("db", "prod", 1)]},
        ]
    }


def _leg(alias: str, workspace: str | None, wave: int) -> dict[str, object]:
    return {
        "environment": alias,
        "slug": alias,
        "path": f"infra/{alias}",
        "tool": "terraform",
        "workspace": workspace,
        "wave": wave,
    }


def test_only_what_is_affected_and_not_disabled_is_in_it_at_its_place_in_the_whole_graph() -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "eks": ["db"], "app": ["eks"]}, {"eks": {"disabled": True}})
    assert [(one.environment, one.wave) for one in matrix_entries(shop)] == [("vpc", 0), ("db", 1), ("app", 3)]
    assert [one.environment for one in matrix_entries(shop, {"app", "eks"})] == ["app"]
    assert matrix(matrix_entries(shop, ())) == {"waves": []}


def test_several_workflows_in_one_matrix_are_told_apart() -> None:
    entries = [
        entry for name in ("prod", "dev") for entry in matrix_entries(workflow_of({"db": []}, name=name), named=True)
    ]
    (wave,) = matrix(entries)["waves"]
    assert [leg["workflow"] for leg in wave["include"]] == ["prod", "dev"]


@settings(max_examples=examples(80), deadline=None)
@given(ENTRIES, st.integers(1, 4))
def test_nothing_is_lost_and_no_entry_is_too_large(entries: list[MatrixEntry], limit: int) -> None:
    waves = [part["include"] for part in matrix(entries, limit)["waves"]]
    assert all(0 < len(part) <= limit for part in waves)
    assert all(len({leg["wave"] for leg in part}) == 1 for part in waves)
    flat = [leg for part in waves for leg in part]
    assert flat == [one.leg() for one in sorted(entries, key=lambda one: one.wave)]
    by_wave = [sum(one.wave == wave for one in entries) for wave in range(6)]
    assert len(waves) == sum(shards(size, limit) for size in by_wave), "no more parts than it takes"


def test_a_wave_of_600_spans_three_matrices() -> None:
    one = MatrixEntry("a", "a", "a", "terraform", None, 0)
    parts = matrix([replace(one, slug=f"a-{number}") for number in range(600)] + [replace(one, wave=1)])["waves"]
    assert [(len(part["include"]), part["include"][0]["wave"]) for part in parts] == [
        (256, 0),
        (256, 0),
        (88, 0),
        (1, 1),
    ]
