"""What the GitHub App is to be: the manifest that a person's browser takes to GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.github import urls
from bot.github.data import NEEDED

PERMISSIONS: Mapping[str, str] = {**NEEDED, "merge_queues": "read"}  # without it GitHub refuses the event merge_group
"""What the App may do in the repositories where it is installed."""

EVENTS = (
    "check_run",
    "check_suite",
    "delete",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "workflow_job",
    "workflow_run",
)
"""What it hears of; installations are told to every App unasked."""


def manifest(name: str, public_url: str, created_url: str) -> dict[str, Any]:
    """What GitHub is asked to make. `created_url` is where it sends the person's browser afterwards."""
    return {
        "name": name,
        "url": public_url,
        "description": "Deploys infrastructure from pull requests, in dependency order.",
        "hook_attributes": {"url": f"{public_url}/webhook", "active": True},
        "redirect_url": created_url,
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }


def form_url(api_url: str, organization: str | None, state: str) -> str:
    """Where the manifest is posted to, by a person's browser; `state` comes back with it."""
    return f"{urls.new_app_url(api_url, organization)}?state={quote(state, safe='')}"
