"""Each judge says nothing of a good run, and finds what is wrong with one in which it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.soak import judges
from tests.soak.allowed import only_allowed
from tests.soak.records import (
    TAKEN_OUT,
    Attempt,
    Check,
    Command,
    Deed,
    Deployment,
    Environment,
    Job,
    Pull,
    Records,
    Remark,
    Task,
    Weather,
)
from tests.soak.tools import read_log
from tests.soak.truth import one_truth

FIRST, HEAD, MERGED, OTHER = "0" * 40, "a" * 40, "b" * 40, "c" * 40
LOG = f"""\
start apply network 11 1 {HEAD} network-1
end apply network 11 1 {HEAD} network-1
start apply db 12 2 {HEAD} db-0
end apply db 12 2 {HEAD} db-0
"""
PLAN = f"<!-- headwater plan 1 -->\n### 2 environments\n`{HEAD[:7]}`"
DEPLOYED = "<!-- headwater deployment c1 -->\n| `network` | ✓ deployed |\n| `db` | ✓ deployed |"
GOOD = Records(
    needs={"network": (), "db": ("network",)},
    texts={
        FIRST: {"network": "network-0", "db": "db-0"},
        HEAD: {"network": "network-1", "db": "db-0"},
        MERGED: {"network": "network-1", "db": "db-0"},
    },
    log=read_log(LOG),
    attempts_of_jobs={11: "1-1-1", 12: "1-2-1"},
    deeds=(Deed(1.0, "say", "ada", 1, "/deploy", HEAD, "write", read="~ network: network-0 -> network-1"),),
    main=(FIRST, MERGED),
    remarks=(
        Remark(1, 1, True, "headwater[bot]", PLAN, 1.0),
        Remark(2, 1, False, "ada", "/deploy", 2.0, ["eyes"]),
        Remark(3, 1, True, "headwater[bot]", DEPLOYED, 3.0),
    ),
    checks=(Check("headwater deploy: soak", HEAD, "completed", "success"),),
    pulls=(Pull(1, "merged", "ada", HEAD),),
    webhooks={"one": "worked on"},
    tasks=(
        Task(1, 1, "network", "deploy", "succeeded", "done", HEAD),
        Task(2, 1, "db", "deploy", "succeeded", "done", HEAD),
    ),
    deployments=(Deployment(1, "deploy", "succeeded", "ada", HEAD, 1, False, False),),
    environments=(Environment("network", True, False, HEAD), Environment("db", True, False, HEAD)),
    commands=(Command(1, 2, 1, "deploy", "done"),),
    state={"network": "network-1", "db": "db-0"},
    spoken={"a comment": "all is well"},
    secrets={"a token": "ghs_0123456789"},
    continuous=True,
    bases={"main": FIRST, HEAD: FIRST},
    heard=frozenset({2}),
    told={3: (1,)},
)


def lines(*order: int) -> Sequence[object]:
    """The good log's lines in another order, counted from 0."""
    return [GOOD.log[one] for one in order]


def test_a_good_run_is_good() -> None:
    assert {name: list(judge(GOOD)) for name, judge in judges.JUDGES.items()} == {name: [] for name in judges.JUDGES}


GONE = read_log(f"start destroy db 13 3 {HEAD} db-0")
ENDED = Deed(3.0, "say", "ada", 1, "/destroy --confirm soak", HEAD, "write", 4)
YES = Deed(4.0, "say", "bob", 1, "/approve", HEAD, "write", 4, read="destroy db\ndestroy network")
PUSHED = {
    "log": [*GOOD.log, *read_log(f"start apply network 13 3 {OTHER} network-2")],
    "main": (*GOOD.main, OTHER),
    "texts": {**GOOD.texts, OTHER: {"network": "network-2", "db": "db-0"}},
    "deeds": (*GOOD.deeds, Deed(3.0, "direct", "bob", 0, OTHER, OTHER, "write", 4)),
}
REVIEW = Deed(0.5, "review", "bob", 1, "", HEAD, "write")
DISMISSED = Deed(0.7, "dismissed", "olga", 1, "", HEAD, "admin")

