"""One workflow file on its own: everything that can be said of it without any other file."""

from __future__ import annotations

from dataclasses import replace

from planner.definition import Caution, Permissions, Removal, Requirements, Variable
from planner.format.declared import declared_environments, declared_templates, declared_variables
from planner.format.parsed import ROOT_FILES, ParsedFile
from planner.format.records import Fields
from planner.format.shapes import Notes
from planner.format.yaml_nodes import Scalar, read_yaml
from planner.problems import Place, Problem, in_file_order
from planner.schema import FILE, ONLY_IN_ROOT, SHARED_KEYS


def parse_file(path: str, content: bytes) -> ParsedFile:
    """Read one file. Never raises: what is wrong stands in `problems`, the rest is read as far as it goes."""
    tree, problems = read_yaml(path, content)
    notes = Notes(path, problems)
    start = Scalar(1, 1, "", quoted=False)
    if tree is None:
        if not problems:
            notes.error(start, "the file is empty: add `environments`, or run `headwater init`")
        return ParsedFile(path, Place(path), tuple(problems))
    fields = FILE.read(tree, "the file", notes)
    if not isinstance(fields, Fields):
        return ParsedFile(path, Place(path), in_file_order(problems))
    _check_place_of_keys(path, fields, start, notes)
    found = _parsed(path, fields, notes)
    return replace(found, problems=in_file_order(problems))


def _check_place_of_keys(path: str, fields: Fields, start: Scalar, notes: Notes) -> None:
    is_root = path in ROOT_FILES
    if not is_root:
        for key in ONLY_IN_ROOT:
            found = fields.get(key)
            if found is not None:
                notes.error(found, f"`{key}` counts only in headwater.yml at the root of the repository: move it there")
    if fields.has("environments") or (is_root and any(fields.has(key) for key in SHARED_KEYS)):
        return
    shared = ", or what the repository's workflows share (`templates`, `variables`, ...)" if is_root else ""
    notes.error(start, f"the file has no `environments`: add them{shared}")


def _parsed(path: str, fields: Fields, notes: Notes) -> ParsedFile:
    variables = declared_variables(fields)
    _refuse_references(variables, notes)
    triggers = fields.fields("triggers")
    settings = fields.fields("settings")
    drift = fields.fields("drift")
    name = fields.get("name")
    return ParsedFile(
        path=path,
        is_workflow=fields.has("environments"),
        name=fields.text("name"),
        name_at=Place(path) if name is None else notes.place(name),
        environments=declared_environments(fields, notes),
        templates=declared_templates(fields, notes),
        variables=variables,
        removal=Removal((settings and settings.text("environmentRemovalStrategy")) or Removal.DETACH),
        branches=triggers.texts("branches") if triggers is not None and triggers.get("branches") else None,
        deploy_on_merge=triggers.flag("deployOnMerge") if triggers and triggers.get("deployOnMerge") else None,
        drift_schedule=drift.text("schedule") if drift is not None else None,
        first_deploy=Caution(fields.text("firstDeploy") or Caution.APPLY),
        downstream=Caution(fields.text("downstream") or Caution.APPLY),
        unseen_plans=Caution(fields.text("unseenPlans") or Caution.APPROVE),
        permissions=_permissions(fields.fields("permissions")),
        requirements=_requirements(fields.fields("requirements")),
        repositories=fields.texts("repositories"),
    )


def _refuse_references(variables: tuple[Variable, ...], notes: Notes) -> None:
    for variable in variables:
        for reference in variable.references[:1]:
            message = (
                f"the variable `{variable.name}` uses an output of {reference.alias!r} and would reach "
                f"{reference.alias!r} itself: write it under `variables` of the environments that use it"
            )
            notes.problems.append(Problem(variable.place, message))


def _permissions(fields: Fields | None) -> Permissions:
    default = Permissions()
    if fields is None:
        return default
    return Permissions(
        deploy=fields.texts("deploy") if fields.has("deploy") else default.deploy,
        approve=fields.texts("approve") if fields.has("approve") else default.approve,
        admin=fields.texts("admin") if fields.has("admin") else default.admin,
    )


def _requirements(fields: Fields | None) -> Requirements:
    default = Requirements()
    if fields is None:
        return default
    return Requirements(
        approvals=fields.count("approvals"),
        code_owners=fields.flag("codeOwners"),
        self_approval=fields.flag("selfApproval"),
        up_to_date=fields.text("upToDate") or default.up_to_date,
        checks=fields.text("checks") or default.checks,
    )
