"""The templates of comments, `templates/*.md.j2`: what a template is given is made harmless unless it is Markdown."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.render.markdown import Markdown, code, prose


def _harmless(value: object) -> object:
    """What a template prints: Markdown as it is, numbers, and every other text as prose."""
    return value if isinstance(value, Markdown | int) else prose(str(value))


@lru_cache(maxsize=1)
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("templates", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (Markdown, not HTML: `finalize` escapes what is no Markdown)
        finalize=_harmless,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = code
    return made


def rendered(template: str, **values: object) -> Markdown:
    """A template filled in, without empty lines at its ends or more than one in a row."""
    return Markdown(_templates().get_template(template).render(**values).strip("\n"))
