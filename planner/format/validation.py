"""Checks that need more than one file: names, templates, repositories, paths, and stacks that share a state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from planner.definition import Environment, Workflow
from planner.format.formats import is_https, repository_host, repository_key
from planner.nearest import Names
from planner.problems import Place, Problem, Severity

Kind = Callable[[str], "str | None"]
"""What a path of the repository is, links followed: `file`, `folder`, `outside` (a link that leaves), or None."""


def missing_template(name: str, place: Place, known: Names) -> Problem:
    """A `templateName` that no `templates` defines."""
    hint = known.hint(name)
    mend = "add it under `templates` in headwater.yml, or run `headwater init` to have it written"
    return Problem(place, f"the template {name!r} is not known{hint}: {mend}")


def path_problem(path: str, place: Place, kind: Kind) -> Problem | None:
    """A path of an environment must be a folder of this repository."""
    found = kind(path) if path else "folder"
    if found == "folder":
        return None
    shown = repr(path)
    if found == "outside":
        return Problem(
            place, f"the path {shown} is or holds a link that leaves the repository: write a folder within it"
        )
    if found == "file":
        folder = path.rpartition("/")[0]
        return Problem(place, f"the path {shown} is a file: write its folder, {folder or '/'!r}")
    return Problem(place, f"the path {shown} does not exist: write a folder of this repository, from its root")


def without_credentials(address: str) -> str:
    """An address as it may be printed: what stands before an @ of its host may be a password."""
    scheme, slashes, rest = address.partition("://")
    host, slash, path = (rest if slashes else address).partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else address


def repository_problem(address: str, place: Place, origins: Collection[str], listed: Collection[str]) -> Problem | None:
    """Another repository must be named by https, lie on the same host, and be listed in the root file."""
    if not is_https(address):
        mend = "write https://host/owner/name, without credentials"
        return Problem(place, f"{without_credentials(address)!r} is not the https address of a repository: {mend}")
    hosts = {host for host in map(repository_host, origins) if host is not None}
    if hosts and repository_host(address) not in hosts:
        message = f"{address!r} lies on another host than this repository ({', '.join(sorted(hosts))}): move it there"
        return Problem(place, message)
    if repository_key(address) not in {repository_key(one) for one in listed}:
        mend = "list it under `repositories` in headwater.yml at the root"
        return Problem(place, f"{address!r} is another repository, and not listed: {mend}")
    return None


def doubled_names(named: Iterable[tuple[Workflow, Place]]) -> Iterator[Problem]:
    """Two workflows of one name (without regard to case)."""
    first: dict[str, Workflow] = {}
    for workflow, place in named:
        earlier = first.setdefault(workflow.name.casefold(), workflow)
        if earlier is not workflow:
            yield Problem(
                place, f"the workflow of {earlier.file} is called {workflow.name!r} too: give this one a `name`"
            )


def shared_states(
    workflows: Iterable[Workflow], places: Mapping[tuple[str, str], Place], has_backend: Callable[[str], bool] | None
) -> Iterator[Problem]:
    """Environments on one path and workspace: an error where the code declares a backend, else a warning.

    `places` gives, by file and alias, the place to tell it at. Environments that are always disabled do not count.
    """
    first: dict[tuple[str | None, str, str], tuple[Workflow, Environment]] = {}
    for workflow in workflows:
        for one in workflow.environments:
            place = places.get((workflow.file, one.alias))
            if place is None or one.disabled is True:
                continue
            repository = None if one.repository is None else repository_key(one.repository)
            key = (repository, one.path, one.workspace or "default")
            earlier_workflow, earlier = first.setdefault(key, (workflow, one))
            if earlier is not one:
                yield _shared_state(one, place, earlier, earlier_workflow, has_backend)


def _shared_state(
    one: Environment,
    place: Place,
    earlier: Environment,
    earlier_workflow: Workflow,
    has_backend: Callable[[str], bool] | None,
) -> Problem:
    other = f"{earlier.alias!r} ({earlier_workflow.file}:{earlier.place.line})"
    both = f"{one.alias!r} has the path {one.path or '/'!r} and the workspace {one.workspace or 'default'!r} of {other}"
    if has_backend is not None and one.repository is None and has_backend(one.path):
        message = f"{both}, and the code declares a backend: they would share one state. Give each a `workspace`"
        return Problem(place, message)
    return Problem(
        place, f"{both}: Headwater keeps their states apart; better give each a `workspace`", Severity.WARNING
    )
