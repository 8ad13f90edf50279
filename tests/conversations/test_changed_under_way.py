"""What is deployed leaves its file, or is renamed, while it is being deployed: the deploy ends as it began."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import SHOP, on_both
from tests.conversations.merged import begin, headline, rows
from tests.conversations.town import Conversation, Town

WITHOUT_API = SHOP.partition("  api:")[0]
DESTROY = "settings: {environmentRemovalStrategy: destroy}\n"


def _deploying(shop: Town) -> Conversation:
    """A pull request whose deploy of `api` is at work."""
    begin(shop)
    pull = shop.pull(shop.environments(api="a1"), title="Change api")
    shop.settle()
    shop.hold("api")
    pull.comment("/deploy")
    shop.wait_for(lambda: "api begins" in shop.tool_log())
    return pull


def _meanwhile(shop: Town, pull: Conversation, file: str) -> Conversation:
    """Merge another workflow file, then let the deploy end: as it began, whatever the file says by now."""
    other = shop.pull({"headwater.yml": file}, by="bob", title="Change the file")
    other.merge()
    shop.wait_for(lambda: len(other.ours()) >= 1)
    shop.let_go("api")
    shop.settle()
    assert shop.tool_log() == ["api begins", "api deployed"]
    assert headline(pull.newest()) == "### Deployed `api`"
    return other


@on_both
def test_taken_out_of_the_file_it_is_forgotten_once_it_belongs_to_nobody(shop: Town) -> None:
    pull = _deploying(shop)
    other = _meanwhile(shop, pull, WITHOUT_API)
    assert other.newest() == snapshot("""\
### Nothing to deploy

> [!WARNING]
> `api` is gone from `headwater.yml`, and belongs to &#35;\u200b2: Headwater forgets it with the first push after that is merged, restored or unlocked.

<sub>Merged by bob · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert "`api` | ✓ deployed: not in the file" in pull.say("/status").replace("\xa0", " ")
    pull.merge()
    shop.settle()
    assert "`api` is gone from `headwater.yml`, so Headwater forgets it." in pull.newest()
    assert shop.tool_log() == ["api begins", "api deployed"]


@on_both
def test_what_its_leaving_destroys_is_destroyed_once_it_belongs_to_nobody(shop: Town) -> None:
    pull = _deploying(shop)
    other = _meanwhile(shop, pull, DESTROY + WITHOUT_API)
    assert rows(other.newest()) == ["`api` ⊘ locked by"]
    pull.close()
    shop.settle()
    pull.say("/unlock api")
    assert headline(other.newest()) == "### `api` waits for approval"
    other.say("/approve api", by="ada")
    assert shop.tool_log() == ["api begins", "api deployed", "api destroyed"]


@on_both
def test_renamed_it_is_the_same_one(shop: Town) -> None:
    pull = _deploying(shop)
    other = _meanwhile(shop, pull, SHOP.replace("  api:", "  web:"))
    assert rows(other.newest()) == ["`web` ⊘ locked by"]
    pull.merge()
    shop.settle()
    assert headline(pull.newest()) == snapshot("### `web`: no changes")
    assert shop.tool_log()[2:] == []
    assert (shop.tools / "api").read_text() == "a1\n"
