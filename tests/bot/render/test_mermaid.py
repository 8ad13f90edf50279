"""The graph: what is drawn, in which colours, and when it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_large_graphs_are_folded_and_larger_ones_left_out() -> None:
    chain = [planned("e0"), *(planned(f"e{one}", f"e{one - 1}") for one in range(1, MOST_OPEN + 1))]
    assert "<details><summary>Graph of 31 environments</summary>" in plan_comment(plan_of(*chain))
    assert "Graph of" not in plan_comment(plan_of(*chain[:-1]))
    everything = [planned(f"e{one}", *(f"e{other}" for other in range(one))) for one in range(34)]
    assert drawing(section_of(*everything), plan=True) is None  # 561 edges
    wide = [planned("hub"), *(planned(f"{'#' * 40}{one}", "hub") for one in range(400))]
    assert drawing(section_of(*wide), plan=True) is None  # over 50,000 characters
    assert drawing(section_of(*SHOP[:1]), plan=True) is None  # no edge


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
