"""The workflow file that runs our jobs, on the default branch: whether it is there, and fits what is asked for."""

from __future__ import annotations

import time

from bot.decide.pull_facts import WorkflowFile
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, work
from planner.ci.headwater_workflow import FILE, must_be_written_anew


def standing(server: Server, project: HostedProject, commit: str) -> WorkflowFile:
    """Whether the default branch has the file; where it has none, whether this commit has."""
    if server.settings.runs_here(project.hosted.full_name):
        return WorkflowFile.NOT_NEEDED
    head = project.default_head
    if head is not None and project.mirror.has_file(head, FILE):
        return WorkflowFile.THERE
    return WorkflowFile.BROUGHT if project.mirror.has_file(commit, FILE) else WorkflowFile.MISSING


def jobs_can_run(server: Server, project: HostedProject, commit: str) -> bool:
    """Whether what is planned at this commit can be planned: where nothing can run, its plans wait for the file."""
    return standing(server, project, commit) in (WorkflowFile.THERE, WorkflowFile.NOT_NEEDED)


def plan_what_waited(server: Server, project: HostedProject, commit: str) -> None:
    """Have the pull requests planned that waited for the file, once the default branch has it at this commit."""
    if not project.mirror.has_file(commit, FILE):
        return
    now = time.time()
    with server.database.writing() as connection:
        for number in conversation.pulls_held(connection, project.hosted.id):
            work.request(connection, "pull", f"{project.hosted.github_id}:{number}", now, now)


def why_anew(project: HostedProject, url: str) -> str | None:
    """Why it must be written anew, with what to do; None where it fits, or where there is none to look at."""
    head = project.default_head
    current = project.mirror.file(head, FILE) if head is not None else None
    if current is None:
        return None
    why = must_be_written_anew(project.default_definitions(), current, url)
    return None if why is None else f"{why}: write it anew with `headwater init --github`, and merge that"
