"""Moves runs on: what may start starts, what has ended is concluded. One thread, level by level of what is known."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.github.actions import contexts, deploying, starting
from tests.github.actions.definition import InvalidWorkflow, JobDefinition
from tests.github.actions.expressions import ExpressionError, condition, filled, has_status_function, truth, written
from tests.github.actions.matrix import BadMatrix, expand, leg_name
from tests.github.actions.oidc import Issuer
from tests.github.actions.runs import Job, Run, Step
from tests.github.actions.worker import Worker
from tests.github.world.checks import CheckRun
from tests.github.world.people import Account
from tests.github.world.refusal import Refusal
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

CANCEL_SECONDS = 10.0


class Actions:
    """GitHub Actions of one GitHub.

    `most_jobs` run at once; a job starts `start_delay` seconds after it may; `cancel_seconds` is the grace of a cancel;
    `minute` is how long a minute of `timeout-minutes` lasts. `more` holds further actions by name, `machine` is what runs a job.
    """

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.most_jobs = 20
        self.start_delay = 0.0
        self.cancel_seconds = CANCEL_SECONDS
        self.minute = 60.0
        self.more: dict[str, Callable[..., dict[str, str]]] = {}
        self.machine = Worker
        self.refused: list[InvalidWorkflow] = []
        self.issuer = Issuer(github)
        self.workers: dict[int, Worker] = {}
        self._stopped = False
        github.world.listeners.append(lambda event: starting.heard(self, event))
        self._thread = threading.Thread(target=self._go, name="actions", daemon=True)
        self._thread.start()

    # what people do

    def cancel(self, where: Repository, run: Run, *, force: bool = False) -> None:
        """Cancel a run. Raises Refusal 409 when it has ended."""
        with self.github.world.lock:
            if run.done:
                raise Refusal(409, "Cannot cancel a workflow run that is completed.")
            run.cancelled, run.forced = True, run.forced or force
            for job in run.current():
                if not job.done and (force or not self._goes_on(where, run, job)):
                    job.stopping = True
            self.github.world.changed.notify_all()

    def _goes_on(self, where: Repository, run: Run, job: Job) -> bool:
        text = job.definition.data.get("if")
        if text is None or not has_status_function(str(text)):
            return False
        return condition(str(text), contexts.of_job(self.github.world, where, run, job.key, job.matrix))

    def lose(self, job: Job) -> None:
        """The machine of a running job is lost."""
        self.workers[job.id].lose()

    def vanish(self, job: Job) -> None:
        """The machine of a running job is lost, and GitHub does not know it until `notice`."""
        self.workers[job.id].vanish()

    def notice(self, job: Job) -> None:
        """GitHub comes to know that the machine of a job is lost."""
        self.workers[job.id].noticed.set()

    def stop(self) -> None:
        """Kill all that runs."""
        with self.github.world.lock:
            self._stopped = True
            workers = list(self.workers.values())
            self.github.world.changed.notify_all()
        for worker in workers:
            worker.lose()
            worker.noticed.set()
        for worker in workers:
            worker.join()
        self._thread.join()

    @property
    def idle(self) -> bool:
        """Whether no run can go on without people."""
        with self.github.world.lock:
            return all(
                self._rests(run) for where in self.github.world.repositories.values() for run in where.runs.values()
            )

    def _rests(self, run: Run) -> bool:
        if run.done or (run.stuck and not run.cancelled):
            return True
        jobs = [one for one in run.current() if not one.done]
        return bool(jobs) and all(one.status == "waiting" for one in jobs) and not run.cancelled

    # the loop

    def _go(self) -> None:
        world = self.github.world
        with world.lock:
            while not self._stopped:
                try:
                    busy = self._tick()
                except Exception:  # noqa: BLE001 told to the test, and the engine goes on
                    self.github.errors.append(traceback.format_exc())
                    busy = False
                world.changed.wait(0.02 if busy else 0.5)

    def _tick(self) -> bool:
        busy = False
        for where in list(self.github.world.repositories.values()):
            for run in list(where.runs.values()):
                if not run.done:
                    self._move(where, run)
                    busy = busy or not self._rests(run)
        return busy

    def _move(self, where: Repository, run: Run) -> None:
        if (
            run.cancelled
            and (run.stuck or run.forced or run.status in ("queued", "pending"))
            and not self._running(run)
        ):
            self._cancel_rest(where, run)
            self.finish(where, run, "cancelled")
            return
        if run.stuck or (run.status in ("queued", "pending") and not self._may_begin(where, run)):
            return
        try:
            self._expand(where, run)
        except (ExpressionError, BadMatrix) as failed:
            run.problem = str(failed)
            self.finish(where, run, "failure")
            return
        for job in run.current():
            if job.status in ("queued", "waiting", "pending"):
                self._job(where, run, job)
        self._conclude(where, run)

    def _running(self, run: Run) -> bool:
        return any(one.status == "in_progress" for one in run.current())

    def _may_begin(self, where: Repository, run: Run) -> bool:
        data: Any = (run.definition.data if run.definition else {}).get("concurrency")
        rivals = [
            one
            for one in where.runs.values()
            if run.group and one.group == run.group and not one.done and one is not run
        ]
        holders = [one for one in rivals if one.status == "in_progress"]
        newer = [one for one in rivals if one.id > run.id and one.status in ("queued", "pending")]
        if not run.group:
            return True
        if newer and not (isinstance(data, dict) and data.get("queue") == "max"):
            run.cancelled = True  # of those that wait, the newest stays
            self._cancel_rest(where, run)
            self.finish(where, run, "cancelled")
            return False
        if any(one.id < run.id and one.status == "pending" for one in rivals):
            return False
        if holders:
            run.status = "pending"
            context = contexts.of_run(self.github.world, where, run)
            given = data.get("cancel-in-progress") if isinstance(data, dict) else False
            if truth(filled(given, context) if isinstance(given, str) else given):
                for one in holders:
                    if not one.cancelled:
                        self.cancel(where, one)
            return False
        return True

    def _expand(self, where: Repository, run: Run) -> None:
        assert run.definition is not None
        for key, definition in run.definition.jobs.items():
            if key in run.expanded or key in run.skipped:
                continue
            if any(contexts.result_of(run, name) is None for name in definition.needs):
                continue
            context = contexts.of_job(self.github.world, where, run, key)
            text = str(definition.data.get("if", "success()"))
            wanted = condition(text, context)
            if not has_status_function(text):
                wanted = wanted and condition("success()", context)
            if not wanted:
                run.skipped.add(key)
                self._made(where, run, definition, key, {}, 1, 0).conclusion = "skipped"
                self.conclude(where, run.jobs[-1])
                continue
            self._legs(where, run, definition, context)
            run.expanded.add(key)

    def _legs(self, where: Repository, run: Run, definition: JobDefinition, context: dict[str, Any]) -> None:
        strategy = definition.data.get("strategy") or {}
        legs = expand(contexts.deep(strategy["matrix"], context)) if "matrix" in strategy else [{}]
        for place, leg in enumerate(legs):
            inner = {**context, "matrix": leg}
            given = definition.data.get("name")
            name = written(filled(written(given), inner)) if given else leg_name(definition.key, leg)
            self._made(where, run, definition, name, leg, len(legs), place)

    def _made(
        self,
        where: Repository,
        run: Run,
        definition: JobDefinition,
        name: str,
        leg: dict[str, Any],
        legs: int,
        place: int,
    ) -> Job:
        world, number = self.github.world, self.github.world.next_id()
        check = CheckRun(number, run.suite, name, run.head_sha, external_id=str(number))
        check.details_url = f"{world.url}/{where.full_name}/actions/runs/{run.id}/job/{number}"
        where.check_runs[number] = check
        job = Job(
            number, run, run.attempt, definition.key, name, definition, world.clock.now(), check, leg, legs, place
        )
        context = contexts.of_job(world, where, run, definition.key, leg)
        labels = contexts.deep(definition.data.get("runs-on", []), context)
        job.labels = [written(one) for one in (labels if isinstance(labels, list) else [labels])]
        job.steps = [Step("Set up job", 1)] + [Step(one.name, at) for at, one in enumerate(definition.steps, 2)]
        job.due = time.monotonic() + self.start_delay
        given = definition.data.get("concurrency")
        if given:
            group = given if isinstance(given, str) else given["group"]
            job.group = written(filled(written(group), context)).lower() or None
        run.jobs.append(job)
        world.emit("workflow_job", run.actor, where, "queued", job=job)
        world.emit("check_run", world.actions_bot, where, "created", check_run=check)
        return job

    def _job(self, where: Repository, run: Run, job: Job) -> None:
        if job.stopping or (run.cancelled and not self._goes_on(where, run, job)):
            job.conclusion = "cancelled"
            self.conclude(where, job)
            return
        if not self._alone(where, job) or not self._within(run, job):
            return
        try:
            ready = deploying.admitted(self, where, run, job)
        except (ExpressionError, deploying.Rejected) as failed:
            job.log.append(f"##[error]{failed}")
            job.conclusion = "failure"
            self.conclude(where, job)
            return
        if not ready or time.monotonic() < job.due or len(self.workers) >= self.most_jobs:
            return
        self._started(where, run, job)

    def _alone(self, where: Repository, job: Job) -> bool:
        """Whether the job's concurrency group is free; an older one that waits for it is cancelled, or goes first."""
        if not job.group:
            return True
        rivals = [
            one for run in where.runs.values() if not run.done for one in run.current()
            if one.group == job.group and one is not job and not one.done
        ]  # fmt: skip
        given: Any = job.definition.data.get("concurrency")
        wanted = given if isinstance(given, dict) else {}
        if wanted.get("queue") == "max":
            return not any(one.id < job.id or one.status == "in_progress" for one in rivals)
        if any(one.id > job.id and one.status in ("queued", "pending") for one in rivals):
            job.stopping = True
            return False
        holders = [one for one in rivals if one.status == "in_progress"]
        context = contexts.of_job(self.github.world, where, job.run, job.key, job.matrix)
        cancels = wanted.get("cancel-in-progress", False)
        if truth(filled(cancels, context) if isinstance(cancels, str) else cancels):
            for one in holders:
                one.stopping = True
        return not holders

    def _within(self, run: Run, job: Job) -> bool:
        most = (job.definition.data.get("strategy") or {}).get("max-parallel")
        running = sum(one.key == job.key and one.status == "in_progress" for one in run.current())
        return most is None or running < int(most)

    def _started(self, where: Repository, run: Run, job: Job) -> None:
        world = self.github.world
        now = world.clock.now()
        job.status, job.started_at = "in_progress", now
        job.check.status, job.check.started_at = "in_progress", now
        run.updated_at = now
        if run.status != "in_progress":
            run.status, run.started_at = "in_progress", run.started_at or now
        if not run.announced:
            run.announced = True
            world.emit("workflow_run", run.actor, where, "in_progress", run=run)
        deploying.started(self, where, job)
        world.emit("workflow_job", run.actor, where, "in_progress", job=job)
        worker = self.workers[job.id] = self.machine(self, where, job)
        worker.start()

    def ended(self, where: Repository, job: Job) -> None:
        """A worker is done with its job."""
        with self.github.world.lock:
            self.workers.pop(job.id, None)
            self.conclude(where, job)
            strategy = job.definition.data.get("strategy") or {}
            if job.conclusion == "failure" and strategy.get("fail-fast", True) is not False and not job.tolerated:
                for one in job.run.current():
                    if one.key == job.key and not one.done:
                        one.stopping = True
            self.github.world.changed.notify_all()

    def conclude(self, where: Repository, job: Job) -> None:
        """Write down how a job ended, and tell."""
        world = self.github.world
        job.status, job.completed_at = "completed", world.clock.now()
        job.check.status, job.check.conclusion, job.check.completed_at = "completed", job.conclusion, job.completed_at
        job.tolerated = job.conclusion == "failure" and self._tolerates(where, job)
        deploying.ended(self, where, job)
        world.emit("workflow_job", job.run.actor, where, "completed", job=job)
        world.emit("check_run", world.actions_bot, where, "completed", check_run=job.check)

    def _tolerates(self, where: Repository, job: Job) -> bool:
        given = job.definition.data.get("continue-on-error", False)
        context = contexts.of_job(self.github.world, where, job.run, job.key, job.matrix)
        return truth(filled(given, context) if isinstance(given, str) else given)

    def _conclude(self, where: Repository, run: Run) -> None:
        assert run.definition is not None
        results = [contexts.result_of(run, key) for key in run.definition.jobs]
        if any(one is None for one in results):
            waits = [one for one in run.current() if not one.done]
            if waits and all(one.status == "waiting" for one in waits):
                run.status = "waiting"
            elif run.status == "waiting":
                run.status = "in_progress" if run.announced else "queued"
            return
        order = ("failure", "cancelled", "success", "skipped")
        conclusion = (
            "cancelled" if run.cancelled and "failure" not in results else next(one for one in order if one in results)
        )
        self.finish(where, run, conclusion)

    def _cancel_rest(self, where: Repository, run: Run) -> None:
        for job in run.current():
            if not job.done:
                job.conclusion = "cancelled"
                self.conclude(where, job)

    def finish(self, where: Repository, run: Run, conclusion: str) -> None:
        """The run has ended."""
        run.status, run.conclusion, run.updated_at = "completed", conclusion, self.github.world.clock.now()
        for text in [text for text, token in self.github.world.tokens.items() if token.run == run.id]:
            del self.github.world.tokens[text]
        self.github.world.emit("workflow_run", run.actor, where, "completed", run=run)
        self.github.world.emit("check_suite", run.actor, where, "completed", run.suite.app, check_suite=run.suite)

    def review(self, where: Repository, run: Run, environments: set[int], by: Account, *, approve: bool) -> list[Job]:
        """Approve or reject the jobs that wait for these environments; gives them."""
        return deploying.reviewed(self, where, run, environments, by, approve=approve)
