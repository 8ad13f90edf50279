"""One App and one client, shared by many threads: every answer reaches the thread that asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bot.github.repository_client import RepositoryClient
from tests.github import GitHub
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository


def test_answers_are_not_mixed_up(github: GitHub, shop: Repository, pull: Pull, client: RepositoryClient) -> None:
    made = {client.comment(1, f"comment {number}").id: number for number in range(40)}

    def ask(comment: int) -> tuple[int, str]:
        return comment, client.edit_comment(comment, f"comment {made[comment]}, edited").body

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, [*made] * 2))
        written = list(pool.map(lambda number: client.comment(1, f"written {number}").body, range(40)))
    assert all(body == f"comment {made[comment]}, edited" for comment, body in found)
    assert written == [f"written {number}" for number in range(40)]
    assert sum(one.body.startswith("written") for one in shop.comments.values()) == 40
