"""Benchmarks still run, small: what they measure changes under them, and nobody else calls them."""

from __future__ import annotations

import pytest

from tests.bench import steps


def test_the_driver_alone(capsys: pytest.CaptureFixture[str]) -> None:
    steps.main(["20"])
    assert "20 environments, 100 at once" in capsys.readouterr().out
