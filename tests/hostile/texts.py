"""Texts that would be something else than text, were they ever taken for code (fault 43)."""

from __future__ import annotations

CANARY = "headwater-was-here"
"""A file that exists wherever a shell took one of these texts for its own."""

SHELL = f"$(touch {CANARY}) `touch {CANARY}`; touch {CANARY} && ' \" \\"
MARKDOWN = "**b** [x](https://evil.example) <img src=x onerror=alert(1)> @everyone #1 </details> ``` ~~~ | a"
JINJA = (
    "{{ 7 * 191 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} {# #} ${{ github.token }}"
)
SQL = "'; DROP TABLE tasks; DELETE FROM environments; --"
ANSI = "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x9b2J"
BIDI = "\u202egnp.exe\u2066 \u200f\u2069"
NUL = "before\0after"
TEN_MEGABYTES = "x" * 10_000_000

READABLE = {"shell": SHELL, "markdown": MARKDOWN, "jinja": JINJA, "sql": SQL}
UNREADABLE = {"ansi": ANSI, "bidi": BIDI, "nul": NUL}
ALL = {**READABLE, **UNREADABLE, "ten megabytes": TEN_MEGABYTES}
