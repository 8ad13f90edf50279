"""The settings of the server: from the process environment, then from `settings.env` in the state folder.

All that are missing or wrong are told at once, each with its mend; a value that is a secret is never shown.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core.core_schema import ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot import setting_values as values
from bot.errors import WrongUse
from bot.github import urls
from bot.state_folder import STORE_FILE

PREFIX = "HEADWATER_"
SETTINGS_FILE = "settings.env"
_PAGE = "docs/configuration.md"
_NEAR = 0.8


class SettingsError(WrongUse):
    """Settings are missing or wrong; nothing was started."""


class LogLevel(StrEnum):
    """From which weight on things are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_state() -> Path:
    """Where the server keeps its state unless told otherwise: `headwater/` in the user's folder for data (XDG)."""
    data = os.environ.get("XDG_DATA_HOME") or ""
    return (Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share") / "headwater"


Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class StoreSettings(BaseSettings):
    """What every command of the server needs: where the state lies."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    state: Path = Field(default_factory=default_state, description="The state folder.")
    database_url: SecretStr | None = Field(None, description="The database. Replicas share one in PostgreSQL.")
    key: SecretStr | None = Field(None, description="What sensitive values are encrypted with: 32 bytes in base64.")
    log_level: LogLevel = Field(LogLevel.INFO, description="From which weight on things are logged.")

    @field_validator("state", mode="after")
    @classmethod
    def _absolute(cls, found: Path) -> Path:
        return found.expanduser().absolute()

    @field_validator("database_url", mode="after")
    @classmethod
    def _database(cls, found: SecretStr | None) -> SecretStr | None:
        if found is not None:
            values.database_url(found.get_secret_value())
        return found

    @field_validator("key", mode="after")
    @classmethod
    def _key(cls, found: SecretStr | None) -> SecretStr | None:
        if found is not None:
            values.key(found.get_secret_value())
        return found

    @property
    def database(self) -> str:
        """The address of the database, with its password: the one that was set, else SQLite in the state folder."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.state / STORE_FILE}"

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of this machine: one server alone may work on it."""
        return self.database.startswith("sqlite")

    @property
    def settings_file(self) -> Path:
        """The file in the state folder that holds settings."""
        return self.state / SETTINGS_FILE

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""
        hidden = (getattr(self, name) for name in type(self).model_fields)
        found = [one.get_secret_value() for one in hidden if isinstance(one, SecretStr)]
        return tuple(one for text in found for one in (text, *values.passwords_of(text)))


class SetupSettings(StoreSettings):
    """What `headwater setup` needs, before there is an App: where GitHub is, and where GitHub finds us."""

    github_api_url: str = Field(urls.GITHUB_API, description="GitHub's REST API.")
    public_url: str | None = Field(None, description="Where GitHub and the jobs reach this server.")

    @field_validator("github_api_url", mode="after")
    @classmethod
    def _api_url(cls, found: str) -> str:
        return values.api_url(found)

    @field_validator("public_url", mode="after")
    @classmethod
    def _public_url(cls, found: str | None) -> str | None:
        return None if found is None else values.address(found)

    @property
    def github_url(self) -> str:
        """Where people see GitHub."""
        return urls.web_url(self.github_api_url)


class Settings(SetupSettings):
    """All settings of `headwater serve`, `headwater web` and `headwater worker`. Seconds may be fractions."""

    public_url: str = Field(
        description="Where GitHub and the jobs reach this server, such as https://headwater.example.com."
    )
    github_app_id: int = Field(gt=0, description="The number of the GitHub App.")
    github_private_key_file: Path = Field(description="The file with the App's private key (PEM).")
    webhook_secret: SecretStr = Field(description="What GitHub signs webhooks with.")
    oidc_issuer: str = Field("", validate_default=True, description="Who signs the identity of jobs.")

    metrics_host: str = Field("127.0.0.1", min_length=1, description="Where metrics are served.")
    metrics_port: int = Field(9464, ge=0, le=65_535, description="The port of the metrics; 0: none.")
    workers: int = Field(4, ge=1, le=64, description="How many threads work on what has come.")
    jobs: int = Field(20, ge=1, le=500, description="How many jobs of one repository may run at once.")
    local_repositories: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Repositories whose environments run on this machine itself, not in their CI."
    )
    keep_days: float = Field(
        30, ge=4, le=3650, description="How many days webhooks, logs and the texts of plans are kept."
    )
    keep_history_days: float = Field(
        365, ge=4, le=36_500, validate_default=True, description="How many days what has ended is kept."
    )
    keep_mirrors_days: float = Field(
        30, ge=1, le=3650, description="How many days the mirror of a repository is kept that nobody uses."
    )

    beat_seconds: Seconds = Field(10, description="How often a job says that it lives.")
    silence_seconds: Seconds = Field(120, description="After how long a silence a job is taken for lost.")
    claim_seconds: Seconds = Field(60, description="How long a dispatched job may be unseen before it is looked up.")
    gather_seconds: float = Field(0.3, ge=0, le=60, description="How long ready tasks are gathered for one dispatch.")
    judge_seconds: Seconds = Field(
        60, description="For how long it is believed that who gave a command still may, and that its reviews are there."
    )
    edit_seconds: Seconds = Field(2, description="How far apart the edits of one comment are, at least.")
    edits_a_minute: int = Field(10, ge=1, le=1000, description="How often one comment is edited in a minute, at most.")
    poll_seconds: Seconds = Field(1, description="How often workers look for work when nothing wakes them.")
    sweep_seconds: Seconds = Field(300, description="How often what webhooks may have missed is looked for.")
    stop_seconds: Seconds = Field(20, description="How long work in hand may take to end when the server is stopped.")

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _port(cls, found: object) -> object:
        return values.port(found)

    @field_validator("github_private_key_file", mode="after")
    @classmethod
    def _private_key_file(cls, found: Path) -> Path:
        return values.private_key_file(found)

    @field_validator("webhook_secret", mode="after")
    @classmethod
    def _webhook_secret(cls, found: SecretStr) -> SecretStr:
        values.webhook_secret(found.get_secret_value())
        return found

    @field_validator("oidc_issuer", mode="after")
    @classmethod
    def _issuer(cls, found: str, info: ValidationInfo) -> str:
        api = info.data.get("github_api_url")
        return values.address(found) if found else urls.oidc_issuer(api) if api else ""

    @field_validator("local_repositories", mode="before")
    @classmethod
    def _local_repositories(cls, found: object) -> object:
        return values.repositories(found) if isinstance(found, str) else found

    @field_validator("silence_seconds", mode="after")
    @classmethod
    def _silence(cls, found: float, info: ValidationInfo) -> float:
        beat = info.data.get("beat_seconds")
        if beat is not None and found < 3 * beat:
            raise ValueError(f"must be at least three beats ({PREFIX}BEAT_SECONDS is {beat:g}): one beat may be late")
        return found

    @field_validator("keep_history_days", mode="after")
    @classmethod
    def _history(cls, found: float, info: ValidationInfo) -> float:
        webhooks = info.data.get("keep_days")
        if webhooks is not None and found < webhooks:
            raise ValueError(f"must be at least {PREFIX}KEEP_DAYS, which is {webhooks:g}: logs belong to what is kept")
        return found

    @cached_property
    def private_key(self) -> str:
        """The App's private key, as PEM."""
        return self.github_private_key_file.read_text()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""
        return (*super().secrets, self.private_key.strip())

    def runs_here(self, full_name: str) -> bool:
        """Whether the operator lets the environments of this repository run on the server's own machine."""
        return full_name.lower() in self.local_repositories


Some = TypeVar("Some", bound=StoreSettings)


def load(kind: type[Some], *, state: Path | None = None, database: str | None = None) -> Some:
    """The settings; `state` and `database` are what the command line says. Raises SettingsError that tells all."""
    chosen = state or Path(os.environ.get(f"{PREFIX}STATE") or default_state())
    file = chosen.expanduser().absolute() / SETTINGS_FILE
    given: dict[str, Any] = {"state": chosen, **({"database_url": database} if database else {})}
    problems = list(_of_file(file))
    try:
        found = kind(_env_file=None if problems else file, **given)  # type: ignore[call-arg]
    except ValidationError as error:
        problems += _of_values(kind, error)
    else:
        if not problems:
            return found
    many = f"{len(problems)} settings are" if len(problems) > 1 else "a setting is"
    where = f"settings are read from the process environment, then from {file}; {_PAGE} lists them"
    raise SettingsError(f"{many} missing or wrong: nothing was started", "\n".join([*problems, where])) from None


def names(kind: type[StoreSettings]) -> list[str]:
    """The names of the settings, as they stand in the process environment."""
    return [f"{PREFIX}{field.upper()}" for field in kind.model_fields]


def _of_file(file: Path) -> Iterator[str]:
    """What is wrong with the settings file as a whole, and with the names in it."""
    try:
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            lines = list(parse_stream(stream))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        yield f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        return
    if mode & stat.S_IROTH:
        yield f"{file} holds secrets and can be read by every user of this machine: chmod 600 {file}"
    for line in lines:
        if line.error:
            yield f"{file}:{line.original.line}: is not NAME=VALUE"
        elif line.key == f"{PREFIX}STATE":
            yield f"{file}:{line.original.line}: {line.key} cannot stand in this file: it says where the file lies"
        elif line.key is not None and line.key not in names(Settings):
            yield f"{file}:{line.original.line}: there is no setting {line.key}{_perhaps(line.key, names(Settings))}"


def _of_values(kind: type[StoreSettings], error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False, include_input=False):
        field = str(one["loc"][0])
        name = f"{PREFIX}{field.upper()}"
        if one["type"] == "missing":
            yield f"{name} is missing: {_mend(kind, field)}{_mistyped(name, os.environ)}"
        else:
            yield f"{name}: {values.in_our_words(str(one['msg']))}"


def _mend(kind: type[StoreSettings], field: str) -> str:
    about = (kind.model_fields[field].description or "").rstrip(".")
    about = about[:1].lower() + about[1:]
    return about if field == "public_url" else f"{about}; 'headwater setup' makes an App and keeps it"


def _mistyped(name: str, environment: Mapping[str, str]) -> str:
    """What is set under a name that looks like this one and is no setting."""
    others = [one for one in environment if one.startswith(PREFIX) and one not in names(Settings)]
    near = difflib.get_close_matches(name, others, n=1, cutoff=_NEAR)
    return f" ({near[0]} is set: did you mean that?)" if near else ""


def _perhaps(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
    return f": did you mean {near[0]}?" if near else ""
