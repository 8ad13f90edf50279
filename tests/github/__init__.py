"""A GitHub on localhost: REST, webhooks, git over HTTP, Actions and pages, for tests and for trying things by hand."""

from __future__ import annotations

from tests.github.localhost import GitHub

__all__ = ["GitHub"]
