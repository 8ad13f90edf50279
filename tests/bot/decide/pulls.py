"""A pull request that may be deployed, and commands on it: a test says only what is different."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.decide.gates import (
    Actor,
    Approval,
    Asked,
    CheckFact,
    CheckState,
    Code,
    PullFacts,
    PullState,
    Verb,
    WorkflowFile,
    gates,
)
from planner.definition import Permissions, Requirements

HEAD, OLD = "abcdef0" + "1" * 33, "0123456" + "2" * 33
PERMISSIONS = Permissions(deploy=("write",), approve=("maintain",), admin=("admin",))
STRICT = Requirements(approvals=1, code_owners=True, up_to_date="branch", checks="all")

PULL = PullFacts(
    number=12,
    state=PullState.OPEN,
    draft=False,
    author="ada",
    head=HEAD,
    fork=False,
    base="main",
    default_branch="main",
    private=True,
    last_pusher="ada",
    mergeable=True,
    stale=(),
    behind=False,
    approvals=(Approval("bob", HEAD, "write"),),
    code_owner_approval=True,
    checks=(CheckFact("build", False, True, CheckState.SUCCESS),),
    workflow_file=WorkflowFile.THERE,
)


def asked(verb: Verb, role: str | None = "write", **values: Any) -> Asked:
    """A command by `eve`, who saw the head; what she approves was commanded by `ada`."""
    usual = {"seen": HEAD, "locked_elsewhere": False, "commanders": ("ada",), "unshown": ()}
    return Asked(verb, values.pop("actor", Actor("eve", role)), **{**usual, **values})


def codes(
    ask: Asked,
    changes: Mapping[str, Any] | None = None,
    requirements: Requirements = STRICT,
    permissions: Permissions = PERMISSIONS,
) -> list[Code]:
    """What the command lacks on the usual pull request with these changes."""
    return [one.code for one in gates(ask, replace(PULL, **(changes or {})), permissions, requirements)]
