"""What to type next: commands that can be copied, each with the words that lead to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, TaskState
from bot.render.headlines import asks_now, holder_of, rows_of
from bot.render.markdown import Markdown, clean, code, codes, fence, pull_link, some, typed
from bot.render.models import DeploymentComment, PlanComment, Row, Section
from bot.render.words import FAILED, LATER, changes, finished
from planner.ci.headwater_workflow import FILE

_STATE_LOCK = re.compile(r"Lock Info:\W{0,20}ID:\s{1,20}([A-Za-z0-9][A-Za-z0-9_.:/=+-]{0,199})\s")
_DEEDS = frozenset({TaskAction.DEPLOY, TaskAction.DESTROY})
MOST_TYPED = 12
"""Aliases of one command."""


@dataclass(frozen=True, slots=True)
class Step:
    """Words, and the command that they lead to."""

    words: Markdown
    command: str = ""

    @property
    def block(self) -> Markdown:
        """The command as a block that can be copied."""
        return fence(self.command) if self.command else Markdown()


def command(verb: str, *aliases: str, workflow: str = "") -> str:
    """A command as it is typed, of one workflow or all."""
    of = ["--workflow", typed(clean(workflow))] if workflow else []
    return " ".join([f"/{verb}", *(typed(clean(alias)) for alias in aliases), *of])


def plan_steps(model: PlanComment) -> tuple[Step, ...]:
    """What to type below a plan comment."""
    rows = rows_of(model.sections)
    if model.ended:
        return _not_deployed(model) if model.ended == "merged" else ()
    if model.problems:
        return (Step(Markdown("Push a commit that mends this; it is read again at once.")),)
    asked = any(row.state is not None for row in rows)
    if model.fork_waits and not asked:
        return (Step(Markdown("Read the change first: its code runs in the plan. Then:"), f"/plan @{model.commit}"),)
    if model.draft and not asked:
        return (Step(Markdown("To plan it:"), command("plan")),)
    if model.held:
        return (_held(model),)
    if model.superseded_by and model.draft:
        return (Step(Markdown("To plan it:"), command("plan")),)
    if not rows or model.superseded_by or not all(map(finished, rows)):
        return ()
    return _after_plans(model, rows)


def _not_deployed(model: PlanComment) -> tuple[Step, ...]:
    """What a merge left as it was, where no merge deploys."""
    left = {
        section.workflow: aliases
        for section in model.sections
        if not section.merging and not section.only_to and (aliases := _still_to_deploy(section, model.deployed))
    }
    if not left:
        return ()
    name = len(model.sections) > 1
    lines = [
        command("deploy", *aliases[:MOST_TYPED], workflow=workflow if name else "")
        for workflow, aliases in left.items()
    ]
    more = sum(len(aliases[MOST_TYPED:]) for aliases in left.values())
    rest = f" ({more} more are left out here)" if more else ""
    words = f"Merged without being deployed. To deploy it, on an open pull request that has this merge{rest}:"
    return (Step(Markdown(words), "\n".join(lines)),)


def _still_to_deploy(section: Section, deployed: Collection[tuple[str, str]]) -> list[str]:
    return [row.alias for row in section.rows if _deployable(row) and (section.file, row.alias) not in deployed]


def _held(model: PlanComment) -> Step:
    """What has to come before anything can be planned."""
    who = f"{codes(model.held, MOST_TYPED)} {'is' if len(model.held) == 1 else 'are'}"
    lacks = f"{who} planned in jobs of {code(FILE)} on the default branch, which has none yet."
    if model.brings_file:
        return Step(Markdown(f"{lacks} This pull request brings it: once it is merged, pull requests are planned."))
    write = code("headwater init --github")
    return Step(Markdown(f"{lacks} Once {write} has written it and it is merged there, this is planned by itself."))


def _after_plans(model: PlanComment, rows: Sequence[Row]) -> tuple[Step, ...]:
    failed = [row.alias for row in rows if row.state in FAILED or row.state is TaskState.CANCELLED]
    if failed:
        again = command("plan", *failed) if len(failed) <= min(MOST_TYPED, len(rows) - 1) else command("plan")
        started = any(row.code is not Code.CANNOT_START for row in rows if row.state in FAILED)
        words = "Push a commit that mends this. To plan again as it is:" if started else "Once that is mended:"
        return (Step(Markdown(words), again),)
    leaving = [row for row in rows if row.action is TaskAction.PLAN_DESTROY and changes(row)]
    deploys = _deploys(model)
    if not leaving:
        return deploys
    goes = codes(row.alias for row in leaving)
    return (*deploys, Step(Markdown(f"{goes}: destroyed after the merge, once somebody approves it there.")))


def _deploys(model: PlanComment) -> tuple[Step, ...]:
    """How what is shown is deployed: by a merge, where the workflow says so, and by a command."""
    every = [section for section in model.sections if any(map(_deployable, section.rows))]
    elsewhere = tuple(_elsewhere(section) for section in every if section.only_to)
    changing = [section for section in every if not section.only_to]
    if not changing:
        return elsewhere
    merging = [section.workflow for section in changing if section.merging]
    what = "what is shown here" if len(merging) == len(changing) else f"what is shown of {codes(merging)}"
    first = f"Merging this deploys {what}. " if merging else ""
    once = "Once this is no draft any more, to" if model.draft else "To"
    then = "deploy it before the merge:" if len(merging) == len(changing) else "deploy what is shown here:"
    each = "\n".join(command("deploy", workflow=section.workflow) for section in changing)
    return (Step(Markdown(f"{first}{once} {then}"), each if elsewhere else command("deploy")), *elsewhere)


def _elsewhere(section: Section) -> Step:
    """Where a workflow is deployed from, which is not here."""
    what = f"{codes([section.workflow])} is deployed from pull requests to {codes(section.only_to, MOST_TYPED)} alone."
    return Step(Markdown(what))


def _deployable(row: Row) -> bool:
    return row.code in LATER or (changes(row) and row.action is not TaskAction.PLAN_DESTROY)


def deployment_steps(model: DeploymentComment) -> tuple[Step, ...]:
    """What to type below a command's comment: what waits for somebody first, then what could be tried again."""
    rows = rows_of(model.sections)
    steps = [*_approvals(model, rows), *_losts(rows)]
    if model.problems:
        return (*steps, Step(Markdown("It is deployed once a mend of this is merged.")))
    if model.called_off:
        return ()
    if model.asks:
        return _whole(model)
    over = model.finished or (bool(rows) and all(map(finished, rows)))
    if over and not steps:
        left = rows_of([one for one in model.sections if one.again is None])
        steps += [*_stale_locks(left), *_again(left), *_tried_again(model)]
    if steps and model.continuous and not model.actor:
        steps = [Step(_NOBODY_ANSWERS)]
    return (*_waits(model), *_locked(rows, model.repository_url), *_holds(model, rows), *steps)


