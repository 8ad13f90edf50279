"""Whether the workflow file on the default branch still fits what the workflow files there ask for."""

from __future__ import annotations

from bot.hosting.project import HostedProject
from planner.ci.headwater_workflow import FILE, must_be_written_anew


def why_anew(project: HostedProject, url: str) -> str | None:
    """Why it must be written anew, with what to do; None where it fits, or where there is none to look at."""
    head = project.default_head
    current = project.mirror.file(head, FILE) if head is not None else None
    if current is None:
        return None
    why = must_be_written_anew(project.default_definitions(), current, url)
    return None if why is None else f"{why}: write it anew with `headwater init --github`, and merge that"
