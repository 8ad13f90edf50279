"""Pull requests as people make them: open, change, review, comment, merge."""

from __future__ import annotations

from tests.github.world.git_store import Conflict
from tests.github.world.people import Account, allows
from tests.github.world.protection import merge_state, unmet
from tests.github.world.pulls import Pull
from tests.github.world.pushing import ask_apps, close, move
from tests.github.world.refresh import refresh
from tests.github.world.refusal import Refusal, invalid
from tests.github.world.repository import Repository
from tests.github.world.talk import REACTIONS, Comment, CommitComment, Reaction, Review, checked_body
from tests.github.world.world import World


def open_pull(
    world: World, repository: Repository, by: Account, *, title: str, head: str, base: str | None = None,
    body: str | None = None, draft: bool = False, head_repository: Repository | None = None,
) -> Pull:  # fmt: skip
    """Open a pull request. Raises Refusal 422 as GitHub words it."""
    source, target = head_repository or repository, base or repository.default_branch
    with world.lock:
        head_sha, base_sha = source.git.branch(head), repository.git.branch(target)
        if head_sha is None:
            raise invalid("PullRequest", "head")
        if base_sha is None:
            raise invalid("PullRequest", "base")
        label = f"{source.owner.login}:{head}"
        if not repository.git.run("--git-dir", str(source.git.folder), "rev-list", "-1", head_sha, f"^{base_sha}"):
            raise _custom(f"No commits between {target} and {label}")
        for one in repository.pulls.values():
            if (one.state, one.head_repository, one.head_branch, one.base_branch) == ("open", source, head, target):
                raise _custom(f"A pull request already exists for {label}.")
        now = world.clock.now()
        pull = Pull(
            world.next_id(), repository.next_number(), title, body, by, source, head, head_sha, target, base_sha,
            now, now, draft, last_pusher=by,
        )  # fmt: skip
        repository.pulls[pull.number] = pull
        refresh(world, repository, pull)
        if source is not repository:
            ask_apps(world, repository, pull.head_sha, None, by)
        world.emit("pull_request", by, repository, "opened", pull=pull)
        return pull


def _custom(message: str) -> Refusal:
    return Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])


def edit_pull(
    world: World, repository: Repository, pull: Pull, by: Account, *, title: str | None = None,
    body: str | None = None, state: str | None = None, base: str | None = None,
) -> None:  # fmt: skip
    """Change what is given."""
    changes: dict[str, object] = {}
    if title is not None and title != pull.title:
        changes["title"], pull.title = {"from": pull.title}, title
    if body is not None and body != pull.body:
        changes["body"], pull.body = {"from": pull.body or ""}, body
    if base is not None and base != pull.base_branch:
        if repository.git.branch(base) is None:
            raise invalid("PullRequest", "base")
        changes["base"] = {"ref": {"from": pull.base_branch}, "sha": {"from": pull.base_sha}}
        pull.base_branch = base
        refresh(world, repository, pull)
    pull.updated_at = world.clock.now()
    if changes:
        world.emit("pull_request", by, repository, "edited", pull=pull, changes=changes)
    if state == "closed" and pull.state == "open":
        close(world, repository, pull, by)
    elif state == "open" and pull.state == "closed":
        _reopen(world, repository, pull, by)


def _reopen(world: World, repository: Repository, pull: Pull, by: Account) -> None:
    gone = pull.head_repository is None or pull.head_repository.git.branch(pull.head_branch) is None
    if pull.merged_at or gone:
        raise _custom("state cannot be changed. The pull request cannot be reopened.")
    pull.closed_at = None
    refresh(world, repository, pull)
    world.emit("pull_request", by, repository, "reopened", pull=pull)


def mark_draft(world: World, repository: Repository, pull: Pull, by: Account, *, draft: bool) -> None:
    """Make a draft of it, or take that back."""
    with world.lock:
        pull.draft, pull.updated_at = draft, world.clock.now()
        action = "converted_to_draft" if draft else "ready_for_review"
        world.emit("pull_request", by, repository, action, pull=pull)


def merge_pull(
    world: World, repository: Repository, pull: Pull, by: Account, *, method: str = "merge",
    sha: str | None = None, title: str | None = None, message: str | None = None,
) -> str:  # fmt: skip
    """Merge; gives the commit. Raises Refusal 405 (cannot be merged now) or 409 (the head moved)."""
    with world.lock:
        if pull.merged_at or pull.state == "closed":
            raise Refusal(405, "Pull Request is not mergeable")
        if sha is not None and sha != pull.head_sha:
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        if pull.draft:
            raise Refusal(405, "Pull Request is still a draft")
        reasons = unmet(world, repository, pull)
        protection = repository.protections.get(pull.base_branch)
        bypass = world.role(repository, by.login) == "admin" and not (protection and protection.enforce_admins)
        if reasons and not bypass:
            raise Refusal(405, reasons[0])
        if not pull.mergeable:
            raise Refusal(405, "Pull Request is not mergeable")
        made = _merge_commit(world, repository, pull, by, method, title, message)
        pull.merged_at, pull.merged_by, pull.merge_commit = world.clock.now(), by, made
        pull.closed_at = pull.updated_at = pull.merged_at
        move(world, repository, f"refs/heads/{pull.base_branch}", made, by)
        world.emit("pull_request", by, repository, "closed", pull=pull)
        return made