def _waits(model: DeploymentComment) -> list[Step]:
    """What a command that waits for another pull request does once that ends."""
    if not holder_of(model.waits):
        return []
    off = f" {code('/cancel')} calls it off." if model.verb else ""
    return [Step(Markdown(f"It goes on by itself once that is merged, restored or unlocked.{off}"))]


def _holds(model: DeploymentComment, rows: Sequence[Row]) -> list[Step]:
    """Who may deploy what is gone now: that nothing is there is what nobody would look for."""
    gone = [row.alias for row in rows if row.action is TaskAction.DESTROY and row.state is TaskState.SUCCEEDED]
    if model.continuous or not gone:
        return []
    free = code(command("unlock", *gone)) if len(gone) <= MOST_TYPED else code("/unlock")
    words = f"This pull request holds {codes(gone)}: no other deploys there before it is merged, or {free} frees them."
    return [Step(Markdown(words))]


def _locked(rows: Sequence[Row], repository_url: str) -> list[Step]:
    """What goes on without anybody typing anything here."""
    holders = list(dict.fromkeys(row.detail for row in rows if row.code is Code.LOCKED))
    if not holders:
        return []
    who = some([pull_link(one, repository_url) for one in holders[:3]], len(holders))
    hold, each = ("holds", "that") if len(holders) == 1 else ("hold", "each")
    words = f"What is locked goes on by itself: {who} {hold} it until {each} is merged, restored or unlocked."
    return [Step(Markdown(words))]


