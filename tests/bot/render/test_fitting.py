"""However much there is to say, it fits: cut between environments, never inside a fence, and nobody goes missing."""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.transitions import Code, TaskState
from bot.render import deployment_comment, plan_check, plan_comment
from bot.render.fitting import CHECK, COMMENT, Layout, Room, characters, fitted, utf8_bytes
from bot.render.models import PlanComment, Row, Section
from tests.bot.render.reading import balanced, rows_of_tables
from tests.bot.render.samples import JOB, deployment_of, plan_of, planned
from tests.depth import examples

GOLDEN = Path(__file__).parent / "golden"
LINES = [
    "  + a = 1",
    "````",
    "```",
    "</details>",
    "@ada",
    "é" * 30,
    "🚀" * 20,
    "  - x",
    "x" * 300,
    "",
    "~~~~",
    "<!-- x -->",
]


@st.composite
def rows(draw: st.DrawFn) -> tuple[Row, ...]:
    """Environments with texts of all sizes."""
    made: list[Row] = []
    for number in range(draw(st.integers(1, 12))):
        alias = draw(st.sampled_from(["db", "a b", "x`y", "émile", "🚀🚀", "long" * 30, "a|b"])) + str(number)
        lines = draw(st.lists(st.sampled_from(LINES), max_size=4))
        text = "\n".join(lines * draw(st.sampled_from([0, 1, 20, 400, 4_000])))
        state = draw(st.sampled_from([TaskState.SUCCEEDED, TaskState.FAILED, TaskState.RUNNING, TaskState.SKIPPED]))
        changes = tuple((f"aws_x.y[{one}]", ("create",)) for one in range(draw(st.sampled_from([0, 1, 3_000]))))
        made.append(
            planned(
                alias,
                *[one.alias for one in made[-2:]],
                state=state,
                code=Code.DONE if state is TaskState.SUCCEEDED else Code.TOOL_FAILED,
                counts=draw(st.sampled_from([{}, {"add": 1}, {"destroy": 3}])),
                text=text,
                error=text if state is TaskState.FAILED else "",
                changes=changes,
            )
        )
    return tuple(made * 1)


@st.composite
def plans(draw: st.DrawFn) -> PlanComment:
    """Plan comments of up to three workflows; some with so many environments that not even the tables fit."""
    times = draw(st.sampled_from([1, 1, 5, 60, 200]))
    sections = []
    for number in range(draw(st.integers(1, 3))):
        some = draw(rows())
        every = [replace(row, alias=f"{row.alias}-{one}") for one in range(times) for row in some]
        sections.append(Section(f"workflow {number}", f"{number}/headwater.yml", rows=tuple(every)))
    return plan_of(sections=tuple(sections))


@settings(max_examples=examples(20), deadline=None)
@given(plans())
def test_everything_fits_and_is_closed(model: PlanComment) -> None:
    body = plan_comment(model)
    assert len(body) <= characters(body) <= COMMENT.most < 65_536
    assert balanced(body)
    assert everyone_is_counted(body, sum(len(one.rows) for one in model.sections))
    assert body.endswith("</sub>")


def everyone_is_counted(body: str, number: int) -> bool:
    more = re.findall(r"^and ([\d,]+) more environments?, left out here$", body, re.M)
    return rows_of_tables(body) + sum(int(one.replace(",", "")) for one in more) == number


@settings(max_examples=examples(10), deadline=None)
@given(plans())
def test_checks_fit_in_bytes(model: PlanComment) -> None:
    for section in model.sections:
        found = plan_check(section, model)
        for part in (found.summary, found.text):
            assert len(part.encode()) == utf8_bytes(part) <= CHECK.most < 65_535
            assert balanced(part)
        assert everyone_is_counted(found.summary, len(section.rows))


def test_no_change_has_no_text_and_the_biggest_go_first() -> None:
    small, big, unchanged = (
        planned("small", counts={"add": 1}, text="  + small\n"),
        planned("big", counts={"add": 9}, text="  + line of big\n" * 9_000, changes=(("aws_big.one", ("create",)),)),
        planned("unchanged", text="Nothing."),
    )
    body = plan_comment(plan_of(big, small, unchanged))
    assert "+   small" in body
    assert "line of big" not in body
    assert f"+ aws_big.one\n```\n\nThe whole plan is [in its job]({JOB})." in body
    assert "Nothing." not in body
    assert "left out" not in body


