"""Which value a variable has, where it comes from, and how it reaches a tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from planner.definition import Environment, Json, Variable, Workflow
from planner.format.texts import unprintable
from planner.outputs import MissingOutput, environment_text, value_with_outputs
from planner.problems import DefinitionError, PlannerError, Problem

__all__ = [
    "Effective",
    "MissingOutput",
    "Origin",
    "UndefinedVariable",
    "effective_variables",
    "environment_text",
    "interpolate",
    "plain_texts",
    "refused_name",
    "resolve",
    "value_with_outputs",
]

SHORTEST_SENSITIVE = 6
"""A sensitive value of fewer characters cannot be redacted without tearing ordinary text."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# What steers the tools, git, a shell, the dynamic linker, an interpreter or the CI instead of the stack itself.
REFUSED_NAMES = frozenset(
    (
        *("PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "CDPATH", "GLOBIGNORE"),
        *("PROMPT_COMMAND", "PS4", "PWD", "OLDPWD", "TMPDIR", "GCONV_PATH", "LOCPATH", "NLSPATH", "HOSTALIASES"),
        *("RES_OPTIONS", "NODE_OPTIONS", "NODE_PATH", "PERL5OPT", "PERL5LIB", "PERL5DB", "RUBYOPT", "RUBYLIB"),
        *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "GODEBUG", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("SSH_ASKPASS", "GITHUB_TOKEN", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE"),
        *("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "TERRAFORM_CONFIG"),
    )
)
REFUSED_PREFIXES = (
    *("TF_", "TERRAGRUNT_", "TG_", "LD_", "DYLD_", "GIT_", "PYTHON", "BASH_FUNC_", "MALLOC_", "XDG_"),
    *("HEADWATER_", "ACTIONS_", "RUNNER_"),
)
ALLOWED_PREFIXES = ("TF_VAR_", "TF_TOKEN_")  # a stack's own inputs, and credentials of its registries
ALLOWED_NAMES = frozenset({"TF_HTTP_USERNAME", "TF_HTTP_PASSWORD"})  # credentials of the http backend


def refused_name(name: str) -> str | None:
    """Why a variable may not have this name, as the end of a sentence; None when it may."""
    if _IDENTIFIER.fullmatch(name) is None:
        return "is not a name of letters, digits and _ that begins with no digit"
    if name in ALLOWED_NAMES or name.startswith(ALLOWED_PREFIXES):
        return None
    if name in REFUSED_NAMES or name.startswith(REFUSED_PREFIXES):
        return "steers the tool that Headwater runs, not your stack: use another name"
    return None


class Origin(StrEnum):
    """Where a value comes from, strongest first."""

    GIVEN = "given (-v)"
    KEPT_ENVIRONMENT = "kept (environment)"
    KEPT_WORKFLOW = "kept (workflow)"
    ENVIRONMENT = "environment"
    WORKFLOW = "workflow"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class Effective:
    """A variable as it reaches an environment; `overrides` are the weaker origins that also have it."""

    variable: Variable
    origin: Origin
    overrides: tuple[Origin, ...] = ()


def effective_variables(
    workflow: Workflow,
    environment: Environment,
    kept_workflow: Mapping[str, Json] | None = None,
    kept_environment: Mapping[str, Json] | None = None,
    given: Mapping[str, Json] | None = None,
) -> tuple[Effective, ...]:
    """What reaches an environment, by name. The strongest origin of a name wins.

    A given or kept value of a variable that a file calls sensitive stays sensitive.
    """
    layers: list[tuple[Origin, dict[str, Variable]]] = [
        (Origin.ENVIRONMENT, {one.name: one for one in environment.variables}),
        (Origin.WORKFLOW, {one.name: one for one in workflow.variables if one.place.file == workflow.file}),
        (Origin.REPOSITORY, {one.name: one for one in workflow.variables if one.place.file != workflow.file}),
    ]
    from_files = {name: one for _, layer in reversed(layers) for name, one in layer.items()}
    sensitive = {name for _, layer in layers for name, one in layer.items() if one.sensitive}
    typed = (
        (Origin.GIVEN, given),
        (Origin.KEPT_ENVIRONMENT, kept_environment),
        (Origin.KEPT_WORKFLOW, kept_workflow),
    )
    layers = [
        (
            origin,
            {
                name: _with_value(from_files.get(name), name, value, environment, sensitive=name in sensitive)
                for name, value in (values or {}).items()
            },
        )
        for origin, values in typed
    ] + layers
    names = sorted({name for _, layer in layers for name in layer})
    return tuple(_strongest(name, layers) for name in names)


def _with_value(
    declared: Variable | None, name: str, value: Json, environment: Environment, *, sensitive: bool
) -> Variable:
    """A variable with a value that a person gave: taken as it is, without references."""
    if declared is None:
        return Variable(name, environment.place, value, sensitive=sensitive)
    return replace(declared, value=value, sensitive=sensitive, from_secret=None, references=())


def _strongest(name: str, layers: list[tuple[Origin, dict[str, Variable]]]) -> Effective:
    holders = [(origin, layer[name]) for origin, layer in layers if name in layer]
    (origin, variable), *weaker = holders
    return Effective(variable, origin, tuple(other for other, _ in weaker))


def plain_texts(effective: tuple[Effective, ...]) -> dict[str, str]:
    """The values that `${VAR}` may take in a definition: neither sensitive, nor known only after a deploy."""
    return {
        one.variable.name: environment_text(one.variable.value)
        for one in effective
        if not one.variable.sensitive and one.variable.from_secret is None and not one.variable.references
    }


class UndefinedVariable(PlannerError):  # noqa: N818 - what is wrong, in the words of the design
    """A definition uses `${name}`, and nothing gives it a value."""

    def __init__(self, name: str, where: str = "") -> None:
        self.name = name
        super().__init__(
            f"{where}${{{name}}} has no value: add {name} under `variables`, give it with -v {name}=VALUE, "
            f"or write $${{{name}}} for the text itself"
        )


_INTERPOLATION = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """The text with every `${VAR}` replaced by its value, once; `$${` stands for a literal `${`.

    Raises UndefinedVariable for a name without a value.
    """
    if "${" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name not in values:
            raise UndefinedVariable(name)
        return values[name]

    return _INTERPOLATION.sub(value, text)


_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def truth(text: str) -> bool | None:
    """What a text says of `disabled`; None when it says neither yes nor no."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
WORKSPACE_RULE = "write up to 100 letters, digits, dots, _ and -, the first of them a letter or digit"


def resolve(environment: Environment, values: Mapping[str, str]) -> Environment:
    """The environment with `name`, `workspace`, `revision` and `disabled` filled in; `disabled` becomes a bool.

    Raises UndefinedVariable; DefinitionError when `disabled` is neither true nor false, or when what comes out may
    not reach a command line.
    """

    def filled(key: str, text: str) -> str:
        try:
            found = interpolate(text, values)
        except UndefinedVariable as error:
            raise UndefinedVariable(error.name, f"{environment.place}: `{key}` of {environment.alias!r}: ") from None
        if found.startswith("-") or unprintable(found):
            raise _unfit(environment, key, found, "it may neither begin with - nor hold control characters")
        if key == "workspace" and found and _WORKSPACE.fullmatch(found) is None:
            raise _unfit(environment, key, found, WORKSPACE_RULE)
        return found

    is_named_by_alias = environment.name == environment.alias  # an alias may hold ${ without meaning a variable
    return replace(
        environment,
        name=environment.name if is_named_by_alias else filled("name", environment.name),
        workspace=None if environment.workspace is None else filled("workspace", environment.workspace) or None,
        revision=None if environment.revision is None else filled("revision", environment.revision) or None,
        disabled=_disabled(environment, filled),
    )


def _disabled(environment: Environment, filled: Callable[[str, str], str]) -> bool:
    if isinstance(environment.disabled, bool):
        return environment.disabled
    text = filled("disabled", environment.disabled)
    answer = truth(text)
    if answer is None:
        raise _unfit(environment, "disabled", text, "it must come to true or false")
    return answer


def _unfit(environment: Environment, key: str, text: str, rule: str) -> DefinitionError:
    return DefinitionError([Problem(environment.place, f"`{key}` of {environment.alias!r} comes to {text!r}: {rule}")])
