"""The graph: what is drawn, in which colours, and when it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.decide.transitions import Code, TaskState
from bot.render import plan_comment
from bot.render.markdown import one_line
from bot.render.mermaid import MOST_OPEN, drawing, label
from bot.render.models import Row, Section
from tests.bot.render.samples import SHOP, deployed, plan_of, planned
from tests.github.page.mermaid import draw, read


def section_of(*rows: Row) -> Section:
    return Section("shop", "headwater.yml", rows=rows)


def text_of(block: str) -> str:
    return block.removeprefix("```mermaid\n").removesuffix("\n```")


def test_the_shop_is_drawn() -> None:
    made = drawing(section_of(*SHOP), plan=True)
    assert made is not None
    assert not made.large
    chart = read(text_of(made.block))
    assert len(chart.boxes) == 5
    assert len(chart.edges) == 6
    assert chart.boxes["n1"].lines == ["db", "~1 -1"]
    assert {name: box.kind for name, box in chart.boxes.items()} == {
        "n0": "good", "n1": "bad", "n2": "quiet", "n3": "quiet", "n4": "idle",
    }  # fmt: skip


@pytest.mark.parametrize("state", list(TaskState))
def test_every_state_has_its_look(state: TaskState) -> None:
    rows = (deployed("a"), deployed("b", "a", state=state, code=Code.DONE))
    for plan in (True, False):
        made = drawing(section_of(*rows), plan=plan)
        assert made is not None
        chart = read(text_of(made.block))
        assert chart.boxes["n1"].kind in chart.classes


@given(st.text(max_size=50) | st.text(st.sampled_from('"[](){}<>#;&`\\|:- .1_*%\n@end'), max_size=20))
def test_a_label_shows_the_alias_and_nothing_else(alias: str) -> None:
    written = label(alias)
    assert not set('"`<>&\\[]{}|\n') & set(written)
    made = drawing(section_of(planned(alias), planned("other", alias)), plan=True)
    if made is None:
        assert alias.casefold() == "other"
        return
    chart = read(text_of(made.block))
    assert [box.lines for box in chart.boxes.values()] == [[one_line(alias, 32)], ["other"]]


def test_large_graphs_are_folded() -> None:
    chain = [planned("e0"), *(planned(f"e{one}", f"e{one - 1}") for one in range(1, MOST_OPEN + 1))]
    assert "<details><summary>Graph of 31 environments</summary>" in plan_comment(plan_of(*chain))
    assert "Graph of" not in plan_comment(plan_of(*chain[:-1]))
    assert drawing(section_of(*SHOP[:1]), plan=True) is None  # no edge


EVERY_EDGE = [planned(f"e{one}", *(f"e{other}" for other in range(one))) for one in range(34)]
"""561 edges."""
WIDE = [planned("hub"), *(planned(f"{'#' * 40}{one}", "hub", counts={}) for one in range(400))]
"""Over 50,000 characters."""
LONG = [planned("e0"), *(planned(f"e{one}", f"e{one - 1}") for one in range(1, 700))]


@pytest.mark.parametrize("rows", [EVERY_EDGE, WIDE, LONG], ids=["edges", "characters", "chain"])
def test_what_github_would_not_draw_is_drawn_wave_by_wave(rows: list[Row]) -> None:
    for plan in (True, False):
        made = drawing(section_of(*rows), plan=plan)
        assert made is not None
        chart = read(text_of(made.block))
        lines = [box.lines for box in chart.boxes.values()]
        assert lines[0][:2] == ["wave 1", "1 environment"]
        assert sum(int(box[1].split()[0]) for box in lines) == len(rows)
        assert len(chart.edges) == len(chart.boxes) - 1 < 50


def test_a_graph_that_shows_waves_is_said_to() -> None:
    assert "<summary>Graph of 34 environments, wave by wave</summary>" in plan_comment(plan_of(*EVERY_EDGE))


def test_a_wave_has_the_colour_of_its_gravest_environment_and_counts_what_changes() -> None:
    made = drawing(section_of(*WIDE, planned("last", "hub", counts={"destroy": 1})), plan=True)
    assert made is not None
    assert made.block == snapshot("""\
```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["wave 1<br/>1 environment"]:::quiet
  n1["wave 2<br/>401 environments<br/>1 to change"]:::bad
  n0 --> n1
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```\
""")
    failed = deployed("last", "hub", state=TaskState.FAILED, code=Code.TOOL_FAILED)
    told = drawing(section_of(*(deployed(row.alias, *row.needs) for row in WIDE), failed), plan=False)
    assert told is not None
    assert told.block == snapshot("""\
```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["wave 1<br/>1 environment<br/>✓ 1"]:::good
  n1["wave 2<br/>401 environments<br/>✓ 400 ✗ 1"]:::bad
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
```\
""")


def test_what_is_drawn_is_what_github_draws() -> None:
    made = drawing(section_of(*SHOP), plan=False)
    assert made is not None
    assert "✓ vpc" in draw(text_of(made.block))


def test_a_long_chain_goes_down_and_a_short_one_across() -> None:
    chain = [planned("e0"), *(planned(f"environment-{one}", f"e{one - 1}") for one in range(1, 12))]
    chain = [replace(row, needs=(chain[place - 1].alias,)) if place else row for place, row in enumerate(chain)]
    down = drawing(section_of(*chain), plan=True)
    across = drawing(section_of(*chain[:4]), plan=True)
    assert down is not None
    assert across is not None
    assert "flowchart TD" in down.block
    assert "flowchart LR" in across.block
