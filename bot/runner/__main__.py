"""`python -m bot.runner local FOLDER`: one attempt in that folder, its spec on standard input.
`python -m bot.runner nursery`: one for each order that comes on standard input (bot/runner/nursery.py).
`python -m bot.runner actions --attempt ID --key KEY`: one in a CI job, with codes of its own (bot/runner/actions.py).

Exit codes: 0 reported, 2 wrong use or spec (nothing touched), 3 revoked or claimed by another (nothing touched), 4 the
report could not be written.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from bot.runner.attempt import run
from bot.runner.channel import LocalChannel
from bot.runner.log import Log
from bot.runner.nursery import serve
from bot.runner.spec import SpecError, read_spec
from bot.runner.supervise import Supervisor


def main(argv: list[str]) -> int:
    """Run one attempt, or all that are ordered, and return the exit code."""
    if argv == ["nursery"]:
        return serve(attempt)
    if argv[:1] == ["actions"]:
        from bot.runner.actions import main as in_a_job  # noqa: PLC0415  (brings HTTP and TLS)

        return in_a_job(argv[1:])
    if len(argv) != 2 or argv[0] != "local" or not Path(argv[1]).is_dir():
        return _fail(2, "usage: python -m bot.runner local FOLDER < SPEC (FOLDER must exist)")
    return attempt(Path(argv[1]).resolve(), sys.stdin.buffer.read())


def attempt(folder: Path, data: bytes) -> int:
    """Run the attempt in this folder by the spec in these bytes, and return the exit code."""
    try:
        spec = read_spec(data)
    except SpecError as error:
        return _fail(2, f"{error}; nothing was touched")
    channel = LocalChannel(folder)
    if not channel.claim():
        return _fail(3, "this attempt is revoked or has a runner already; nothing was touched")
    log = Log(folder, spec.sensitive_values, spec.log_limit)
    supervisor = Supervisor(channel, log, timeout=spec.timeout, grace=spec.grace, beat_every=spec.beat_every)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    report = run(spec, folder, supervisor, log)
    try:
        channel.report(report)
    except OSError as error:
        return _fail(4, f"the report could not be written: {error}")
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"headwater runner: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
