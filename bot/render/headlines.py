"""One line that can be acted on: what a plan comes to, where a deployment stands. Markdown, or plain for titles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot.decide.facts import TaskAction
from bot.decide.transitions import Code, DeploymentState, TaskState
from bot.render.markdown import Markdown, code, commit_link, one_line, prose, pull_link
from bot.render.models import DeploymentComment, PlanComment, Row, Section
from bot.render.words import FAILED, LATER, VERBS, changes, counted, counts_long, finished

Named = Callable[[str], str]
"""How an alias stands in a line: as code in Markdown, as it is in the title of a check."""


def plain(alias: str) -> str:
    """An alias in a title, which is no Markdown."""
    return one_line(alias, 60)


def rows_of(sections: Sequence[Section]) -> list[Row]:
    """All environments of a comment."""
    return [row for section in sections for row in section.rows]


def plan_headline(model: PlanComment) -> Markdown:
    """The headline of the plan comment."""
    if model.problems:
        return Markdown(f"{counted(len(model.problems), 'problem')} in the workflow files")
    rows = rows_of(model.sections)
    asked = any(row.state is not None for row in rows)
    if model.superseded_by and model.draft:
        return Markdown(
            f"{commit_link(model.superseded_by, model.repository_url)}, pushed since, is not planned: a draft"
        )
    if model.superseded_by:
        return Markdown(f"{commit_link(model.superseded_by, model.repository_url)} takes the place of this plan")
    if model.fork_waits and not asked:
        return Markdown("From a fork: nothing runs before somebody who may deploy names the commit")
    if model.draft and not asked:
        return Markdown(f"Draft: {environments(rows, code)} not planned yet")
    if model.held:
        return Markdown(held(model.held, code))
    if not rows and any(section.warnings for section in model.sections):
        return Markdown("Nothing to plan")
    return Markdown(plans(rows, code))


def held(aliases: Sequence[str], named: Named) -> str:
    """What waits for the workflow file: `3 environments wait for the workflow file`."""
    who, wait = (named(aliases[0]), "waits") if len(aliases) == 1 else (counted(len(aliases), "environment"), "wait")
    return f"{who} {wait} for the workflow file"


def plans(rows: Sequence[Row], named: Named) -> str:
    """What plans come to: `6 environments: 2 to change, 1 destroys 3 resources`."""
    if not rows:
        return "No environment is affected"
    who = environments(rows, named)
    open_ones = sum(not finished(row) for row in rows)
    if open_ones:
        later = sum(row.code in LATER for row in rows)
        done = len(rows) - open_ones - later
        parts = [f"{done:,} done"] if done else []
        parts += [f"{later:,} planned at deploy"] if later else []
        return _sentence(f"Planning {who}", parts + _failures(rows))
    return _sentence(who, _one_plan(rows[0]) if len(rows) == 1 else _many_plans(rows))


def _sentence(start: str, parts: Sequence[str]) -> str:
    return f"{start}: {', '.join(parts)}" if parts else start


def environments(rows: Sequence[Row], named: Named) -> str:
    """One by its name, several by their number."""
    return named(rows[0].alias) if len(rows) == 1 else counted(len(rows), "environment")


def _one_plan(row: Row) -> list[str]:
    if row.state in FAILED:
        return ["its plan failed" if row.state is TaskState.FAILED else "its plan timed out"]
    if row.state is TaskState.CANCELLED:
        return ["its plan was cancelled"]
    if row.code in LATER:
        return ["planned at deploy"]
    if not changes(row):
        return ["no changes"]
    return [f"destroys {_resources(row)}" if row.action is TaskAction.PLAN_DESTROY else counts_long(row.counts)]


def _many_plans(rows: Sequence[Row]) -> list[str]:
    leaving = [row for row in rows if row.action is TaskAction.PLAN_DESTROY and row.state is TaskState.SUCCEEDED]
    changing = [row for row in rows if changes(row) and row not in leaving]
    later = sum(row.code in LATER for row in rows)
    parts = _failures(rows)
    parts += [f"{len(changing):,} to change"] if changing else []
    parts += [f"{len(leaving):,} to destroy"] if leaving else []
    parts += _losses(changing)
    parts += [f"{later:,} planned at deploy"] if later else []
    return parts or ["no changes"]


def _losses(rows: Sequence[Row]) -> list[str]:
    """`1 destroys 3 resources`; what is replaced is told where nothing is destroyed for good."""
    for kind, one, many in (("destroy", "destroys", "destroy"), ("replace", "replaces", "replace")):
        losing = [row.counts[kind] for row in rows if row.counts.get(kind)]
        if losing:
            verb = one if len(losing) == 1 else many
            return [f"{len(losing):,} {verb} {counted(sum(losing), 'resource')}"]
    return []


def _resources(row: Row) -> str:
    return counted(row.counts.get("destroy", 0), "resource")


def _failures(rows: Sequence[Row]) -> list[str]:
    failed = sum(row.state in FAILED for row in rows)
    cancelled = sum(row.state in (TaskState.CANCELLED, TaskState.BLOCKED) for row in rows)
    found = [f"{failed:,} failed"] if failed else []
    return found + ([f"{cancelled:,} cancelled"] if cancelled else [])


def deployment_headline(model: DeploymentComment) -> Markdown:
    """The headline of a command's comment."""
    rows = rows_of(model.sections)
    if model.called_off:
        return Markdown(f"Not {_done(model)}: {prose(model.called_off)}")
    if asks_now(model):
        waits = "waits" if len(rows) == 1 else "wait"
        return Markdown(f"{environments(rows, code)} {waits} to be {_done(model)}{_asked(rows)}")
    if rows and not waits_alone(model):
        states = [section.state for section in model.sections if section.rows]
        return Markdown(deployments(rows, states, code, over=model.finished))
    return _without_rows(model)


