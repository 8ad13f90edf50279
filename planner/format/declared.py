"""The environments and templates of one file: from what was read to values of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.definition import Environment, OutputReference, Steps, Tool, Variable
from planner.format.formats import normal_path, seconds
from planner.format.needs import Need, checked_needs
from planner.format.parsed import Code, DeclaredEnvironment
from planner.format.records import Fields
from planner.format.shapes import Notes
from planner.format.yaml_nodes import Scalar
from planner.schema import VERSION_KEYS
from planner.slugs import slugs
from planner.variables import truth

RESOLVED_BY_THE_TOOL = "RESOLVE_FROM_TERRAFORM_CODE"  # env0's word for: whatever `required_version` accepts


def declared_variables(fields: Fields) -> tuple[Variable, ...]:
    """What `variables` declares, in file order."""
    found = fields.get("variables")
    values = found.value if found is not None and isinstance(found.value, tuple) else ()
    return tuple(value for value in values if isinstance(value, Variable))


def _code(fields: Fields, notes: Notes) -> Code:
    tool = Tool(fields.text("type") or Tool.TERRAFORM)
    repository = fields.get("repository")
    path = fields.get("path")
    _warn_of_versions(tool, fields, notes)
    version = fields.text(VERSION_KEYS.get(tool, "version")) or fields.text("version")
    return Code(
        tool=tool,
        at=notes.place(fields if path is None else path),
        path=normal_path(fields.text("path") or "") or "",
        repository=fields.text("repository"),
        repository_at=None if repository is None else notes.place(repository),
        revision=fields.text("revision"),
        version=None if version == RESOLVED_BY_THE_TOOL else version,
        is_helm_repository=fields.flag("isHelmRepository"),
        is_usable=fields.refused.isdisjoint(("type", "path", "repository")),
    )


def _warn_of_versions(tool: Tool, fields: Fields, notes: Notes) -> None:
    if tool is Tool.TERRAGRUNT or "type" in fields.refused:  # terragrunt runs terraform or opentofu
        return
    right = VERSION_KEYS.get(tool)
    for key in VERSION_KEYS.values():
        found = fields.get(key)
        if found is not None and key != right:
            mend = f"write `{right}`" if right is not None else "take it out"
            notes.warning(found, f"`{key}` means nothing to the type {tool.value}: {mend}")


def declared_templates(fields: Fields, notes: Notes) -> tuple[tuple[str, Code], ...]:
    """The templates of a file, by name."""
    return tuple(
        (key.text, _code(found, notes) if isinstance(found, Fields) else _unusable_code(key, notes))
        for key, found in fields.pairs("templates")
    )


def _unusable_code(key: Scalar, notes: Notes) -> Code:
    return Code(Tool.TERRAFORM, notes.place(key), is_usable=False)


def declared_environments(fields: Fields, notes: Notes) -> tuple[DeclaredEnvironment, ...]:
    """The environments of a file in its order, with their needs checked and without cycles."""
    declared = _unique(fields, notes)
    slug = slugs(tuple(declared))
    own_variables = {alias: declared_variables(one) for alias, (_, one) in declared.items()}
    needs = checked_needs(
        {alias: _declared_needs(one, own_variables[alias], notes) for alias, (_, one) in declared.items()}
    )
    notes.problems.extend(needs.problems)
    spelling = {alias.casefold(): alias for alias in declared}
    found = tuple(
        _environment(
            key,
            one,
            notes,
            slug=slug[alias],
            needs=needs.of[alias],
            variables=_spelled(own_variables[alias], spelling),
        )
        for alias, (key, one) in declared.items()
    )
    _check_moves(declared, spelling, notes)
    return found


def _unique(fields: Fields, notes: Notes) -> dict[str, tuple[Scalar, Fields]]:
    """The environments by alias; of those that differ by case only, the first."""
    first: dict[str, Scalar] = {}
    unique: dict[str, tuple[Scalar, Fields]] = {}
    for key, one in fields.pairs("environments"):
        earlier = first.setdefault(key.text.casefold(), key)
        if earlier is not key:
            message = (
                f"the aliases {earlier.text!r} (line {earlier.line}) and {key.text!r} differ only by case: rename one"
            )
            notes.error(key, message)
        else:
            unique[key.text] = (key, one if isinstance(one, Fields) else Fields.empty(key))
    return unique


def _declared_needs(fields: Fields, variables: tuple[Variable, ...], notes: Notes) -> list[Need]:
    needs = [Need(item.value, notes.place(item)) for item in fields.items("needs") if isinstance(item.value, str)]
    for variable in variables:
        needs.extend(Need(reference.alias, variable.place, implied=True) for reference in variable.references)
    return needs


def _spelled(variables: tuple[Variable, ...], spelling: Mapping[str, str]) -> tuple[Variable, ...]:
    """The variables with the aliases of their references as the environments' own definitions spell them."""
    if not any(variable.references for variable in variables):
        return variables

    def own(reference: OutputReference) -> OutputReference:
        return OutputReference(spelling.get(reference.alias.casefold(), reference.alias), reference.output)

    return tuple(
        replace(variable, references=tuple(dict.fromkeys(own(one) for one in variable.references)))
        for variable in variables
    )


def _environment(
    key: Scalar,
    fields: Fields,
    notes: Notes,
    *,
    slug: str,
    needs: tuple[str, ...],
    variables: tuple[Variable, ...],
) -> DeclaredEnvironment:
    place = notes.place(key)
    vcs = fields.fields("vcs")
    template = fields.get("templateName")
    code = _code(vcs, notes) if vcs is not None else None
    own = Environment(
        alias=key.text,
        slug=slug,
        place=place,
        name=fields.text("name") or key.text,
        revision=fields.text("revision"),
        workspace=fields.text("workspace"),
        needs=needs,
        requires_approval=fields.flag("requiresApproval"),
        disabled=_disabled(fields),
        variables=variables,
        watch=fields.texts("watch"),
        timeout=seconds(fields.text("timeout") or ""),
        runs_on=fields.texts("runsOn"),
        github_environment=fields.text("githubEnvironment"),
        moved_from=fields.text("movedFrom"),
        ignore_differences=fields.texts("ignoreDifferences"),
        steps=_steps(fields.fields("steps")),
        template=None if code is not None else fields.text("templateName"),
    )
    at = code.at if code is not None else place if template is None else notes.place(template)
    return DeclaredEnvironment(own, at, code)


def _disabled(fields: Fields) -> bool | str:
    found = fields.get("disabled")
    if found is None or isinstance(found.value, bool):
        return found is not None and bool(found.value)
    text = str(found.value)
    return text if "${" in text else bool(truth(text))


def _steps(fields: Fields | None) -> tuple[Steps, ...]:
    if fields is None:
        return ()
    around = ((name, fields.fields(name)) for name in fields.names())
    return tuple(Steps(name, one.texts("before"), one.texts("after")) for name, one in around if one is not None)


def _check_moves(declared: Mapping[str, tuple[Scalar, Fields]], spelling: Mapping[str, str], notes: Notes) -> None:
    moved: dict[str, str] = {}
    for alias, (_, fields) in declared.items():
        found = fields.get("movedFrom")
        if found is None or not isinstance(found.value, str):
            continue
        present = spelling.get(found.value.casefold())
        earlier = moved.setdefault(found.value.casefold(), alias)
        if present is not None:
            notes.error(found, f"`movedFrom` names {present!r}, which is still in this file: take one of them out")
        elif earlier != alias:
            notes.error(
                found, f"{earlier!r} and {alias!r} both say that they were {found.value!r}: keep one `movedFrom`"
            )
