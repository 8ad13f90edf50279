"""Keeps a pull request's commits, refs and mergeability in step with its branches."""

from __future__ import annotations

import subprocess

from tests.github.world.git_store import Conflict, clean_environment
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github.world.world import World


def refresh(world: World, repository: Repository, pull: Pull) -> None:
    """Read both branches anew; write refs/pull/N/head and, where there is no conflict, refs/pull/N/merge."""
    head_repository, git = pull.head_repository, repository.git
    if head_repository is not None and (head := head_repository.git.branch(pull.head_branch)):
        if head_repository is not repository:
            command = ["git", "fetch", "-q", "--no-tags", str(head_repository.git.folder), head]
            subprocess.run(command, cwd=git.folder, env=clean_environment(), check=True, capture_output=True)
        pull.head_sha = head
    base = git.branch(pull.base_branch)
    if base is None:
        return
    pull.base_sha = base
    git.set(f"refs/pull/{pull.number}/head", pull.head_sha)
    try:
        tree = git.merged_tree(base, pull.head_sha)
    except Conflict:
        pull.mergeable = False
        return
    message = f"Merge {pull.head_sha} into {base}"
    made = git.commit(tree, (base, pull.head_sha), message, world.author(world.user("web-flow")))
    git.set(f"refs/pull/{pull.number}/merge", made)
    pull.mergeable = True
