"""The application: which part answers which address, and what every answer has in common."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from bot.errors import StoreError
from bot.web import health, runner_api, webhook
from bot.web.answers import Answer, refused
from bot.web.host import Host
from bot.web.intake import Intake
from bot.web.listener import HEADERS

_log = structlog.get_logger()


def create_app(host: Host, intake: Intake) -> Flask:
    """The whole application. `intake` must have been started before the first request."""
    app = Flask("headwater", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = webhook.MOST_BYTES
    app.url_map.redirect_defaults = False
    secret = host.settings.webhook_secret.get_secret_value().encode()
    app.register_blueprint(webhook.blueprint(secret, intake, host.metrics, host.settings.poll_seconds))
    app.register_blueprint(health.blueprint(host.database, intake))
    app.register_blueprint(runner_api.blueprint(host))
    _watch(app, host)
    _answer_errors(app)
    return app


def _watch(app: Flask, host: Host) -> None:
    """Measure each request, and give each answer its headers."""
    always = [*HEADERS]
    if host.settings.public_url.startswith("https://"):
        always.append(("Strict-Transport-Security", "max-age=31536000"))

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(answer: Response) -> Response:
        given = {name for name, _ in answer.headers}
        answer.headers.extend([one for one in always if one[0] not in given])
        route = request.endpoint or "none"
        host.metrics.request(route, answer.status_code, time.perf_counter() - g.began)
        return answer


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Answer:
        code = error.name.lower().replace(" ", "-")
        answer = refused(error.code or 500, code, error.description or error.name)
        if error.code == 405:
            answer.headers.update(error.get_headers(request.environ))
            answer.content_type = "application/json"
        return answer

    @app.errorhandler(StoreError)
    def store(error: StoreError) -> Answer:
        _log.error("the store failed a request", route=request.endpoint, why=error.what)
        answer = refused(503, "unavailable", "the store did not take or give what this needs: try again")
        answer.headers["Retry-After"] = "5"
        return answer

    @app.errorhandler(Exception)
    def fault(_error: Exception) -> Answer:
        _log.exception("a request failed", route=request.endpoint)
        return refused(500, "fault", "this is a fault in Headwater; its log has the details")
