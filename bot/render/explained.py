"""Why an environment is where it is, since when, what would free it, and why something about it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.decide.freeing import Way, ways
from bot.decide.meaning import meaning
from bot.decide.transitions import FINISHED, Code, TaskState
from bot.render.headlines import waited_for
from bot.render.markdown import Markdown, code, codes, commit_link, joined, marker, origin_words, prose, pull_link
from bot.render.models import Row
from bot.render.steps import Step, command
from bot.render.templating import rendered
from bot.render.words import state_words, when, why

if TYPE_CHECKING:  # they come with the whole of git and the store
    from bot.explaining import Explanation, Pending
    from bot.store.audit import Entry
    from bot.store.views import TaskView

_MOST_REASONS = 6


def explain_comment(found: Explanation, *, repository_url: str = "", key: str = "-") -> str:
    """Why an environment is where it is, and what would free it."""
    return rendered(
        "explain-comment.md.j2",
        marker=marker("explain", key),
        alias=code(found.alias),
        workflow=prose(found.workflow, 80),
        lines=_lines(found, repository_url),
        steps=_steps(found, repository_url),
    )


def _lines(found: Explanation, repository_url: str) -> list[Markdown]:
    lines = [_deployed(found, repository_url)]
    if found.gone:
        lines.append(Markdown("gone from the workflow file"))
    if found.disabled:
        lines.append(Markdown("disabled in the workflow file: left out, what needs it waits for what it needs"))
    if found.needs:
        lines.append(Markdown(f"needs {codes(found.needs, 10)}"))
    lines += _of_task(found, found.task, repository_url) if found.task is not None else []
    if found.held_by is not None:
        holder = pull_link(f"#{found.held_by}", repository_url)
        lines.append(Markdown(f"belongs to {holder} since {when(found.held_since)}"))
    if found.reasons:
        since = "changed since it was last deployed" if found.deployed else "would be deployed, since"
        lines.append(Markdown(f"{since}: {why(found.reasons, 5)}"))
    elif found.deployed and not found.disabled and not found.gone:
        lines.append(Markdown("unchanged since it was last deployed"))
    lines += [_pending(one, repository_url) for one in found.pending]
    return lines + [_refused(one, repository_url) for one in found.refusals]


def _deployed(found: Explanation, repository_url: str) -> Markdown:
    if not found.deployed:
        return Markdown("not deployed")
    return Markdown(f"deployed at {commit_link(found.commit or '', repository_url)} on {when(found.deployed_at)}")


def _of_task(found: Explanation, task: TaskView, repository_url: str) -> list[Markdown]:
    words = state_words(_as_row(task, held=found.held), repository_url)
    means = meaning(task.state, task.code, begun=task.started_at is not None)
    detail = f": {prose(task.detail, 600)}" if task.detail and task.state is TaskState.FAILED else ""
    since = f", since {when(found.since)}" if found.since is not None else ""
    lines = [Markdown(f"{words} (deployment {found.deployment}{since}): {means}{detail}")]
    if task.state not in FINISHED and found.actor:
        because = f", for: {why(task.reasons, 5)}" if task.reasons else ""
        lines.append(
            Markdown(f"asked for by {prose(found.actor, 60)} ({origin_words(found.origin, repository_url)}){because}")
        )
    if found.rival is not None:
        lines.append(Markdown(f"queued behind deployment {found.rival}, which works on it or on a neighbour"))
    if task.waits_for and task.state not in FINISHED:
        lines.append(Markdown(f"{codes(task.waits_for, 10)}: not done yet"))
    return lines


def _pending(one: Pending, repository_url: str) -> Markdown:
    """What somebody wrote and is not done yet."""
    what = waited_for(one.waits[:300], repository_url) if one.waits else Markdown(f"for {code('/approve')}")
    where = Markdown(f" on {pull_link(f'#{one.elsewhere}', repository_url)}") if one.elsewhere is not None else ""
    return Markdown(f"{code(f'/{one.verb}')} by {prose(one.actor, 60)}{where} waits {what}, since {when(one.since)}")


def _refused(one: Entry, repository_url: str) -> Markdown:
    """What somebody wrote and was refused, with all that was not met."""
    reasons = [prose(line, 300) for line in one.detail.splitlines() if line][:_MOST_REASONS]
    told = f": {joined(reasons, ' · ')}" if reasons else ""
    where = origin_words(one.origin, repository_url)
    return Markdown(f"{code(f'/{one.deed}')} by {prose(one.actor, 60)} was refused on {when(one.at)} ({where}){told}")


def _as_row(task: TaskView, *, held: bool) -> Row:
    return Row(
        task.alias,
        state=task.state,
        code=task.code,
        detail=task.detail,
        action=task.action,
        waits_for=task.waits_for,
        behind=task.behind,
        stopping=task.stopping,
        held=held,
    )


def _steps(found: Explanation, repository_url: str) -> list[Step]:
    """What would free it, or have it deployed."""
    task, place = found.task, found.place
    if found.gone:
        asks = task is not None and task.state is TaskState.NEEDS_APPROVAL
        return [_step(command("approve" if asks else "destroy", found.alias))]
    if place is None or place.state in (TaskState.SUCCEEDED, TaskState.SKIPPED) or place.code is Code.SUPERSEDED:
        if any(one.waits for one in found.pending):
            what = "once that is merged, restored or unlocked" if found.held_by is not None else "then"
            return [Step(Markdown(f"It goes on by itself {what}."))]
        whole = command("deploy") if found.absent else command("deploy", found.alias)
        return [_step(whole)] if found.reasons or not found.deployed else []
    return [_way(one, repository_url) for one in ways(place)]


def _way(one: Way, repository_url: str) -> Step:
    names = joined([_name(each, repository_url) for each in one.names], ", ")
    words = one.words.replace("{}", names)
    if not one.verb:
        return Step(Markdown(f"It goes on {words}."))
    typed = " ".join(filter(None, (command(one.verb, *one.aliases), one.option)))
    return Step(Markdown(f"{words[:1].upper()}{words[1:]}:"), typed)


def _name(name: str, repository_url: str) -> Markdown:
    return pull_link(name, repository_url) if name.startswith("#") else code(name)


def _step(typed: str, words: str = "Next:") -> Step:
    return Step(Markdown(words), typed)
