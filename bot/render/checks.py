"""What check runs say. GitHub takes 65,535 bytes of a summary and as many of a text, and 50 annotations a request."""

from __future__ import annotations

from collections.abc import Sequence

from bot.decide.transitions import DeploymentState, TaskState
from bot.render.cautions import Cautions, plan_cautions, section_notes
from bot.render.comments import folding, left_out_words, places, problem_lines, refusal_lines
from bot.render.fitting import CHECK, Layout, Room, fitting_layout, texts_within
from bot.render.folded import foldable
from bot.render.headlines import deployments, environments, plain, plans, waits_alone
from bot.render.markdown import codes, one_line
from bot.render.models import Annotation, CheckOutput, DeploymentComment, PlanComment, Section
from bot.render.problems import WARNING, place_of
from bot.render.steps import Step, deployment_steps, plan_steps
from bot.render.tables import TableOf, deployment_table, plan_table
from bot.render.templating import rendered
from bot.render.words import FAILED, counted, finished

_TITLE = 160
_MESSAGE = 4_000
_SPARE = 200  # bytes for the line that tells what is left out


def plan_check(section: Section, model: PlanComment) -> CheckOutput:
    """The check run of one workflow's plans."""
    if model.problems:
        return definition_check(model.problems)
    rows = section.rows
    asked = any(row.state is not None for row in rows)
    steps = plan_steps(_alone(section, model))
    if not asked and model.fork_waits and rows:
        return CheckOutput("Waits for somebody who may deploy", _steps_alone(steps), conclusion="action_required")
    if not asked and model.draft and rows:
        return CheckOutput(f"Draft: {environments(rows, plain)} not planned yet", _steps_alone(steps), "", "neutral")
    cautions = plan_cautions(_alone(section, model))
    summary = _summary(section, model.repository_url, plan_table, cautions, steps)
    return CheckOutput(_title(plans(rows, plain)), summary, _text(section), _plan_conclusion(section))


def _alone(section: Section, model: PlanComment) -> PlanComment:
    return PlanComment(
        model.key,
        model.commit,
        model.base,
        model.repository_url,
        (section,),
        draft=model.draft,
        fork_waits=model.fork_waits,
        superseded_by=model.superseded_by,
    )


def _plan_conclusion(section: Section) -> str | None:
    if not all(map(finished, section.rows)):
        return None
    states = {row.state for row in section.rows}
    if states & FAILED:
        return "failure"
    return "cancelled" if states & {TaskState.CANCELLED, TaskState.BLOCKED} else "success"


def deployed_check(left: Sequence[str], number: int, *, waits: bool) -> CheckOutput:
    """The check run of a head that is to be deployed before it is merged; `left` of so many environments are not."""
    if waits:
        return CheckOutput("Waits for the plans", "See the plan comment.")
    if not number:
        return CheckOutput("Nothing to deploy", "No environment reads what this changes.", conclusion="success")
    if not left:
        told = "What this changes is deployed as it is here, or comes to no changes."
        return CheckOutput("Nothing left to deploy", told, conclusion="success")
    text = (
        f"Not deployed as it is here: {codes(left, 20)}. The base branch demands that before a merge: write `/deploy`."
    )
    return CheckOutput(f"{len(left):,} of {counted(number, 'environment')} to deploy", text)


def deploy_check(section: Section, model: DeploymentComment | None) -> CheckOutput:
    """The check run of one workflow's deploys: neutral while nothing has run."""
    rows = section.rows
    if model is None or not rows:
        return CheckOutput("Nothing is deployed yet", "Deploys of this commit will stand here.", conclusion="neutral")
    alone = DeploymentComment(
        model.key,
        model.verb,
        model.actor,
        model.commit,
        model.repository_url,
        (section,),
        refusals=model.refusals,
        waits=model.waits,
        finished=model.finished,
    )
    title = (
        f"Waits {model.waits}" if waits_alone(alone) else deployments(rows, [section.state], plain, over=model.finished)
    )
    cautions = Cautions(tuple(refusal_lines(model)), tuple(section_notes(section, model.repository_url)))
    summary = _summary(section, model.repository_url, deployment_table, cautions, deployment_steps(alone))
    return CheckOutput(_title(title), summary, _text(section), _deploy_conclusion(section, over=model.finished))


def _deploy_conclusion(section: Section, *, over: bool) -> str | None:
    states = {row.state for row in section.rows}
    if not over and not all(map(finished, section.rows)):
        moving = states & {TaskState.READY, TaskState.DISPATCHED, TaskState.RUNNING, TaskState.LOST}
        return "action_required" if TaskState.NEEDS_APPROVAL in states and not moving else None
    if states & FAILED or section.state is DeploymentState.FAILED:
        return "failure"
    return "cancelled" if states & {TaskState.CANCELLED, TaskState.BLOCKED} else "success"


def definition_check(problems: Sequence[str]) -> CheckOutput:
    """The check run of workflow files with problems: each a remark at its place. Warnings alone are no failure."""
    annotations = [one for problem in problems if (one := _annotation(problem)) is not None]
    failing = [problem for problem in problems if not place_of(problem)[1].startswith(WARNING)]
    if not problems:
        return CheckOutput("The workflow files have no problems", "Nothing to mend.", conclusion="success")
    title = f"{counted(len(problems), 'problem')} in the workflow files"
    summary = rendered("check-summary.md.j2", losses=(), notes=problem_lines(problems), table=None, steps=())
    return CheckOutput(title, summary, "", "failure" if failing else "neutral", tuple(annotations))


def _annotation(problem: str) -> Annotation | None:
    place, message = place_of(problem)
    if place is None:
        return None
    warns = message.startswith(WARNING)
    text = one_line(message.removeprefix(WARNING), _MESSAGE)
    return Annotation(place.path, place.line, place.column, text, "warning" if warns else "failure")


def _summary(
    section: Section, repository_url: str, table_of: TableOf, cautions: Cautions, steps: Sequence[Step]
) -> str:
    def render(layout: Layout) -> str:
        return rendered(
            "check-summary.md.j2",
            losses=cautions.losses,
            notes=cautions.notes,
            table=table_of(0, section, layout, repository_url),
            steps=steps,
        )

    return render(fitting_layout(render, places((section,)), CHECK, Layout()))


def _steps_alone(steps: Sequence[Step]) -> str:
    return rendered("check-summary.md.j2", losses=(), notes=(), table=None, steps=steps)


def _text(section: Section) -> str:
    rows = {place: row for place, row in places((section,)).items() if foldable(row)}
    texts = texts_within(folding((section,)), rows, Room(CHECK.most - _SPARE, CHECK.size))
    blocks = tuple(text for _, text in sorted(texts.items()))
    return rendered("check-text.md.j2", texts=blocks, left_out=left_out_words(len(rows) - len(texts)))


def _title(text: str) -> str:
    return one_line(text, _TITLE)
