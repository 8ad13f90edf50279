"""The process environment that a tool gets: that of the runner without what steers it, and the variables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.runner.failure import RunnerError
from bot.runner.redact import SHORTEST
from bot.runner.spec import Json, Variable

_DROPPED = ("ACTIONS_", "HEADWATER_", "GIT_", "TF_")
COMMAND_FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
"""Files that GitHub reads when a step has ended: what a tool writes there would steer the steps after it."""
_DROPPED_NAMES = frozenset({"GITHUB_TOKEN", "GH_TOKEN", *COMMAND_FILES})
_KEPT = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "TF_ENCRYPTION", "TF_PLUGIN_TIMEOUT"})
_KEPT_PREFIXES = ("TF_TOKEN_", "TF_REGISTRY_", "TF_HTTP_")
CORRELATION = "HEADWATER_CORRELATION_ID"
_ALWAYS = {"GIT_TERMINAL_PROMPT": "0"}


def tool_environment(outer: Mapping[str, str], variables: Iterable[Variable], correlation: str = "") -> dict[str, str]:
    """What every tool gets: no token of the job or of ours, nothing that steers git or Terraform from outside.

    `correlation` reaches it as HEADWATER_CORRELATION_ID, so that what it logs elsewhere can be found.
    """
    inner = {name: value for name, value in outer.items() if not _is_dropped(name, value)} | _ALWAYS
    for variable in variables:
        inner[variable.name] = _checked(variable)
    return inner | {CORRELATION: correlation} if correlation else inner


def terraform_variables(variables: Iterable[Variable]) -> dict[str, str]:
    """The variables once more as `TF_VAR_<name>`; null leaves Terraform its default."""
    return {f"TF_VAR_{one.name}": _terraform_text(one) for one in variables if one.value is not None}


def git_environment(outer: Mapping[str, str]) -> dict[str, str]:
    """What our own git calls get: no configuration of this user or machine (filters, hooks), no network, no prompt."""
    inner = {name: value for name, value in outer.items() if not name.startswith(("ACTIONS_", "GIT_", "HEADWATER_"))}
    return inner | {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",
        "LC_ALL": "C",
    }


def fetch_environment(outer: Mapping[str, str], protocol: str, settings: Mapping[str, str]) -> dict[str, str]:
    """What our own `git fetch` gets: one protocol, and settings that nothing but its environment holds: a token."""
    inner = git_environment(outer) | {name: outer[name] for name in _KEPT if name in outer and name.startswith("GIT_")}
    inner |= {"GIT_ALLOW_PROTOCOL": protocol, "GIT_ASKPASS": "", "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        inner |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return inner


def _is_dropped(name: str, value: str) -> bool:
    if name == "TF_CLI_CONFIG_FILE":
        return not Path(value).is_file()  # a missing one only makes Terraform warn on each call
    if name in _KEPT or name.startswith(_KEPT_PREFIXES):
        return False
    return name in _DROPPED_NAMES or name.startswith(_DROPPED)


def _checked(variable: Variable) -> str:
    if variable.from_secret is not None:
        raise RunnerError(
            f"The secret {variable.from_secret} of the variable {variable.name} is known to CI jobs only."
        )
    text = variable.text
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RunnerError(f"The value of the variable {variable.name} holds a character that no process can be given.")
    hidden = variable.sensitive and not isinstance(variable.value, bool)
    if hidden and 0 < len(text) < SHORTEST:
        raise RunnerError(
            f"The sensitive value of {variable.name} has fewer than {SHORTEST} characters: it cannot be kept out of "
            "logs. Give a longer one, or do not call it sensitive."
        )
    return text


def _terraform_text(variable: Variable) -> str:
    """Terraform reads a list or map as an expression, in which `${` would begin a template."""
    if isinstance(variable.value, dict | list):
        return json.dumps(_escaped(variable.value), separators=(",", ":"), ensure_ascii=False)
    return variable.text


def _escaped(value: Json) -> Json:
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {str(_escaped(name)): _escaped(one) for name, one in value.items()}
    return value
