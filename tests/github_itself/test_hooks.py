"""Webhooks: their log, their redelivery, and how they go astray."""

from __future__ import annotations

import pytest

from tests.github import GitHub
from tests.github.world.apps import App
from tests.github.world.git_store import ZERO
from tests.github.world.repository import Repository
from tests.github_itself.clients import Receiver, as_itself, call, githubkit_of
from tests.github_itself.judge import judged
from tests.github_itself.models import answer_model, wrong


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    return github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])


@pytest.fixture
def app(github: GitHub, shop: Repository, receiver: Receiver) -> App:
    made = github.app("acme", receiver.url, events=["push", "create", "delete", "repository", "merge_group", "fork"])
    github.settle()
    receiver.got.clear()
    return made


def push(github: GitHub, shop: Repository, *names: str) -> None:
    for name in names:
        github.commit(shop, {name: name}, name, by="ada")


def messages(receiver: Receiver) -> list[str]:
    return [one.payload["head_commit"]["message"] for one in receiver.got if one.event == "push"]


def test_the_models_can_fail() -> None:
    assert len(wrong(answer_model("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"), {})) >= 39


def test_a_judge_tells_at_the_end_what_was_wrong(github: GitHub) -> None:
    with (
        pytest.raises(AssertionError, match=r"webhook push None: .*repository: Field required"),
        judged(github) as other,
    ):
        other.event("push", {})
        other.event("push", {})
    assert len(other.wrong()) == len(set(other.wrong())) > 5


def test_failed_deliveries_are_listed_and_sent_again(
    github: GitHub, shop: Repository, app: App, receiver: Receiver
) -> None:
    receiver.status = 500
    push(github, shop, "one")
    github.settle()
    receiver.status = 202
    push(github, shop, "two")
    github.settle()
    client = githubkit_of(github, app)
    log = client.rest.apps.list_webhook_deliveries().parsed_data
    assert [(one.event, one.status_code) for one in log][:2] == [("push", 202), ("push", 500)]
    client.rest.apps.redeliver_webhook_delivery(log[1].id)
    github.settle()
    assert messages(receiver) == ["one", "two", "one"]
    assert receiver.got[-1].id == receiver.got[0].id
    again = client.rest.apps.list_webhook_deliveries().parsed_data[0]
    assert (again.redelivery, again.guid, again.repository_id) == (True, log[1].guid, shop.id)
    whole = client.rest.apps.get_webhook_delivery(again.id).parsed_data
    assert whole.request.headers is not None
    assert wrong(answer_model("GET", "/app/hook/deliveries/{delivery_id}"), whole.model_dump(mode="json")) == []


def test_the_log_comes_in_pages_by_cursor(github: GitHub, shop: Repository, app: App) -> None:
    push(github, shop, *"abcde")
    github.settle()
    proof = as_itself(github, app)
    seen, path = [], "/app/hook/deliveries?per_page=2"
    while path:
        answer = call(github, "GET", path, proof)
        seen += [one["id"] for one in answer.json()]
        path = answer.links.get("next", {}).get("url", "").removeprefix(github.api_url)
    assert len(seen) == 6
    assert seen == sorted(seen, reverse=True)


def test_nobody_at_home(github: GitHub, shop: Repository, app: App) -> None:
    app.webhook_url = "http://127.0.0.1:9/"
    push(github, shop, "one")
    github.settle()
    assert (github.hooks.log[-1].status_code, github.hooks.log[-1].status) == (502, "failed to connect to host")


def test_webhooks_are_held_and_come_out_of_order(
    github: GitHub, shop: Repository, app: App, receiver: Receiver
) -> None:
    github.hooks.hold()
    push(github, shop, "one", "two", "three")
    github.settle()
    assert receiver.got == []
    github.hooks.release(lambda held: held[::-1])
    github.settle()
    assert messages(receiver) == ["three", "two", "one"]


def test_webhooks_are_lost_doubled_and_late(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    github.faults.webhooks(seed=1, lost=1.0)
    push(github, shop, "lost")
    github.faults.webhooks(seed=1, doubled=1.0)
    push(github, shop, "doubled")
    github.settle()
    assert messages(receiver) == ["doubled", "doubled"]
    assert receiver.got[0].id == receiver.got[1].id
    github.faults.webhooks(seed=1, late=1.0, seconds=2.0)
    push(github, shop, *"abcdef")
    github.faults.mend()
    push(github, shop, "now")
    while len(receiver.got) < 9:
        pass
    assert sorted(messages(receiver)[2:]) == [*"abcdef", "now"]
    assert messages(receiver)[2:] != [*"abcdef", "now"]


def test_what_is_too_large_is_never_sent(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    import tests.github.hooks as module  # noqa: PLC0415

    before, module.MOST_BYTES = module.MOST_BYTES, 1000
    try:
        push(github, shop, "one")
        github.settle()
    finally:
        module.MOST_BYTES = before
    assert (receiver.got, len(github.hooks.too_large)) == ([], 1)


def test_pushes_tell_created_forced_and_deleted(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    first = shop.git.branch("main")
    github.commit(shop, {"a": "b"}, "on a branch", branch="side")
    token = github.world.personal_token("ada")
    path = "/repos/acme/shop/git/refs/heads/side"
    assert call(github, "PATCH", path, token, json={"sha": first}).json()["message"] == "Update is not a fast forward"
    assert call(github, "PATCH", path, token, json={"sha": first, "force": True}).status_code == 200
    assert call(github, "DELETE", path, token).status_code == 204
    github.settle()
    pushes = [one.payload for one in receiver.got if one.event == "push"]
    assert [(one["created"], one["forced"], one["deleted"]) for one in pushes] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
    assert [one["message"] for one in pushes[0]["commits"]] == ["on a branch"]
    assert pushes[-1]["after"] == ZERO


def test_repositories_and_merge_groups(github: GitHub, shop: Repository, app: App, receiver: Receiver) -> None:
    owner, sha = github.world.user("owner"), shop.git.branch("main")
    shop.private = False
    github.world.create_repository("eve/shop", parent=shop)
    github.world.emit(
        "merge_group", owner, shop, "checks_requested", head_sha=sha, base_sha=sha,
        head_ref="refs/heads/gh-readonly-queue/main/pr-1", base_ref="refs/heads/main",
    )  # fmt: skip
    github.world.rename(shop, "store", owner)
    github.world.delete_repository(shop, owner)
    github.settle()
    assert receiver.titles() == ["fork", "merge_group checks_requested", "repository renamed", "repository deleted"]


def test_a_new_webhook_is_greeted(github: GitHub, app: App, receiver: Receiver) -> None:
    github.hooks.ping(app)
    github.settle()
    assert receiver.titles() == ["ping"]
