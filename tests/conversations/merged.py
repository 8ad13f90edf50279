"""What can be seen after a merge: the check of its commit, and the rows of its story."""

from __future__ import annotations

from tests.conversations.town import Conversation, Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking


def begin(shop: Town) -> None:
    """Have `network`, `db` and `api` deployed (`n0`, `d0`, `a0`), all by one merge, and the tools' log empty."""
    pull = shop.pull(shop.environments(network="n0", db="d0", api="a0"), title="Begin")
    shop.settle()
    pull.merge()
    shop.settle()
    assert len(shop.tool_log()) == 6, shop.tool_log()
    (shop.tools / "log").unlink()


def make_ready(pull: Conversation) -> None:
    """A draft is ready for review."""
    world = pull.town.github.world
    asking.mark_draft(world, pull.town.repository, pull.pull, world.user(pull.author), draft=False)


def check_at(town: Town, commit: str, name: str = "headwater deploy") -> str:
    """Our check of a commit as people read it: how it stands, its title and its text."""
    found = [one for one in town.repository.check_runs.values() if one.head_sha == commit and one.name == name]
    assert len(found) == 1, [one.name for one in town.repository.check_runs.values() if one.head_sha == commit]
    output = found[0].output
    return shown(f"\n{found[0].conclusion or found[0].status}: {output['title']}\n\n{output['summary']}")


def rows(comment: str) -> list[str]:
    """The rows of the tables in a comment, without their links."""
    lines = [line for line in comment.splitlines() if line.startswith("| `")]
    return [" ".join(line.replace("|", " ").partition("[")[0].split()) for line in lines]


def headline(comment: str) -> str:
    """The first line of a comment."""
    return comment.splitlines()[0]


def failed_one_by_one(town: Town) -> Conversation:
    """A pull request of two environments, `a` and `b`, whose deploys failed one after the other; they would succeed now."""
    town.setup({"headwater.yml": workflow({"a": "", "b": ""}), **town.environments(a="1", b="1")})
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    for alias in ("a", "b"):
        town.break_(alias)
        pull.say(f"/deploy {alias}")
        town.mend(alias)
    return pull


def deployed(town: Town, file: str, **wanted: str) -> None:
    """A default branch with this file, on which all of it is deployed, by `/deploy` and a merge."""
    town.setup({"headwater.yml": file, **town.environments(**dict.fromkeys(wanted, "before"))})
    start = town.pull(town.environments(**wanted), title="Begin")
    town.settle()
    start.say("/deploy")
    start.merge()
    town.settle()
    (town.tools / "log").unlink(missing_ok=True)
