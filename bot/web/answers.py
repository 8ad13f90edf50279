"""How this server answers: JSON, and for each refusal a code for programs and a sentence for people."""

from __future__ import annotations

import json
from typing import TypeAlias

from flask import Response

Answer: TypeAlias = Response

_JSON = "application/json"


def told(value: object, status: int = 200) -> Answer:
    """This value, as JSON."""
    return Response(json.dumps(value), status, content_type=_JSON)


def ok() -> Answer:
    """Only ok."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


def accepted() -> Answer:
    """It is kept, and will be worked on."""
    return Response(b'{"kept":true}', 202, content_type=_JSON)


def refused(status: int, code: str, detail: str) -> Answer:
    """It is refused: `code` is for programs, `detail` for people."""
    return told({"error": code, "detail": detail}, status)
