"""A template cannot forget to make a text harmless."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from bot.render.markdown import Markdown, marker
from bot.render.templating import rendered


def test_what_is_no_markdown_is_made_harmless() -> None:
    shown = rendered("notice.md.j2", marker=marker("notice", "1"), paragraphs=["<b> @ada", Markdown("**ours**"), 7])
    assert shown == "<!-- headwater notice 1 -->\n&#60;b&#62; @\u200bada\n\n**ours**\n\n7"


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("notice.md.j2", marker=marker("notice", "1"))