def test_what_fits_as_a_whole_is_made_once() -> None:
    made: list[Layout] = []
    rows = {(0, number): planned(f"e{number}", counts={"add": 1}, text="+ one\n" * 5) for number in range(3)}

    def render(layout: Layout) -> str:
        made.append(layout)
        return "".join(layout.texts.values())

    text = fitted(render, lambda _, body: body, rows, COMMENT)
    assert (len(made), made[0].left_out, text.count("+ one")) == (1, 0, 15)
    for room in (len(text), len(text) - 1):
        made.clear()
        cut = fitted(render, lambda _, body: body, rows, Room(room, characters))
        assert (len(cut) <= room, cut == text) == (True, room == len(text))


def test_what_is_cut_is_cut_at_a_line_and_fills_the_room() -> None:
    body = plan_comment(plan_of(planned("big", counts={"add": 9}, text="  + line\n" * 20_000, job_url=None)))
    assert "+   line\n```\n\nThe whole plan is too long for here." in body
    assert 50_000 < len(body) <= COMMENT.most


def test_many_plans_are_left_out_and_counted() -> None:
    many = [planned(f"e{one}", counts={"add": 1}, text="  + x = 1\n" * 200) for one in range(290)]
    losing = planned("loses", counts={"destroy": 1}, text="  - x = 1\n" * 200)
    body = plan_comment(plan_of(*many, losing))
    left_out = re.search(r"(\d+) plans are left out here: see their jobs\.", body)
    assert left_out is not None
    assert body.count("<details>") + int(left_out[1]) == 291
    assert "<summary><code>loses</code>" in body
    assert everyone_is_counted(body, 291)


def test_what_matters_stays_in_a_table_that_is_too_long() -> None:
    names = [f"{'very-long-name-' * 5}{one}" for one in range(3_000)]
    calm = [planned(one) for one in names]
    bad = Row("broken", state=TaskState.FAILED, code=Code.TOOL_FAILED)
    body = plan_comment(plan_of(*calm, bad))
    assert "| `broken` |" in body
    assert everyone_is_counted(body, 3_001)
    assert body.index(f"`{names[0]}`") < body.index(f"`{names[1]}`") < body.index("`broken`")


def three_hundred(text: str = "") -> tuple[Row, ...]:
    chance = random.Random(7)
    made: list[Row] = []
    for number in range(300):
        needs = chance.sample(made[-30:], min(len(made), 2))
        counts = chance.choice([{}, {}, {"add": 2}, {"change": 1}, {"destroy": 1, "change": 2}])
        made.append(
            planned(
                f"service-{number}",
                *[one.alias for one in needs],
                counts=counts,
                text=text or "  ~ resource\n      + a = 1\n",
                reasons=tuple(f"upstream-affected: {one.alias}" for one in needs) or ("file-changed: main.tf",),
                changes=(("aws_x.y", ("update",)),),
                job_url=f"{JOB}{number}",
            )
        )
    return tuple(made)


def test_three_hundred_environments() -> None:
    """The whole of it, kept beside this file: write it anew by deleting it."""
    body = plan_comment(plan_of(*three_hundred()))
    GOLDEN.mkdir(exist_ok=True)
    golden = GOLDEN / "three-hundred.md"
    if not golden.exists():
        golden.write_text(body + "\n")
        pytest.fail("written anew: look at it, and run again")
    assert body + "\n" == golden.read_text()
    assert everyone_is_counted(body, 300)
    assert balanced(body)


def test_three_hundred_plans_of_ten_megabytes_take_no_time() -> None:
    huge = "  ~ a = 1 ```` </details> @ada\n" * 340_000
    assert len(huge) > 10_000_000
    model = plan_of(*three_hundred(huge))
    start = time.process_time()
    body = plan_comment(model)
    check = plan_check(model.sections[0], model)
    failed = deployment_of(*[replace(row, state=TaskState.FAILED, error=huge) for row in three_hundred(huge)])
    assert balanced(deployment_comment(failed))
    assert time.process_time() - start < 5
    assert balanced(body)
    assert balanced(check.text)
    assert characters(body) <= COMMENT.most
    assert everyone_is_counted(body, 300)


def test_counting() -> None:
    assert [characters(one) for one in ("abc", "é", "🚀")] == [3, 1, 2]
    assert [utf8_bytes(one) for one in ("abc", "é", "🚀")] == [3, 2, 4]
