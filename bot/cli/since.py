"""What has changed since each environment was last deployed: asks the store, so it is apart from the hot path."""

from __future__ import annotations

from bot.cli.acting import Session
from bot.cli.global_options import Globals
from bot.known import known
from bot.since import affected_since_deployed, facts_of
from planner.question import Answer


def changes_since_deployed(settings: Globals, *, everything: bool) -> Answer:
    """Each environment against the commit that it was last deployed at; the answer's base is the head itself."""
    session = Session(settings)
    session.collect()
    project = session.project
    head = project.repository.commit("HEAD")
    project.mirror.keep(head)
    facts = facts_of(known(project).rows)
    return Answer(head, head, affected_since_deployed(project, head, facts, everything=everything))
