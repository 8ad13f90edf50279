"""What stands after a verb: environments, options, a commit, held against the command's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.decide.comment_grammar import REPEATED, VALUES, Argument, Command, Grammar, Option, WrongLine
from bot.decide.comment_lookalikes import odd_character, sign_meant
from bot.decide.comment_words import Word, spelled, words_of
from planner.format.texts import shown
from planner.nearest import nearest

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE | re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_OPTION = 30


@dataclass(slots=True)
class _Given:
    """What was read so far."""

    names: list[str] = field(default_factory=list)
    values: dict[Option, list[str]] = field(default_factory=dict)
    commit: str | None = None


def command_of(bare: Command, grammar: Grammar, rest: str, grammars: Mapping[str, Grammar]) -> Command:
    """The command with all that stands after its verb. Raises `WrongLine`."""
    words = words_of(rest)
    if "help" in grammars and any(word in (Word("--help"), Word("-h")) for word in words):
        return replace(bare, verb="help", patterns=(grammar.verb,))
    given = _Given()
    queue = iter(words)
    for word in queue:
        if word.quoted:
            _take_name(given, grammar, word)
        elif (sign := sign_meant(word.text)) is not None:
            raise _looks_like(sign, word.text, _Hints(grammar, words, grammars))
        elif word.text.startswith("@"):
            _take_commit(given, grammar, word.text)
        elif word.text.startswith("-"):
            _take_option(given, grammar, word.text, queue, _Hints(grammar, words, grammars))
        else:
            _take_name(given, grammar, word)
    _check(given, grammar)
    return _filled(bare, given, grammars)


@dataclass(frozen=True, slots=True)
class _Hints:
    """Makes the line that would have been right."""

    grammar: Grammar
    words: tuple[Word, ...]
    grammars: Mapping[str, Grammar]

    def instead_of(self, wrong: str, right: str) -> str:
        """The line with one word replaced, or what stands before its `=`."""
        rest = (self._replaced(word, wrong, right) for word in self.words)
        return " ".join((f"/{self.grammar.verb}", *rest))

    def _replaced(self, word: Word, wrong: str, right: str) -> str:
        if not word.quoted and word.text == wrong:
            return right
        if not word.quoted and word.text.startswith(f"{wrong}="):
            return right + _written(word)[len(wrong) :]
        return _written(word)


def _written(word: Word) -> str:
    if word.quoted or not re.search(r"[ \t]", word.text):
        return spelled(word.text) if word.quoted else word.text
    name, _, value = word.text.partition("=")
    return f"{name}={spelled(value)}"


def _take_name(given: _Given, grammar: Grammar, word: Word) -> None:
    if not word.text:
        raise WrongLine("a name is empty")
    if grammar.argument is Argument.NOTHING:
        raise WrongLine(f"/{grammar.verb} takes no environments, and here stands {shown(word.text)}")
    given.names.append(word.text)


def _looks_like(sign: str, text: str, hints: _Hints) -> WrongLine:
    """A word that begins with what only looks like a `-` or `@`; telephones make one long dash of two short ones."""
    meant = [option.value for option in Option if option.value.lstrip("-") == text[1:]]
    message = f"{shown(text)} begins with {odd_character(text)}, not with {sign}; a name that does is quoted"
    return WrongLine(message, hints.instead_of(text, meant[0]) if meant and sign == "-" else "")


def _take_commit(given: _Given, grammar: Grammar, text: str) -> None:
    if not grammar.commit:
        raise WrongLine(f"/{grammar.verb} takes no @SHA; a name that begins with @ is quoted")
    if _COMMIT.fullmatch(text[1:]) is None:
        raise WrongLine(f"{shown(text)} is no commit: @ and 7 to 64 hexadecimal digits; a name with an @ is quoted")
    if given.commit is not None:
        raise WrongLine("two commits are named")
    given.commit = text[1:].lower()


def _take_option(given: _Given, grammar: Grammar, text: str, queue: Iterator[Word], hints: _Hints) -> None:
    name, equals, value = text.partition("=")
    try:
        option = Option(name)
    except ValueError:
        raise _unknown(grammar, name, hints) from None
    if option in VALUES:
        value = value if equals else _next_value(queue, option)
        if not value:
            raise WrongLine(f"{name} needs {VALUES[option]}")
    elif equals:
        raise WrongLine(f"{name} takes no value", hints.instead_of(text, name))
    if not grammar.takes(option):
        raise _belongs_elsewhere(grammar, option, value, hints.grammars)
    if option in VALUES and option not in REPEATED and option in given.values:
        raise WrongLine(f"{name} is given twice")
    given.values.setdefault(option, []).append(value)


def _next_value(queue: Iterator[Word], option: Option) -> str:
    word = next(queue, Word(""))
    if word.text.startswith("-") and not word.quoted:
        raise WrongLine(f"{option} needs {VALUES[option]}, and {shown(word.text)} follows; quote it if it is meant")
    return word.text


def _unknown(grammar: Grammar, name: str, hints: _Hints) -> WrongLine:
    own = [option.value for option, _ in grammar.options]
    near = nearest(name, own) if 1 < len(name) <= _LONGEST_OPTION else None
    said = f"/{grammar.verb} has no option {shown(name)}"
    if near is None:
        return WrongLine(f"{said}; a name that begins with - is quoted")
    return WrongLine(f"{said}; did you mean {near}?", hints.instead_of(name, near))


def _belongs_elsewhere(grammar: Grammar, option: Option, value: str, grammars: Mapping[str, Grammar]) -> WrongLine:
    """The command lacks this option; another one may be where it belongs."""
    said = f"/{grammar.verb} takes no {option}"
    for one in grammar.elsewhere:
        if one.option is option and one.verb in grammars:
            return WrongLine(f"{said}: {one.why}", f"/{one.verb} {option} {_value_written(value)}".rstrip())
    others = [f"/{verb}" for verb, other in grammars.items() if other.takes(option)]
    return WrongLine(f"{said}; {', '.join(others)} {'does' if len(others) == 1 else 'do'}" if others else said)


def _value_written(value: str) -> str:
    name, equals, rest = value.partition("=")
    return f"{spelled(name)}={spelled(rest)}" if equals and _NAME.fullmatch(name) else spelled(value) if value else ""


def _check(given: _Given, grammar: Grammar) -> None:
    """What belongs together is there, and what excludes each other is not."""
    names, values = given.names, given.values
    if Option.ONLY in values and Option.FROM in values:
        raise WrongLine("--only adds nothing and --from adds the downstream: give one of them")
    if Option.ONLY in values and not names:
        raise WrongLine("--only what? name the environments", f"/{grammar.verb} ENV --only")
    if grammar.argument is Argument.ENVIRONMENT and len(names) != 1:
        many = f"{len(names)} are" if names else "none is"
        raise WrongLine(f"/{grammar.verb} is about one environment, and {many} named")
    if Option.STATE in values and len(names) != 1:
        raise WrongLine("--state frees the state of one environment: name it", f"/{grammar.verb} ENV --state ID")


def _filled(bare: Command, given: _Given, grammars: Mapping[str, Grammar]) -> Command:
    values = given.values
    names = tuple(given.names)
    if grammars[bare.verb].argument is Argument.COMMAND:
        names = _asked_about(names, grammars)
    return replace(
        bare,
        patterns=names,
        only=Option.ONLY in values,
        from_=tuple(values.get(Option.FROM, ())),
        workflow=_last(values.get(Option.WORKFLOW)),
        commit=given.commit,
        given=_variables(values.get(Option.VALUE, ())),
        forget=tuple(map(_key, values.get(Option.FORGET, ()))),
        force=Option.FORCE in values,
        confirm=_last(values.get(Option.CONFIRM)),
        state=_last(values.get(Option.STATE)),
        kill=Option.KILL in values,
    )


def _last(values: Sequence[str] | None) -> str | None:
    return values[-1] if values else None


def _asked_about(names: tuple[str, ...], grammars: Mapping[str, Grammar]) -> tuple[str, ...]:
    """The one command that help is asked about; it may have its slash."""
    if not names:
        return ()
    verb = names[0].removeprefix("/").lower()
    if len(names) > 1:
        raise WrongLine("/help is about one command", f"/help {verb}" if verb in grammars else "/help")
    if verb not in grammars:
        near = nearest(verb, grammars) if len(verb) <= _LONGEST_OPTION else None
        guess = f"; did you mean {near}?" if near else ""
        raise WrongLine(f"there is no command {shown(names[0])}{guess}", f"/help {near}" if near else "/help")
    return (verb,)


def _variables(written: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals:
            raise WrongLine(f"-v {shown(name)} is not KEY=VALUE")
        if _key(name) in found:
            raise WrongLine(f"-v {name} is given twice")
        found[name] = value
    return tuple(found.items())


def _key(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise WrongLine(f"{shown(name)} is no name of a variable: letters, digits and _, no digit first")
    return name
