"""How GitHub says no: a status, a message, and sometimes a list of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):  # noqa: N818 an answer of GitHub, not a failure
    """An answer that is not a success. `headers` go out with it."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.headers = status, message, list(errors), dict(headers or {})


def not_found() -> Refusal:
    """What is not there, and what the caller may not know of."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refusal:
    """A body that GitHub cannot take (422)."""
    error = {"resource": resource, "field": field, "code": code}
    return Refusal(422, "Validation Failed", [{**error, "message": message} if message else error])
