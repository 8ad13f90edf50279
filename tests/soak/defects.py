"""Deliberate defects, one at a time, each with a story in which it shows: what the judges must catch (`make soak-selftest`).

A defect breaks the program in the processes of one run alone, by putting something wrong in the place of a function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.soak.faults import Fault
from tests.soak.story import READER, Scenario, Step

_CHAIN = {"network": (), "db": ("network",), "queue": ("db",)}
_ONE = {"network": ()}
_OPEN = Step("open", "ada", 1, wanted={"network": "network-1"})
_DEPLOY = Step("say", "ada", 1, "/deploy", calm=True)
_OTHER = Step("open", "bob", 2, wanted={"network": "network-2"}, calm=True)
_ITS_DEPLOY = Step("say", "bob", 2, "/deploy", calm=True)
_MERGE = Step("merge", "bob", 1, calm=True)
_REST = Step("permit", "olga", text="eve read", calm=True)
"""Nothing happens, but people have waited for the bot to be done."""


@dataclass(frozen=True)
class Defect:
    """What is broken, and the invariant whose judge must see it."""

    name: str
    invariant: str
    begin: Callable[[], None]
    scenario: Scenario


def begin(name: str) -> None:
    """Break this process, if a defect is named."""
    for one in DEFECTS:
        if one.name == name:
            one.begin()


def _story(
    *steps: Step, faults: tuple[Fault, ...] = (), needs: dict[str, tuple[str, ...]] | None = None,
    slow: dict[str, float] | None = None, approvals: int = 0, database: str = "sqlite", asking: tuple[str, ...] = (), merges: bool = True,
) -> Scenario:  # fmt: skip
    return Scenario(0, database, needs or _ONE, asking, approvals, merges, slow or {}, steps, faults)


def _upstreams_unheeded() -> None:
    from bot.decide import reconcile  # noqa: PLC0415
    from bot.decide.transitions import Code, TaskState  # noqa: PLC0415

    reconcile._of_waiting = lambda task: (
        reconcile.Move(task.id, task.state, TaskState.READY, Code.UPSTREAMS_DONE),
    )  # fmt: skip


def _claimed_by_all() -> None:
    from sqlalchemy import select, update  # noqa: PLC0415

    from bot.store import remote  # noqa: PLC0415
    from bot.store.hosted_tables import dispatches, remote_attempts  # noqa: PLC0415

    expectation, claim = remote.expectation, remote.claim

    def unbound(*given: Any) -> Any:
        found = expectation(*given)
        return None if found is None else replace(found, run_id=None, job_id=None)

    def anybodys(connection: Any, vault: Any, attempt: str, *given: Any) -> Any:
        again = update(remote_attempts).where(remote_attempts.c.attempt_id == attempt)
        connection.execute(again.values(claimed=False, beats=0, nonce=None))
        run = select(remote_attempts.c.dispatch_id).where(remote_attempts.c.attempt_id == attempt)
        connection.execute(update(dispatches).where(dispatches.c.id.in_(run)).values(run_id=None))
        return claim(connection, vault, attempt, *given)

    remote.expectation, remote.claim = unbound, anybodys


def _silence_taken_for_an_end() -> None:
    from bot.executors.base import Life  # noqa: PLC0415
    from bot.executors.github_actions import GitHubActionsExecutor  # noqa: PLC0415

    GitHubActionsExecutor.look_up = lambda self, attempt: Life.ENDED  # type: ignore[method-assign]


def _answered_before_stored() -> None:
    from bot.web.intake import Intake  # noqa: PLC0415

    keep = Intake.keep
    Intake.keep = lambda self, arrived: threading.Timer(2.0, keep, (self, arrived)).start()  # type: ignore[method-assign]


def _forgotten_before_done() -> None:
    from bot.store import work  # noqa: PLC0415
    from bot.work import Workers  # noqa: PLC0415

    do = Workers._do

    def forgetful(self: Workers, row: Any) -> None:
        if row.kind == "commands":
            with self._server.database.writing() as connection:
                work.done(connection, row)
            return
        do(self, row)

    Workers._do = forgetful  # type: ignore[method-assign]


def _failures_taken_for_successes() -> None:
    from bot.decide import reconcile  # noqa: PLC0415

    reconcile._ENDS[reconcile.Result.FAILED] = reconcile._ENDS[reconcile.Result.SUCCEEDED]


def _everybody_may() -> None:
    from bot.decide import gates  # noqa: PLC0415

    def nothing(case: object) -> Iterator[Any]:
        yield from ()

    gates._permission = nothing


def _reviews_not_asked_for() -> None:
    from bot.decide import gates  # noqa: PLC0415

    gates._GATES = {}


def _read_or_not() -> None:
    from bot.commands import deploy  # noqa: PLC0415

    deploy.refuse_unread = lambda *_given: None  # type: ignore[assignment]


def _approvals_not_asked_for() -> None:
    from bot.decide import reconcile  # noqa: PLC0415
    from bot.runner import attempt  # noqa: PLC0415

    waiting = reconcile._of_waiting
    reconcile._of_waiting = lambda task: waiting(replace(task, requires_approval=False))
    attempt.may_apply = lambda *given: True  # type: ignore[assignment]


def _fails_for_nothing() -> None:
    from bot.decide import reconcile  # noqa: PLC0415
    from bot.decide.transitions import Code, TaskState  # noqa: PLC0415

    waiting = reconcile._of_waiting

    def failing(task: Any) -> Any:
        moves = waiting(task)
        return [
            replace(one, after=TaskState.FAILED, code=Code.CANNOT_START)
            if task.action.mutates and one.after is TaskState.READY
            else one
            for one in moves
        ]

    reconcile._of_waiting = failing


def _every_merge_deploys() -> None:
    from bot.hosting.project import HostedProject  # noqa: PLC0415

    HostedProject.deploys_from = lambda *_given: True  # type: ignore[method-assign]


def _pushed_or_not() -> None:
    from bot import briefing  # noqa: PLC0415

    decide = briefing.acceptance

    def lenient(facts: Any) -> Any:
        return briefing.Acceptance(everything=True) if facts.continuous else decide(facts)

    briefing.acceptance = lenient


def _destroyed_at_once() -> None:
    from bot.commands import destroy  # noqa: PLC0415
    from bot.submit import submit  # noqa: PLC0415

    def at_once(project: Any, one: Any, also: Any) -> int:
        return submit(
            project, replace(one, request=replace(one.request, plan_only=False)), {}, auto_approve=True, also=also
        )

    destroy.submit_plan = at_once


def _believed() -> None:
    from bot.working import driving  # noqa: PLC0415

    driving.may_begin = lambda *_given: lambda *_told: True


def _reviewed_for_ever() -> None:
    from bot.working import permitting  # noqa: PLC0415

    permitting._takes_reviews = lambda *_given: False  # type: ignore[assignment]


def _locks_kept() -> None:
    from bot.store import locks  # noqa: PLC0415

    locks.release = lambda *given: 0


def _locks_open() -> None:
    from bot.store import locks  # noqa: PLC0415

    locks.take = locks.held = lambda *given: {}


def _comments_left() -> None:
    from bot.store import publications  # noqa: PLC0415

    publications.refresh = lambda *given: None


def _nothing_hidden() -> None:
    from bot.runner import redact  # noqa: PLC0415

    redact.Redactor.redact = lambda self, text: text  # type: ignore[method-assign]
    redact.Scrubber.feed = lambda self, data: data.decode()  # type: ignore[method-assign]
    redact.Scrubber.flush = lambda self: ""  # type: ignore[method-assign]


def _kept_in_the_clear() -> None:
    import json  # noqa: PLC0415

    from bot.vault import Vault  # noqa: PLC0415

    Vault.seal = lambda self, value: json.dumps(value).encode()  # type: ignore[method-assign]
    Vault.open = lambda self, data: json.loads(data)  # type: ignore[method-assign]


def _tokens_as_arguments() -> None:
    from types import SimpleNamespace  # noqa: PLC0415

    from bot.hosting import mirror  # noqa: PLC0415

    run = mirror.process.run

    def shown(argv: list[str], *, env: dict[str, str], **how: Any) -> Any:
        header = env.get("GIT_CONFIG_VALUE_0")
        return run([*argv[:1], *(["-c", f"http.extraHeader={header}"] if header else []), *argv[1:]], env=env, **how)

    mirror.process = SimpleNamespace(run=shown)  # type: ignore[assignment]


DEFECTS = (
    Defect(
        "upstreams are not waited for", "I1", _upstreams_unheeded,
        _story(_OPEN, _DEPLOY, _REST, needs={"network": (), "db": (), "queue": ("network",)}, slow={"network": 1.0}),
    ),
    Defect(
        "anybody may claim an attempt again", "I2", _claimed_by_all,
        _story(_OPEN, _DEPLOY, _REST, faults=(Fault(24, 1, 0.0, 8.0),), slow={"network": 8.0}),
    ),
    Defect(
        "a silent runner is taken for one that ended", "I2", _silence_taken_for_an_end,
        _story(
            _OPEN, _DEPLOY, Step("say", "ada", 1, "/retry", wait=5.0), _REST,
            faults=(Fault(108, 1, 0.0, 9.0),), slow={"network": 12.0},
        ),
    ),
    Defect(
        "a webhook is answered before it is stored", "I3", _answered_before_stored,
        _story(_OPEN, _DEPLOY, faults=(Fault(6, 1, 0.5, 0.5),)),
    ),
    Defect("a command is done with before it is looked at", "I3", _forgotten_before_done, _story(_OPEN, _DEPLOY, _REST)),
    Defect(
        "a failure is taken for a success", "I4", _failures_taken_for_successes,
        _story(Step("break", text="network"), _OPEN, _DEPLOY, _REST),
    ),
    Defect(
        "everybody may deploy", "I5", _everybody_may,
        _story(_OPEN, Step("say", READER, 1, "/deploy", calm=True), _REST),
    ),
    Defect("what fails has no reason", "I4", _fails_for_nothing, _story(_OPEN, _DEPLOY, _REST)),
    Defect(
        "a merge deploys where none should", "I5", _every_merge_deploys,
        _story(_OPEN, Step("merge", "bob", 1, calm=True), _REST, merges=False),
    ),
    Defect(
        "what nobody could read is deployed by a push", "I5", _pushed_or_not,
        _story(_OPEN, _DEPLOY, _MERGE, Step("direct", "ada", wanted={"network": "network-2"}, calm=True), _REST),
    ),
    Defect(
        "a destroy waits for nobody", "I5", _destroyed_at_once,
        _story(_OPEN, _DEPLOY, Step("say", "ada", 1, "/destroy --confirm soak", calm=True), _REST),
    ),
    Defect(
        "a review that was dismissed counts for ever", "I5", _reviewed_for_ever,
        _story(
            Step("open", "ada", 1, wanted={"network": "network-1", "db": "db-1"}), Step("review", "bob", 1, calm=True),
            _DEPLOY, _REST, faults=(Fault(40, 2, 1.0, 9.0, 1),), needs={"network": (), "db": ("network",)},
            slow={"network": 8.0}, approvals=1,
        ),
    ),
    Defect("reviews are not asked for", "I5", _reviews_not_asked_for, _story(_OPEN, _DEPLOY, _REST, approvals=1)),
    Defect(
        "approvals are not asked for", "I5", _approvals_not_asked_for,
        _story(_OPEN, _DEPLOY, _REST, asking=("network",)),
    ),
    Defect(
        "what nobody could read is deployed", "I5", _read_or_not,
        _story(_OPEN, Step("say", "ada", 1, "/deploy", wait=3.0), _REST, slow={"plan-network": 7.0}),
    ),
    Defect(
        "who asked is believed for ever", "I5", _believed,
        _story(
            Step("open", "ada", 1, wanted={"network": "network-1", "db": "db-1"}), _DEPLOY, _REST,
            faults=(Fault(40, 1, 1.0, 9.0),), needs={"network": (), "db": ("network",)}, slow={"network": 8.0},
        ),
    ),
    Defect("a merge leaves its locks", "I6", _locks_kept, _story(_OPEN, _DEPLOY, _MERGE, _REST)),
    Defect("a lock fails open", "I6", _locks_open, _story(_OPEN, _DEPLOY, _OTHER, _ITS_DEPLOY, _REST)),
    Defect("comments are not brought up to date", "I6", _comments_left, _story(_OPEN, _DEPLOY, _REST)),
    Defect("nothing is hidden", "I7", _nothing_hidden, _story(_OPEN, _DEPLOY, _REST)),
    Defect("secrets are kept in the clear", "I7", _kept_in_the_clear, _story(_OPEN, _DEPLOY, _REST)),
    Defect("git gets its token as an argument", "I7", _tokens_as_arguments, _story(_OPEN, _DEPLOY, _REST)),
)  # fmt: skip
