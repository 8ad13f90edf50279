"""What the pages say is so: links lead somewhere, commands and options exist, examples are read, the tutorial runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from bot.cli.commands import COMMANDS
from bot.cli.context import GlobalOption, global_options
from bot.cli.exit_codes import ExitCode
from bot.web import manifest
from docs.transcript import Reader
from planner.changes import ReasonCode
from planner.format.records import Record
from planner.reading import read
from planner.schema import ENVIRONMENT, FILE, PERMISSIONS, REQUIREMENTS, TRIGGERS, VCS, json_schema

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text()
WORKFLOW_FILE = (ROOT / "docs/workflow-file.md").read_text()


def names_of(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


every_page = pytest.mark.parametrize("page", PAGES, ids=names_of(PAGES))


# ---- links


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.S | re.M)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


@every_page
def test_paths_of_this_repository_exist(page: Path) -> None:
    if page.name == "tutorial.md":
        return  # it speaks of the reader's files
    named = r"`((?:planner|bot|tests|docs|examples|templates)/[\w./-]*)`"
    for path in re.findall(named, re.sub(r"NAME", "terraform", page.read_text())):
        assert (ROOT / path).exists(), path


@every_page
def test_nothing_of_the_machine_that_wrote_the_page_is_left_in_it(page: Path) -> None:
    assert not re.search(r"/tmp/|/work/|/root/", page.read_text())


# ---- commands


def command_named(words: list[str]) -> click.Command:
    """The command that a line names; fails where there is none."""
    assert words, "no command"
    assert words[0] in COMMANDS, f"there is no `headwater {words[0]}`"
    command: click.Command = import_module(COMMANDS[words[0]].module).command
    if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in command.commands
        return command.commands[words[1]]
    return command


def spellings(command: click.Command) -> set[str]:
    own = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    return {one for option in own for one in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}


def calls_in(page: Path) -> Iterator[str]:
    """All `headwater …` that stand in code."""
    code = re.findall(r"^```.*?\n(.*?)^```$|`([^`\n]+)`", page.read_text(), re.S | re.M)
    for block in ("".join(pair) for pair in code):
        yield from re.findall(r"(?:^|\$ |[\s'\"]|bin/)headwater ((?!COMMAND|\[OPTIONS)[a-z][^`'\n]*)", block, re.M)


@every_page
def test_commands_and_options_exist(page: Path) -> None:
    for call in calls_in(page):
        words = re.split(r"  |[;|>#]", call)[0].split()
        if words[0] in ("knows", "graph,"):  # prose within a code block, and the picture's title
            continue
        command = command_named(words)
        for option in (word for word in words if re.match(r"--?[a-z]", word)):
            assert option.split("=")[0] in spellings(command), f"headwater {call}: no {option}"


def test_the_check_of_commands_can_fail(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for call in (
        "`headwater deplay`",
        "```sh\nheadwater deploy --force\n```",
        "```console\n$ headwater plan --fast\n```",
    ):
        page.write_text(f"{call}\n")
        with pytest.raises(AssertionError):
            test_commands_and_options_exist(page)


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", COMMAND_LINE, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def leaves() -> dict[str, click.Command]:
    """All commands, those of groups by both names."""
    found = {name: command_named([name]) for name in COMMANDS}
    for name, command in list(found.items()):
        if isinstance(command, click.Group):
            if not command.invoke_without_command:
                del found[name]
            found |= {f"{name} {below}": one for below, one in command.commands.items()}
    return found


def options_in(text: str) -> set[str]:
    cells = re.findall(r"^\| (`-[^|]*(?:\\\|[^|]*)*) \|", text, re.M)
    return {spelled.split()[0] for cell in cells for spelled in re.findall(r"`([^`]+)`", cell)}


def test_every_command_has_its_section() -> None:
    assert leaves().keys() <= sections().keys()


@pytest.mark.parametrize("name", leaves())
def test_the_options_of_a_command_are_those_that_it_has(name: str) -> None:
    own = [one for one in leaves()[name].params if isinstance(one, click.Option) and not isinstance(one, GlobalOption)]
    assert options_in(sections()[name]) == {one for option in own for one in (*option.opts, *option.secondary_opts)}


def test_the_global_options_are_those_of_every_command() -> None:
    expected = {spelled for option in global_options() for spelled in option.opts}
    assert options_in(sections()["Options of every command"]) == expected


def test_the_exit_codes_are_those_that_there_are() -> None:
    told = re.findall(r"^\| (\d+) \|", sections()["Exit codes"], re.M)
    assert [int(code) for code in told] == sorted(ExitCode)


def test_the_reasons_are_those_that_there_are() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", sections()["JSON that others build on"], re.M))
    assert told == {code.value for code in ReasonCode}


def test_the_names_of_the_process_environment_are_those_that_are_read() -> None:
    told = set(re.findall(r"`(HEADWATER_[A-Z_]+)`", sections()["Process environment"]))
    sources = [path.read_text() for folder in ("bot", "planner") for path in (ROOT / folder).rglob("*.py")]
    read_ = {name for text in sources for name in re.findall(r"\"(HEADWATER_[A-Z_]+)\"", text)}
    assert told == read_ - {"HEADWATER_CRASH_AT", "HEADWATER_CRASH_LOG"}  # of tests, told in development.md


# ---- the workflow file


def keys_of(record: Record) -> set[str]:
    return {key.name for key in record.keys}


def test_every_key_of_the_format_is_described() -> None:
    code = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", WORKFLOW_FILE))))
    code |= set(
        re.findall(r"^ *(\w+):", "\n".join(re.findall(r"^```yaml\n(.*?)^```$", WORKFLOW_FILE, re.S | re.M)), re.M)
    )
    ignored = {key.name for key in VCS.keys if "Headwater does not use it" in key.about}
    other_tools = {"terragruntTfBinary", "fileName", "helmChartName", "isHelmRepository"}
    described = keys_of(FILE) | keys_of(ENVIRONMENT) | keys_of(VCS) | keys_of(TRIGGERS)
    described |= keys_of(PERMISSIONS) | keys_of(REQUIREMENTS)
    assert described - ignored - other_tools - code == set()


def yaml_examples() -> list[tuple[str, str]]:
    found = [
        (str(page.relative_to(ROOT)), body)
        for page in PAGES
        for body in re.findall(r"^```yaml[^\n]*\n(.*?)^```$", page.read_text(), re.S | re.M)
    ]
    return [(f"{page}-{number}", body) for number, (page, body) in enumerate(found)]


def whole(example: str) -> str:
    """An example as a file: parts of one are put where they belong."""
    if example.startswith("vcs:"):
        return f"environments:\n  one:\n    {example}"
    if "${environments." in example and "environments:" not in example:
        upstreams = sorted(set(re.findall(r"\$\{environments\.(\w+)\.", example)))
        vcs = "vcs: {type: script, path: %s}"
        others = "".join(f"  {alias}:\n    {vcs % alias}\n" for alias in upstreams)
        body = "\n".join(f"    {line}" for line in example.splitlines())
        return f"environments:\n{others}  one:\n    {vcs % 'one'}\n{body}\n"
    return example


@pytest.mark.parametrize("example", [body for _, body in yaml_examples()], ids=[name for name, _ in yaml_examples()])
def test_examples_of_workflow_files_are_read_without_a_problem(example: str) -> None:
    reading = read({"headwater.yml": whole(example).encode()}, lambda _: "folder")
    assert [str(problem) for problem in reading.problems] == []


def test_there_are_examples() -> None:
    assert len(yaml_examples()) > 5
    assert json_schema()


# ---- the tutorial


def comparable(page: str) -> list[str]:
    """A page without what differs from run to run: commits, times, durations, and what happened to be seen first."""
    page = re.sub(r"\b[0-9a-f]{12}\.\.[0-9a-f]{12}\b|\b[0-9a-f]{7}\b", "COMMIT", page)
    page = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", page)
    page = re.sub(r"\b(\d+ min )?\d+(\.\d)? s\b", "DURATION", page)
    page = re.sub(r" {2,}", "  ", page)
    lines = [line for line in page.splitlines() if not re.fullmatch(r"\w+: (deploying|destroying)", line)]
    found: list[str] = []
    for line in lines:
        found.append(line)
        place = len(found) - 1
        while place and all(re.match(r"\w+: planned", one) for one in found[place - 1 : place + 1]):
            if found[place - 1] > found[place]:
                found[place - 1], found[place] = found[place], found[place - 1]
            place -= 1
    return found


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/tutorial.md").read_text()
    folder = tmp_path / "home" / "infrastructure"
    folder.mkdir(parents=True)

    followed = Reader(folder).follow(page).replace(str(folder), "/home/you/infrastructure")

    assert comparable(followed) == comparable(page)


def test_the_set_up_names_every_permission_of_the_app() -> None:
    text = (ROOT / "docs" / "github-setup.md").read_text()
    rows = re.findall(r"^\| (`[a-z_`, ]+) \| (read|write) \|", text, re.M)
    told = {name: level for names, level in rows for name in re.findall("`([a-z_]+)`", names)}
    assert told == dict(manifest.PERMISSIONS)