def _without_rows(model: DeploymentComment) -> Markdown:
    if model.refusals:
        return Markdown(f"Not {_done(model)}")
    if model.waits:
        return waiting_words(model)
    if model.mistakes:
        return Markdown("That was not understood")
    if model.problems:
        return Markdown(f"Not deployed: {counted(len(model.problems), 'problem')} in the workflow files")
    if says_it_all(model):
        return prose(model.said[0].removesuffix("."))
    if model.said and not model.continuous:
        return Markdown("Done")
    return Markdown("Nothing to deploy" if model.continuous else "Nothing to do")


def asks_now(model: DeploymentComment) -> bool:
    """Whether all that a command would do is shown, and somebody may approve it."""
    rows = rows_of(model.sections)
    return model.asks and bool(rows) and all(row.state is TaskState.SUCCEEDED for row in rows)


def _asked(rows: Sequence[Row]) -> str:
    going = [row for row in rows if changes(row)]
    if not going:
        return ": no changes"
    leaving = all(row.action is TaskAction.PLAN_DESTROY for row in going)
    lost = sum(row.counts.get("destroy", 0) for row in going)
    return f", with {counted(lost, 'resource')}" if leaving and lost else f": {len(going):,} with changes"


def _done(model: DeploymentComment) -> str:
    """What a command would have done: `deployed`."""
    word = model.verb.removeprefix("headwater ").lstrip("/").split(maxsplit=1)[:1]
    return _DONE.get(word[0].lower() if word else "", "done")


def says_it_all(model: DeploymentComment) -> bool:
    """Whether one line is all that there is to say, so that it is the headline."""
    others = (*model.refusals, *model.mistakes, *model.waits, *model.loud, *model.problems, *rows_of(model.sections))
    return len(model.said) == 1 and not others


def waits_alone(model: DeploymentComment) -> bool:
    """Whether nothing has begun, for what others hold."""
    return bool(model.waits) and all(row.state in (None, TaskState.WAITING) for row in rows_of(model.sections))


def holder_of(waits: str) -> str:
    """The pull request that a command waits for, as `#12`; empty where it waits for something else."""
    found = _HOLDER.match(waits)
    return found[1] if found else ""


def waiting_words(model: DeploymentComment) -> Markdown:
    """`Waits for #12, which holds db`, the pull request as a link."""
    return Markdown(f"Waits {waited_for(model.waits, model.repository_url)}")


def waited_for(waits: str, repository_url: str) -> Markdown:
    """`for #12, which holds db`, the pull request as a link."""
    found = _HOLDER.match(waits)
    if found is None:
        return prose(waits)
    return Markdown(f"for {pull_link(found[1], repository_url)}{prose(waits[found.end() :])}")


