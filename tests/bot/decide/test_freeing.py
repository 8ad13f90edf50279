"""For every state and reason that there is: what would free an environment, as a terminal and a comment say it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cli.explain import _advice, _as_json, _lines
from bot.decide.facts import TaskAction
from bot.decide.freeing import Place, ways
from bot.decide.meaning import meaning
from bot.decide.refusals import Code as Refused
from bot.decide.transitions import ACTIVE, TRANSITIONS, Code, TaskState
from bot.explaining import Explanation, Pending
from bot.render import explain_comment
from bot.store.audit import Entry
from bot.store.views import TaskView
from tests.bot.render.samples import URL

S = TaskState
REACHED = sorted(
    {(S.WAITING, Code.SUBMITTED), *((row.after, row.code) for row in TRANSITIONS)},
    key=lambda one: (one[0].value, one[1].value),
)
DETAILS = {
    Code.UPSTREAM_BROKEN: "vpc",
    Code.LOCKED: "#12",
    Code.SUPERSEDED: "#9",
    Code.AFTER_UPSTREAM: "vpc",
    Code.NEEDS_VALUE: "TOKEN",
    Code.REJECTED: "by bob",
    Code.CANNOT_START: "no value for TOKEN",
}
TASK = TaskView(
    1,
    1,
    "db",
    TaskAction.DEPLOY,
    S.WAITING,
    Code.SUBMITTED,
    "",
    None,
    None,
    (),
    None,
    ("file-changed: db/main.tf",),
    None,
    None,
    "",
    False,
    True,
    None,
)
FOUND = Explanation(
    "db",
    "shop",
    ("vpc",),
    False,
    False,
    None,
    None,
    ("never-deployed",),
    7,
    TASK,
    None,
    since=1764000000.0,
    actor="ada",
    origin="#12",
    at_work=4,
)


def told(state: TaskState, code: Code, **more: object) -> Explanation:
    begun = 1.0 if state not in (S.WAITING, S.READY) else None
    return replace(
        FOUND, task=replace(TASK, state=state, code=code, detail=DETAILS.get(code, ""), started_at=begun), **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "code"), REACHED)
def test_every_state_and_reason_says_what_it_means_since_when_and_what_frees_it(state: TaskState, code: Code) -> None:
    found = told(state, code)
    for begun in (True, False):
        assert meaning(state, code, begun=begun) != code.value  # words, not the code
    comment = explain_comment(found)
    shell = "\n".join(_lines(found))
    assert "since 2025-11-24 16:00 UTC" in comment
    assert "(deployment #7, since 2025-11-24" in shell
    free = [*_advice(found)]
    assert free
    if state not in (S.SUCCEEDED, S.SKIPPED) and code is not Code.SUPERSEDED:
        assert ways(found.place or Place("db", state, code))
        assert "It goes on" in comment or "```\n/" in comment
        assert any(line.startswith(("headwater ", "it goes on ")) for line in free)


def test_what_waits_until_it_is_known_who_may_says_so() -> None:
    found = told(S.READY, Code.UPSTREAMS_DONE, unsure="GitHub does not answer")
    assert "It goes on by itself, once that is known: `GitHub does not answer`." in explain_comment(found)


def test_what_waits_for_github_says_for_what() -> None:
    held = told(S.DISPATCHED, Code.DISPATCHED, held=True)
    assert "waits for the rules of its GitHub environment" in explain_comment(held)
    rules = "once the rules of its GitHub environment let its job start: who may says so on its page there"
    assert f"It goes on {rules}." in explain_comment(held)
    assert f"it goes on {rules}" in _advice(held)
    for state, code in ((S.WAITING, Code.SUBMITTED), (S.READY, Code.UPSTREAMS_DONE), (S.DISPATCHED, Code.DISPATCHED)):
        found = told(state, code, kept_back="the limit is used up")
        assert "once GitHub can be asked for it again: `the limit is used up`." in explain_comment(found)
        assert "it goes on by itself, once GitHub can be asked for it again: the limit is used up" in _advice(found)


def test_it_is_one_screen_however_much_there_is() -> None:
    many = tuple(f"env-{number}" for number in range(500))
    reasons = tuple(f"upstream-affected: {one}" for one in many)
    task = replace(TASK, waits_for=many, reasons=reasons)
    entry = refusal("error", "\n".join(many))
    found = replace(FOUND, needs=many, task=task, reasons=reasons, refusals=(entry, entry), asking=many)
    for one in (found, replace(found, asking=())):
        lines = [*_lines(one), *_advice(one)]
        assert len(lines) <= 40
        assert max(map(len, lines)) < 300
        assert "  and 494 more" in lines
        assert len(explain_comment(one)) < 4000


def test_who_asked_and_why_are_in_json() -> None:
    found = _as_json(told(S.DISPATCHED, Code.DISPATCHED), [])
    assert (found["actor"], found["origin"], found["since"]) == ("ada", "#12", "2025-11-24T16:00:00.000Z")
    assert found["for"] == ["file-changed: db/main.tf"]


def test_what_frees_each() -> None:
    """All of it in one place, to be read."""
    lines = []
    for state, code in REACHED:
        for way in ways(told(state, code).place or Place("db", state, code)):
            command = " ".join(filter(None, (way.verb, *way.aliases, way.option)))
            lines.append(
                f"{state} ({code}): {way.words.replace('{}', ', '.join(way.names))} -> {command or 'nothing to do'}"
            )
    assert lines == [
        "blocked (locked): once #12 is merged or restored, or an admin has freed it -> retry",
        "blocked (locked): an admin frees it -> unlock db",
        "blocked (upstream-broken): once vpc is mended -> retry",
        "cancelled (cancelled): to go on with the same -> retry",
        "cancelled (fail-fast): to go on with the same -> retry",
        "cancelled (freed): to go on with the same -> retry",
        "cancelled (rejected): to go on with the same -> retry",
        "cancelled (superseded): in #9, which took its place -> nothing to do",
        "cancelled (voided): to deploy what is there now -> deploy db",
        "cancelled (withdrawn): once somebody may again, or it is reviewed again -> retry",
        "dispatched (dispatched): by itself, once its job has a machine and claims it -> nothing to do",
        "failed (cannot-start): once that is mended -> retry",
        "failed (outcome-unknown): push a commit that mends this. To try again as it is -> retry",
        "failed (tool-failed): push a commit that mends this. To try again as it is -> retry",
        "lost (silent): by itself, once its job is known to have ended -> nothing to do",
        "lost (silent): an admin who is sure that the tool has ended -> retry --force",
        "needs approval (approval-required): somebody who may approves the plan -> approve db",
        "needs approval (approval-required): or calls it off -> reject db",
        "needs approval (plan-differs): somebody who may approves the plan -> approve db",
        "needs approval (plan-differs): or calls it off -> reject db",
        "ready (approved): by itself, once a job is free: 4 are at work -> nothing to do",
        "ready (never-claimed): by itself, once a job is free: 4 are at work -> nothing to do",
        "ready (upstreams-done): by itself, once a job is free: 4 are at work -> nothing to do",
        "running (claimed): by itself, once its tool has ended -> nothing to do",
        "skipped (after-upstream): once vpc is deployed -> deploy vpc",
        "skipped (has-changes): a deploy makes it as the code says -> deploy db",
        "skipped (needs-value): a deploy gets TOKEN -> deploy db",
        "timed out (timed-out): push a commit that mends this. To try again as it is -> retry",
        "waiting (submitted): by itself, in a moment: its turn has come -> nothing to do",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"waits_for": ("vpc",)}, "It goes on by itself, once `vpc` succeeds."),
        ({"behind": 3}, "It goes on by itself, once deployment 3 has ended."),
        ({}, "It goes on by itself, in a moment: its turn has come."),
    ],
)
def test_what_waits_says_on_what(more: dict[str, object], words: str) -> None:
    found = replace(FOUND, task=replace(TASK, **more), rival=more.get("behind"))  # type: ignore[arg-type]
    assert words in explain_comment(found)
    assert words.replace("`", "")[:-1].casefold() in "\n".join(_advice(found)).casefold()


def test_what_runs_says_why_it_is_here_and_who_asked() -> None:
    comment = explain_comment(told(S.RUNNING, Code.CLAIMED), repository_url=URL)
    assert f"asked for by ada ([#12]({URL}/pull/12)), for: `db/main.tf`" in comment
    assert "asked for by ada (#12), for: file-changed: db/main.tf" in "\n".join(_lines(told(S.RUNNING, Code.CLAIMED)))


def refusal(code: str, detail: str) -> Entry:
    return Entry(
        1, 1764000000.0, "eve", "deploy", "refused", "acme/shop", "#12", 12, None, None, "c", None, (), (code,), detail, ""
    )  # fmt: skip


@pytest.mark.parametrize("code", Refused)
def test_every_refusal_is_told_with_its_mend(code: Refused) -> None:
    entry = refusal(code.value, f"{code.value} is not met: 'x|y'; mend that")
    found = replace(FOUND, refusals=(entry,))
    comment = explain_comment(found)
    assert "`/deploy` by eve was refused on 2025-11-24 16:00 UTC" in comment
    assert f"{code.value} is not met: 'x&#124;y'; mend that" in comment
    shell = "\n".join(_lines(found))
    assert "deploy by eve was refused on 2025-11-24" in shell
    assert f"{code.value} is not met: 'x|y'; mend that" in shell


def test_what_waits_to_be_carried_out_is_told() -> None:
    pending = (
        Pending("deploy", "bob", "for #1, which holds `db`", 1764000000.0),
        Pending("destroy", "bob", "", 1764000000.0),
    )
    comment = explain_comment(replace(FOUND, pending=pending, held_by=1, held_since=1764000000.0), repository_url=URL)
    assert f"belongs to [#1]({URL}/pull/1) since 2025-11-24 16:00 UTC" in comment
    assert "`/deploy` by bob waits for" in comment
    assert "`/destroy` by bob waits for `/approve`, since 2025-11-24 16:00 UTC" in comment


def test_hostile_text_stays_text() -> None:
    evil = "x`\n# big @ada | <script>"
    entry = replace(refusal("error", evil), actor=evil, origin=evil, deed="deploy")
    task = replace(TASK, state=S.BLOCKED, code=Code.UPSTREAM_BROKEN, detail=evil)
    comment = explain_comment(replace(FOUND, task=task, refusals=(entry,), actor=evil, origin=evil))
    assert "<script>" not in comment
    assert "\n# big" not in comment
    assert "@ada" not in comment


def test_all_active_states_are_reached() -> None:
    assert {state for state, _ in REACHED} == set(TaskState)
    assert {state for state, _ in REACHED} >= ACTIVE
