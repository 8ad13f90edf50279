"""How something gets to GitHub: made once, found again where nobody heard of its making, edited in place."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.github import data
from bot.github.data import CheckData, CheckStatus, Conclusion
from bot.github.errors import GitHubError, NotFound, NotUnderstood, Unreachable
from bot.github.repository_client import RepositoryClient
from bot.render.markdown import marked
from bot.render.models import CheckOutput
from bot.server import Server
from bot.store import publications
from bot.store.publications import Kind, Publication

_LISTED_AFTER = 8
"""After so many times as long as edits are apart, what was made at GitHub is in its lists."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check run that is to be posted."""

    name: str
    output: CheckOutput


Content = str | Check
"""The text of a comment, or a check run."""


def post(server: Server, client: RepositoryClient, one: Publication, content: Content) -> tuple[int, str]:
    """Post or edit; GitHub's id of it, and its time of that."""
    if one.github_id is not None:
        try:
            return _edit(client, one, one.github_id, content)
        except NotFound:  # somebody deleted it: it is told anew
            pass
    if one.trying and (found := _find(server, client, one, content)) is not None:
        return (found, "") if one.kind is Kind.LAST_WORD else _edit(client, one, found, content)
    _mark(server, one, trying=True, not_before=time.time() + _LISTED_AFTER * server.settings.edit_seconds)
    try:
        return _create(client, one, content)
    except GitHubError as error:
        if not (isinstance(error, NotUnderstood) or (isinstance(error, Unreachable) and error.uncertain)):
            _mark(server, one, trying=False, not_before=None)  # it was not made
        raise


def _mark(server: Server, one: Publication, *, trying: bool, not_before: float | None) -> None:
    """Write down whether it may come to be without our hearing of it: then it is looked for once it must be listed."""
    with server.database.writing() as connection:
        publications.write(connection, one.id, {"trying": trying, "github_id": None, "not_before": not_before})


def _create(client: RepositoryClient, one: Publication, content: Content) -> tuple[int, str]:
    if isinstance(content, str):
        made = (
            client.commit_comment(one.sha or "", content)
            if _on_commit(one)
            else client.comment(one.number or 0, content)
        )
        return made.id, made.updated_at
    status, conclusion = _status(content.output)
    check = client.create_check(
        content.name,
        one.sha or "",
        external_id=str(one.id),
        status=status,
        conclusion=conclusion,
        output=_output(content.output),
        annotations=_annotations(content.output),
    )
    return check.id, ""


def _on_commit(one: Publication) -> bool:
    """Whether it is said on a commit: there is no pull request to say it on."""
    return one.number is None


def _edit(client: RepositoryClient, one: Publication, number: int, content: Content) -> tuple[int, str]:
    if isinstance(content, str):
        found = client.edit_commit_comment(number, content) if _on_commit(one) else client.edit_comment(number, content)
        return found.id, found.updated_at
    status, conclusion = _status(content.output)
    output, remarks = _output(content.output), _annotations(content.output)
    check = client.update_check(number, status=status, conclusion=conclusion, output=output)
    if remarks and not check.annotations:  # GitHub adds to those that a check has
        check = client.update_check(number, output=output, annotations=remarks)
    return check.id, ""


def _find(server: Server, client: RepositoryClient, one: Publication, content: Content) -> int | None:
    """What was made without our hearing of it: ours by its author, then by its marker."""
    if isinstance(content, str):
        wanted = marked(content)
        mine = server.github.login
        return next(
            (
                each.id
                for each in (
                    client.commit_comments(one.sha or "") if _on_commit(one) else client.comments(one.number or 0)
                )
                if each.author == mine and marked(each.body) == wanted
            ),
            None,
        )
    slug = server.github.slug
    return next(
        (each.id for each in client.checks(one.sha or "") if _is(each, slug, one, content)),
        None,
    )


def _is(found: CheckData, slug: str, one: Publication, content: Check) -> bool:
    """Whether it is this very check. (After a backup was restored, another one may have had its number once.)"""
    return found.app_slug == slug and found.external_id == str(one.id) and found.name == content.name


def _status(output: CheckOutput) -> tuple[CheckStatus, Conclusion | None]:
    if output.conclusion is None:
        return CheckStatus.IN_PROGRESS, None
    return CheckStatus.COMPLETED, Conclusion(output.conclusion)


def _output(output: CheckOutput) -> data.CheckOutput:
    return data.CheckOutput(output.title, output.summary, output.text)


def _annotations(output: CheckOutput) -> list[data.Annotation]:
    return [
        data.Annotation(each.path, max(each.line, 1), max(each.line, 1), each.message, each.level)
        for each in output.annotations
    ]
