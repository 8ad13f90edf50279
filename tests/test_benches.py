"""Benchmarks still run, small: what they measure changes under them, and nobody else calls them."""

from __future__ import annotations

import pytest

from tests.bench import pull_requests, steps, webhooks


def test_the_driver_alone(capsys: pytest.CaptureFixture[str]) -> None:
    steps.main(["20"])
    assert "20 environments, 100 at once" in capsys.readouterr().out


def test_webhooks_at_a_rate(capsys: pytest.CaptureFixture[str]) -> None:
    webhooks.main(["1", "20"])
    told = capsys.readouterr().out
    for server in ("headwater serve", "web, workers killed"):
        (line,) = [one for one in told.splitlines() if one.startswith(server)]
        answered, refused = (int(one) for one in line.removeprefix(server).split()[:2])
        assert (answered, refused) == (20, 0)
        assert int(line.split()[-1]) > 0  # they were worked on, also while workers were killed


def test_a_server_that_has_nothing_to_do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_requests, "_IDLE_SECONDS", 0.5)
    pull_requests.main(["idle"])
    assert "idle bot" in capsys.readouterr().out
