"""What asks people for their approval, as conditions on rows of tasks."""

from __future__ import annotations

from sqlalchemy import and_, or_

from bot.decide.facts import TaskAction
from bot.decide.transitions import TaskState
from bot.store.tables import tasks

ASKS = tasks.c.state == TaskState.NEEDS_APPROVAL.value
"""Its turn has come, and it waits for an approval."""

IN_LINE = and_(
    tasks.c.state == TaskState.WAITING.value,
    tasks.c.action == TaskAction.DESTROY.value,
    tasks.c.requires_approval.is_(True),
    tasks.c.shown_plan_id.is_not(None),
    tasks.c.approved_plan_id.is_(None),
)
"""It is to be destroyed, its plan is shown, and it will ask once what needs it is gone: one word may do for all."""

MAY_BE_APPROVED = or_(ASKS, IN_LINE)
