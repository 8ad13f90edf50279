"""All areas of the REST API: importing one registers its routes."""

from __future__ import annotations

from importlib import import_module

AREAS = ("apps", "repos", "pulls", "issues", "checks", "deployments", "actions")


def load() -> None:
    """Register the routes of all areas."""
    for area in AREAS:
        import_module(f"tests.github.server.routes_{area}")
