"""What is wrong with a definition, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops plan and deploy; a warning is told and no more."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file of the repository: line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong; `message` says what, and how to mend it."""

    place: Place
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.place}: {mark}{self.message}"


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by its place. By plain keys: a hostile file has hundreds of thousands."""

    def key(one: Problem) -> tuple[str, int, int, str, str]:
        return one.place.file, one.place.line, one.place.column, one.message, one.severity

    return tuple(sorted(set(problems), key=key))


class PlannerError(Exception):
    """A question that the planner cannot answer; the message is for people: what, where, what to do."""


class DefinitionError(PlannerError):
    """The definitions have errors; `problems` holds all of them, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_file_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
