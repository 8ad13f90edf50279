"""What this GitHub plays of Actions, and what it knows of but refuses."""

from __future__ import annotations

_BRANCHES = {"branches", "branches-ignore", "paths", "paths-ignore"}
EVENTS: dict[str, set[str]] = {
    "push": {*_BRANCHES, "tags", "tags-ignore"},
    "pull_request": {*_BRANCHES, "types"},
    "workflow_dispatch": {"inputs"},
    "schedule": set(),  # read, never fired
}
NOT_PLAYED = {"container", "services", "secrets", "snapshot", "uses", "with"}
ACTIONS = {"actions/checkout", "actions/setup-python", "actions/upload-artifact", "actions/download-artifact"}
PERMISSIONS = {
    "actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token",
    "issues", "models", "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses",
}  # fmt: skip
