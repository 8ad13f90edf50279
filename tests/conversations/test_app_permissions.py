"""An App that an installation does not allow all that it needs: the plan comment says what it lacks, and where to accept it."""

from __future__ import annotations

import re

import pytest
from inline_snapshot import snapshot

from tests.conversations.town import Conversation, Town

LEVELS = {"checks": "write", "members": "read", "administration": "read", "statuses": "read"}


def _without(shop: Town, permission: str) -> Conversation:
    """A pull request in a repository whose installation has not accepted a permission."""
    for installation in shop.github.world.installations.values():
        installation.permissions.pop(permission)
    pull = shop.pull(shop.environments(network="n2"))
    shop.settle()
    return pull


@pytest.mark.parametrize("permission", LEVELS)
def test_a_plan_says_which_permission_the_app_lacks_and_where_to_accept_it(shop: Town, permission: str) -> None:
    text = _without(shop, permission).plan().replace(shop.github.url, "https://github")
    (line,) = [one for one in text.splitlines() if "lacks" in one]
    assert re.sub(r"/\d+`", "/ID`", line.replace(f"{permission}: {LEVELS[permission]}", "PERMISSION")) == snapshot(
        "> the App lacks PERMISSION in acme: an owner of acme accepts what it asks for at `https://github/settings/installations/ID`"
    )
    assert text.startswith("### 3 environments: ")


def test_what_was_accepted_since_is_not_told_by_the_next_plan(shop: Town) -> None:
    pull = _without(shop, "checks")
    for installation in shop.github.world.installations.values():
        installation.permissions["checks"] = "write"
    pull.say("/plan")
    assert "lacks" not in pull.plan()
