"""Jobs of GitHub Actions that do not go as planned: lost, cancelled, re-run, never started, refused."""

from __future__ import annotations

import hashlib
import pkgutil
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from inline_snapshot import snapshot
from sqlalchemy import select

from bot.store import dispatching, remote_jobs, work
from bot.store.hosted_tables import remote_attempts
from bot.store.remote_jobs import RemoteRow
from planner.problems import PlannerError
from tests.conversations.conftest import SHOP, on_both
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow
from tests.github.actions.deploying import reviewed
from tests.github.actions.runs import Job, Run
from tests.github.world.deployments import Environment


def runs(shop: Town) -> list[Run]:
    return sorted(shop.repository.runs.values(), key=lambda one: one.id)


def job(shop: Town, name: str) -> Job:
    """The newest job of that name."""
    return max((one for run in runs(shop) for one in run.current() if one.name == name), key=lambda one: one.id)


def headline(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("###"))


def planned(shop: Town) -> Conversation:
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    return pull


def test_a_job_whose_machine_dies_before_it_claims_is_sent_again(shop: Town) -> None:
    pull = planned(shop)
    shop.github.faults.jobs_die.append(re.compile("deploy network"))
    assert headline(pull.say("/deploy")) == "### Deployed 3 environments"
    assert shop.tool_log().count("network begins") == 1
    assert [one for run in runs(shop) for one in run.current() if one.name == "deploy network"].__len__() == 2


def network(shop: Town) -> RemoteRow:
    """The deploy of `network`, as its job left it."""
    with shop.server.database.reading() as connection:
        of_it = (remote_attempts.c.slug == "network") & (remote_attempts.c.job == "deploy")
        attempt = connection.execute(select(remote_attempts.c.attempt_id).where(of_it)).scalar_one()
        return remote_jobs.rows(connection, [attempt])[attempt]


def looked_after(shop: Town, run: Run) -> None:
    """GitHub is asked about a run, as it is once that has ended."""
    with shop.server.database.writing() as connection:
        now = time.time()
        work.request(connection, "runs", f"1:{run.id}", now, now)
    shop.server.wake()