BAD = {
    "an upstream that was not there": ("I1 order", {"log": lines(2, 3, 0, 1)}),
    "an upstream that was still at work": ("I1 order", {"log": lines(0, 2, 3, 1)}),
    "an upstream that failed": (
        "I1 order",
        {"log": read_log(LOG.replace("end apply network", "fail apply network"))},
    ),
    "a destroy of what is needed": (
        "I1 order",
        {"log": [*GOOD.log, *read_log(f"start destroy network 13 3 {HEAD} network-1")]},
    ),
    "two at the same time": (
        "I2 once",
        {"log": [GOOD.log[0], *read_log(f"start apply network 13 3 {HEAD} network-1"), *lines(1, 2, 3)]},
    ),
    "a next one after one that never ended": (
        "I2 once",
        {"log": [GOOD.log[0], *read_log(f"start apply network 13 3 {HEAD} network-1")]},
    ),
    "another's environment": (
        "I6 one truth",
        {
            "log": [*GOOD.log, *read_log(f"start apply network 13 3 {OTHER} network-2")],
            "deeds": [*GOOD.deeds, Deed(2.0, "say", "bob", 2, "/deploy", OTHER, "write", 4)],
        },
    ),
    "another's environment, deployed by a push": (
        "I6 one truth",
        {"log": [*GOOD.log, *read_log(f"start apply network 13 3 {MERGED} network-1")]},
    ),
    "an attempt twice": ("I2 once", {"attempts_of_jobs": {11: "1-1-1", 12: "1-1-1"}}),
    "a webhook that nothing became of": ("I3 nothing lost", {"webhooks": {"one": None}}),
    "no rest": ("I3 nothing lost", {"left": "deployment 1"}),
    "a command that was not seen": ("I3 nothing lost", {"commands": ()}),
    "a command that was not finished": ("I3 nothing lost", {"commands": (Command(1, 2, 1, "deploy", "going"),)}),
    "a command without an answer": (
        "I3 nothing lost",
        {"remarks": (GOOD.remarks[0], replace(GOOD.remarks[1], reactions=())), "told": {}},
    ),
    "a deployment that stands still": (
        "I3 nothing lost",
        {"deployments": (replace(GOOD.deployments[0], state="running"),)},
    ),
    "what was not deployed and is said to be": ("I4 convergence", {"state": {"network": "network-0", "db": "db-0"}}),
    "what was deployed and is said not to be": (
        "I4 convergence",
        {"environments": (Environment("network", False, False, ""), GOOD.environments[1])},
    ),
    "a merge that was forgotten": (
        "I4 convergence",
        {
            "texts": {**GOOD.texts, MERGED: {"network": "network-2", "db": "db-0"}},
            "environments": (Environment("network", True, False, HEAD), GOOD.environments[1]),
        },
    ),
    "a failure without a reason": (
        "I4 convergence",
        {"tasks": (replace(GOOD.tasks[0], state="failed", code="cannot-start"), GOOD.tasks[1])},
    ),
    "a last deploy that did not come": ("I4 convergence", {"final": {"network": "network-9"}}),
    "a command by a stranger": ("I5 only what was allowed", {"deeds": (replace(GOOD.deeds[0], role="read"),)}),
    "a commit that was pushed later": ("I5 only what was allowed", {"deeds": (replace(GOOD.deeds[0], head=FIRST),)}),
    "a command that came after it": ("I5 only what was allowed", {"deeds": (replace(GOOD.deeds[0], after=99),)}),
    "a plan that nobody could read": (
        "I5 only what was allowed",
        {"deeds": (replace(GOOD.deeds[0], read="Planning"),)},
    ),
    "what was begun for somebody who might not any more": (
        "I5 only what was allowed",
        {"deeds": (*GOOD.deeds, Deed(2.0, "lost", "ada", 0, "", FIRST, "read", 1))},
    ),
    "a command for something else": ("I5 only what was allowed", {"deeds": (replace(GOOD.deeds[0], text="/destroy"),)}),
    "a destroy that nobody approved": (
        "I5 only what was allowed",
        {"log": [*GOOD.log, *GONE], "deeds": (*GOOD.deeds, ENDED)},
    ),
    "a destroy that was approved before it was shown": (
        "I5 only what was allowed",
        {"log": [*GOOD.log, *GONE], "deeds": (*GOOD.deeds, ENDED, replace(YES, read="Planning"))},
    ),
    "a destroy that was approved before it was asked for": (
        "I5 only what was allowed",
        {"log": [*GOOD.log, *GONE], "deeds": (*GOOD.deeds, YES, ENDED)},
    ),
    "a merge that deploys where none does": (
        "I5 only what was allowed",
        {"log": [*GOOD.log, *read_log(f"start apply db 13 3 {MERGED} db-0")], "continuous": False},
    ),
    "a push that nobody had read": ("I5 only what was allowed", PUSHED),
    "a merge that came before its plan": (
        "I5 only what was allowed",
        {**PUSHED, "deeds": (*GOOD.deeds, Deed(3.0, "merge", "bob", 2, OTHER, HEAD, "write", 4))},
    ),
    "a review that was dismissed before it was asked for": (
        "I5 only what was allowed",
        {"approvals": 1, "deeds": (REVIEW, DISMISSED, *GOOD.deeds)},
    ),
    "a review that was dismissed before what is below was begun": (
        "I5 only what was allowed",
        {"approvals": 1, "deeds": (REVIEW, *GOOD.deeds, replace(DISMISSED, after=1))},
    ),
    "no review": ("I5 only what was allowed", {"approvals": 1}),
    "a review by somebody who might not": (
        "I5 only what was allowed",
        {"approvals": 1, "deeds": (*GOOD.deeds, Deed(2.0, "review", "bob", 1, "", HEAD, "read"))},
    ),
    "no approval": ("I5 only what was allowed", {"asking": ("db",)}),
    "an approval of one's own": (
        "I5 only what was allowed",
        {"asking": ("db",), "deeds": (*GOOD.deeds, replace(GOOD.deeds[0], text="/approve db"))},
    ),
    "a lock of a merged pull request": ("I6 one truth", {"locks": (("db", 1),)}),
    "the same comment twice": (
        "I6 one truth",
        {"remarks": (*GOOD.remarks, replace(GOOD.remarks[0], id=9))},
    ),
    "a plan comment of an older commit": (
        "I6 one truth",
        {"pulls": (Pull(1, "open", "ada", MERGED),), "bases": {**GOOD.bases, MERGED: FIRST}},
    ),
    "a comment that says it goes on": (
        "I6 one truth",
        {"remarks": (*GOOD.remarks, Remark(9, 1, True, "headwater[bot]", "◐ deploying", 9.0))},
    ),
    "a comment that says it queues": (
        "I6 one truth",
        {"remarks": (*GOOD.remarks, Remark(9, 1, True, "headwater[bot]", "○ queued behind deployment 1", 9.0))},
    ),
    "a command that was refused, and has begun": (
        "I6 one truth",
        {"commands": (Command(1, 2, 1, "deploy", "refused", "", (1,)),)},
    ),
    "a check that says it goes on": (
        "I6 one truth",
        {"checks": (Check("headwater deploy: soak", HEAD, "in_progress", ""),)},
    ),
    "a check that says something else": (
        "I6 one truth",
        {"checks": (Check("headwater deploy: soak", HEAD, "completed", "failure"),)},
    ),
    "a check that says something before it is so": (
        "I6 one truth",
        {"deployments": (replace(GOOD.deployments[0], state="failed"),)},
    ),
    "a failure that GitHub takes for a deployment": (
        "I6 one truth",
        {
            "attempts": (Attempt("1-1-1", 1, 11, "failed", mutates=True),),
            "jobs": (Job(11, "1-1-1", "completed", "success", "deploy", ("success",)),),
        },
    ),
    "a success that GitHub takes for a failure": (
        "I6 one truth",
        {
            "attempts": (Attempt("1-1-1", 1, 11, "succeeded", mutates=True),),
            "jobs": (Job(11, "1-1-1", "completed", "failure", "deploy", ("failure",)),),
        },
    ),
    "a comment that says something else": (
        "I6 one truth",
        {"tasks": (replace(GOOD.tasks[0], state="failed"), GOOD.tasks[1])},
    ),
    "a token in a comment": ("I7 no leak", {"spoken": {"a comment": "look: ghs_0123456789"}}),
}


