"""What somebody should know before going on: what is lost, who else holds it, what may yet be different."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.decide.facts import Change, TaskAction
from bot.render.markdown import Markdown, code, codes, commit_link, joined, origin_words, prose, pull_link
from bot.render.models import PlanComment, Row, Section
from bot.render.words import LATER, VERBS, changes, counted

MOST_LINES = 8
"""Lines of one kind; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Cautions:
    """`losses` cannot be taken back; `notes` are good to know."""

    losses: tuple[Markdown, ...] = ()
    notes: tuple[Markdown, ...] = ()


def plan_cautions(model: PlanComment) -> Cautions:
    """The cautions of a plan comment, the gravest first."""
    losses = [line for section in model.sections for line in _losses(section)]
    notes = [line for section in model.sections for line in section_notes(section, model.repository_url)]
    return Cautions(_capped(losses), tuple(notes))


def section_notes(section: Section, repository_url: str) -> list[Markdown]:
    """Who else holds these environments, what was planned too early, what will wait, and what others have to say."""
    rows = section.rows
    return [
        *_held(rows, repository_url),
        *_changed(rows, repository_url),
        *_early(rows),
        *_will_wait(section),
        *_capped([prose(one) for one in section.warnings]),
    ]


def _capped(lines: Sequence[Markdown]) -> tuple[Markdown, ...]:
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    return (*lines[: MOST_LINES - 1], Markdown(f"and {len(lines) - MOST_LINES + 1} more like these"))


def _losses(section: Section) -> list[Markdown]:
    """What each plan takes away, with the first of its resources; those that destroy before those that replace."""
    found: list[tuple[int, Markdown]] = []
    for row in section.rows:
        parts = [
            Markdown(f"{verb} {counted(row.counts[kind], 'resource')}{_addresses(row, kind)}")
            for kind, verb in (("destroy", "destroys"), ("replace", "replaces"))
            if changes(row) and row.counts.get(kind)
        ]
        if parts:
            gone = Markdown(" (gone from the file)" if row.action is TaskAction.PLAN_DESTROY else "")
            line = Markdown(f"{code(row.alias)}{gone} {joined(parts, '; ')}")
            found.append((0 if row.counts.get("destroy") else 1, line))
    return [line for _, line in sorted(found, key=lambda one: one[0])]


def _addresses(row: Row, kind: str) -> str:
    lost = [address for address, actions in row.changes if _kind(actions) == kind]
    return f": {codes(lost, 2)}" if lost else ""


def _kind(actions: tuple[str, ...]) -> str:
    if "delete" not in actions:
        return ""
    return "replace" if "create" in actions else "destroy"


def _held(rows: Iterable[Row], repository_url: str) -> list[Markdown]:
    holders: dict[str, list[str]] = {}
    for row in rows:
        if row.locked_by:
            holders.setdefault(row.locked_by, []).append(row.alias)
    return [
        Markdown(
            f"{codes(aliases)}: locked by {pull_link(holder, repository_url)}, "
            f"deployed once that is merged, restored or unlocked"
        )
        for holder, aliases in holders.items()
    ]


def _changed(rows: Iterable[Row], repository_url: str) -> list[Markdown]:
    """What is no more as it was when its plan was made."""
    since: dict[Change, list[str]] = {}
    for row in rows:
        if row.changed is not None:
            since.setdefault(row.changed, []).append(row.alias)
    return [
        Markdown(
            f"{codes(aliases)}: {VERBS[one.action].done} since this was planned, at "
            f"{commit_link(one.commit, repository_url)} ({origin_words(one.origin, repository_url)}): "
            f"{code('/plan')} plans anew"
        )
        for one, aliases in since.items()
    ]


def _below_changes(rows: Sequence[Row]) -> list[Row]:
    """Plans that stand on what this very deployment changes."""
    changing = {row.alias.casefold() for row in rows if changes(row)}
    return [row for row in rows if row.planned and any(one.casefold() in changing for one in row.needs)]


def _early(rows: Sequence[Row]) -> list[Markdown]:
    early = _below_changes(rows)
    if not early:
        return []
    who, their = codes(row.alias for row in early), "its" if len(early) == 1 else "their"
    return [Markdown(f"{who}: an upstream changes too, so planned again in {their} turn")]


def _will_wait(section: Section) -> list[Markdown]:
    staying = [row for row in section.rows if row.action is not TaskAction.PLAN_DESTROY]  # what leaves is told as such
    always = [row.alias for row in staying if row.requires_approval and (changes(row) or row.code in LATER)]
    open_ones = [row for row in staying if row.code in LATER] + _below_changes(section.rows)
    unseen = [row for row in open_ones if row.asked_for and row.alias not in always]
    either = [row.alias for row in unseen if row.asked_for_merged or not section.merging]
    before = [row.alias for row in unseen if row.alias not in either]
    lines = [Markdown(f"{codes(always)}: will wait for approval")] if always else []
    if either:
        lines.append(Markdown(f"{codes(either)}: what is found at deploy and not shown here will wait for approval"))
    if before:
        words = "deployed before the merge, what is found then and not shown here will wait for approval"
        lines.append(Markdown(f"{codes(before)}: {words}"))
    return lines
