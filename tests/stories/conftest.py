"""Worlds for stories; each is ended when its story is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stories.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes worlds: `make_world(DIAMOND, extra={"db": "timeout: 1s"})`."""
    made: list[World] = []

    def make(*arguments: object, **settings: object) -> World:
        made.append(World.make(tmp_path / f"world{len(made)}", *arguments, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for world in made:
        world.end()
