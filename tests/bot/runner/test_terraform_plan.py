"""The canonical plan: what changes a leaf and what does not."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bot.runner.plan import Plan
from bot.runner.tools.terraform_plan import read_plan

KEY = b"k" * 32


def resource(address: str, actions: list[str], **change: Any) -> dict[str, Any]:
    return {"address": address, "mode": "managed", "change": {"actions": actions, **change}}


def read(*resources: dict[str, Any], key: bytes = KEY, **outputs: dict[str, Any]) -> Plan:
    return read_plan({"resource_changes": list(resources), "output_changes": outputs}, "text", key, empty=False)


def test_every_attribute_is_a_leaf_at_the_path_that_terraform_would_write() -> None:
    plan = read(
        resource(
            "a.b[0]",
            ["update"],
            before={"x": 1, "tags": {"Name": "n", "odd key": "o"}, "none": None},
            after={"x": 2, "list": [{"y": True}], "none": None, "empty": []},
            after_unknown={"id": True, "list": [{"z": True, "y": False}]},
        )
    )
    assert set(plan.leaf_map) == {
        "a.b[0].empty",
        "a.b[0].id",
        "a.b[0].list[0].y",
        "a.b[0].list[0].z",
        'a.b[0].tags["odd key"]',
        "a.b[0].tags.Name",
        "a.b[0].x",
        "action of a.b[0]",
    }


BASE = {"before": {"x": 1, "s": "secret"}, "after": {"x": 2, "s": "secret"}, "after_unknown": {"id": True}}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"before": {"x": 0, "s": "secret"}}, "a.b.x"),
        ({"after": {"x": 3, "s": "secret"}}, "a.b.x"),
        ({"after": {"x": "2", "s": "secret"}}, "a.b.x"),
        ({"after": {"s": "secret"}, "after_unknown": {"id": True, "x": True}}, "a.b.x"),
        ({"after": {"x": 2, "s": "other!"}}, "a.b.s"),
        ({"after_unknown": {}, "after": {"x": 2, "s": "secret", "id": "i"}}, "a.b.id"),
        ({"after": {"x": [], "s": "secret"}}, "a.b.x"),
        ({"actions": ["delete", "create"]}, "action of a.b"),
        ({"replace_paths": [["x"]]}, "replacement of a.b"),
        ({"importing": {"id": "i-1"}}, "import of a.b"),
    ],
)
def test_each_difference_shows_at_its_own_path(change: dict[str, Any], path: str) -> None:
    before = read(resource("a.b", ["update"], **BASE))
    after = read(resource("a.b", **{"actions": ["update"], **BASE, **change}))
    different = {
        one for one in before.leaf_map.keys() | after.leaf_map if before.leaf_map.get(one) != after.leaf_map.get(one)
    }
    assert different == {path}
    assert before.digest != after.digest


def test_the_former_address_is_a_leaf_and_a_move_alone_counts() -> None:
    moved = resource("a.c", ["no-op"], **BASE) | {"previous_address": "a.b"}
    plan = read(moved)
    assert "former address of a.c" in plan.leaf_map
    assert plan.counts
    assert (plan.counts.move, plan.counts.change) == (1, 0)
    assert plan.changes[0].previous == "a.b"


def test_what_stays_and_what_is_only_read_is_no_part_of_a_plan() -> None:
    data = resource("data.a.b", ["read"], **BASE) | {"mode": "data"}
    assert read(resource("a.b", ["no-op"], **BASE), data, o={"actions": ["no-op"], "after": 1}).leaves == ()


def test_order_is_of_no_account() -> None:
    resources = [resource(f"a.b{number}", ["update"], **BASE) for number in range(8)]
    digest = read(*resources).digest
    random.Random(1).shuffle(resources)
    assert read(*json.loads(json.dumps(resources))).digest == digest


def test_another_key_gives_another_digest_and_no_value_is_in_a_leaf() -> None:
    one, other = read(resource("a.b", ["update"], **BASE)), read(resource("a.b", ["update"], **BASE), key=b"x" * 32)
    assert one.digest != other.digest
    assert "secret" not in json.dumps(one.leaf_map)


def test_a_deposed_object_stands_beside_its_resource() -> None:
    deposed = resource("a.b", ["delete"], before={"x": 1}) | {"deposed": "abcd"}
    plan = read(resource("a.b", ["create"], after={"x": 1}), deposed)
    assert plan.actions == {"a.b": ("create",), "a.b (deposed abcd)": ("delete",)}
    assert plan.counts
    assert (plan.counts.add, plan.counts.destroy) == (1, 1)


def test_outputs_are_leaves() -> None:
    plan = read(o={"actions": ["update"], "before": 1, "after": 2}, p={"actions": ["create"], "after_unknown": True})
    assert set(plan.leaf_map) == {"output.o", "output.p"}
    assert plan.counts
    assert plan.counts.outputs_changed == 2
