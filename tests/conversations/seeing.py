"""Looking closer: how a comment came to be what it is, what checks say, what GitHub's jobs did; and people from outside."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conversations.town import Conversation, Town, shown
from tests.github.world import requests as asking
from tests.github.world.checks import CheckRun
from tests.github.world.pushing import move
from tests.github.world.talk import Comment


def plan_of(pull: Conversation) -> Comment:
    """The plan comment itself."""
    found = [one for one in pull.ours() if one.body.startswith("<!-- headwater plan ")]
    assert len(found) == 1, [one.body[:60] for one in pull.ours()]
    return found[0]


def headline(body: str) -> str:
    """The headline of a comment."""
    return next(line for line in shown(body).splitlines() if line.startswith("### "))


def headlines(comment: Comment) -> list[str]:
    """All headlines that a comment ever had, oldest first, each once in a row."""
    found: list[str] = []
    for _, body in comment.history:
        if not found or found[-1] != headline(body):
            found.append(headline(body))
    return found


def table(body: str) -> list[str]:
    """The rows of the tables of a comment, without their heads."""
    rows = [line for line in shown(body).splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith(("| :--", "| Environment"))]


def check_of(pull: Conversation, name: str, head: str | None = None) -> CheckRun:
    """Our check of that name at the head (or another commit)."""
    runs = pull.town.repository.check_runs.values()
    found = [one for one in runs if one.name == name and one.head_sha == (head or pull.head)]
    assert len(found) == 1, [one.name for one in runs]
    return found[0]


def notice(body: str) -> str:
    """What a plan comment says that somebody should mend."""
    return body.partition("> [!IMPORTANT]\n")[2].partition("\n\n")[0]


def told(check: CheckRun) -> str:
    """What a check says, as people read it."""
    parts = [check.conclusion or check.status, check.output.get("title"), check.output.get("summary")]
    return shown(
        "\n".join(
            [*(part or "" for part in parts), *([check.output["text"] or ""] if check.output.get("text") else [])]
        )
    )


def remarks(check: CheckRun) -> list[str]:
    """What a check remarks on files: `path:line: level: message`."""
    return [
        f"{one['path']}:{one['start_line']}: {one['annotation_level']}: {one['message']}" for one in check.annotations
    ]


def jobs(town: Town, kind: str = "plan") -> list[str]:
    """The jobs that GitHub ran, oldest first: `network success`."""
    found = []
    for run in town.repository.runs.values():
        for job in run.current():
            first, _, slug = job.name.partition(" ")
            if first == kind:
                found += [f"{slug} {job.conclusion or job.status}"]
    return found


def fork(town: Town, files: Mapping[str, object], *, by: str = "fred", title: str = "From outside") -> Conversation:
    """A pull request by somebody from outside, from a fork of their own."""
    world = town.github.world
    world.user(by)
    made_before = [one for one in world.repositories.values() if one.full_name == f"{by}/shop"]
    mine = made_before[0] if made_before else world.create_repository(f"{by}/shop", parent=town.repository)
    town.github.commit(mine, files, title, branch="patch", by=by)  # type: ignore[arg-type]
    made = asking.open_pull(world, town.repository, world.user(by), title=title, head="patch", head_repository=mine)
    return Conversation(town, made, by)


def push_to_fork(pull: Conversation, files: Mapping[str, object], message: str = "more") -> str:
    """Push to the branch of a pull request from a fork."""
    assert pull.pull.head_repository is not None
    return pull.town.github.commit(
        pull.pull.head_repository,
        files,
        message,
        branch=pull.pull.head_branch,
        by=pull.author,  # type: ignore[arg-type]
    )


def update_branch(pull: Conversation, by: str) -> None:
    """Merge the base branch into a pull request."""
    git, world = pull.town.repository.git, pull.town.github.world
    base = git.branch(pull.pull.base_branch)
    assert base is not None
    person = world.user(by)
    made = git.commit(git.merged_tree(base, pull.head), (pull.head, base), "Merge main", world.author(person))
    move(world, pull.town.repository, f"refs/heads/{pull.pull.head_branch}", made, person)
    pull.town.settle()


def flat(*names: str, head: str = "", more: str = "") -> str:
    """A workflow `flat` of `script` environments that do not need each other."""
    lines = [f"  {name}:\n    vcs: {{type: script, path: {name}}}\n" for name in names]
    return f"name: flat\n{head}triggers: {{deployOnMerge: true}}\nenvironments:\n{''.join(lines)}{more}"


def deployed(town: Town, files: Mapping[str, object], title: str = "First") -> Conversation:
    """A pull request with these files that was deployed and merged."""
    pull = town.pull(files, title=title)
    town.settle()
    pull.say("/deploy")
    pull.merge()
    town.settle()
    (town.tools / "log").unlink()
    return pull
