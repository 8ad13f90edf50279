"""A repository on GitHub as the core sees it: like one on disk, but its commits come from a mirror that is fetched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from bot.decide.trust import Trusted, trusted_in
from bot.errors import NotAllowed
from bot.executors.base import Executor
from bot.hosting.mirror import HostedMirror
from bot.project import Project, Trust
from bot.store.database import Database
from bot.store.hosting import HostedRepository, key_of
from bot.vault import Vault
from planner.definition import Definitions, Environment, Workflow
from planner.format.formats import repository_key
from planner.problems import PlannerError
from planner.reading import Reading
from planner.repository import Repository

PLACE = "github-actions"
"""Where attempts of GitHub Actions run, as the store calls it: any process that has the store may look at them."""

MIRROR = "mirror.git"
"""The folder of a repository's mirror, within that of its state."""

_READINGS_KEPT = 8


class _AtTheRunner(Mapping[str, None]):
    """Secrets that only the runner can see: each is there as far as anybody here knows, and none has a value here."""

    def __getitem__(self, name: str) -> None:
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return True


class HostedProject(Project):
    """A repository on GitHub with the server's state of it. Not to be shared between threads."""

    def __init__(
        self,
        hosted: HostedRepository,
        state: Path,
        database: Database,
        vault: Vault,
        token: Callable[[str, str | None], str | None],
        executor: Executor,
        place: str = PLACE,
    ) -> None:
        """`state` is the folder for this one repository; `token` gives what may read the
        code at an address, another one where that was not accepted."""
        mirror = HostedMirror(state / MIRROR, hosted.clone_url, token)
        mirror.make()
        origins = (hosted.clone_url, hosted.html_url)
        super().__init__(Repository(mirror.folder, origins), state, database.url)
        self.secrets = _AtTheRunner()
        self.hosted = hosted
        self.database = database
        self.vault = vault
        self.mirror: HostedMirror = mirror
        self.executor: Executor = executor
        self._place = place
        self._kept: OrderedDict[str, Reading] = OrderedDict()

    @property
    def key(self) -> str:
        """What the store calls this repository."""
        return key_of(self.hosted.github_id)

    @property
    def place(self) -> str:
        """Where its attempts run."""
        return self._place

    def have(self, commits: Iterable[str]) -> None:
        """Have these commits here, which another process may have fetched, and the default branch as new as they are.

        Raises HeadwaterError.
        """
        lacking = [one for one in commits if not self.mirror.has(one)]
        if not lacking:
            return
        head = f"refs/heads/{self.hosted.default_branch}"
        self.mirror.update({head: head})
        for one in lacking:
            self.mirror.keep(one)

    @property
    def default_head(self) -> str | None:
        """The commit of the default branch as it was last fetched."""
        return self.mirror.head_of(f"refs/heads/{self.hosted.default_branch}")

    def default_definitions(self) -> Definitions:
        """The definitions of the default branch: what power comes from. None at all where they have errors."""
        return self._default_at(self.default_head)

    def _default_at(self, head: str | None) -> Definitions:
        if head is None:
            return Definitions()
        try:
            return self.reading(head).require()
        except PlannerError:
            return Definitions()

    def deploys_from(self, workflow: Workflow, branch: str) -> bool:
        """Whether a workflow is deployed when this branch moves. No branch but the default one says that of itself."""
        default = self.hosted.default_branch
        known = self.default_definitions().workflows
        says = workflow if branch == default else next((one for one in known if one.file == workflow.file), None)
        return says is not None and says.triggers.deploy_on_merge and branch in (says.triggers.branches or (default,))

    def bases_of(self, file: str) -> tuple[str, ...]:
        """The branches whose pull requests may deploy a workflow; one that is new is deployed from the default one."""
        known = (one for one in self.default_definitions().workflows if one.file == file)
        return next((one.triggers.branches for one in known), ()) or (self.hosted.default_branch,)

    @property
    def rules_known(self) -> bool:
        """Whether the definitions of the default branch can be read: they say who may do what."""
        head = self.default_head
        try:
            return head is None or bool(self.reading(head).require())
        except PlannerError:
            return False

    def trust(self) -> Trust:
        """What tells of an environment how the default branch has it now, or had it before it was taken out there."""
        head = self.default_head
        known = self._default_at(head).workflows
        merged = cache(lambda commit: head is not None and self.mirror.contains(head, commit))

        def trusted(file: str, alias: str, commit: str) -> Trusted:
            found = trusted_in(known, file, alias)
            if found.environment is None and merged(commit):
                return trusted_in(self.definitions(commit).workflows, file, alias)
            return found

        return trusted

    def reading(self, commit: str) -> Reading:
        """The definitions at a commit, with what is wrong with them; the newest few are kept at hand."""
        found = self._kept.pop(commit, None) or super().reading(commit)
        self._readings.clear()
        self._kept[commit] = found
        while len(self._kept) > _READINGS_KEPT:
            self._kept.popitem(last=False)
        return found

    def source_commit(self, environment: Environment) -> str:
        """Where the code of an environment with a repository or revision of its own is read now.

        Raises NotAllowed for a repository that the default branch does not list: a pull request gives itself none.
        """
        if environment.repository is not None:
            listed = {repository_key(one) for one in self.default_definitions().repositories}
            if repository_key(environment.repository) not in listed:
                raise NotAllowed(
                    f"{environment.alias!r} lies in {environment.repository}, which the default branch does not list",
                    "list it under `repositories` in the headwater.yml at the root, and merge that first",
                )
        if environment.repository is None and environment.revision is not None:
            for kind in ("heads", "tags"):
                found = self.mirror.head_of(f"refs/{kind}/{environment.revision}")
                if found is not None:
                    return found
        return super().source_commit(environment)