@on_both
def test_a_run_that_github_does_not_find_goes_on_while_its_runner_is_heard(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    missing = shop.github.faults.error("/actions/runs/", status=404, times=None)
    looked_after(shop, runs(shop)[-1])
    shop.wait_for(lambda: missing.met != [])
    shop.stop_server()
    shop.start_server()  # a server that begins asks at once who still lives
    before = network(shop).beats
    shop.wait_for(lambda: network(shop).beats > before + 5 or "network deploy running" not in "".join(shop.tasks()))
    shop.let_go("network")
    shop.wait_for(lambda: "api deployed" in shop.tool_log())
    shop.github.faults.mend()
    shop.settle()
    assert headline(pull.newest()) == "### Deployed 3 environments"


def test_what_github_said_of_an_attempt_counts_no_more_once_its_runner_is_heard_again(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    with shop.server.database.writing() as connection:
        dispatching.job_of(connection, network(shop).attempt, ended=True)
    shop.wait_for(lambda: not network(shop).job_ended)
    shop.let_go("network")
    shop.settle()
    assert headline(pull.newest()) == "### Deployed 3 environments"


def test_a_run_that_was_deleted_ends_once_its_runner_is_silent(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    shop.github.faults.webhooks(seed=1, lost=1.0, events="^workflow_")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    shop.github.faults.error("/actions/runs/", status=404, times=None)
    looked_after(shop, runs(shop)[-1])
    shop.github.actions.lose(job(shop, "deploy network"))
    shop.settle()
    assert "failed (outcome unknown)" in pull.newest()


def test_a_job_whose_machine_dies_in_an_apply_leaves_an_unknown_outcome_and_runs_nothing_twice(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    shop.github.actions.lose(job(shop, "deploy network"))
    shop.settle()
    assert "failed (outcome unknown)" in pull.newest()
    assert "blocked by" in pull.newest()
    shop.let_go("network")
    assert headline(pull.say("/retry")).startswith("### Deployed 3 environments")
    assert shop.tool_log().count("db begins") == 1


def test_an_answer_to_a_dispatch_that_got_lost_starts_no_second_run(shop: Town) -> None:
    pull = planned(shop)
    before = len(runs(shop))
    shop.github.faults.lose_answer("/dispatches", "POST", times=1)
    assert headline(pull.say("/deploy")) == "### Deployed 3 environments"
    assert len(runs(shop)) - before == 3
    assert shop.tool_log().count("network begins") == 1


def test_a_job_that_claims_tells_which_run_came_of_a_lost_answer(town: Town) -> None:
    """Else what still waits for a machine was sent again, and the end of that second run taken for the first one's."""
    town.setup({"headwater.yml": workflow({"a": "", "b": ""}), **town.environments(a="1", b="1")})
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    before, github = len(runs(town)), town.github
    github.faults.lose_answer("/dispatches", "POST", times=1)
    github.faults.unlisted_seconds = 300.0
    github.hooks.plan = lambda one: [] if one.event.startswith("workflow_") else [0.0]
    github.actions.most_jobs = 1
    for alias in ("a", "b"):
        town.hold(alias)
    pull.comment("/deploy")
    town.wait_for(lambda: len(town.tool_log()) == 1)
    time.sleep(2 * town.settings.claim_seconds)
    assert len(runs(town)) - before == 1
    for alias in ("a", "b"):
        town.let_go(alias)
    town.wait_for(lambda: len(town.tool_log()) == 4)
    github.faults.mend()
    github.actions.most_jobs = 20
    town.settle()
    assert headline(pull.newest()) == "### Deployed 2 environments"
    assert len(runs(town)) - before == 1


def test_a_dispatch_that_was_accepted_and_forgotten_is_sent_again_under_the_same_key(shop: Town) -> None:
    pull = planned(shop)
    shop.github.faults.lose_answer("/dispatches", "POST", times=1)
    shop.github.faults.runs_vanish = 1
    pull.comment("/deploy")
    shop.wait_for(lambda: "network deployed" in shop.tool_log(), 60)
    shop.settle()
    assert shop.tool_log().count("network begins") == 1


def test_a_run_that_is_cancelled_in_githubs_page_stops_its_tool_and_is_told(shop: Town) -> None:
    pull = planned(shop)
    shop.hold("network")
    pull.comment("/deploy")
    shop.wait_for(lambda: shop.tool_log() == ["network begins"])
    shop.github.actions.cancel(shop.repository, job(shop, "deploy network").run)
    shop.settle()
    assert "cancelled" in pull.newest()
    assert "network deployed" not in shop.tool_log()


def test_a_job_that_is_run_again_by_hand_does_nothing(shop: Town) -> None:
    pull = planned(shop)
    pull.say("/deploy")
    log = shop.tool_log()
    run = job(shop, "deploy network").run
    token = shop.github.world.personal_token("olga")
    answer = call(shop, "POST", f"/repos/acme/shop/actions/runs/{run.id}/rerun", token)
    assert answer == 201
    shop.settle()
    assert shop.tool_log() == log
    assert job(shop, "deploy network").conclusion == "success"


def call(shop: Town, method: str, path: str, token: str) -> int:
    return requests.request(
        method, f"{shop.github.api_url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    ).status_code


def test_without_the_workflow_file_on_the_default_branch_a_deploy_is_refused_with_the_mend(town: Town) -> None:
    town.commit({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    town.settle()
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    assert "headwater init --github" in pull.plan()
    assert "headwater init --github" in pull.say("/deploy")
    assert town.tool_log() == []


def test_a_workflow_file_that_somebody_altered_is_told_and_nothing_runs(shop: Town) -> None:
    shop.commit(
        {".github/workflows/headwater.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{run: 'true'}]\n"}
    )
    shop.settle()
    pull = planned(shop)
    assert "was not written by" in pull.plan()
    assert shop.tool_log() == []


def test_a_workflow_file_that_fits_but_for_what_somebody_changed_in_it_is_told(shop: Town) -> None:
    file = ".github/workflows/headwater.yml"
    text = shop.repository.git.run("show", f"main:{file}")
    shop.commit({file: f"{text}\n".replace("    steps:\n", "    steps:\n      - run: echo mine\n")})
    shop.settle()
    pull = planned(shop)
    assert "was altered since `headwater init --github` wrote it: write it anew with" in pull.plan()


def test_github_that_answers_502_for_a_while_only_delays(shop: Town) -> None:
    pull = planned(shop)
    shop.github.faults.error("/repos/acme/shop/(issues|check-runs|pulls|actions)", 502, times=5)
    pull.comment("/deploy")
    shop.wait_for(lambda: "api deployed" in shop.tool_log(), 90)
    shop.settle(90)
    assert headline(pull.newest()) == "### Deployed 3 environments"
    assert shop.tool_log().count("network begins") == 1


def test_a_secondary_limit_is_waited_for_and_no_comment_is_lost_or_doubled(shop: Town) -> None:
    pull = planned(shop)
    shop.github.faults.retry_after("/issues", seconds=1, times=3)
    shop.github.faults.lose_answer("/issues/\\d+/comments", "POST", times=1)
    pull.comment("/deploy")
    shop.wait_for(lambda: "api deployed" in shop.tool_log(), 90)
    shop.settle(90)
    assert [headline(one.body) for one in pull.ours()][1:] == ["### Deployed 3 environments"]


def test_a_comment_that_was_made_and_is_not_listed_yet_is_not_made_twice(shop: Town) -> None:
    pull = planned(shop)
    shop.github.faults.unlisted_seconds = 1.0
    shop.github.faults.lose_answer("/issues/\\d+/comments", "POST", times=1)
    pull.comment("/deploy")
    shop.wait_for(lambda: "api deployed" in shop.tool_log(), 90)
    shop.settle(90)
    assert [headline(one.body) for one in pull.ours()][1:] == ["### Deployed 3 environments"]


def test_one_job_at_a_time_where_the_operator_says_so(make_town: Callable[..., Town]) -> None:
    town = make_town(None, jobs=1)
    alone = "environments:\n" + "".join(
        f"  {name}:\n    vcs: {{type: script, path: {name}}}\n" for name in ("one", "two", "three")
    )
    town.setup({"headwater.yml": alone, **town.environments(one="1", two="1", three="1")})
    pull = town.pull({**town.environments(one="2", two="2", three="2")})
    town.settle()
    pull.say("/deploy")
    log = town.tool_log()
    assert [line.split()[1] for line in log] == ["begins", "deployed"] * 3
    assert len({line.split()[0] for line in log}) == 3


def test_a_secret_reaches_the_deploy_alone_and_is_seen_nowhere(town: Town) -> None:
    canary = "canary-5e3f1a77c0ffee"
    vault = """environments:
  vault:
    vcs: {type: script, path: vault}
    variables:
      PASSWORD: {sensitive: true, fromSecret: VAULT_PASSWORD}
"""
    files = town.environments(vault="v1")
    _, apply = files["vault/apply"]  # type: ignore[misc]
    told = 'echo "the password is $PASSWORD"\nprintf %s "$PASSWORD" | md5sum >> @TOOLS@/log\n'.replace(
        "@TOOLS@", str(town.tools)
    )
    files["vault/apply"] = ("100755", apply + told)
    town.repository.secrets["VAULT_PASSWORD"] = canary
    town.setup({"headwater.yml": vault, **files})
    pull = town.pull({"vault/wanted": "v2\n"})
    town.settle()
    assert "planned at deploy (needs `PASSWORD`)" in pull.plan()
    pull.say("/deploy")
    assert town.tool_log() == []  # what nobody could see waits for approval
    pull.say("/approve vault", by="bob")
    assert town.tool_log()[-1].split()[0] == hashlib.md5(canary.encode()).hexdigest()
    everything = "\n".join(one.body for one in town.repository.comments.values())
    everything += "\n".join(line for run in runs(town) for one in run.current() for line in one.log)
    everything += "".join(
        one.read_bytes().decode(errors="replace") for one in (town.folder / "state").glob("headwater.db*")
    )
    assert canary not in everything
    assert "the password is ***" in everything


def test_an_app_without_a_permission_says_which(shop: Town) -> None:
    pull = planned(shop)
    for installation in shop.github.world.installations.values():
        installation.permissions["actions"] = "read"
    answer = pull.say("/deploy")
    assert "actions: write" in answer
    assert shop.tool_log() == []


def _reviewed(shop: Town) -> Environment:
    made = Environment(shop.github.world.next_id(), "headwater-deploy", shop.github.world.clock.now())
    made.reviewers = (shop.github.world.user("olga"),)
    shop.repository.environments["headwater-deploy"] = made
    return made


def _review(shop: Town, environment: Environment, *, approve: bool) -> None:
    (run,) = [one for one in runs(shop) if any(job.status == "waiting" for job in one.current())]
    by = shop.github.world.user("olga")
    with shop.github.world.lock:
        reviewed(shop.github.actions, shop.repository, run, {environment.id}, by, approve=approve)


def test_a_job_that_waits_for_a_review_of_its_github_environment_is_told_and_waited_for(shop: Town) -> None:
    environment, pull = _reviewed(shop), planned(shop)
    pull.comment("/deploy network --only")
    shop.wait_for(lambda: any(one.status == "waiting" for run in runs(shop) for one in run.current()))
    time.sleep(2 * shop.settings.claim_seconds)
    shop.github.settle()
    assert pull.newest() == snapshot("""\
### Deploying `network`: 1 at work

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ◐\xa0waits for the rules of its GitHub environment | +1 | [job](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>network</code> &nbsp;+1</summary>

```diff
+ network: n2
Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy network --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")
    _review(shop, environment, approve=True)
    shop.wait_for(lambda: headline(pull.newest()) == "### Deployed `network`", 60)
    assert len([one for run in runs(shop) for one in run.current() if one.name == "deploy network"]) == 1


def test_why_it_waits_is_told_of_a_job_that_waits_for_a_review_at_github(shop: Town) -> None:
    environment, pull = _reviewed(shop), planned(shop)
    pull.comment("/deploy network --only")
    shop.wait_for(lambda: "waits for the rules of its GitHub environment" in pull.newest())
    pull.comment("/explain network")
    shop.wait_for(lambda: "It goes on" in pull.newest())
    assert "- waits for the rules of its GitHub environment (deployment 2, since DATE)" in pull.newest()
    assert "It goes on once the rules of its GitHub environment let its job start" in pull.newest()
    _review(shop, environment, approve=True)
    shop.settle()


def test_a_job_whose_review_is_refused_has_failed(shop: Town) -> None:
    environment, pull = _reviewed(shop), planned(shop)
    pull.comment("/deploy network --only")
    shop.wait_for(lambda: any(one.status == "waiting" for run in runs(shop) for one in run.current()))
    _review(shop, environment, approve=False)
    shop.settle()
    assert len([one for run in runs(shop) for one in run.current() if one.name == "deploy network"]) == 1
    assert pull.newest() == snapshot("""\
### Deploy of `network` failed

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `network` | ✗\xa0**could not start** | +1 | [job](https://github/acme/shop/actions/runs/RUN) |

<details open><summary><code>network</code> &nbsp;failed</summary>

```
the rules of its GitHub environment refused it: https://github/acme/shop/actions/runs/RUN
```

</details>

To try again what is not done, at the same commit:

```
/retry
```

<sub>`/deploy network --only` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `shop` · deployment 2</sub>\
""")


@pytest.mark.parametrize("broken", ["bot.server.Server.project", "bot.work.work.in_turn", "bot.holding.Holding.hold"])
def test_no_thread_ends_by_a_fault(shop: Town, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """As where the disk is full, and git cannot be started."""
    pull = planned(shop)
    place, _, name = broken.rpartition(".")
    owner = pkgutil.resolve_name(place)
    real, left = getattr(owner, name), ["driver", "finder", "worker 1", "worker 2", "worker 3", "worker 4"]

    def failing(*arguments: Any, **more: Any) -> Any:
        if (thread := threading.current_thread().name) in left:
            left.remove(thread)
            raise PlannerError("git cannot be started") if thread == "driver" else RuntimeError("a fault")
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, failing)
    pull.say("/deploy")
    assert len(left) < 6
    assert headline(pull.newest()) == "### Deployed 3 environments"
