"""`python -m tests.soak.table RESULTS… `: adds runs to docs/reliability.jsonl, and writes the table of docs/reliability.md from it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.soak.faults import KINDS, label

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNS, PAGE = DOCS / "reliability.jsonl", DOCS / "reliability.md"
_BEGIN, _END = "<!-- the table: python -m tests.soak.table -->", "<!-- end of the table -->"

Run = Mapping[str, Any]


def main(argv: list[str]) -> int:
    """Add what each file has, then write the page anew."""
    kept = RUNS.read_text().splitlines() if RUNS.exists() else []
    for name in argv:
        kept += [_shorter(json.loads(line)) for line in Path(name).read_text().splitlines()]
    RUNS.write_text("".join(f"{line}\n" for line in dict.fromkeys(kept)))
    PAGE.write_text(page(PAGE.read_text(), runs()))
    return 0


def _shorter(run: Run) -> str:
    names = ["code", "seed", "database", "violations", "happened"]
    names += ["among"] if run.get("among") else []  # drawn from these faults only: to replay it, `--faults`
    return json.dumps({name: run[name] for name in names if name in run}, sort_keys=True)


def runs() -> list[Run]:
    """All runs that were judged; what went wrong in the laboratory itself is no run."""
    found = [json.loads(line) for line in RUNS.read_text().splitlines()]
    return [one for one in found if not any(each.startswith("laboratory") for each in one["violations"])]


def page(text: str, found: list[Run]) -> str:
    """The page with the table of these runs in its place."""
    return re.sub(f"{_BEGIN}.*{_END}", lambda _: f"{_BEGIN}\n{table(found)}\n{_END}", text, flags=re.S)


def table(found: list[Run]) -> str:
    """Fault, runs in which it happened, and in how many of those something was lost or doubled."""
    lines = ["| fault | runs | lost | doubled |", "| :-- | --: | --: | --: |"]
    for number, kind in sorted(KINDS.items(), key=lambda one: (label(one[0]), one[0])):
        of_it = [one for one in found if one["happened"].get(str(number))]
        lines.append(f"| {label(number)} {kind.title} | {len(of_it)} | {_lost(of_it)} | {_doubled(of_it)} |")
    by = {name: sum(one["database"] == name for one in found) for name in ("sqlite", "postgresql")}
    lines.append(f"| **all** | **{len(found)}** | **{_lost(found)}** | **{_doubled(found)}** |")
    lines += ["", f"{len(found)} runs: {by['sqlite']} on SQLite, {by['postgresql']} on PostgreSQL."]
    return "\n".join(lines)


def _doubled(found: Iterable[Run]) -> int:
    return sum(any(each.startswith("I2") for each in one["violations"]) for one in found)


def _lost(found: Iterable[Run]) -> int:
    """Whatever else was violated."""
    return sum(any(not each.startswith("I2") for each in one["violations"]) for one in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
