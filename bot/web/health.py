"""Whether the server is well; and for whoever comes by with a browser, what this is. Nothing else is told."""

from __future__ import annotations

from flask import Blueprint, Response

from bot.errors import StoreError
from bot.store import work
from bot.store.database import Database
from bot.web.answers import Answer, ok, refused
from bot.web.intake import Intake

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Headwater</title>
<h1>Headwater</h1>
<p>This server deploys infrastructure from pull requests. It speaks there; there is nothing to see here.</p>
</html>
"""


def blueprint(database: Database, intake: Intake) -> Blueprint:
    """Three addresses that anybody may ask."""
    made = Blueprint("health", __name__)

    @made.get("/")
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8")

    @made.get("/healthz")
    def alive() -> Answer:
        return ok()

    @made.get("/readyz")
    def ready() -> Answer:
        if intake.alive and _answers(database):
            return ok()
        return refused(503, "not-ready", "webhooks cannot be stored now")

    return made


def _answers(database: Database) -> bool:
    try:
        with database.reading() as connection:
            work.next_due(connection)
    except StoreError:
        return False
    return True
