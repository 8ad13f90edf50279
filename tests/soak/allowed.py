"""I5: whether each deploy and destroy was asked for, read, reviewed and approved by those who may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.soak.records import Deed, Records, changing
from tests.soak.story import ALSO
from tests.soak.tools import Span, named, spans

MAY_DEPLOY = frozenset({"write", "maintain", "admin"})
_ASKS = {"apply": ("/deploy", "/retry", "/restore", "/adopt"), "destroy": ("/destroy", "/retry")}


def only_allowed(records: Records) -> Iterator[str]:
    """I5: each deploy ran at a commit that somebody who might had asked for before, of a plan that they could have read.

    So were the reviews and the approvals that it takes. What reads outputs of others may come out differently, unread.
    """
    main = set(records.main)
    for one in changing(records):
        before = [deed for deed in records.deeds if deed.after <= one.start and _might(records, deed, one)]
        yield from _on_main(records, before, one) if one.commit in main else _on_a_pull(records, before, one)
        if one.step == "apply" and one.environment in records.asking and not _approved(records, before, one):
            yield f"{named(one)} ran without an approval"
        if one.step == "destroy" and not any(_approves_the_end(deed, one) for deed in _since(before, "/destroy")):
            yield f"{named(one)} ran without an approval by somebody who could read of it"


def _on_a_pull(records: Records, before: Sequence[Deed], span: Span) -> Iterator[str]:
    """Of what ran at the head of a pull request."""
    said = [deed for deed in before if deed.kind == "say" and deed.head == span.commit]
    asked = [deed for deed in said if deed.text.startswith(_ASKS[span.step])]
    if not asked:
        yield f"{named(span)} ran at {span.commit[:7]}, which nobody who may had asked for"
    elif span.step == "apply" and not records.needs[span.environment] and not any(_read(deed, span) for deed in asked):
        yield f"{named(span)} ran, which nobody could read who asked for it"
    elif _powerless(records, {deed.who for deed in asked}, span):
        yield f"{named(span)} was begun after all who had asked for it might not any more"
    elif records.approvals and not _reviewed(records, before, span.commit):
        yield f"{named(span)} ran at {span.commit[:7]} without a review of it"
    elif records.approvals and _dismissed(records, asked, span):
        yield f"{named(span)} was begun after all reviews of {span.commit[:7]} were dismissed"


def _on_main(records: Records, before: Sequence[Deed], span: Span) -> Iterator[str]:
    """Of what ran at a commit of the default branch: since it was merged, or for a restore."""
    restores = any(deed.kind == "say" and deed.text.startswith("/restore") for deed in before)
    if span.step == "destroy" or (not records.continuous and not restores):
        yield f"{named(span)} ran at {span.commit[:7]} of the default branch, and no merge does that here"
    elif not restores and not any(_approves(deed, span) for deed in before) and _unread(records, before, span):
        yield f"{named(span)} ran at {span.commit[:7]} of the default branch, and nobody had read a plan of it"


def _unread(records: Records, before: Sequence[Deed], span: Span) -> bool:
    """Whether nobody could have read that an environment changes as it did: it was a push, or a merge that came too early.

    What only makes something new may pass unread.
    """
    if records.needs[span.environment] or not _was_there(records, span):
        return False
    came = [deed for deed in before if deed.kind in ("merge", "direct") and _brought(records, deed, span)]
    pulls = {deed.pull for deed in came if deed.kind == "merge"}
    read = [deed for deed in before if deed.kind in ("say", "merge") and deed.pull in pulls]
    return not any(_read(deed, span) for deed in read)


def _was_there(records: Records, span: Span) -> bool:
    before = [one for one in changing(records) if one.environment == span.environment and one.start < span.start]
    return bool(before) and before[-1].step == "apply"


def _brought(records: Records, deed: Deed, span: Span) -> bool:
    """Whether that merge or push brought this text to the default branch."""
    at = records.main.index(deed.text) if deed.text in records.main else 0
    below = records.texts.get(records.main[at - 1], {}) if at else {}
    return at > 0 and records.texts[deed.text].get(span.environment) == span.text != below.get(span.environment)


def _since(before: Sequence[Deed], command: str) -> Sequence[Deed]:
    """What was done from somebody's first such command on."""
    first = next((at for at, one in enumerate(before) if one.kind == "say" and one.text.startswith(command)), None)
    return () if first is None else before[first:]


