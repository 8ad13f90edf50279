"""The main stories on pull requests in which the bot is killed: what people do, told as the laboratory plays it."""

from __future__ import annotations

from tests.soak.story import Scenario, Step

_NEEDS = {"network": (), "db": ("network",)}
_OPEN = Step("open", "ada", 1, wanted={"network": "network-1"})
_AGAIN = Step("open", "bob", 2, wanted={"network": "network-2"}, calm=True)
_MERGE = Step("merge", "bob", 1, calm=True)


def _said(text: str, who: str = "ada", pull: int = 1, *, calm: bool = True, wait: float = 0.0) -> Step:
    return Step("say", who, pull, text, calm=calm, wait=wait)


def _story(*steps: Step, asking: tuple[str, ...] = (), slow: float = 0.0) -> Scenario:
    return Scenario(0, "sqlite", _NEEDS, asking, 0, True, {"network": slow} if slow else {}, steps, ())


STORIES = {
    "plan": _story(_OPEN, Step("push", "ada", 1, wanted={"db": "db-1"}, calm=True)),
    "deploy": _story(_OPEN, _said("/deploy")),
    "cancel": _story(_OPEN, _said("/deploy"), _said("/cancel", calm=False, wait=0.6), slow=1.5),
    "retry": _story(Step("break", text="network"), _OPEN, _said("/deploy"), _said("/retry")),
    "merge": _story(_OPEN, _MERGE),
    "destroy": _story(_OPEN, _said("/deploy"), _said("/destroy --confirm soak"), _said("/approve", "bob")),
    "hand-over": _story(_OPEN, _AGAIN, _said("/deploy"), _said("/deploy", "bob", 2), _MERGE),
    "approval": _story(_OPEN, _said("/deploy"), _said("/approve", "bob"), asking=("network",)),
    "adopt": _story(_OPEN, Step("made", text="network", pull=1), _said("/adopt network --only")),
    "restore": _story(
        _OPEN, _said("/deploy"), Step("close", "ada", 1, calm=True), _said("/restore"), _said("/approve", "bob")
    ),
}
"""Of two environments, the second of which needs the first."""
