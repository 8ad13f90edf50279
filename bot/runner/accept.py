"""Whether a plan may be applied without asking: it was shown, or it belongs to what may go on unseen. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from bot.runner.plan import Plan
from bot.runner.spec import Accept, Unseen

_ONLY_CREATE = frozenset({("create",), ("read",), ("no-op",)})
_CREATE_OR_UPDATE = _ONLY_CREATE | {("update",)}


def may_apply(plan: Plan, accept: Accept, ignored: Collection[str]) -> bool:
    """Whether this plan goes on; what is not known refuses."""
    if accept.all:
        return True
    different = unseen_paths(plan, accept.shown)
    if accept.less:  # a former attempt did some of it
        different = tuple(path for path in different if path in plan.leaf_map)
    if accept.shown is not None and not compared(different, accept.paths, ignored):
        return True
    if plan.counts is None or accept.unseen is Unseen.NONE:
        return False
    if accept.unseen is Unseen.CREATES:
        known = all(actions in _ONLY_CREATE for actions in plan.actions.values())
        return known and not (plan.counts.change or plan.counts.destroy or plan.counts.replace)
    return _differs_harmlessly(plan, compared(different, accept.paths, ignored))


def unseen_paths(plan: Plan, shown: Mapping[str, str] | None) -> tuple[str, ...]:
    """The paths at which the plan is not the one shown: other there, new, or gone; all of them if none was shown."""
    new, old = plan.leaf_map, shown or {}
    return tuple(sorted(path for path in new.keys() | old.keys() if new.get(path) != old.get(path)))


def compared(paths: Collection[str], allowed: Collection[str], ignored: Collection[str]) -> tuple[str, ...]:
    """Those of the paths whose difference counts.

    Only values of attributes can be excused, never what happens to a resource: an update that was approved in spite of
    a time stamp must not come back as a delete.
    """
    patterns = [_pattern(glob) for glob in ignored]
    return tuple(
        path
        for path in paths
        if not is_attribute(path) or (path not in allowed and not any(pattern.fullmatch(path) for pattern in patterns))
    )


def is_attribute(path: str) -> bool:
    """Whether a path names the value of an attribute or output, and not an action, or a script's whole text."""
    first, dot, _ = path.partition(".")
    return bool(dot) and " " not in first


def _differs_harmlessly(plan: Plan, different: Collection[str]) -> bool:
    """Whether no difference belongs to a resource that is deleted or replaced, in a way that can be told."""
    addresses = {leaf.path: leaf.address for leaf in plan.leaves}
    for path in different:
        if path not in addresses:
            continue  # shown, and no longer done
        address = addresses[path]
        if address is None:
            if not is_attribute(path) and not _deletes_nothing(plan):  # a script's text: only its counts tell
                return False
        elif plan.actions.get(address) not in _CREATE_OR_UPDATE:
            return False
    return True


def _deletes_nothing(plan: Plan) -> bool:
    return plan.counts is not None and not (plan.counts.destroy or plan.counts.replace)


def _pattern(glob: str) -> re.Pattern[str]:
    """`*` stands for any text, `?` for one character; a path also covers what lies below it."""
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in glob)
    return re.compile("".join(parts) + r"(?:[.\[].*)?", re.DOTALL)