def _approves(deed: Deed, span: Span) -> bool:
    """Whether it approves, by its name, what is waiting of an environment."""
    names = {span.environment, span.environment + ALSO}
    return deed.kind == "say" and deed.text.split()[:1] == ["/approve"] and bool(names & set(deed.text.split()))


def _approves_the_end(deed: Deed, span: Span) -> bool:
    """Whether it approves that an environment is destroyed, which was shown there before."""
    words = deed.text.split()
    named = len(words) == 1 or bool({span.environment, span.environment + ALSO} & set(words))
    return (
        deed.kind == "say"
        and words[:1] == ["/approve"]
        and named
        and f"destroy {span.environment}" in deed.read.splitlines()
    )


def _dismissed(records: Records, asked: Sequence[Deed], span: Span) -> bool:
    """Whether it began without any review that stood, as was known when it was asked for and all above it had ended."""
    since = max(_above_ended(records, span) or 0, min(deed.after for deed in asked))
    reviews = [
        deed for deed in records.deeds
        if deed.kind in ("review", "dismissed") and deed.head == span.commit and deed.after <= span.start
    ]  # fmt: skip
    known = [deed for deed in reviews if deed.kind == "review" or deed.after <= since]
    return known[-1].kind == "dismissed" if known else False


def _read(deed: Deed, span: Span) -> bool:
    """Whether a plan had been shown of what a deploy made."""
    return any(line.split()[-1:] == [span.text] and f" {span.environment}: " in line for line in deed.read.splitlines())


def _powerless(records: Records, who: set[str], span: Span) -> bool:
    """Whether what a deploy waited for last ended, and it began, while none of them might deploy, as was known by then."""
    ended = _above_ended(records, span)
    if ended is None:
        return False

    def might(login: str) -> bool:
        told = [
            deed.kind for deed in records.deeds if deed.who == login and deed.kind in _POWER and deed.after <= ended
        ]
        again = [deed for deed in records.deeds if deed.who == login and deed.kind == "regained"]
        return told[-1:] != ["lost"] or any(ended < deed.after <= span.start for deed in again)

    return not any(might(login) for login in who)


def _above_ended(records: Records, span: Span) -> int | None:
    """When the last of what a deploy needs had ended before it, as the number of a line; None: there was none of it."""
    above = [
        one.end
        for one in spans(records.log)
        if one.environment in records.needs[span.environment] and one.commit == span.commit and one.step == "apply"
    ]
    return max((end for end in above if end is not None and end < span.start), default=None)


_POWER = ("lost", "regained")


def _might(records: Records, deed: Deed, span: Span) -> bool:
    """Whether who did it might then, or got the power before this began: GitHub tells what somebody may now."""
    later = [each for each in records.deeds if each.at >= deed.at and each.after <= span.start]
    given = {f"{deed.who} {role}" for role in MAY_DEPLOY}
    return any(
        (each.who == deed.who and each.role in MAY_DEPLOY) or (each.kind == "permit" and each.text in given)
        for each in later
    )


def _reviewed(records: Records, before: Sequence[Deed], commit: str) -> bool:
    authors = {one.number: one.author for one in records.pulls}
    return any(one.kind == "review" and one.head == commit and one.who != authors.get(one.pull) for one in before)


def _approved(records: Records, before: Sequence[Deed], span: Span) -> bool:
    """Whether somebody else who may had written `/approve ENVIRONMENT`."""
    authors = {one.number: one.author for one in records.pulls}
    return any(_approves(one, span) and one.who != authors.get(one.pull) for one in before)
