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
        shown = with_commit(shown, FIRST, f"c{number}")
    assert [commit for _, commit in shown] == [f"c{number}" for number in range(30, 50)]


def test_commits_and_plans_are_kept_beside_each_other() -> None:
    shown = with_plans(with_commit((), FIRST, "a"), FIRST, [7])
    assert with_commit(shown, LATER, "a") == shown
    assert with_commit(shown, LATER, "b") == ((FIRST, "a"), (FIRST, "7"), (LATER, "b"))
    many = with_plans(shown, LATER, range(1000, 7000))
    assert (len(many), many[0], many[1]) == (5001, (FIRST, "a"), (LATER, "2000"))


def test_a_commit_of_digits_alone_is_no_plan() -> None:
    digits = "1" * 40
    assert with_commit(with_commit((), FIRST, digits), LATER, digits) == ((FIRST, digits),)


def test_each_plan_is_shown_from_its_first_moment_on() -> None:
    shown = with_plans(with_plans((), FIRST, [1, 2]), LATER, [2, 3])
    assert shown == ((FIRST, "1"), (FIRST, "2"), (LATER, "3"))


def test_times_are_those_of_github() -> None:
    assert seconds(LATER) - seconds(FIRST) == 4.0
