"""Faults of GitHub's answers."""

from __future__ import annotations

from tests.github.faults import Fault as Switch
from tests.soak.faults import Fault
from tests.soak.hurry import PATIENCE
from tests.soak.world import World

_API = r"^/api/"
_NEVER = PATIENCE + 1.0


def _while_switched(world: World, fault: Fault, *switches: Switch) -> int:
    """Whether any call met one of these."""
    world.over.wait(fault.seconds)
    for one in switches:
        one.times = 0
    return int(any(one.met for one in switches))


def _errors(world: World, fault: Fault) -> int:
    where = ("", _API)[fault.choice % 2]
    return _while_switched(
        world, fault, world.github.faults.error(where, (502, 503)[fault.choice // 2 % 2], times=None)
    )


def _limited(world: World, fault: Fault) -> int:
    status = (403, 429)[fault.choice % 2]
    return _while_switched(world, fault, world.github.faults.retry_after(_API, 30, status, times=None))


def _answers_lost(world: World, fault: Fault) -> int:
    """The line is cut instead; or the answer never comes, as far as anybody waits for it."""
    seconds = (0.0, _NEVER)[fault.choice // 3 % 2]
    method = ("POST", "PATCH", "POST")[fault.choice % 3]
    switch = world.github.faults.lose_answer(_API, method=method, times=3, seconds=seconds)
    world.over.wait(1.0)
    return _while_switched(world, fault, switch)


def _used_up(world: World, fault: Fault) -> int:
    """The hour, which is 36 s here, is over after some seconds; two of these may overlap."""
    limits = world.github.limits
    with world.github.world.lock:
        limits.hourly = 0
    world.over.wait(fault.seconds)
    with world.github.world.lock:
        limits.hourly = world.hourly
    return 1


def _dripping(world: World, fault: Fault) -> int:
    return _while_switched(
        world, fault, world.github.faults.drip(_API, seconds=(0.8, _NEVER)[fault.choice % 2], times=4)
    )


def _expiring(world: World, fault: Fault) -> int:
    return _while_switched(world, fault, world.github.faults.expire_token("", times=4))


def _suspended(world: World, fault: Fault) -> int:
    """The App is suspended, or one of its permissions is withdrawn, and what it had is given back."""
    there = world.github.world
    (installation,) = list(there.installations.values())
    if fault.choice % 2:
        name = ("actions", "checks", "contents", "issues", "pull_requests")[fault.choice // 2 % 5]
        with there.lock:
            level = installation.permissions.pop(name)
            for token in there.tokens.values():
                if token.installation is installation:
                    token.permissions.pop(name, None)
        world.over.wait(fault.seconds)
        with there.lock:  # a token that was made in between stays without it
            installation.permissions[name] = level
            accepted = "new_permissions_accepted"
            there.emit("installation", there.user("olga"), None, accepted, world.app.id, installation=installation)
        return 1
    there.suspend(installation, there.user("olga"))
    world.over.wait(fault.seconds)
    there.suspend(installation, there.user("olga"), suspended=False)
    return 1


def _unlisted(world: World, fault: Fault) -> int:
    """Dispatches whose answer is lost, while new runs are in no list, start late, and nobody is told of them.

    Or git does not know yet what the API tells of.
    """
    if fault.choice % 4 == 3:
        return _while_switched(world, fault, world.github.faults.error(r"\.git/", 404, times=None))
    actions, hooks = world.github.actions, world.github.hooks
    world.github.faults.unlisted_seconds = fault.seconds + 2.0
    actions.start_delay = 2.5
    before, hooks.plan = hooks.plan, lambda one: [4.0] if one.event.startswith("workflow_") else [0.0]
    switch = world.github.faults.lose_answer("/dispatches$", method="POST", times=2)
    happened = _while_switched(world, fault, switch)
    world.github.faults.unlisted_seconds, actions.start_delay, hooks.plan = 0.0, 0.0, before
    return happened


CAUSES = {
    16: _errors,
    17: _limited,
    18: _used_up,
    19: _answers_lost,
    20: _dripping,
    21: _expiring,
    22: _suspended,
    24: _unlisted,
}
