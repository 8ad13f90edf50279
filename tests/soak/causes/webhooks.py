"""Faults of webhooks: what becomes of them on their way."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable

from tests.github.hooks import Delivery, as_it_comes
from tests.soak.faults import Fault
from tests.soak.world import World

_BURST = 1000


def _hooks(world: World, fault: Fault, plan: Callable[[Delivery, random.Random], list[float] | None]) -> int:
    """While it lasts, this becomes of webhooks; None: as it comes, and it does not count."""
    chance, met = random.Random(fault.choice), []

    def planned(delivery: Delivery) -> list[float]:
        found = plan(delivery, chance)
        if found is None:
            return [0.0]
        met.append(delivery)
        return found

    world.github.hooks.plan = planned
    world.over.wait(fault.seconds + 0.5)
    if world.github.hooks.plan is planned:
        world.github.hooks.plan = as_it_comes
    return int(bool(met))


def _webhooks_lost(world: World, fault: Fault) -> int:
    """Without a trace, or as failed ones in GitHub's log. What people say is written down from its webhook alone."""

    def lose(delivery: Delivery, chance: random.Random) -> list[float] | None:
        if chance.random() < 0.5:
            return None
        if delivery.event in ("issue_comment", "pull_request_review") or chance.random() < 0.5:
            world.github.hooks.fail(delivery)
        return []

    return _hooks(world, fault, lose)


def _webhooks_doubled(world: World, fault: Fault) -> int:
    return _hooks(world, fault, lambda one, chance: [0.0, chance.choice((0.0, 0.3))] if chance.random() < 0.6 else None)


def _webhooks_mixed(world: World, fault: Fault) -> int:
    return _hooks(world, fault, lambda one, chance: [chance.uniform(0.0, 1.0)] if chance.random() < 0.6 else None)


def _webhook_again(world: World, fault: Fault) -> int:
    """One that the web process answered with an error, since its store was away: GitHub's log says so."""

    def fail(delivery: Delivery, chance: random.Random) -> list[float] | None:
        if chance.random() < 0.4:
            return None
        world.github.hooks.fail(delivery)
        again.append(delivery)
        return []

    again: list[Delivery] = []
    _hooks(world, fault, fail)
    for one in again[:3]:
        world.github.hooks.redeliver(one)
    return int(bool(again))


def _webhooks_late(world: World, fault: Fault) -> int:
    """Minutes late, or an hour, at 1:100."""
    least, most = (20.0, 36.0) if fault.choice % 4 == 0 else (3.0, 6.0)
    return _hooks(world, fault, lambda one, chance: [chance.uniform(least, most)] if chance.random() < 0.3 else None)


def _burst(world: World, fault: Fault) -> int:
    """A thousand of what came so far, once more and under ids of their own: the bot may not mind hearing of old things."""
    hooks, chance = world.github.hooks, random.Random(fault.choice)
    old = [one for one in list(hooks.log) if one.event in ("pull_request", "push", "workflow_job", "workflow_run")]
    for one in itertools.islice(itertools.cycle(old), _BURST if old else 0):
        hooks.repeat(one, str(uuid.UUID(int=chance.getrandbits(128))))
    return int(len(old) > 10)


def _too_large(world: World, fault: Fault) -> int:
    """GitHub sends none of more than 25 MB, and its log does not have it either: of pushes, they can be that large."""
    return _hooks(world, fault, lambda one, chance: [] if one.event == "push" or one.action == "synchronize" else None)


CAUSES = {
    25: _webhooks_lost,
    26: _webhooks_doubled,
    27: _webhook_again,
    28: _webhooks_mixed,
    29: _webhooks_late,
    30: _burst,
    31: _too_large,
}
