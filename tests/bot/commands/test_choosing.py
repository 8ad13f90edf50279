from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.commands.choosing import meant, unmet
from bot.decide.comment import Command
from bot.errors import WrongUse


@dataclass(frozen=True)
class Held:
    alias: str
    workflow: str = "shop"

    @property
    def file(self) -> str:
        return f"{self.workflow}/headwater.yml"


DB, CACHE, OTHER = Held("db"), Held("Cache"), Held("cache", "tools")


def written(*patterns: str, workflow: str | None = None) -> Command:
    return Command("unlock", 1, "/unlock", patterns=patterns, workflow=workflow)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (written(), [DB, CACHE, OTHER]),
        (written("DB"), [DB]),
        (written("c*", "db"), [DB, CACHE, OTHER]),
        (written(workflow="tools"), [OTHER]),
        (written("cache", workflow="shop/headwater.yml"), [CACHE]),
        (written("*", workflow="shop"), [DB, CACHE]),
        (written("nobody"), []),
        (written("d?", "x[a-z]"), [DB]),
    ],
)
def test_what_a_command_means(command: Command, expected: list[Held]) -> None:
    assert meant(command, [DB, CACHE, OTHER]) == expected


def test_an_alias_of_several_workflows_is_refused_with_their_list() -> None:
    with pytest.raises(WrongUse, match="'cache' is in several workflows: shop, tools"):
        meant(written("cache"), [DB, CACHE, OTHER])
    assert meant(written("cache"), [DB, CACHE]) == [CACHE]  # of what waits there, it is one


def test_names_that_mean_nothing_are_told() -> None:
    assert unmet(written("db", "chache", "x*"), [DB, CACHE]) == ["chache", "x*"]
    assert unmet(written(), []) == []
