"""What follows from each webhook, on real ones; and from real ones with anything in them missing or of another kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.webhook import LONGEST_KEY, Intake, Work, look_at
from tests.bot.decide.webhooks import Sent, story
from tests.depth import examples

KINDS = {
    "pull", "comment", "push", "branch_deleted", "merge_group", "run", "job", "rerequest", "repository", "installation",
}  # fmt: skip
BAD = "not this event's shape"


@pytest.fixture(scope="module")
def sent() -> tuple[Sent, ...]:
    return story()


def first(sent: tuple[Sent, ...], title: str) -> dict[str, Any]:
    """A copy of the payload of the first webhook of that title."""
    return json.loads(json.dumps(next(one for one in sent if one.title == title).payload))


def read(one: Sent) -> tuple[str, str, str]:
    """Title, outcome and kinds of work, without what differs from run to run."""
    found = look_at(one.event, one.payload)
    outcome = re.sub(r"\b\d{4,}\b|\b[0-9a-f]{7}\b", "N", found.outcome)
    return one.title, outcome, " ".join(work.kind for work in found.work)


TOLD = [
    ("check_run completed", "ignored: action completed", ""),
    ("check_run created", "ignored: action created", ""),
    ("check_run rerequested", "check asked for again", "rerequest"),
    ("check_suite requested", "ignored: action requested", ""),
    ("check_suite rerequested", "all checks asked for again", "rerequest"),
    ("create", "ignored: unknown event", ""),
    ("delete", "branch 'feature/a' deleted", "branch_deleted"),
    ("delete", "ignored: not a branch", ""),
    ("installation created", "installation created", "installation"),
    ("installation deleted", "installation deleted", "installation"),
    ("installation new_permissions_accepted", "installation new_permissions_accepted", "installation"),
    ("installation suspend", "installation suspend", "installation"),
    ("installation unsuspend", "installation unsuspend", "installation"),
    ("installation_repositories added", "installation added", "installation"),
    ("installation_repositories removed", "installation removed", "installation"),
    ("issue_comment created", "comment on pull request 1", "comment"),
    ("issue_comment created", "ignored: comment by a bot", ""),
    ("issue_comment deleted", "ignored: comment deleted", ""),
    ("issue_comment edited", "ignored: comment edited", ""),
    ("merge_group checks_requested", "merge group N", "merge_group"),
    ("merge_group destroyed", "ignored: action destroyed", ""),
    ("ping", "ping", ""),
    ("pull_request closed", "pull request 1", "pull"),
    ("pull_request converted_to_draft", "pull request 1", "pull"),
    ("pull_request edited", "ignored: pull request edited, but not its base branch", ""),
    ("pull_request edited", "pull request 1", "pull"),
    ("pull_request locked", "ignored: action locked", ""),
    ("pull_request opened", "pull request 1", "pull"),
    ("pull_request ready_for_review", "pull request 1", "pull"),
    ("pull_request reopened", "pull request 1", "pull"),
    ("pull_request synchronize", "pull request 1", "pull"),
    ("pull_request_review dismissed", "pull request 1", "pull"),
    ("pull_request_review submitted", "pull request 1", "pull"),
    ("push", "ignored: branch deleted", ""),
    ("push", "ignored: not a branch", ""),
    ("push", "push to 'feature/a'", "push"),
    ("push", "push to 'main'", "push"),
    ("push", "push to 'release'", "push"),
    ("repository archived", "repository archived", "repository"),
    ("repository deleted", "repository deleted", "repository"),
    ("repository edited", "ignored: repository edited, but not its default branch", ""),
    ("repository edited", "repository edited", "repository"),
    ("repository publicized", "repository publicized", "repository"),
    ("repository renamed", "repository renamed", "repository"),
    ("repository transferred", "repository transferred", "repository"),
    ("workflow_job completed", "job N completed", "job"),
    ("workflow_job in_progress", "job N in_progress", "job"),
    ("workflow_job queued", "job N queued", "job"),
    ("workflow_run completed", "ignored: run of another workflow", ""),
    ("workflow_run completed", "run N completed", "run"),
    ("workflow_run in_progress", "ignored: run of another workflow", ""),
    ("workflow_run in_progress", "run N in_progress", "run"),
    ("workflow_run requested", "ignored: run of another workflow", ""),
    ("workflow_run requested", "run N requested", "run"),
]


def test_what_follows_from_each(sent: tuple[Sent, ...]) -> None:
    assert sorted({read(one) for one in sent}) == TOLD
    assert {kind for *_, kind in TOLD if kind} == KINDS


def test_where_it_happened(sent: tuple[Sent, ...]) -> None:
    for one in sent:
        found = look_at(one.event, one.payload)
        assert found.repository_id == one.payload.get("repository", {}).get("id")
        assert found.installation_id == one.payload.get("installation", {}).get("id")


def test_a_comment_is_kept_as_it_was_written(sent: tuple[Sent, ...]) -> None:
    payload = first(sent, "issue_comment created")
    (work,) = look_at("issue_comment", payload).work
    assert work.key == f"{payload['repository']['id']}:1:{payload['comment']['id']}"
    assert work.payload == {
        "number": 1,
        "comment_id": payload["comment"]["id"],
        "author": "bob",
        "author_type": "User",
        "body": "/plan\n\nthen \N{REPLACEMENT CHARACTER} 🚀",  # no database keeps a NUL
        "created_at": payload["comment"]["created_at"],
    }


def test_an_account_that_is_called_otherwise_is_swept(sent: tuple[Sent, ...]) -> None:
    payload = first(sent, "installation created") | {"action": "renamed", "account": {"login": "acme-inc"}}
    (work,) = look_at("installation_target", payload).work
    assert (work.kind, work.payload["action"]) == ("installation", "renamed")


def test_the_rest_says_what_to_look_at(sent: tuple[Sent, ...]) -> None:
    payload = first(sent, "pull_request synchronize")
    repository = payload["repository"]["id"]
    head = payload["pull_request"]["head"]["sha"]
    expected = {"number": 1, "event": "pull_request", "action": "synchronize", "head": head, "sender": "bob"}
    moved = {**expected, "before": payload["before"]}
    assert look_at("pull_request", payload).work == (Work("pull", f"{repository}:1", moved),)

    payload = first(sent, "push")
    pushed = {"before": "0" * 40, "after": payload["after"], "created": True, "forced": False, "sender": "ada"}
    (work,) = look_at("push", payload).work
    assert work == Work("push", f"{repository}:feature/a", {"branch": "feature/a", **pushed})

    payload = first(sent, "workflow_run completed")
    (work,) = look_at("workflow_run", payload).work
    run = payload["workflow_run"]["id"]
    assert (work.key, work.payload["run_id"]) == (f"{repository}:{run}:1:completed", run)
    assert (work.payload["title"], work.payload["conclusion"]) == ("headwater k1", "success")

    payload = first(sent, "workflow_job completed")
    (work,) = look_at("workflow_job", payload).work
    job = payload["workflow_job"]["id"]
    assert work.key == f"{repository}:{job}:completed"
    said = {name: work.payload[name] for name in ("job_id", "run_id", "name", "status", "conclusion", "run_attempt")}
    assert said == {
        "job_id": job, "run_id": run, "name": "plan", "status": "completed", "conclusion": "success", "run_attempt": 1,
    }  # fmt: skip

    payload = first(sent, "check_run rerequested")
    (work,) = look_at("check_run", payload).work
    asked = {"name": "headwater plan: shop", "external_id": "7", "head_sha": payload["check_run"]["head_sha"]}
    assert {name: work.payload[name] for name in asked} == asked

    payload = first(sent, "installation_repositories removed")
    (work,) = look_at("installation_repositories", payload).work
    assert (work.payload["added"], work.payload["removed"]) == ([], [{"id": repository, "full_name": "acme/store"}])


# ---- what is not as it should be


@pytest.mark.parametrize(
    ("title", "path", "value", "outcome"),
    [
        ("issue_comment created", "issue.pull_request", None, "ignored: comment on an issue"),
        ("issue_comment created", "comment.user", None, f"{BAD}: comment.user.type is no text"),
        ("issue_comment created", "comment.user.type", "Organization", "ignored: comment by no person"),
        ("issue_comment created", "comment.id", True, f"{BAD}: comment.id is no id"),
        ("issue_comment created", "comment.id", 2**63, f"{BAD}: comment.id is no id"),
        ("issue_comment created", "comment.body", ["x"], f"{BAD}: comment.body is no text"),
        ("issue_comment created", "comment.created_at", "yesterday", f"{BAD}: comment.created_at is no time"),
        ("issue_comment created", "repository", None, f"{BAD}: repository.id is no id"),
        ("pull_request opened", "pull_request", "x", f"{BAD}: pull_request.number is no id"),
        ("pull_request opened", "pull_request.number", 2**31, f"{BAD}: pull_request.number is too large"),
        ("pull_request opened", "pull_request.head.sha", "abc", f"{BAD}: pull_request.head.sha is no commit"),
        ("pull_request opened", "pull_request.head.sha", "A" * 40, f"{BAD}: pull_request.head.sha is no commit"),
        ("pull_request opened", "action", "<script>", "ignored: unknown action"),
        ("pull_request opened", "action", "x" * 50, "ignored: unknown action"),
        ("pull_request opened", "action", None, f"{BAD}: action is no text"),
        ("push", "ref", "refs/heads/\ud800", f"{BAD}: ref is no name"),
        ("push", "ref", "refs/heads/a\0b", f"{BAD}: ref is no name"),
        ("push", "ref", "refs/heads/" + "x" * 300, "ignored: a name that is too long"),
        ("push", "ref", "refs/heads/" + "x" * 2000, f"{BAD}: ref is no name"),
        ("push", "deleted", "no", f"{BAD}: deleted is neither true nor false"),
        ("workflow_run completed", "workflow_run.path", ".github/workflows/headwater.yml@main", "run"),
        ("check_run rerequested", "check_run.app", None, f"{BAD}: check_run.app.id is no id"),
        ("installation created", "repositories", "x", "installation created"),
    ],
)
def test_one_thing_that_is_wrong(sent: tuple[Sent, ...], title: str, path: str, value: object, outcome: str) -> None:
    payload = first(sent, title)
    *above, last = path.split(".")
    inner = payload
    for name in above:
        inner = inner[name]
    inner[last] = value
    found = look_at(title.split(maxsplit=1)[0], payload)
    assert found.outcome.startswith(outcome)
    assert (found.work == ()) is outcome.startswith((BAD, "ignored"))


@pytest.mark.parametrize("payload", [None, [], "x", 7, {}, {"action": "opened"}, {1: 2}])
def test_what_is_no_payload_at_all(payload: object) -> None:
    assert look_at("pull_request", payload).outcome.startswith(BAD)
    assert look_at("ping", payload) == Intake("ping")
    assert look_at("no such event", payload) == Intake("ignored: unknown event")


def test_branches_have_any_name(sent: tuple[Sent, ...]) -> None:
    for name in ("a:b", "👩‍🚀", "x" * 200, "@{-1}", "`id`"):
        found = look_at("push", first(sent, "push") | {"ref": f"refs/heads/{name}"})
        assert found.work[0].payload["branch"] == name


OTHERS = [None, True, 0, -1, 2**70, 1.5, float("nan"), "", "x", "a\0b", "\ud800", [], [None], {}, {"id": "x"}]


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield (*above, name)
        yield from places(inner, (*above, name))


GONE = object()


def changed(value: Any, place: tuple[Any, ...], new: object) -> Any:
    """The payload with something else at a place; only what lies above it is copied."""
    name, *rest = place
    copied = dict(value) if isinstance(value, dict) else list(value)
    if not rest and new is GONE:
        del copied[name]
    else:
        copied[name] = changed(value[name], tuple(rest), new) if rest else new
    return copied


def sound(event: str, payload: object) -> Intake:
    """What follows, which must be what a database and a reader can take."""
    found = look_at(event, payload)
    assert len(found.outcome) < 400
    assert found.outcome.isprintable()
    assert len(found.work) <= 1
    if found.outcome.startswith((BAD, "ignored")):
        assert not found.work
    for work in found.work:
        assert work.kind in KINDS
        assert len(work.key) <= LONGEST_KEY
        text = json.dumps(work.payload, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in text + work.key
        assert json.loads(text.encode()) == work.payload
    for number in (found.repository_id, found.installation_id):
        assert number is None or 0 < number < 2**63
    return found


def test_anything_missing_or_of_another_kind_gives_an_answer(sent: tuple[Sent, ...]) -> None:
    """Every place of every sort of webhook: gone, and of other kinds in turn."""
    sorts = {read(one): one for one in sent}
    tried = 0
    for one in sorts.values():
        for number, place in enumerate(places(one.payload)):
            for new in (GONE, OTHERS[number % len(OTHERS)]):
                sound(one.event, changed(one.payload, place, new))
                tried += 1
    assert tried > 10_000


class Recording(dict):
    """A payload that notes which of its places are read."""

    def __init__(self, value: dict[str, Any], seen: set[tuple[Any, ...]], above: tuple[Any, ...] = ()) -> None:
        super().__init__(value)
        self._seen, self._above = seen, above

    def get(self, name: Any, default: Any = None) -> Any:
        place = (*self._above, name)
        if name in self:
            self._seen.add(place)
        found = super().get(name, default)
        return Recording(found, self._seen, place) if isinstance(found, dict) else found


def test_every_place_that_is_read_with_everything(sent: tuple[Sent, ...]) -> None:
    read_ones = 0
    for one in {read(one): one for one in sent}.values():
        seen: set[tuple[Any, ...]] = set()
        look_at(one.event, Recording(one.payload, seen))
        read_ones += len(seen)
        for place in sorted(seen):
            for new in OTHERS:
                sound(one.event, changed(one.payload, place, new))
    assert read_ones > 400


NAMES = ["action", "ref", "comment", "pull_request", "repository", "installation", "id", "number", "sha", "user"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["opened", "created"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_whatever_happens_to_a_payload(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(story()))
    payload: Any = one.payload
    for _ in range(data.draw(st.integers(1, 4))):
        everywhere = list(places(payload))
        if everywhere:
            payload = changed(payload, data.draw(st.sampled_from(everywhere)), data.draw(JUNK))
    event = data.draw(st.sampled_from([one.event, "push", "issue_comment", "pull_request"]))
    assert sound(event, payload) == look_at(event, payload)


@given(st.sampled_from(sorted({title.split(maxsplit=1)[0] for title, *_ in TOLD})), JUNK)
def test_junk(event: str, payload: object) -> None:
    sound(event, payload)
