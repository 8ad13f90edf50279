"""A graph in the languages of other programs: Mermaid, Graphviz' dot, JSON. Aliases are data: escaped, never code."""

from __future__ import annotations

from collections.abc import Sequence

from planner.listing import ListedWorkflow

_PLAIN_IN_MERMAID = frozenset(" -_./,:()")


def mermaid(workflows: Sequence[ListedWorkflow]) -> str:
    """A Mermaid flowchart, as GitHub renders it in Markdown; several workflows become subgraphs."""
    parts = ["flowchart LR"]
    for number, workflow in enumerate(workflows):
        ids = {one.alias: f"w{number}e{place}" for place, one in enumerate(workflow.environments)}
        drawn = [f'{ids[one.alias]}["{_mermaid_text(one.alias)}"]' for one in workflow.environments]
        drawn += [f"{ids[need]} --> {ids[one.alias]}" for one in workflow.environments for need in one.needs]
        if len(workflows) > 1:
            parts.append(f'  subgraph w{number}["{_mermaid_text(workflow.name)}"]')
            parts.extend(f"    {line}" for line in drawn)
            parts.append("  end")
        else:
            parts.extend(f"  {line}" for line in drawn)
    return "\n".join(parts)


def _mermaid_text(text: str) -> str:
    """The text as Mermaid's entity codes wherever a sign could mean something to Mermaid, Markdown or HTML."""
    return "".join(sign if sign.isalnum() or sign in _PLAIN_IN_MERMAID else f"#{ord(sign)};" for sign in text)


def dot(workflows: Sequence[ListedWorkflow]) -> str:
    """A digraph for Graphviz; several workflows become clusters."""
    parts = ["digraph headwater {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for number, workflow in enumerate(workflows):
        ids = {one.alias: f"w{number}e{place}" for place, one in enumerate(workflow.environments)}
        parts.append(f"  subgraph cluster_{number} {{")
        parts.append(f"    label={_dot_text(workflow.name)};")
        parts.extend(f"    {ids[one.alias]} [label={_dot_text(one.alias)}];" for one in workflow.environments)
        parts.extend(f"    {ids[need]} -> {ids[one.alias]};" for one in workflow.environments for need in one.needs)
        parts.append("  }")
    return "\n".join([*parts, "}"])


def _dot_text(text: str) -> str:
    """A quoted string of dot; a backslash is doubled, since `\\N` and the like are escapes in labels."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_json(workflows: Sequence[ListedWorkflow]) -> dict[str, object]:
    """All workflows with their environments in dependency order; `wave` counts from 0."""
    return {"workflows": [_workflow_json(workflow) for workflow in workflows]}


def _workflow_json(workflow: ListedWorkflow) -> dict[str, object]:
    return {
        "file": workflow.file,
        "name": workflow.name,
        "environments": [
            {
                "alias": one.alias,
                "slug": one.slug,
                "path": one.path,
                "tool": one.tool,
                "workspace": one.workspace,
                "wave": one.wave,
                "needs": list(one.needs),
                "requiresApproval": one.requires_approval,
                "disabled": one.disabled,
            }
            for one in workflow.in_order
        ],
    }
