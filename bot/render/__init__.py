"""How comments and check runs read. Pure: small models in, Markdown out; the only file it reads is a template."""

from __future__ import annotations

from bot.render.answers import help_comment, notice, status_comment
from bot.render.checks import definition_check, deploy_check, plan_check
from bot.render.comments import deployment_comment, plan_comment
from bot.render.explained import explain_comment
from bot.render.markdown import marked, marker, typed

__all__ = [
    "definition_check",
    "deploy_check",
    "deployment_comment",
    "explain_comment",
    "help_comment",
    "marked",
    "marker",
    "notice",
    "plan_check",
    "plan_comment",
    "status_comment",
    "typed",
]