_HOLDER = re.compile(r"for (#\d{1,11})(?=,|$)")
_DONE = {
    "plan": "planned",
    "deploy": "deployed",
    "destroy": "destroyed",
    "adopt": "adopted",
    "approve": "approved",
    "reject": "rejected",
    "retry": "retried",
    "restore": "restored",
    "cancel": "cancelled",
    "unlock": "unlocked",
    "explain": "explained",
    "status": "told",
    "help": "told",
}


def deployments(rows: Sequence[Row], states: Sequence[DeploymentState | None], named: Named, *, over: bool) -> str:
    """Where deployments stand: `Deploying 6 environments: 3 done, 2 at work, 1 waiting`."""
    verb = VERBS[rows[0].action]
    asking = [row for row in rows if row.state is TaskState.NEEDS_APPROVAL]
    if over or all(map(finished, rows)):
        return _ended(rows, states, named)
    at_work = any(row.state in (TaskState.DISPATCHED, TaskState.RUNNING, TaskState.READY) for row in rows)
    if asking and not at_work:
        waits = "waits" if len(asking) == 1 else "wait"
        return _sentence(f"{_few(asking, named)} {waits} for approval", _tally(rows, asking=False))
    return _sentence(f"{verb.doing.capitalize()} {environments(rows, named)}", _tally(rows))


def _ended(rows: Sequence[Row], states: Sequence[DeploymentState | None], named: Named) -> str:
    verb = VERBS[rows[0].action]
    failed = [row for row in rows if row.state in FAILED]
    if failed:
        rest = [row for row in rows if row not in failed]
        return _sentence(f"{verb.do.capitalize()} of {_few(failed, named)} failed", _tally(rest))
    if any(row.state in (TaskState.CANCELLED, TaskState.BLOCKED) for row in rows):
        how = "was superseded" if DeploymentState.SUPERSEDED in states else _stopped(rows)
        return _sentence(f"{verb.do.capitalize()} {how}", _tally(rows))
    if verb is VERBS[TaskAction.ADOPT]:
        return _adopted(rows, named)
    quiet = [row for row in rows if row.code is Code.NO_CHANGES or row.state is TaskState.SKIPPED]
    if len(quiet) == len(rows):
        return _sentence(environments(rows, named), ["no changes"])
    done = [row for row in rows if row not in quiet]
    unchanged = f", {len(quiet):,} without changes" if quiet else ""
    return f"{verb.done.capitalize()} {environments(done, named)}{unchanged}"


def _adopted(rows: Sequence[Row], named: Named) -> str:
    left = [row for row in rows if row.code is Code.HAS_CHANGES]
    taken = [row for row in rows if row not in left]
    have = f"{environments(left, named)} {'has' if len(left) == 1 else 'have'} changes"
    if not left:
        return f"Adopted {environments(taken, named)}"
    return f"Adopted {environments(taken, named)}; {have}" if taken else f"Nothing was adopted: {have}"


def _stopped(rows: Sequence[Row]) -> str:
    return "was cancelled" if any(row.state is TaskState.CANCELLED for row in rows) else "is blocked"


def _few(rows: Sequence[Row], named: Named) -> str:
    names = [named(row.alias) for row in rows]
    return " and ".join(names) if len(names) <= 2 else counted(len(names), "environment")


_TALLY = (
    ("failed", FAILED),
    ("lost", frozenset({TaskState.LOST})),
    ("for approval", frozenset({TaskState.NEEDS_APPROVAL})),
    ("done", frozenset({TaskState.SUCCEEDED, TaskState.SKIPPED})),
    ("at work", frozenset({TaskState.READY, TaskState.DISPATCHED, TaskState.RUNNING})),
    ("waiting", frozenset({TaskState.WAITING})),
    ("blocked", frozenset({TaskState.BLOCKED})),
    ("cancelled", frozenset({TaskState.CANCELLED})),
)


def _tally(rows: Sequence[Row], *, asking: bool = True) -> list[str]:
    """How many are done, at work, waiting: `3 done`, `1 blocked`."""
    found = []
    for words, states in _TALLY:
        number = sum(row.state in states for row in rows)
        if number and words != "for approval":
            found.append(f"{number:,} {words}")
        elif number and asking:
            found.append(f"{number:,} {'waits' if number == 1 else 'wait'} for approval")
    return found