@pytest.mark.parametrize(
    "after", [pytest.param((2,), id="lost when it had begun"), pytest.param((1, 2), id="regained before it began")]
)
def test_who_might_when_something_was_begun_may_lose_it_later(after: tuple[int, ...]) -> None:
    deeds = [
        Deed(2.0, kind, "ada", 0, "", FIRST, "", at) for kind, at in zip(("lost", "regained"), after, strict=False)
    ]
    assert not list(only_allowed(replace(GOOD, deeds=(*GOOD.deeds, *deeds))))


def test_a_review_counts_once_its_reviewer_might_again() -> None:
    review = Deed(2.0, "review", "bob", 1, "", HEAD, "read")
    deeds = (*GOOD.deeds, review, Deed(3.0, "regained", "bob", 0, "", FIRST, "write"))
    assert not list(only_allowed(replace(GOOD, approvals=1, deeds=deeds)))


def test_a_command_counts_once_who_wrote_it_may() -> None:
    """Its webhook may come when they have the permission again."""
    given = Deed(2.0, "permit", "olga", 0, "ada write", FIRST, "admin")
    assert not list(only_allowed(replace(GOOD, deeds=(replace(GOOD.deeds[0], role="read"), given))))


def test_what_is_restored_alone_needs_nothing_that_was_merged_and_never_deployed() -> None:
    log = read_log(f"{LOG}start apply db 13 3 {OTHER} db-0\nend apply db 13 3 {OTHER} db-0\n")
    merged = {"main": (*GOOD.main, OTHER), "texts": {**GOOD.texts, OTHER: {"network": "network-2", "db": "db-0"}}}
    assert not list(judges.order(replace(GOOD, log=log, continuous=False, **merged)))
    assert list(judges.order(replace(GOOD, log=log, **merged)))


