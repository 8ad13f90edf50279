"""What tells that a database is a restored backup."""

from __future__ import annotations

from dataclasses import dataclass

from bot.decide.restored import forgotten


@dataclass(frozen=True)
class Told:
    """A webhook in GitHub's log."""

    guid: str
    status_code: int = 202
    delivered_at: str = "2026-01-02T10:00:00Z"


def test_what_we_took_and_do_not_know_tells() -> None:
    assert forgotten([Told("a"), Told("b")], {"a"}, "") == (Told("b"),)


def test_what_never_arrived_or_was_answered_by_another_tells_nothing() -> None:
    assert forgotten([Told("a", 502), Told("b", 0), Told("c", 200), Told("d", 401)], set(), "") == ()


def test_each_restore_is_found_once() -> None:
    later = Told("b", delivered_at="2026-01-02T10:00:01Z")
    assert forgotten([later, Told("a")], set(), "2026-01-02T10:00:00Z") == (later,)
    assert forgotten([later, Told("a")], set(), "2026-01-02T10:00:01Z") == ()
