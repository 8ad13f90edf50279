"""Enough of Terraform's language to tell whether a module declares where its state is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))
    |<<-?[ \t]*(?P<heredoc>[^\W\d][\w-]*)[ \t]*\r?\n
    |(?P<quote>")
    |(?P<brace>[{}])
    |(?P<word>[^\W\d][\w-]*)""",
    re.VERBOSE | re.DOTALL,
)
_IN_STRING = re.compile(r'\\.|\$\$\{|%%\{|[$%]\{|"|\n', re.DOTALL)
_IN_TEMPLATE = re.compile(r'[{}"]')


def declares_backend(folder: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a file of this folder has a `backend` or `cloud` block; `suffixes` are those of the tool's files."""
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        if file.name.endswith(tuple(f"{suffix}.json" for suffix in suffixes)):
            if _json_declares(file.read_bytes()):
                return True
        elif file.name.endswith(suffixes) and text_declares_backend(file.read_text(errors="replace")):
            return True
    return False


def text_declares_backend(text: str) -> bool:
    """Whether this file in Terraform's own syntax has a `backend` or `cloud` block in a `terraform` block."""
    header: list[str] = []
    blocks: list[str] = []
    for word in _words(text):
        if word == "{":
            blocks.append(header[0] if header else "")
            if blocks[:1] == ["terraform"] and len(blocks) == 2 and blocks[1] in ("backend", "cloud"):
                return True
            header = []
        elif word == "}":
            del blocks[-1:]
            header = []
        elif word == "\n":
            header = []
        else:
            header.append(word)
    return False


def _words(text: str) -> Iterator[str]:
    """Words, braces and line ends outside comments, strings and heredocs; a string is a lone quote."""
    position = 0
    while found := _TOKEN.search(text, position):
        if "\n" in text[position : found.start()]:
            yield "\n"
        position = found.end()
        if found["comment"] is not None:
            if "\n" in found["comment"]:
                yield "\n"
        elif found["heredoc"] is not None:
            position = _after_heredoc(text, position, found["heredoc"])
            yield "\n"
        elif found["quote"]:
            position = _after_string(text, position)
            yield '"'
        else:
            yield found[0]


def _after_heredoc(text: str, position: int, name: str) -> int:
    end = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*\r?$", re.MULTILINE).search(text, position)
    return end.end() if end else len(text)


def _after_string(text: str, position: int) -> int:
    """Where a string ends, templates with strings of their own in it and all; a line end ends a broken one."""
    inside = ['"']  # what is open: a string, a template in it, a brace in that, a string in that, ...
    while inside:
        found = (_IN_STRING if inside[-1] == '"' else _IN_TEMPLATE).search(text, position)
        if found is None:
            return len(text)
        position = found.end()
        if found[0] in ("${", "%{", "{"):
            inside.append("{")
        elif found[0] == "}" or (inside[-1] == '"' and found[0] in ('"', "\n")):
            inside.pop()
        elif found[0] == '"':
            inside.append('"')
    return position


def _json_declares(data: bytes) -> bool:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False  # Terraform will say what is wrong with it
    blocks = found.get("terraform") if isinstance(found, dict) else None
    return any(
        isinstance(block, dict) and ("backend" in block or "cloud" in block)
        for block in (blocks if isinstance(blocks, list) else [blocks])
    )
