"""The commands as they are described: what their help says is what the parser takes."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import bot.commands
from bot.commands import GRAMMARS, VERBS
from bot.decide import gates, pull_facts
from bot.decide.comment import Argument, Command, Grammar, Mistake, Option, parse
from bot.decide.comment_grammar import REPEATED, VALUES
from bot.decide.pull_facts import PullState

every_command = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)

SAMPLES = {
    Option.ONLY: ("--only", {"only": True}),
    Option.FROM: ("--from vpc", {"from_": ("vpc",)}),
    Option.WORKFLOW: ("--workflow 'my shop'", {"workflow": "my shop"}),
    Option.VALUE: ("-v SIZE='a b'", {"given": (("SIZE", "a b"),)}),
    Option.FORGET: ("--forget SIZE", {"forget": ("SIZE",)}),
    Option.CONFIRM: ("--confirm shop", {"confirm": "shop"}),
    Option.STATE: ("--state 4b1c-9", {"state": "4b1c-9"}),
    Option.FORCE: ("--force", {"force": True}),
    Option.KILL: ("--kill", {"kill": True}),
}
ARGUMENTS = {
    Argument.NOTHING: ("", ()),
    Argument.ENVIRONMENT: ("db", ("db",)),
    Argument.ENVIRONMENTS: ("db", ("db",)),
    Argument.COMMAND: ("plan", ("plan",)),
}


def line_of(grammar: Grammar, *options: Option) -> str:
    needed = dict.fromkeys(options)
    return " ".join((f"/{grammar.verb}", ARGUMENTS[grammar.argument][0], *(SAMPLES[one][0] for one in needed)))


def read(line: str) -> Command:
    (found,) = parse(line, GRAMMARS)
    assert isinstance(found, Command), found
    return found


def refused(line: str) -> Mistake:
    (found,) = parse(line, GRAMMARS)
    assert isinstance(found, Mistake), found
    return found


def test_each_command_has_its_file_and_its_name_in_the_list() -> None:
    files = {
        path.stem for path in Path(bot.commands.__file__).parent.glob("*.py") if "VERB = Verb(" in path.read_text()
    }
    assert files == set(VERBS)
    assert all(name == verb.grammar.verb for name, verb in VERBS.items())


def test_the_commands_are_those_that_others_decide_about() -> None:
    assert set(VERBS) == {one.value for one in pull_facts.Verb}


@pytest.mark.parametrize("state", PullState)
def test_a_command_works_where_it_is_let(state: PullState) -> None:
    here = {verb for verb, grammar in GRAMMARS.items() if state in grammar.where}
    assert here == {one.value for one in gates.welcome(state)}


@every_command
def test_the_usage_shows_every_option_and_no_other(grammar: Grammar) -> None:
    shown = set(re.findall(r"(?<![\w-])--?[a-z]+", " ".join(grammar.usage)))
    assert shown == {option.value for option, _ in grammar.options}
    assert ("@SHA" in grammar.usage[0]) == grammar.commit
    assert all(line.split()[0] == f"/{grammar.verb}" for line in grammar.usage)
    assert grammar.argument.value in grammar.usage[0]
    for option, _ in grammar.options:
        if option in VALUES:
            assert f"{option} {VALUES[option]}" in " ".join(grammar.usage)


@every_command
def test_the_examples_can_be_typed(grammar: Grammar) -> None:
    assert grammar.examples
    for line, what in grammar.examples:
        assert read(line).verb == grammar.verb
        assert what
        assert not what.endswith(".")


@every_command
def test_it_can_be_typed_alone_or_says_what_it_lacks(grammar: Grammar) -> None:
    (found,) = parse(f"/{grammar.verb}", GRAMMARS)
    assert isinstance(found, Mistake if grammar.argument is Argument.ENVIRONMENT else Command)


@every_command
@pytest.mark.parametrize("option", Option)
def test_it_takes_the_options_that_it_says_and_refuses_the_others(grammar: Grammar, option: Option) -> None:
    line = line_of(grammar, option)
    if not grammar.takes(option):
        assert f"/{grammar.verb} takes no {option}" in refused(line).message
        return
    found = read(line)
    expected = {"patterns": ARGUMENTS[grammar.argument][1]}
    expected |= SAMPLES[option][1]
    defaults = Command(grammar.verb, 1, line)
    for field in fields(Command)[3:]:
        assert getattr(found, field.name) == expected.get(field.name, getattr(defaults, field.name)), field.name


@every_command
def test_an_option_comes_as_often_as_it_makes_sense(grammar: Grammar) -> None:
    for option, _ in grammar.options:
        line = f"{line_of(grammar, option)} {SAMPLES[option][0].replace('SIZE', 'OTHER')}"
        if option in REPEATED or option not in VALUES:
            read(line)
        else:
            assert refused(line).message == f"{option} is given twice"


@every_command
def test_it_takes_a_commit_only_if_it_says_so(grammar: Grammar) -> None:
    line = f"{line_of(grammar)} @4f2a91c"
    if grammar.commit:
        assert read(line).commit == "4f2a91c"
    else:
        assert "takes no @SHA" in refused(line).message


@every_command
def test_it_takes_as_many_names_as_it_says(grammar: Grammar) -> None:
    several = f"/{grammar.verb} a 'b c' d-*"
    if grammar.argument is Argument.ENVIRONMENTS:
        assert read(several).patterns == ("a", "b c", "d-*")
    else:
        refused(several)


@every_command
def test_what_is_wanted_elsewhere_is_there(grammar: Grammar) -> None:
    for one in grammar.elsewhere:
        found = refused(line_of(grammar, one.option))
        assert one.why in found.message
        assert read(found.hint).verb == one.verb
        assert GRAMMARS[one.verb].takes(one.option)


@every_command
def test_the_help_option_leads_to_its_help(grammar: Grammar) -> None:
    for line in (f"/{grammar.verb} --help", f"/{grammar.verb} -h", f"/help {grammar.verb}", f"/help /{grammar.verb}"):
        found = read(line)
        assert (found.verb, found.patterns) == ("help", (grammar.verb,))