def _merge_commit(
    world: World, repository: Repository, pull: Pull, by: Account, method: str, title: str | None, message: str | None
) -> str:
    git, base, head = repository.git, pull.base_sha, pull.head_sha
    if method == "rebase":
        try:
            return git.rebased(base, head, world.author(by))
        except Conflict as failed:
            raise Refusal(405, "This branch can't be rebased") from failed
    if method not in ("merge", "squash"):
        raise invalid("PullRequest", "merge_method")
    tree = git.merged_tree(base, head)
    if method == "squash":
        text = f"{title or f'{pull.title} (#{pull.number})'}\n\n{message or ''}".strip()
        return git.commit(tree, (base,), text, world.author(by))
    source = f"{pull.head_repository.owner.login}/{pull.head_branch}" if pull.head_repository else pull.head_branch
    text = f"{title or f'Merge pull request #{pull.number} from {source}'}\n\n{message or pull.title}"
    return git.commit(tree, (base, head), text, world.author(by))


def comment(
    world: World, repository: Repository, number: int, by: Account, body: object, app: int | None = None
) -> Comment:
    """Write a comment on a pull request."""
    with world.lock:
        now, text = world.clock.now(), checked_body(body)
        made = Comment(world.next_id(), number, by, text, now, now, app, history=[(now, text)])
        repository.comments[made.id] = made
        repository.pulls[number].updated_at = now
        world.emit("issue_comment", by, repository, "created", comment=made)
        return made


def edit_comment(world: World, repository: Repository, one: Comment, by: Account, body: object) -> None:
    """Change a comment's text."""
    with world.lock:
        old, one.body, one.updated_at = one.body, checked_body(body), world.clock.now()
        one.history.append((one.updated_at, one.body))
        world.emit("issue_comment", by, repository, "edited", comment=one, changes={"body": {"from": old}})


def delete_comment(world: World, repository: Repository, one: Comment, by: Account) -> None:
    """Take a comment away."""
    with world.lock:
        del repository.comments[one.id]
        world.emit("issue_comment", by, repository, "deleted", comment=one)


def commit_comment(
    world: World, repository: Repository, sha: str, by: Account, body: object, app: int | None = None
) -> CommitComment:
    """Write a comment on a commit."""
    with world.lock:
        now = world.clock.now()
        made = CommitComment(world.next_id(), sha, by, checked_body(body, "CommitComment"), now, now, app)
        repository.commit_comments[made.id] = made
        world.emit("commit_comment", by, repository, "created", comment=made)
        return made


def react(world: World, on: Comment | CommitComment | Pull, by: Account, content: object) -> tuple[Reaction, bool]:
    """React; gives the reaction and whether it is new."""
    if content not in REACTIONS:
        raise invalid("Reaction", "content")
    for one in on.reactions:
        if one.user is by and one.content == content:
            return one, False
    made = Reaction(world.next_id(), by, str(content), world.clock.now())
    on.reactions.append(made)
    return made, True


def review(
    world: World, repository: Repository, pull: Pull, by: Account, event: str, body: str = "", sha: str | None = None
) -> Review:
    """Review: `event` is APPROVE, REQUEST_CHANGES or COMMENT."""
    states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    with world.lock:
        if event not in states:
            raise invalid("PullRequestReview", "event")
        if event != "COMMENT" and by is pull.user:
            verb = "approve" if event == "APPROVE" else "request changes on"
            raise Refusal(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
        if event != "APPROVE" and not body:
            raise Refusal(422, "Unprocessable Entity", ["Body can't be blank"])
        made = Review(world.next_id(), by, body, states[event], sha or pull.head_sha, world.clock.now())
        pull.reviews.append(made)
        world.emit("pull_request_review", by, repository, "submitted", pull=pull, review=made)
        return made


def dismiss(world: World, repository: Repository, pull: Pull, one: Review, by: Account) -> None:
    """Dismiss a review."""
    with world.lock:
        if not allows(world.role(repository, by.login), "write"):
            raise Refusal(403, "Must have write access to dismiss a review")
        one.dismiss(world.next_id(), by, world.clock.now())
        world.emit("pull_request_review", by, repository, "dismissed", pull=pull, review=one)


__all__ = [
    "comment", "commit_comment", "delete_comment", "dismiss", "edit_comment", "edit_pull", "mark_draft",
    "merge_pull", "merge_state", "open_pull", "react", "review",
]  # fmt: skip
