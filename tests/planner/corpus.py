"""The corpus of workflow files: good ones, and bad ones with what must be said of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planner.reading import Reading, read

CORPUS = Path(__file__).parent.parent / "corpus"
ORIGIN = "https://github.com/acme/infrastructure"

FOLDERS = {
    *("infra", "infra/vpc", "infra/db", "infra/eks", "services", "services/billing", "services/config"),
    *("services/notification", "charts/app", "misc/null-resource"),
}
FILES = {"infra/db/main.tf", "README.md"}
LINKS_OUTSIDE = {"infra/escape"}


@dataclass(frozen=True)
class Case:
    """Some files of one repository; `schema` is what the JSON Schema must say of each of them, where it is told."""

    name: str
    files: dict[str, bytes]
    expected: tuple[str, ...]
    schema: str  # rejects, accepts or unreadable

    def reading(self) -> Reading:
        return read(self.files, kind, [ORIGIN + ".git"], has_backend=lambda path: path == "infra/eks")


def kind(path: str) -> str | None:
    """The tree in which all files of the corpus are read."""
    if path in LINKS_OUTSIDE:
        return "outside"
    return "folder" if path in FOLDERS else "file" if path in FILES else None


def cases(folder: str) -> Iterator[Case]:
    """The cases of a folder: `NAME.yml` is read as headwater.yml; `NAME.tree` holds several files below `=== PATH`."""
    for path in sorted((CORPUS / folder).iterdir()):
        if path.suffix in (".yml", ".tree"):
            beside = path.with_suffix(".expected")
            lines = beside.read_text(encoding="utf-8").splitlines() if beside.exists() else ["schema: accepts"]
            content = path.read_bytes()
            files = {"headwater.yml": content} if path.suffix == ".yml" else _tree(content)
            yield Case(path.stem, files, tuple(lines[1:]), lines[0].removeprefix("schema: "))


def _tree(content: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for part in content.decode().split("=== ")[1:]:
        path, _, text = part.partition("\n")
        files[path.strip()] = text.encode()
    return files
