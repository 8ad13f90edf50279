"""Workflow files for conversations: environments that are scripts, each in the folder of its name."""

from __future__ import annotations

from collections.abc import Mapping


def workflow(
    needs: Mapping[str, str], *, name: str = "shop", top: str = "", more: Mapping[str, str] | None = None
) -> str:
    """A workflow file: alias -> what it needs (`"db cdn"`); `top` stands above, `more` beside an environment."""
    lines = [f"name: {name}", *([top.strip()] if top else []), "environments:"]
    for alias, upstreams in needs.items():
        lines += [f"  {alias}:", f"    vcs: {{type: script, path: {alias}}}"]
        lines += [f"    needs: [{', '.join(upstreams.split())}]"] if upstreams else []
        lines += [f"    {line}" for line in (more or {}).get(alias, "").splitlines()]
    return "\n".join(lines) + "\n"
