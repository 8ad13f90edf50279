"""What each kind of check run says, by the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.decide.required_checks import DEPLOY_CHECK, DEPLOYED_CHECK, HEAD_CHECK, PLAN_CHECK, PUSH_CHECK
from bot.hosting.project import HostedProject
from bot.render.answers import notice
from bot.render.checks import definition_check
from bot.render.checks import deploy_check as deploy_output
from bot.render.checks import plan_check as plan_output
from bot.render.comments import deployment_text
from bot.render.headlines import held, plain
from bot.render.models import CheckOutput, PlanComment
from bot.render.words import counted
from bot.store import conversation, deployments, hosting, publications, views
from bot.store.publications import Kind, Publication
from bot.working.posting import Check, Content
from bot.working.showing import command_model, section, story_model
from planner.ci.headwater_workflow import FILE

_NOTHING_DIFFERS = (
    "Nothing that Headwater has deployed differs from what is deployed. What it never deployed is shown and deployed "
    "on a pull request that changes it, or taken over there with `/adopt`."
)


def head_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    number, _, head = one.key.partition(":")
    pull = hosting.pull(connection, one.repository, int(number))
    if pull is None:
        return None
    plan = next((each for each in conversation.plans_of(connection, pull.id) if each.commit == head), None)
    brings = plan is not None and bool(plan.held) and project.mirror.has_file(head, FILE)
    output = _head_output(connection, plan, fork=pull.fork, draft=pull.draft, brings_file=brings)
    return Check(HEAD_CHECK, output)


def _not_planned(*, fork: bool, draft: bool) -> CheckOutput:
    if fork:
        told = "Code of a fork is planned once its commit is named."
        return CheckOutput("Waits for somebody who may deploy", told, conclusion="action_required")
    text = "A draft is planned when somebody writes /plan." if draft else "It is about to be planned."
    return CheckOutput("Not planned yet", text, conclusion="neutral" if draft else None)


def _head_output(
    connection: Connection,
    plan: conversation.PullPlan | None,
    *,
    fork: bool,
    draft: bool,
    brings_file: bool,
) -> CheckOutput:
    if plan is None:
        return _not_planned(fork=fork, draft=draft)
    if plan.problems:
        return definition_check(plan.problems)
    if plan.held:
        title = held(plan.held, plain)
        return CheckOutput(title, "See the plan comment.", conclusion="neutral" if brings_file else "action_required")
    found = [views.deployment(connection, number) for number in plan.deployments]
    return _planned(plan, [task for view in found if view is not None for task in view.tasks])


def _planned(plan: conversation.PullPlan, tasks: Sequence[views.TaskView]) -> CheckOutput:
    if not tasks and (plan.deployments or plan.after_merge):
        return CheckOutput("Nothing to plan", "See the plan comment.", conclusion="success")
    if not tasks:
        return CheckOutput(
            "Nothing is affected", "No environment reads what this pull request changes.", conclusion="success"
        )
    unfinished = [task for task in tasks if not task.finished]
    failed = [task for task in tasks if task.state.value in ("failed", "timed out")]
    cancelled = [task for task in tasks if task.state.value == "cancelled"]
    number, see = counted(len(tasks), "environment"), "See the plan comment."
    if unfinished:
        return CheckOutput(f"Planning {number}", see)
    if failed:
        return CheckOutput(f"{len(failed)} of {counted(len(tasks), 'plan')} failed", see, conclusion="failure")
    if cancelled:
        title = f"{len(cancelled)} of {counted(len(tasks), 'plan')} cancelled"
        return CheckOutput(title, see, conclusion="cancelled")
    return CheckOutput(f"{number} planned", see, conclusion="success")


def plan_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    pull = hosting.pull(connection, one.repository, one.number or 0)
    part = section(connection, project, int(one.key))
    if part is None or pull is None:
        return None
    plans = conversation.plans_of(connection, pull.id)
    plan = next((each for each in plans if int(one.key) in each.deployments), None)
    cautions = plan.cautions.get(one.key, ()) if plan is not None else ()
    newest = plan is not None and plan.id == pull.plan
    model = PlanComment(
        key=str(pull.number),
        commit=one.sha or pull.head,
        base=plan.base if plan is not None else "",
        repository_url=project.hosted.html_url,
        superseded_by="" if newest else pull.head,
    )
    part = replace(part, warnings=tuple(cautions))
    return Check(f"{PLAN_CHECK}{part.workflow}", plan_output(part, model))


def deploy_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    pull_id, _, workflow = one.key.split(":")
    shown = [deployments.flags(connection, number) for number in publications.deployments_of(connection, one.id)]
    mine = [told for told in shown if told is not None and told.workflow == int(workflow)]
    if not mine:
        return None
    name = f"{DEPLOY_CHECK}{views.workflow_name(connection, int(workflow))}"
    newest = next((told.id for told in reversed(mine) if told.action.mutates), None)
    if newest is None:
        output = "Deploys of this commit will stand here."
        return Check(name, CheckOutput("Nothing is deployed yet", output, conclusion="neutral"))
    pull = hosting.pull_by_id(connection, int(pull_id))
    commands = conversation.commands_of(connection, one.repository, pull.number if pull else 0)
    row = next((each for each in commands if newest in each.deployments), None)
    model = command_model(connection, project, row) if row is not None else None
    told_of = (each for each in (model.sections if model else ()) if each.deployment == newest)
    part = next(told_of, None) or section(connection, project, newest)
    return None if part is None else Check(name, deploy_output(part, model))


def story_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    story = conversation.story(connection, int(one.key))
    if story is None:
        return None
    model = story_model(connection, project, story)
    if story.problems and not model.sections:
        return Check(PUSH_CHECK, definition_check(story.problems))
    if not model.sections:
        said = "\n\n".join((*story.loud, *story.said)) or _NOTHING_DIFFERS
        return Check(
            PUSH_CHECK,
            CheckOutput("Nothing was deployed", notice(said).partition("\n")[2], conclusion="success"),
        )
    outputs = [deploy_output(part, model) for part in model.sections]
    order = (None, "action_required", "failure", "cancelled", "neutral", "success")
    worst = min(outputs, key=lambda each: order.index(each.conclusion))
    wrong = definition_check(story.problems)
    conclusion = "failure" if story.problems and worst.conclusion else worst.conclusion
    text = deployment_text(model)
    return Check(PUSH_CHECK, CheckOutput(worst.title, text, "", conclusion, wrong.annotations))


def merge_group(_connection: Connection, _project: HostedProject, one: Publication) -> Content | None:
    """What a merge queue waits for was so on the pull request: else that would not be in the queue."""
    if one.kind is Kind.MERGE_GROUP_DEPLOYED:
        told = CheckOutput("Deployed on the pull request", "It was, before it came to the queue.", conclusion="success")
        return Check(DEPLOYED_CHECK, told)
    text = "A merge queue's commit is deployed once it is merged."
    return Check(HEAD_CHECK, CheckOutput("Planned on the pull request", text, conclusion="success"))
