"""The canonical plan of Terraform and OpenTofu, read from `show -json`. Pure.

What is compared later is a set of leaves, `path -> hash`: `ADDRESS.ATTRIBUTE` for each attribute (before, known after,
whether unknown), `action of ADDRESS`, `former address of ADDRESS`, `replacement of ADDRESS` and `import of ADDRESS` for
what happens to a resource, `output.NAME` for an output that changes. All hashes are keyed, so sensitive values may be
among them. Resources that stay as they are and data sources are not part of a plan.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bot.runner.plan import Change, Counts, Leaf, Plan, leaf_digest, merged

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ABSENT = {"absent": True}  # no innermost value is a map with something in it


class NotAPlan(Exception):  # noqa: N818  (reads as what it says)
    """These JSON values are no plan; the text goes on after whose they are."""


def read_plan(found: object, text: str, key: bytes, *, empty: bool) -> Plan:
    """The plan that `show -json` gave; `text` is what people read, `key` that of the hashes. Raises NotAPlan."""
    try:
        return _read(_checked(found), text, key, empty=empty)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotAPlan("gave something else than a plan") from error
    except RecursionError as error:
        raise NotAPlan("gave a plan that is nested too deep") from error


def _checked(found: object) -> Mapping[str, Any]:
    """The values, where all texts that people and databases are shown are texts."""
    if not isinstance(found, dict):
        raise TypeError("a plan is an object")
    for one in found.get("resource_changes", []):
        texts = (one["address"], *one["change"]["actions"], one.get("previous_address", ""))
        if not all(isinstance(text, str) for text in texts) or not one["change"]["actions"]:
            raise TypeError("an address and actions are texts")
    return found


def _read(found: Mapping[str, Any], text: str, key: bytes, *, empty: bool) -> Plan:
    resources = [one for one in found.get("resource_changes", []) if _matters(one)]
    outputs = {
        name: change for name, change in found.get("output_changes", {}).items() if change["actions"] != ["no-op"]
    }
    leaves: list[Leaf] = []
    for one in resources:
        leaves += _resource_leaves(one, key)
    for name, change in outputs.items():
        leaves.append(Leaf(f"output.{name}", leaf_digest(key, *_values(change))))
    changes = tuple(
        sorted(
            (Change(_address(one), _actions(one), one.get("previous_address")) for one in resources),
            key=lambda one: (one.address, one.actions),
        )
    )
    actions = {one.address: one.actions for one in changes}
    return Plan(empty, text, merged(leaves, key), changes, _counts(resources, len(outputs)), actions)


def _matters(resource: Mapping[str, Any]) -> bool:
    """Whether a resource changes, moves or is imported; a data source is only read."""
    if resource.get("mode") == "data":
        return False
    unchanged = resource["change"]["actions"] in (["no-op"], ["read"])
    return not unchanged or "previous_address" in resource or "importing" in resource["change"]


def _address(resource: Mapping[str, Any]) -> str:
    deposed = resource.get("deposed")
    return f"{resource['address']} (deposed {deposed})" if deposed else str(resource["address"])


def _actions(resource: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(resource["change"]["actions"])


def _resource_leaves(resource: Mapping[str, Any], key: bytes) -> Iterator[Leaf]:
    address, change = _address(resource), resource["change"]
    yield Leaf(f"action of {address}", leaf_digest(key, change["actions"]), address)
    if "previous_address" in resource:
        yield Leaf(f"former address of {address}", leaf_digest(key, resource["previous_address"]), address)
    if change.get("replace_paths"):
        paths = sorted(change["replace_paths"], key=json.dumps)
        yield Leaf(f"replacement of {address}", leaf_digest(key, paths), address)
    if "importing" in change:
        yield Leaf(f"import of {address}", leaf_digest(key, change["importing"]), address)
    before = dict(_flat(change.get("before"), address))
    after = dict(_flat(change.get("after"), address))
    unknown = {path for path, value in _flat(change.get("after_unknown"), address) if value is True}
    for path in before.keys() | after.keys() | unknown:
        yield Leaf(
            path, leaf_digest(key, before.get(path, _ABSENT), after.get(path, _ABSENT), path in unknown), address
        )


def _flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Each innermost value with its path as Terraform writes it: `tags.Name`, `ingress[0].port`, `tags["a b"]`."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            step = f".{name}" if _IDENTIFIER.fullmatch(name) else f"[{json.dumps(name)}]"
            yield from _flat(inner, path + step)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{number}]")
    elif value is not None:
        yield path, value


def _values(change: Mapping[str, Any]) -> tuple[object, ...]:
    return (change["actions"], change.get("before"), change.get("after"), change.get("after_unknown"))


def _counts(resources: list[Mapping[str, Any]], outputs: int) -> Counts:
    kinds = Counter(_kind(_actions(one)) for one in resources)
    return Counts(
        add=kinds["add"],
        change=kinds["change"],
        destroy=kinds["destroy"],
        replace=kinds["replace"],
        move=sum("previous_address" in one for one in resources),
        imported=sum("importing" in one["change"] for one in resources),
        outputs_changed=outputs,
    )


def _kind(actions: tuple[str, ...]) -> str:
    if len(actions) > 1:
        return "replace"
    return {"create": "add", "update": "change", "delete": "destroy", "forget": "destroy"}.get(actions[0], "other")
