"""Faults of git and of people: what is changed under a running deployment."""

from __future__ import annotations

import re
import time

from tests.github.world import pushing
from tests.github.world import requests as asking
from tests.github.world.pulls import Pull
from tests.soak.faults import Fault
from tests.soak.hurry import SETTINGS
from tests.soak.records import TAKEN_OUT
from tests.soak.story import ADMIN, ALSO
from tests.soak.world import CALM_SECONDS, World

_HEARD_SECONDS = 2 * float(str(SETTINGS["judge_seconds"])) + 0.5
"""So long after somebody lost what it took, nothing more of what they asked for is handed on."""


def _word_lost(world: World, fault: Fault) -> int:
    """A review is dismissed, where there is one; or who spoke loses the permission."""
    reviewed = [one for one in world.pulls.values() if any(each.state == "APPROVED" for each in one.reviews)]
    return _dismissed(world, reviewed[-1]) if reviewed and fault.choice % 3 else _power_lost(world, fault)


def _dismissed(world: World, pull: Pull) -> int:
    """Somebody dismisses all reviews of a pull request; that is known once the server has judged again."""
    there = world.github.world
    with world.acting, there.lock:
        for one in [one for one in pull.reviews if one.state == "APPROVED"]:
            asking.dismiss(there, world.repository, pull, one, there.user(ADMIN))
    if not world.over.wait(_HEARD_SECONDS):
        world.note("dismissed", ADMIN, pull)
    return 1


def _power_lost(world: World, fault: Fault) -> int:
    """Who said the last thing loses what it took, while that waits; and has it again once all that they said is judged."""
    said = [one for one in world.deeds if one.kind == "say" and one.role == "write"]
    if not said:
        return 0
    there, login = world.repository.collaborators, said[-1].who
    with world.github.world.lock:
        there[login] = "read"
    if not world.over.wait(_HEARD_SECONDS):
        world.note("lost", login)
    world.over.wait(max(fault.seconds - _HEARD_SECONDS, 0.0))
    end = time.monotonic() + CALM_SECONDS * 10
    while True:
        world.wait_for_calm(max(end - time.monotonic(), 0.0))
        with world.acting:  # somebody may have spoken at the moment in which it was calm
            if time.monotonic() > end or not world.left():
                with world.github.world.lock:
                    there[login] = "write"
                world.note("regained", login)
                return 1


def _forced(world: World, fault: Fault) -> int:
    """Somebody begins the branch of a pull request anew, upon what main is now; or deletes it, which closes that."""
    found = [one for one in world.pulls.values() if one.state == "open"]
    if not found:
        return 0
    pull, names = found[fault.choice % len(found)], list(world.scenario.needs)
    name, there = names[fault.choice // 7 % len(names)], world.github.world
    git = world.repository.git
    if fault.choice % 5 == 0:
        pushing.move(there, world.repository, f"refs/heads/{pull.head_branch}", None, pull.user)
        return 1
    with there.lock:
        base, text = world.head("main"), f"{name}-f{fault.choice}"
        tree = git.tree_with(base, {f"{name}/wanted": f"{text}\n"})
        made = git.commit(tree, (base,), "Begin anew", there.author(pull.user))
        world.commits[made] = {**world.commits_text(base), name: text}
        world.bases[made] = world.bases[pull.head_branch] = base
        pushing.move(there, world.repository, f"refs/heads/{pull.head_branch}", made, pull.user)
    return 1


def _redefined(world: World, fault: Fault) -> int:
    """The workflow file changes on main while something is deployed.

    An environment gets a name for people; or another alias, and its old one back; or is taken out, and put back.
    """
    needs = world.scenario.needs
    leaves = [name for name in needs if not any(name in above for above in needs.values())]
    kind = fault.choice // 7 % 3
    name = (leaves if kind == 2 else list(needs))[fault.choice % len(leaves if kind == 2 else needs)]
    text = _file(world)
    if not world.redefined.acquire(blocking=False):
        return 0  # one of these is enough
    if kind == 0:
        _write(world, text.replace(f"\n  {name}:\n", f"\n  {name}:\n    name: Called {fault.choice}\n"))
        return 1
    if kind == 2:
        world.note(TAKEN_OUT, name)
    _write(world, without(text, name) if kind == 2 else renamed(text, name, name + ALSO))
    world.over.wait(fault.seconds + 1.0)
    _write(world, text if kind == 2 else renamed(_file(world), name + ALSO, name))
    return 1


def renamed(text: str, old: str, new: str) -> str:
    """A workflow file in which an environment has another alias, and lies where it lay."""
    text = text.replace(f"    movedFrom: {new}\n", "").replace(f"\n  {old}:\n", f"\n  {new}:\n    movedFrom: {old}\n")
    text = text.replace(f"${{environments.{old}.", f"${{environments.{new}.")
    needs = re.compile(rf"(?<=[\[ ]){re.escape(old)}(?=[],])")
    return re.sub(r"    needs: .*", lambda line: needs.sub(new, line[0]), text)


def without(text: str, name: str) -> str:
    """A workflow file without an environment that no other one needs."""
    return re.sub(rf"(?m)^  {re.escape(name)}:\n(?:    .*\n)+", "", text)


def _file(world: World) -> str:
    return str(world.repository.git.run("show", "main:headwater.yml")).rstrip("\n") + "\n"


def _write(world: World, text: str) -> None:
    world.on_main({"headwater.yml": text}, "Name it")


CAUSES = {
    38: _forced,
    39: _redefined,
    40: _word_lost,
}
