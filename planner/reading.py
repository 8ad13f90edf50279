"""All workflow files of a repository, read together: definitions, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from planner.definition import Definitions, Environment, Triggers, Variable, Workflow
from planner.format.formats import repository_key
from planner.format.parsed import ROOT_FILES, Code, DeclaredEnvironment, ParsedFile
from planner.format.validation import (
    Kind,
    doubled_names,
    missing_template,
    path_problem,
    repository_problem,
    shared_states,
)
from planner.nearest import Names
from planner.problems import DefinitionError, Place, Problem, Severity, in_file_order
from planner.workflow_files import is_workflow_file

__all__ = ["ParsedFile", "Reading", "assemble", "is_workflow_file", "parse_file", "read"]

NAME_OF_THE_ROOT = "main"
"""What a workflow file at the root is called when it has no `name`: the root has no folder name in git."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files say, as far as it can be known, and all that is wrong with them, in file order."""

    definitions: Definitions
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stops plan and deploy."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is told and no more."""
        return tuple(one for one in self.problems if one.severity is Severity.WARNING)

    def require(self) -> Definitions:
        """The definitions; raises DefinitionError with all errors if there are any."""
        errors = self.errors
        if errors:
            raise DefinitionError(errors)
        return self.definitions


def parse_file(path: str, content: bytes) -> ParsedFile:
    """Read one file on its own; never raises. The answer depends on the path and the content alone."""
    from planner.format import parsing  # noqa: PLC0415 - YAML: only where a file was not parsed before

    return parsing.parse_file(path, content)


def read(
    files: Mapping[str, bytes],
    kind: Kind,
    origins: Collection[str] = (),
    has_backend: Callable[[str], bool] | None = None,
) -> Reading:
    """Read all workflow files of a repository; never raises.

    `kind` says what a path is (`file`, `folder`, `outside`, None), `origins` are the addresses of this very
    repository, `has_backend` says whether the code of a folder declares where its state is.
    """
    return assemble((parse_file(path, content) for path, content in files.items()), kind, origins, has_backend)


def assemble(
    files: Iterable[ParsedFile],
    kind: Kind,
    origins: Collection[str] = (),
    has_backend: Callable[[str], bool] | None = None,
) -> Reading:
    """As `read`, of files that were parsed before: cheap, so that parsed files can be kept."""
    parsed = {file.path: file for file in sorted(files, key=lambda file: file.path)}
    root = next((parsed[path] for path in ROOT_FILES if path in parsed), None)
    joined = _Joined(root, kind, origins)
    workflows = tuple(joined.workflow(file) for file in parsed.values() if file.is_workflow)
    problems = [problem for file in parsed.values() for problem in file.problems]
    problems += joined.problems
    if all(path in parsed for path in ROOT_FILES):
        problems.append(Problem(Place(ROOT_FILES[1]), f"there is {ROOT_FILES[0]} too: keep one of them"))
    problems += doubled_names((workflow, parsed[workflow.file].name_at) for workflow in workflows)
    problems += shared_states(workflows, joined.places, has_backend)
    definitions = Definitions(workflows)
    if root is not None:
        definitions = Definitions(workflows, root.permissions, root.requirements, root.repositories)
    return Reading(definitions, in_file_order(problems))


class _Joined:
    """Joins each file with what the root file shares, and notes what is wrong on the way."""

    def __init__(self, root: ParsedFile | None, kind: Kind, origins: Collection[str]) -> None:
        self.problems: list[Problem] = []
        self.places: dict[tuple[str, str], Place] = {}
        self._root = root
        self._templates = dict(root.templates) if root is not None else {}
        self._kind = kind
        self._origins = tuple(origins)
        self._own_keys = frozenset(repository_key(origin) for origin in origins)
        self._checked: dict[Code, str | None] = {}

    def workflow(self, file: ParsedFile) -> Workflow:
        templates = {**self._templates, **dict(file.templates)} if file.templates else self._templates
        names = Names(templates)
        return Workflow(
            file=file.path,
            name=file.name or file.path.rpartition("/")[0] or NAME_OF_THE_ROOT,
            environments=tuple(self._environment(file, one, templates, names) for one in file.environments),
            variables=self._variables(file),
            removal=file.removal,
            triggers=self._triggers(file),
            drift_schedule=file.drift_schedule,
            first_deploy=file.first_deploy,
            downstream=file.downstream,
            unseen_plans=file.unseen_plans,
        )

    def _environment(
        self, file: ParsedFile, declared: DeclaredEnvironment, templates: Mapping[str, Code], names: Names
    ) -> Environment:
        own = declared.environment
        code = declared.code
        if code is None and own.template is not None:
            code = templates.get(own.template)
            if code is None:
                self.problems.append(missing_template(own.template, declared.at, names))
        if code is None:
            return own
        if code.is_usable:
            self.places[file.path, own.alias] = declared.at
        return replace(
            own,
            tool=code.tool,
            path=code.path,
            repository=self._repository(code, elsewhere=own.revision is not None),
            revision=own.revision or code.revision,
            version=code.version,
        )

    def _repository(self, code: Code, *, elsewhere: bool) -> str | None:
        """The other repository that holds the code, if it is another; its path is checked if it is this one."""
        if code not in self._checked:
            repository = code.repository
            if repository is not None and not code.is_helm_repository and repository_key(repository) in self._own_keys:
                repository = None
            self._checked[code] = repository
            if repository is not None and not code.is_helm_repository:
                self._note(self._repository_problem(code, repository))
        repository = self._checked[code]
        if repository is None and not elsewhere and code.revision is None and code.is_usable:
            self._note(path_problem(code.path, code.at, self._kind))
        return repository

    def _repository_problem(self, code: Code, address: str) -> Problem | None:
        listed = self._root.repositories if self._root is not None else ()
        return repository_problem(address, code.repository_at or code.at, self._origins, listed)

    def _note(self, problem: Problem | None) -> None:
        if problem is not None:
            self.problems.append(problem)

    def _variables(self, file: ParsedFile) -> tuple[Variable, ...]:
        if self._root is None or self._root is file:
            return file.variables
        own = {variable.name for variable in file.variables}
        shared = tuple(variable for variable in self._root.variables if variable.name not in own)
        return shared + file.variables

    def _triggers(self, file: ParsedFile) -> Triggers:
        sources = [file] if self._root is None or self._root is file else [file, self._root]
        branches = next((one.branches for one in sources if one.branches is not None), ())
        deploy = next((one.deploy_on_merge for one in sources if one.deploy_on_merge is not None), False)
        return Triggers(branches, deploy)