_NOBODY_ANSWERS = Markdown(
    "No pull request was merged here on which somebody could answer. The next one that is merged carries on with this, "
    "and takes `/approve` and `/retry`."
)
"""What can be done about a direct push."""


def _whole(model: DeploymentComment) -> tuple[Step, ...]:
    """What to type where a command has shown its plans, and all of it waits for one word."""
    if asks_now(model):
        words = Markdown(f"{_to(model)} have this done ({code('/reject')} calls it off):")
        return (Step(words, command("approve")),)
    if all(map(finished, rows_of(model.sections))):
        return (Step(Markdown("Not all of it could be planned. Mend that, then:"), model.verb),)
    return ()


def _to(model: DeploymentComment) -> str:
    return "To" if model.self_approval else "For somebody else, to"


def _approvals(model: DeploymentComment, rows: Sequence[Row]) -> list[Step]:
    asking = [row.alias for row in rows if row.state is TaskState.NEEDS_APPROVAL]
    if not asking:
        return []
    asking += [row.alias for row in rows if _in_line(row)]
    named = asking if len(asking) <= MOST_TYPED else asking[:MOST_TYPED]
    what = "the plan that is" if len(asking) == 1 else "the plans that are"
    other = code(command("reject", *named) if len(named) == 1 else "/reject ALIAS")
    return [Step(Markdown(f"{_to(model)} go on with {what} shown ({other} calls it off):"), command("approve", *named))]


def _in_line(row: Row) -> bool:
    """Whether it will ask in its turn for what is shown already, so that one word may do for all."""
    return row.state is TaskState.WAITING and row.action is TaskAction.DESTROY and row.requires_approval and row.planned


def _losts(rows: Sequence[Row]) -> list[Step]:
    lost = [row.alias for row in rows if row.state is TaskState.LOST]
    if not lost:
        return []
    words = f"{codes(lost)} may still be at work, so nothing else starts there. An admin who is sure that it has ended:"
    return [Step(Markdown(words), command("retry") + " --force")]


def _stale_locks(rows: Sequence[Row]) -> list[Step]:
    """What a killed tool left on a state, as the tool told it of its lock: with its holder and its age."""
    found = [(row.alias, _STATE_LOCK.search(row.error)) for row in rows if row.state in FAILED]
    words = Markdown("If what left that lock has ended for sure, an admin frees it:")
    return [Step(words, f"{command('unlock', alias)} --state {lock[1]}") for alias, lock in found[:3] if lock]


def _tried_again(model: DeploymentComment) -> list[Step]:
    numbers = sorted(one.again for one in model.sections if one.again is not None)
    if not numbers:
        return []
    name = "deployment" if len(numbers) == 1 else "deployments"
    return [Step(Markdown(f"Tried again as {name} {some([Markdown(str(one)) for one in numbers])}."))]


def _again(rows: Sequence[Row]) -> list[Step]:
    retried = [row for row in rows if row.action in _DEEDS and row.code is not Code.SUPERSEDED]
    if not any(row.state in FAILED or row.state is TaskState.CANCELLED for row in retried):
        return []
    if any(row.code is Code.VOIDED for row in rows):
        return [Step(Markdown("To deploy what is there now, read its plan, then:"), command("deploy"))]
    unknown = any(row.code is Code.OUTCOME_UNKNOWN for row in rows)
    first = " (what it did is not known, so it is planned first)" if unknown else ""
    return [Step(Markdown(f"To try again what is not done, at the same commit{first}:"), command("retry"))]