def test_what_was_shown_and_approved_is_destroyed() -> None:
    gone = replace(GOOD, log=[*GOOD.log, *GONE], deeds=(*GOOD.deeds, ENDED, YES))
    assert list(only_allowed(gone)) == []


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(
            Deed(3.0, "merge", "bob", 2, OTHER, HEAD, "write", 4, "~ network: network-1 -> network-2"), id="read"
        ),
        pytest.param(Deed(3.5, "say", "bob", 3, "/approve network", HEAD, "write", 4), id="approved"),
    ],
)
def test_what_was_read_or_approved_is_deployed_by_a_push(deed: Deed) -> None:
    assert list(only_allowed(replace(GOOD, **{**PUSHED, "deeds": (*PUSHED["deeds"], deed)}))) == []


@pytest.mark.parametrize(
    "deeds",
    [
        pytest.param((REVIEW, *GOOD.deeds, replace(DISMISSED, after=3)), id="dismissed when all had begun"),
        pytest.param((REVIEW, DISMISSED, replace(REVIEW, who="cleo"), *GOOD.deeds), id="reviewed again"),
    ],
)
def test_a_review_that_stood_when_something_was_begun(deeds: Sequence[Deed]) -> None:
    assert list(only_allowed(replace(GOOD, approvals=1, deeds=deeds))) == []


@pytest.mark.parametrize(
    "why",
    [
        pytest.param(
            {"log": [*GOOD.log, *read_log(f"start apply db 13 3 {HEAD} db-0\nfail apply db 13 3 {HEAD} db-0")]},
            id="its tool",
        ),
        pytest.param({"weather": (Weather(33, 90.0, 95.0, 4, 4),)}, id="a fault"),
    ],
)
def test_what_fails_for_a_reason(why: dict[str, object]) -> None:
    task = Task(9, 2, "db", "deploy", "failed", "outcome-unknown", HEAD, ended=101.0)
    attempt = Attempt("2-9-1", 9, 13, "", mutates=True, begun=100.0)
    failed = replace(GOOD, tasks=(*GOOD.tasks, task), attempts=(attempt,))
    assert len(list(judges.convergence(failed))) == 1
    assert list(judges.convergence(replace(failed, **why))) == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found(name: str) -> None:
    judge, changed = BAD[name]
    assert list(judges.JUDGES[judge](replace(GOOD, **changed)))  # type: ignore[arg-type]


@pytest.mark.parametrize("by_merge", [True, False])
def test_what_is_restored_stands_upon_what_was_merged_and_waits(by_merge: bool) -> None:
    above = replace(
        GOOD,
        log=read_log(LOG.replace(f"db 12 2 {HEAD}", f"db 12 2 {MERGED}")),
        texts={**GOOD.texts, MERGED: {"network": "network-2", "db": "db-0"}},
        deployments=(replace(GOOD.deployments[0], continuous=by_merge),),
    )
    found = list(judges.order(above))
    assert [one.endswith("began before network was network-2") for one in found] == [True] * by_merge


def test_what_was_taken_out_of_the_file_and_put_back_may_be_new() -> None:
    unknown = replace(
        GOOD,
        environments=(GOOD.environments[0], Environment("db", False, False, "")),
        texts={**GOOD.texts, MERGED: {"network": "network-1", "db": "db-2"}},
    )
    assert len(list(judges.convergence(unknown))) == 2
    gone = replace(GOOD, log=[*GOOD.log, *read_log(f"start destroy network 13 3 {HEAD} network-1")])
    assert list(judges.order(gone))
    assert not list(judges.order(replace(gone, deeds=[*GOOD.deeds, Deed(2.0, TAKEN_OUT, "db", 0, "", FIRST, "")])))
    out = replace(unknown, deeds=[*GOOD.deeds, Deed(2.0, TAKEN_OUT, "db", 0, "", FIRST, "")])
    assert list(judges.convergence(out)) == []
    last = replace(out, final={"db": "db-0"})
    assert list(judges.convergence(last)) == ["db is not known to be deployed"]


def test_what_has_another_alias_for_a_while_is_told_by_it() -> None:
    renamed = replace(GOOD, tasks=(GOOD.tasks[0], replace(GOOD.tasks[1], alias="db-too")))
    assert any("is said" in one for one in one_truth(renamed))
    body = DEPLOYED.replace("`db`", "`db-too`")
    told = replace(renamed, remarks=(*GOOD.remarks[:2], replace(GOOD.remarks[2], body=body)))
    assert list(one_truth(told)) == []
