"""Texts with a form of their own: paths, globs, times, schedules, addresses of repositories.

A `..._refusal` gives the end of a sentence for a text that is not of its form, and None for one that is.
"""

from __future__ import annotations

import posixpath
import re

from planner.variables import WORKSPACE_RULE, truth


def normal_path(text: str) -> str | None:
    """A path from the root of the repository, without `.`, `..` and doubled `/`; "" is the root, None lies outside."""
    path = posixpath.normpath(text.lstrip("/") or ".")
    if path == ".." or path.startswith("../"):
        return None
    return "" if path == "." else path


TO_FILL_IN = "<fill in"
"""How a path begins that `headwater init` could not know."""


def path_refusal(text: str) -> str | None:
    """Paths begin at the root of the repository and stay in it."""
    if text.startswith(TO_FILL_IN):
        return "still waits to be filled in: write the folder of its code, from the root of the repository"
    if normal_path(text) is None:
        return f"{text!r} leaves the repository: write a path within it, from its root"
    return None


def glob_refusal(text: str) -> str | None:
    """Globs begin at the root of the repository and stay in it."""
    if text.startswith("/"):
        return f"{text!r} begins with /: globs begin at the root of the repository, write {text.lstrip('/') or '**'!r}"
    if ".." in text.split("/"):
        return f"{text!r} has a `..` part: write a glob from the root of the repository"
    return None


_TIMEOUT = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?")
TIMEOUT_PATTERN = r"^(?=.*[1-9])([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$"


def seconds(text: str) -> float | None:
    """The seconds of `90s`, `30m`, `2h` or `1h30m`; None when it is none of these, or no time at all."""
    match = _TIMEOUT.fullmatch(text)
    if match is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + rest) or None


def timeout_refusal(text: str) -> str | None:
    """A time-out is a number with s, m or h."""
    return None if seconds(text) else f"{text!r} is no time: write a number with its unit, as 90s, 30m or 2h"


_VERSION = re.compile(r"[0-9A-Za-z][\w.+-]*|[\w.+~<>=!^*, -]*[0-9*x]+[\w.+-]*", re.ASCII)


def version_refusal(text: str) -> str | None:
    """A version, or a constraint such as `~> 1.5`."""
    if not text.startswith("-") and _VERSION.fullmatch(text):
        return None
    return f"{text!r} is no version: write one such as 1.11.4, a constraint such as '~> 1.5', or latest"


_FILLED_IN = re.compile(r"\$\$\{|\$\{[A-Za-z_][A-Za-z0-9_]*\}")


INTERPOLATED_PATTERN = r"^(?!-)(?!(.*[^$])?\$\{(?![A-Za-z_][A-Za-z0-9_]*\}))"
WORKSPACE_PATTERN = r"^([A-Za-z0-9]|\$\{[A-Za-z_][A-Za-z0-9_]*\})([A-Za-z0-9._-]|\$\{[A-Za-z_][A-Za-z0-9_]*\}){0,99}$"
DISABLED_PATTERN = (
    r"\$\{|^\s*([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Nn]|1|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[Oo][Ff][Ff]|0)?\s*$"
)


def interpolated_refusal(text: str) -> str | None:
    """`${NAME}` stands for a variable of the workflow, `$${` for itself; no other `${` may be there."""
    if "${" in text:
        rest = _FILLED_IN.sub("", text)
        if "${environments." in rest or "${env0-workflow:" in rest:
            return "uses an output: outputs are known after a deploy and may stand under `variables` only"
        if "${" in rest:
            return (
                f"{text!r} has a ${{ that is not ${{NAME}}: write the name of a variable, or $${{ for the text itself"
            )
    if text.startswith("-"):
        return f"{text!r} begins with -, which tools take for an option: begin with another character"
    return None


def workspace_refusal(text: str) -> str | None:
    """A workspace is a name that no tool, shell or path reads as anything else, with `${NAME}` anywhere in it."""
    found = interpolated_refusal(text)
    if found is None and re.fullmatch(WORKSPACE_PATTERN, text) is None:
        return f"{text!r} is no name of a workspace: {WORKSPACE_RULE}"
    return found


def disabled_refusal(text: str) -> str | None:
    """`disabled` is true, false, or holds `${NAME}`."""
    if "${" not in text and truth(text) is None:
        return f"{text!r} is neither true nor false: write one of them, or ${{NAME}} of a variable"
    return interpolated_refusal(text)


_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    ("day of the week", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)
_CRON_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]{1,3}))?", re.ASCII)
CRON_PATTERN = r"^\s*\S+(\s+\S+){4}\s*$"


def cron_refusal(text: str) -> str | None:
    """Five fields of cron: minute, hour, day of the month, month, day of the week."""
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        return f"{text!r} has {len(fields)} fields: cron has five, as in '0 6 * * 1-5' (minute hour day month weekday)"
    for value, (name, low, high, words) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_is_cron_part(part, low, high, words) for part in value.split(",")):
            return f"{text!r} has {value!r} for the {name}: write *, numbers from {low} to {high}, a-b, a,b or */n"
    return None


def _is_cron_part(part: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    match = _CRON_PART.fullmatch(part)
    if match is None or (match[3] is not None and not 0 < int(match[3]) <= high):
        return False
    ends = [_cron_number(end, low, words) for end in match.group(1, 2) if end is not None]
    return all(end is not None and low <= end <= high for end in ends) and ends == sorted(
        ends, key=lambda end: end or 0
    )


def _cron_number(text: str, low: int, words: tuple[str, ...]) -> int | None:
    if text.upper() in words:
        return words.index(text.upper()) + low
    return int(text) if text.isdecimal() and len(text) <= 3 else None


_URL = re.compile(r"(?:https?|ssh|git)://(?:[^/@]*@)?(?P<host>[^/:@]+)(?::[0-9]+)?/(?P<path>.+)", re.IGNORECASE)
_SCP = re.compile(r"(?:[^/@:]+@)?(?P<host>[^/@:]{2,}):(?P<path>[^/].*)")
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[^\s?#@]+", re.IGNORECASE)


def repository_key(address: str) -> str:
    """One spelling for all addresses of a repository (`https`, `ssh`, `git@host:`, `.git`, case): `host/owner/name`."""
    text = address.strip()
    match = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if match is None:
        return text.rstrip("/").removesuffix(".git")
    path = match["path"].strip("/").removesuffix(".git")
    return f"{match['host']}/{path}".lower()


def repository_host(address: str) -> str | None:
    """The host of an address; None for a folder of this machine."""
    match = _URL.fullmatch(address.strip()) or _SCP.fullmatch(address.strip())
    return None if match is None else match["host"].lower()


def is_https(address: str) -> bool:
    """Whether it is an https address without credentials, queries or spaces."""
    return _HTTPS.fullmatch(address) is not None


def https_refusal(text: str) -> str | None:
    """Other repositories are read by https alone, and no credentials may stand in a file."""
    if is_https(text):
        return None
    if text.lower().startswith("https://") and "@" in text:
        return "holds credentials: write the address without them (https://host/owner/name)"
    return f"{text!r} is no https address: write https://host/owner/name"
