"""Whole comments on pull requests, as Markdown. Pure: models in, text out; what comes from outside is only shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.decide.comment_grammar import VALUES
from bot.render.cautions import plan_cautions
from bot.render.fitting import CHECK, COMMENT, Fold, Layout, Place, Room, fitted
from bot.render.headlines import deployment_headline, plan_headline, rows_of, says_it_all, waiting_words, waits_alone
from bot.render.markdown import Markdown, code, codes, commit_link, file_link, html_code, joined, marker, prose
from bot.render.mermaid import Drawing, drawing
from bot.render.models import DeploymentComment, PlanComment, Refused, Row, Section
from bot.render.problems import place_of
from bot.render.steps import deployment_steps, plan_steps
from bot.render.tables import Table, TableOf, deployment_table, fold_words, plan_table
from bot.render.templating import rendered
from bot.render.words import FAILED, counted

_ROOM_FOR_PROBLEMS = 20_000
"""Problems told in a comment; the check run has all."""
_MOST_LINES = 20
_PLACEHOLDERS = frozenset(VALUES.values()) | {"ENV"}
_OPEN_ERRORS, _OPEN_LINES = 2, 30  # errors that are short and few stand unfolded


@dataclass(frozen=True, slots=True)
class Part:
    """One workflow of a comment, ready to be printed."""

    title: Markdown
    drawing: Drawing | None
    table: Table
    texts: tuple[Markdown, ...]


def plan_comment(model: PlanComment) -> str:
    """The one comment of a pull request that tells its plans: at most 65,536 characters, whatever the plans say."""
    cautions = plan_cautions(model)
    always = {
        "marker": marker("plan", model.key),
        "headline": plan_headline(model),
        "losses": cautions.losses,
        "notes": cautions.notes,
        "problems": problem_lines(model.problems, model.commit, model.repository_url),
        "notices": _capped(model.notices),
        "after_merge": _capped(model.after_merge),
        "steps": plan_steps(model),
        "footer": _plan_footer(model),
    }

    def render(layout: Layout) -> str:
        parts = _parts(model.sections, layout, model.repository_url, plan_table, plan=True)
        return rendered("plan-comment.md.j2", parts=parts, left_out=left_out_words(layout.left_out), **always)

    return fitted(render, folding(model.sections), places(model.sections), COMMENT)


def deployment_comment(model: DeploymentComment) -> str:
    """The comment of one command or push, edited as its deployments go on."""
    return _deployment(model, COMMENT, graph=True)


def deployment_text(model: DeploymentComment) -> str:
    """The same for a check run, where no graph is drawn and whose title is the headline."""
    return _deployment(model, CHECK, graph=False).partition("\n\n")[2]


def _deployment(model: DeploymentComment, room: Room, *, graph: bool) -> str:
    always = {
        "marker": marker("deployment", model.key),
        "headline": deployment_headline(model),
        "waits": waiting_words(model) if model.waits and not waits_alone(model) else Markdown(),
        "refusals": [*refusal_lines(model), *_capped(model.loud)],
        "mistakes": [_mistake(*one) for one in model.mistakes[:_MOST_LINES]],
        "notes": [line for section in model.sections for line in _capped(section.warnings)],
        "problems": problem_lines(model.problems, model.commit, model.repository_url),
        "said": () if says_it_all(model) else _capped(model.said),
        "steps": deployment_steps(model),
        "footer": _deployment_footer(model),
    }

    def render(layout: Layout) -> str:
        layout = layout if graph else replace(layout, detail=replace(layout.detail, graph=False))
        parts = _parts(model.sections, layout, model.repository_url, deployment_table, plan=False)
        return rendered("deployment-comment.md.j2", parts=parts, left_out=left_out_words(layout.left_out), **always)

    return fitted(render, folding(model.sections), places(model.sections), room)


def places(sections: Sequence[Section]) -> dict[Place, Row]:
    """All environments of a comment by where they stand."""
    return {(number, place): row for number, section in enumerate(sections) for place, row in enumerate(section.rows)}


def _parts(
    sections: Sequence[Section], layout: Layout, repository_url: str, table_of: TableOf, *, plan: bool
) -> list[Part]:
    several = sum(bool(section.rows) for section in sections) > 1
    return [
        Part(
            title=code(section.workflow) if several else Markdown(),
            drawing=drawing(section, plan=plan) if layout.detail.graph else None,
            table=table_of(number, section, layout, repository_url),
            texts=_texts_of(number, section, layout),
        )
        for number, section in enumerate(sections)
        if section.rows
    ]


def _texts_of(number: int, section: Section, layout: Layout) -> tuple[Markdown, ...]:
    """The folded texts of a workflow: errors, then plans, each in dependency order."""
    own = [(place, text) for (owner, place), text in layout.texts.items() if owner == number]
    own.sort(key=lambda one: (section.rows[one[0]].state not in FAILED, one[0]))
    return tuple(text for _, text in own)


def folding(sections: Sequence[Section]) -> Fold:
    """Puts a text into its folded block; a short error stands open where there are few."""
    errors = sum(row.state in FAILED for row in rows_of(sections))

    def fold(row: Row, body: Markdown) -> Markdown:
        is_open = row.state in FAILED and errors <= _OPEN_ERRORS and body.count("\n") <= _OPEN_LINES
        alias = html_code(row.alias)
        return Markdown(
            rendered("folded.md.j2", alias=alias, words=fold_words(row), body=body, is_open=is_open) + "\n\n"
        )

    return fold


def _capped(texts: Sequence[str]) -> list[Markdown]:
    lines = [prose(one) for one in texts[:_MOST_LINES]]
    return [*lines, Markdown(f"and {len(texts) - _MOST_LINES} more")] if len(texts) > _MOST_LINES else lines


def left_out_words(number: int) -> Markdown:
    """How many texts have no room."""
    if not number:
        return Markdown()
    are, their = ("is", "its job") if number == 1 else ("are", "their jobs")
    return Markdown(f"{counted(number, 'plan')} {are} left out here: see {their}.")


def problem_lines(problems: Sequence[str], commit: str = "", repository_url: str = "") -> list[Markdown]:
    """Problems of definitions, each with its place (a link, where there is an address), as far as there is room."""
    lines: list[Markdown] = []
    room = _ROOM_FOR_PROBLEMS
    for problem in problems:
        place, message = place_of(problem)
        where = [file_link(place, commit, repository_url)] if place else []
        line = joined([*where, prose(message, 600)], " ")
        if (room := room - len(line)) < 0:
            return [*lines, Markdown(f"and {counted(len(problems) - len(lines), 'more problem')}")]
        lines.append(line)
    return lines


def refusal_lines(model: DeploymentComment) -> list[Markdown]:
    """All that is not met, each with what to do; what mends several stands with the last of them."""
    lines = []
    refusals = [Refused(*one) for one in model.refusals[:_MOST_LINES]]
    told_later = Counter(one.mend for one in refusals)
    for _, message, mend, names in refusals:
        told_later[mend] -= 1
        about = Markdown(f": {codes(names, 5)}") if names else Markdown()
        told = Markdown(f"**{prose(_sentence(message)) or '—'}**{about}")
        lines.append(Markdown(f"{told}. {prose(_sentence(mend))}") if mend and not told_later[mend] else told)
    return lines


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _mistake(line: str, message: str, hint: str) -> Markdown:
    if not hint.startswith("/"):
        told = Markdown(f"{code(line, 200)}: {prose(message)}")
        return Markdown(f"{told}. {prose(hint)}") if hint else told
    told = Markdown(f"{code(line, 200)}: {prose(message.partition('; did you mean ')[0])}")  # the hint says it
    if "[" in hint or "…" in hint or _PLACEHOLDERS & set(hint.split()):
        return Markdown(f"{told}. It is written {code(hint, 200)}")
    return Markdown(f"{told}. Did you mean {code(hint, 200)}?")


def _plan_footer(model: PlanComment) -> Markdown:
    planned = commit_link(model.commit, model.repository_url)
    against = f" against {commit_link(model.base, model.repository_url)}" if model.base else ""
    return joined([Markdown(f"{planned}{against}"), *_only_workflow(model.sections)], " · ")


def _deployment_footer(model: DeploymentComment) -> Markdown:
    asked = _asked_by(model)
    at = [commit_link(model.commit, model.repository_url)] if model.commit else []
    numbers = [section.deployment for section in model.sections if section.deployment is not None]
    which = [Markdown(f"deployment {', '.join(map(str, numbers))}")] if numbers else []
    return joined([asked, *at, *_only_workflow(model.sections), *which], " · ")


def _asked_by(model: DeploymentComment) -> Markdown:
    """Who or what asked for it."""
    if model.continuous:
        return Markdown(f"Merged by {prose(model.actor, 60)}") if model.actor else prose(_sentence(model.verb), 100)
    command = f"{code(model.verb, 200)} by" if model.verb else "By"
    return Markdown(f"{command} {prose(model.actor, 60)}")


def _only_workflow(sections: Sequence[Section]) -> list[Markdown]:
    named = [Markdown(f"workflow {code(section.workflow, 60)}") for section in sections if section.rows]
    return named if len(named) == 1 else []
