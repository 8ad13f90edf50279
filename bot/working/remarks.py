"""What somebody should know of the plans of a pull request, whatever they say: a line each, as comments say it."""

from __future__ import annotations

from bot.preparing.cautions import about_preparation
from bot.preparing.situation import Prepared

_TYPED = (("headwater destroy ", "/destroy "), ("'--forget KEY' drops one", "`/plan --forget KEY` drops one"))


def remarks_on(prepared: Prepared) -> list[str]:
    """What is left out, gone, renamed; which values are not those of the files."""
    return [*map(_as_comment, about_preparation(prepared)), *_about_given(prepared)]


def _as_comment(line: str) -> str:
    """A line of the command line as somebody types it in a comment."""
    for shell, comment in _TYPED:
        line = line.replace(shell, comment)
    return line


def _about_given(prepared: Prepared) -> list[str]:
    given, dropped = sorted(prepared.request.given), sorted(prepared.request.forget)
    lines = [f"given with `/plan -v`, kept once this is deployed: {', '.join(given)}"] if given else []
    return lines + (
        [f"the files' own values hold again once this is deployed: {', '.join(dropped)}"] if dropped else []
    )
