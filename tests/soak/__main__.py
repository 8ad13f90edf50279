"""`python -m tests.soak --seed N --runs N`: storms against real processes; exit 1, with the seeds, if anything is lost or doubled."""

from __future__ import annotations

import argparse
import gzip
import json
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from planner.repository import Repository as GitRepository
from tests.soak import faults, story
from tests.soak.laboratory import Laboratory, opened
from tests.soak.play import Kept, Outcome, judged
from tests.soak.shrink import shrunk


def main() -> int:
    """Play and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--runs", type=int, default=20, help="how many seeds, from that one on (default: 20)")
    parser.add_argument("--beside", type=int, default=3, help="how many at a time (default: 3)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="one database (default: in turn)")
    parser.add_argument("--faults", type=_numbers, default=(), metavar="N,N", help="draw these faults only")
    parser.add_argument(
        "--pulls", type=int, help="so many pull requests at once, and replicas that are killed all the time"
    )
    parser.add_argument("--scenario", type=Path, help="one scenario that was written down")
    parser.add_argument("--show", action="store_true", help="write the scenario of the seed down, and play nothing")
    parser.add_argument("--calm", action="store_true", help="without any fault")
    parser.add_argument("--shrink", action="store_true", help="make what fails smaller, and write that down")
    parser.add_argument("--results", type=Path, help="a file to which each run adds a line of JSON")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep there what is judged of each run")
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="judge what was kept once more, and play nothing")
    given = parser.parse_args()
    if given.judge:
        return _judged(given.judge)
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    if given.show:
        print(story.written(story.scenario(given.seed, given.database, given.faults)))
        return 0
    outcomes: list[Outcome] = []
    played: list[tuple[story.Scenario, Outcome]] = []
    code = str(GitRepository(Path(__file__).parents[2]).commit("HEAD"))[:12]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # with all that was started
    with opened(keep=given.keep) as laboratory:
        for scenario, outcome in laboratory.run(_scenarios(given), given.beside):
            played.append((scenario, outcome))
            outcomes.append(outcome)
            _tell(outcome, len(outcomes))
            if given.results:
                with given.results.open("a") as stream:
                    stream.write(json.dumps({**vars(outcome), "code": code, "among": given.faults}) + "\n")
        if given.shrink:
            for scenario, outcome in ((one, each) for one, each in played if each.violations):
                _shrink(laboratory, scenario, outcome)
    return _summary(outcomes)


def _judged(folder: Path) -> int:
    """Judge again; only what this laboratory wrote is read."""
    bad, files = 0, sorted(folder.iterdir())
    for file in files:
        kept: Kept = pickle.loads(gzip.decompress(file.read_bytes()))
        violations = judged(kept.first, kept.last)
        bad += bool(violations)
        for one in violations:
            print(f"seed {kept.seed}: {one}")
    print(f"{len(files)} runs judged, {bad} of them not good")
    return 1 if bad else 0


def _numbers(text: str) -> tuple[int, ...]:
    found = tuple(int(one) for one in text.split(","))
    if unknown := [one for one in found if one not in faults.KINDS]:
        raise argparse.ArgumentTypeError(f"there is no fault {unknown[0]} here")
    return found


def _scenarios(given: argparse.Namespace) -> Iterator[story.Scenario]:
    if given.scenario:
        yield story.read(given.scenario.read_text())
        return
    for seed in range(given.seed, given.seed + given.runs):
        if given.pulls:
            yield story.crowd(seed, given.pulls)
            continue
        found = story.scenario(seed, given.database, given.faults)
        yield story.without_faults(found) if given.calm else found


def _shrink(laboratory: Laboratory, scenario: story.Scenario, outcome: Outcome) -> None:
    """The smallest scenario that breaks the same invariant, in a file that `make soak SCENARIO=` plays."""
    broken = {one.partition(":")[0] for one in outcome.violations}

    def fails(smaller: story.Scenario) -> bool:
        ((_, found),) = laboratory.run([smaller], 1)
        print(
            f"        {len(smaller.faults)} faults, {len(smaller.steps)} steps: {'BAD' if found.violations else 'ok'}",
            flush=True,
        )
        return bool(broken & {one.partition(":")[0] for one in found.violations})

    file = Path(f"soak-{scenario.seed}.json")
    file.write_text(story.written(shrunk(scenario, fails)))
    print(f"        made smaller: make soak SCENARIO={file}")


def _tell(outcome: Outcome, number: int) -> None:
    met = " ".join(
        f"{fault}x{times}" if times > 1 else str(fault) for fault, times in sorted(outcome.happened.items()) if times
    )
    good = "ok " if not outcome.violations else "BAD"
    print(
        f"{number:5} seed {outcome.seed} {outcome.database:10} {good} {outcome.seconds:5.1f} s ({outcome.used} s of processors)  faults {met} {outcome.facts}"
    )
    for one in outcome.violations:
        print(f"        {one}")
    sys.stdout.flush()


def _summary(outcomes: list[Outcome]) -> int:
    bad = [one for one in outcomes if one.violations]
    doubled = sum(any(each.startswith("I2") for each in one.violations) for one in bad)
    if not bad:
        print(f"{len(outcomes)} runs: 0 lost, 0 doubled")
        return 0
    print(f"{len(outcomes)} runs: {len(bad) - doubled} lost, {doubled} doubled; seeds {[one.seed for one in bad]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
