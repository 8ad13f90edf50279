"""`/retry` of what failed in several deployments."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.merged import headline, rows
from tests.conversations.town import Town
from tests.conversations.workflows import workflow


def test_a_retry_of_two_deployments_tells_all_of_both(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"a": "", "b": ""}), **town.environments(a="1", b="1")})
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    for alias in ("a", "b"):
        town.break_(alias)
        pull.say(f"/deploy {alias}")
        town.mend(alias)
    answer = pull.say("/retry")
    assert sorted(one for one in town.tool_log() if "deployed" in one) == ["a deployed", "b deployed"]
    assert headline(answer) == snapshot("### Deployed 2 environments")
    assert rows(answer) == snapshot(["`a` ✓ deployed +1", "`b` ✓ deployed +1"])
