from __future__ import annotations

from bot.working.seen import seconds, with_commit, with_plans

FIRST, LATER = "2026-01-02T03:04:05Z", "2026-01-02T03:04:09Z"


def test_a_commit_is_shown_from_its_first_moment_on() -> None:
    shown = with_commit(with_commit((), FIRST, "a"), LATER, "a")
    assert shown == ((FIRST, "a"),)


def test_a_commit_that_comes_back_is_shown_anew() -> None:
    shown = with_commit(with_commit(with_commit((), FIRST, "a"), FIRST, "b"), LATER, "a")
    assert shown == ((FIRST, "a"), (FIRST, "b"), (LATER, "a"))


def test_only_the_newest_commits_are_kept() -> None:
    shown: tuple[tuple[str, str], ...] = ()
    for number in range(50):
        shown = with_commit(shown, FIRST, f"{number}")
    assert [commit for _, commit in shown] == [f"{number}" for number in range(30, 50)]


def test_each_plan_is_shown_from_its_first_moment_on() -> None:
    shown = with_plans(with_plans((), FIRST, [1, 2]), LATER, [2, 3])
    assert shown == ((FIRST, "1"), (FIRST, "2"), (LATER, "3"))


def test_times_are_those_of_github() -> None:
    assert seconds(LATER) - seconds(FIRST) == 4.0
