"""What a tool plans to do, in the one form that all tools share."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

TEXT_LIMIT = 1024 * 1024
_HASH = 16


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource; `previous` is its address before a move."""

    address: str
    actions: tuple[str, ...]
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources are touched, each counted once (a moved or imported one may be changed as well)."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    replace: int = 0
    move: int = 0
    imported: int = 0
    outputs_changed: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing that a reviewer saw, as a keyed hash: a whole action, or the value at an attribute path.

    `address` is the resource that it belongs to, None for what belongs to none (outputs, a script's text).
    """

    path: str
    digest: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it may be shown. `empty`: there is nothing to apply. `counts` is None where a tool does not tell."""

    empty: bool
    text: str
    leaves: tuple[Leaf, ...] = ()
    changes: tuple[Change, ...] = ()
    counts: Counts | None = None
    actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def leaf_map(self) -> dict[str, str]:
        """Every path with its hash, sorted."""
        return {one.path: one.digest for one in self.leaves}

    @property
    def digest(self) -> str:
        """One text for the whole plan: equal if and only if all leaves are."""
        return hashlib.sha256(json.dumps(sorted(self.leaf_map.items())).encode()).hexdigest()

    def shown_with(self, redact: Callable[[str], str]) -> Plan:
        """The same plan with its text and addresses redacted; leaves are hashes already."""
        changes = tuple(
            Change(redact(one.address), one.actions, one.previous and redact(one.previous)) for one in self.changes
        )
        return replace(self, text=redact(self.text), changes=changes)


def leaf_digest(key: bytes, *values: object) -> str:
    """The hash of a leaf: without the key, nobody can try values against it."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()[:_HASH]


def merged(leaves: Iterable[Leaf], key: bytes) -> tuple[Leaf, ...]:
    """The leaves sorted by path; those that share a path become one."""
    by_path: dict[str, Leaf] = {}
    for leaf in leaves:
        known = by_path.get(leaf.path)
        by_path[leaf.path] = (
            leaf if known is None else replace(leaf, digest=leaf_digest(key, known.digest, leaf.digest))
        )
    return tuple(by_path[path] for path in sorted(by_path))


def shortened(text: str) -> str:
    """The text, cut at a line if it is longer than anybody reads."""
    if len(text) <= TEXT_LIMIT:
        return text
    cut = text.rfind("\n", 0, TEXT_LIMIT)
    kept = text[: cut if cut > 0 else TEXT_LIMIT]
    return f"{kept}\n... {len(text) - len(kept)} more characters are left out here ..."
