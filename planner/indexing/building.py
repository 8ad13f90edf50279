"""Makes the index of a commit: from the nearest one that is known, or from nothing.

An environment whose reads hold no changed path reads the same as before; a folder without a changed file refers to
the same as before; workflow files that did not change say the same as before. So the cost grows with the change.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha1

from planner.indexing.beside import beside, has_second_core
from planner.indexing.cache import Cache
from planner.indexing.definitions_cache import WORTH_A_SECOND_CORE, keep_reading, kept_reading, parsed_files
from planner.indexing.facts import environment_facts, snapshot_of
from planner.indexing.inputs import ChangedPath, Inputs, Reads
from planner.indexing.kept import PREFIX, Index, keep_index, kept_index
from planner.indexing.reads import Reader, ReadsAt, Scans, changes_links, scans_of
from planner.indexing.snapshot import EnvironmentFacts, Snapshot
from planner.problems import PlannerError
from planner.reading import Reading, assemble
from planner.repository import Commit, Repository
from planner.sources.references import References
from planner.sources.terraform import TERRAFORM
from planner.trees.git_tree import GitTree
from planner.trees.tree import SUBMODULE, Kind, Tree
from planner.workflow_files import is_workflow_file

INDEXES_KEPT = 12
MOST_CHANGES = 5_000  # beyond, all is read anew at once instead of bit by bit


@dataclass(frozen=True, slots=True)
class Made:
    """A new index, and the reading if it had to be made for it."""

    index: Index
    reading: Reading | None


@dataclass(slots=True)
class Background:
    """What the next index is found from. `files` are the workflow files, with the ids of their contents."""

    files: dict[str, str]
    links: dict[str, str]
    reads: list[Reads]
    kinds: dict[str, str | None] = field(default_factory=dict)  # what was asked of the tree to read the definitions
    backends: dict[str, bool] = field(default_factory=dict)
    scans: Scans = field(default_factory=dict)

    def marshalled(self) -> bytes:
        """As plain values."""
        scans = {key: tuple(one) for key, one in self.scans.items()}
        reads = [tuple(one) for one in self.reads]
        return marshal.dumps((self.files, self.links, reads, self.kinds, self.backends, scans))

    @classmethod
    def of(cls, index: Index) -> Background:
        """That of an index."""
        files, links, reads, kinds, backends, scans = marshal.loads(index.background)  # noqa: S302 - ours
        references = {key: References._make(one) for key, one in scans.items()}
        return cls(files, links, [Reads._make(one) for one in reads], kinds, backends, references)


def reading_at(repository: Repository, commit: Commit, cache: Cache) -> Reading:
    """The definitions of a commit, kept or read."""
    index = kept_index(cache, PREFIX + commit.tree, repository.origins)
    if index is None:
        made = new_index(repository, commit, cache, None)
        index, reading = made.index, made.reading
    else:
        reading = None
    kept = kept_reading(cache, index.snapshot.key)
    if kept is not None:
        return kept
    if reading is None:
        tree, background = GitTree(repository, commit.tree), Background.of(index)
        reading = _Definitions(tree, repository.origins, cache, background).read()
    keep_reading(cache, index.snapshot.key, reading)
    return reading


def reading_of_work_tree(repository: Repository, cache: Cache) -> Reading:
    """The definitions in the work tree."""
    tree = repository.work_tree()
    paths = [path for path in tree.listed_paths() if is_workflow_file(path)]
    contents = _contents(tree, paths)
    files = {
        path: sha1(b"blob %d\0" % len(one) + one, usedforsecurity=False).hexdigest() for path, one in contents.items()
    }
    return _Definitions(tree, repository.origins, cache, Background(files, {}, [])).read()


def new_index(repository: Repository, commit: Commit, cache: Cache, near: Index | None) -> Made:
    """Make the index of a commit, and keep it."""
    old = near if near is not None else _newest(cache, repository.origins)
    made = None
    if old is not None:
        made = _derived(repository, commit, cache, old)
    if made is None:
        made = _from_nothing(repository, commit, cache)
    keep_index(cache, made.index)
    cache.keep_newest(PREFIX, INDEXES_KEPT)
    return made


def has_submodule(repository: Repository, commit: Commit) -> bool:
    """Whether a commit holds a submodule anywhere."""
    return any(entry.mode == SUBMODULE for _, entry in GitTree(repository, commit.tree).all_paths())


def _newest(cache: Cache, origins: tuple[str, ...]) -> Index | None:
    return next((one for name in cache.newest(PREFIX)[:2] if (one := kept_index(cache, name, origins))), None)


def _from_nothing(repository: Repository, commit: Commit, cache: Cache) -> Made:
    tree = GitTree(repository, commit.tree)
    tree.load()
    background = Background(_workflow_files(tree), tree.links(), [])
    scans = _scans_beside(repository, tree)
    definitions = _Definitions(tree, repository.origins, cache, background)
    reading = definitions.read()
    facts = environment_facts(reading.definitions)
    background.scans |= scans()
    background.reads = definitions.reads_at.all([_reader(one) for one in facts])
    snapshot = snapshot_of(_key(background, repository.origins), reading.definitions, facts, background.reads)
    return _made(commit, repository.origins, reading, snapshot, background)


def _scans_beside(repository: Repository, tree: GitTree) -> Callable[[], Scans]:
    """Look into all Terraform code while the definitions are read: of much code, most will be asked for."""
    folders = sorted({path.rpartition("/")[0] for path, _ in tree.all_paths() if TERRAFORM.is_read(path)})
    if len(folders) < WORTH_A_SECOND_CORE or not has_second_core():
        return dict

    def scanned() -> dict[tuple[str, str], tuple[object, ...]]:
        with Repository(repository.folder) as own:
            found = scans_of(tree.read_by(own), TERRAFORM, folders)
        return {key: tuple(one) for key, one in found.items()}

    result = beside(scanned)
    return lambda: {key: References._make(one) for key, one in result().items()}


def _derived(repository: Repository, commit: Commit, cache: Cache, old: Index) -> Made | None:
    """The index found from an older one; None where that is not cheaper, or not sure."""
    try:
        changed = repository.changed_paths(old.tree, commit.tree)
    except PlannerError:
        return None  # a tree that is in the cache but no longer in the repository
    if len(changed) > MOST_CHANGES or any(changes_links(one.old_mode, one.new_mode) for one in changed):
        return None
    tree, background = GitTree(repository, commit.tree), Background.of(old)
    if any(file in background.links for file in background.files):
        return None
    background.files = _updated_files(background.files, tree, changed)
    _forget_scans(background, tree, changed)
    definitions = _Definitions(tree, repository.origins, cache, background)
    touched = old.snapshot.inputs.touched(changed)
    definitions.ask_again(changed)
    key = _key(background, repository.origins)
    if key == old.snapshot.key:
        return _with_reads(commit, old, definitions, touched)
    reading = definitions.read()
    facts = environment_facts(reading.definitions)
    background.reads = _reads_of(definitions.reads_at, facts, old.snapshot, background.reads, touched)
    key = _key(background, repository.origins)
    snapshot = snapshot_of(key, reading.definitions, facts, background.reads)
    return _made(commit, repository.origins, reading, snapshot, background)


def _with_reads(commit: Commit, old: Index, definitions: _Definitions, touched: Collection[int]) -> Made:
    """The old definitions, with what the touched environments read now."""
    background = definitions.background
    numbers = sorted(touched)
    found = definitions.reads_at.all([_reader(old.snapshot.environment(number)) for number in numbers])
    inputs = old.snapshot.inputs
    if any(background.reads[number] != now for number, now in zip(numbers, found, strict=True)):
        for number, now in zip(numbers, found, strict=True):
            background.reads[number] = now
        inputs = Inputs.of(background.reads)
    one = old.snapshot
    snapshot = Snapshot(one.key, one.workflows, one.records, one.aliases, one.waves, one.downstream, inputs)
    return Made(Index(commit.tree, old.origins, old.has_errors, snapshot, background.marshalled()), None)


def _made(
    commit: Commit, origins: tuple[str, ...], reading: Reading, snapshot: Snapshot, background: Background
) -> Made:
    return Made(Index(commit.tree, origins, bool(reading.errors), snapshot, background.marshalled()), reading)


def _reads_of(
    reads_at: ReadsAt,
    facts: Sequence[EnvironmentFacts],
    old: Snapshot,
    old_reads: Sequence[Reads],
    touched: Collection[int],
) -> list[Reads]:
    """What each environment reads: as before, where neither its definition nor what it reads changed."""
    found: dict[int, Reads] = {}
    for number, one in enumerate(facts):
        then = old.numbers.get((one.file, one.alias.casefold()))
        if then is not None and then not in touched and _reader(old.environment(then)) == _reader(one):
            found[number] = old_reads[then]
    missing = [number for number in range(len(facts)) if number not in found]
    found |= zip(missing, reads_at.all([_reader(facts[number]) for number in missing]), strict=True)
    return [found[number] for number in range(len(facts))]


def _reader(facts: EnvironmentFacts) -> Reader:
    return Reader(facts.path, facts.place[2], facts.watch, facts.pinned is not None)


class _Definitions:
    """Reads the definitions of a tree, and notes in the background what was asked of it."""

    def __init__(self, tree: Tree, origins: tuple[str, ...], cache: Cache, background: Background) -> None:
        self.background = background
        self.reads_at = ReadsAt(tree, background.links, background.scans)
        self._tree = tree
        self._origins = origins
        self._cache = cache

    def read(self) -> Reading:
        """All definitions, with all problems."""
        self.background.kinds.clear()
        self.background.backends.clear()
        files = parsed_files(self._cache, self.background.files, lambda paths: _contents(self._tree, paths))
        return assemble(files, self._kind, self._origins, self._has_backend)

    def ask_again(self, changed: Iterable[ChangedPath]) -> None:
        """Ask once more what may have another answer after these changes."""
        kinds = self.background.kinds
        paths: set[str] = set()
        for change in changed:
            if change.old_mode != change.new_mode:
                paths |= kinds.keys() if self.background.links else kinds.keys() & set(_and_above(change.path))
        for path in paths:
            self._kind(path)
        for path in list(self.background.backends):
            self._has_backend(path)

    def _kind(self, path: str) -> str | None:
        found = self.background.kinds[path] = _plain(self._tree.kind(path))
        return found

    def _has_backend(self, path: str) -> bool:
        found = self.background.backends[path] = self.reads_at.has_backend(path)
        return found


def _plain(kind: Kind | None) -> str | None:
    return None if kind is None else kind.value


def _key(background: Background, origins: tuple[str, ...]) -> str:
    """A text that is the same when the definitions are."""
    asked = (
        sorted(background.files.items()),
        origins,
        sorted(background.kinds.items()),
        sorted(background.backends.items()),
    )
    return blake2b(repr(asked).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _workflow_files(tree: GitTree) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, _ in tree.all_paths():
        if is_workflow_file(path) and (oid := _content_id(tree, path)):
            found[path] = oid
    return found


def _content_id(tree: GitTree, path: str) -> str | None:
    """The id of a file's content, links followed; None if it is no file."""
    target = tree.resolve(path)
    entry = tree.entry(target.path) if target.kind is Kind.FILE else None
    return None if entry is None else entry.oid


def _updated_files(files: Mapping[str, str], tree: GitTree, changed: Iterable[ChangedPath]) -> dict[str, str]:
    found = dict(files)
    for change in changed:
        if is_workflow_file(change.path):
            found.pop(change.path, None)
            oid = _content_id(tree, change.path)
            if oid is not None:
                found[change.path] = oid
    return found


def _contents(tree: Tree, paths: Iterable[str]) -> dict[str, bytes]:
    """The contents of files, links followed."""
    targets = {path: tree.resolve(path) for path in paths}
    contents = tree.contents({target.path for target in targets.values() if target.kind is Kind.FILE})
    return {path: contents[target.path] for path, target in targets.items() if target.path in contents}


def _forget_scans(background: Background, tree: Tree, changed: Iterable[ChangedPath]) -> None:
    """Drop what folders referred to where a file of theirs, or one that a link of theirs leads to, changed."""
    paths = {change.path for change in changed}
    paths |= {link for link in background.links if tree.resolve(link).path in paths}
    folders = {path.rpartition("/")[0] for path in paths}
    for key in [key for key in background.scans if key[1] in folders]:
        del background.scans[key]


def _and_above(path: str) -> Iterable[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
