"""`python -m tests.soak.selftest`: each deliberate defect must be caught by the judge of its invariant, and by good code none."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from tests.soak.defects import DEFECTS, Defect
from tests.soak.laboratory import Laboratory, opened

_TRIES = 3
"""A story may miss its moment on a busy machine."""


def main() -> int:
    """Break the code on purpose, one defect at a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.selftest", description=__doc__)
    parser.add_argument("names", nargs="*", help="some of the defects (default: all)")
    chosen = parser.parse_args().names
    missed = 0
    with opened() as laboratory:
        for defect, caught in caught_of([one for one in DEFECTS if not chosen or one.name in chosen], laboratory):
            print(f"{'caught' if caught else 'missed'}: {defect.name} ({defect.invariant})")
            print(f"        {caught}" if caught else "", flush=True)
            missed += not caught
    return 1 if missed else 0


def caught_of(defects: Iterable[Defect], laboratory: Laboratory) -> Iterator[tuple[Defect, str]]:
    """Each defect with what its invariant's judge said of it; the same story without the defect must be good."""
    for defect in defects:
        yield defect, _caught(defect, laboratory)


def _caught(defect: Defect, laboratory: Laboratory) -> str:
    ((_, good),) = laboratory.run([defect.scenario], 1)
    if good.violations:
        print(f"        without the defect: {good.violations}", flush=True)
        return ""
    for _ in range(_TRIES):
        ((_, outcome),) = laboratory.run([defect.scenario], 1, defect.name)
        found = [one for one in outcome.violations if one.startswith(defect.invariant)]
        if found:
            return found[0]
        print(f"        not caught: {outcome.violations}, happened {outcome.happened}", flush=True)
    return ""


if __name__ == "__main__":
    sys.exit(main())
