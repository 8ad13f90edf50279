"""Which files of a repository are workflow files, by their name alone."""

from __future__ import annotations

WORKFLOW_FILE_NAMES = ("env0.workflow.yml", "env0.workflow.yaml", "headwater.yml", "headwater.yaml")


def is_workflow_file(path: str) -> bool:
    """Whether a path is that of a workflow file; they may lie anywhere but where GitHub looks for its own."""
    folders = path.split("/")
    name = folders.pop()
    return name in WORKFLOW_FILE_NAMES and ".git" not in folders and folders[:2] != [".github", "workflows"]
