"""Headwater's GitHub App: where it is installed, its tokens, its webhook's log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property

from bot.github.answers import json_of, not_installed, seconds_until
from bot.github.areas.area import Area
from bot.github.calls import PAGE, Call, Caller, Line, part
from bot.github.data import NEEDED, AppData, DeliveryData, InstallationData, ManifestData, RepositoryData, Token
from bot.github.errors import NotFound, NotUnderstood
from bot.github.identities import AsApp, AsInstallation, Nobody, Scope, Tokens, private_key
from bot.github.limits import Limits, Priority
from bot.github.reading import Shape, delivery_of, installation_of, missing, repository_of
from bot.github.repository_client import RepositoryClient

SECONDS = 20.0
"""GitHub itself gives up on a request after 10 s."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class App:
    """A GitHub App; threads may share it. Every call raises GitHubError.

    `timeout` is for how many seconds one call may take, `clock` tells the wall clock's time.
    """

    def __init__(
        self, app_id: int, private_key_pem: str, api_url: str, *, timeout: float = SECONDS,
        clock: Callable[[], float] = time.time, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        """Raises HeadwaterError for a key that is none; nothing is asked of GitHub yet."""
        self.api_url = api_url
        self.limits = limits or Limits()
        self._line = Line(api_url, timeout=timeout, limits=self.limits, now=clock)
        self._caller = Caller(self._line, AsApp(app_id, private_key(private_key_pem), clock))
        self._tokens = Tokens(self._new_token)

    def close(self) -> None:
        """Close idle connections."""
        self._line.close()

    @cached_property
    def slug(self) -> str:
        """The App's name in addresses, asked for once."""
        found = Shape(self._caller.get("/app")).text("slug")
        if not found:
            raise NotUnderstood("GitHub does not tell the App's slug", "look whether the address of the API is right")
        return found

    def itself(self) -> AppData:
        """What the App's settings are. Raises Unauthorized or NotFound where GitHub knows none by this id and key."""
        one = Shape(self._caller.get("/app"))
        events = tuple(each.text() for each in one.items("events"))
        try:
            url = Shape(self._caller.get("/app/hook/config")).text("url")
        except NotFound:
            url = ""
        return AppData(one.text("slug"), one.texts("permissions"), events, url)

    @property
    def login(self) -> str:
        """Whose name stands over what the App writes: `slug[bot]`."""
        return f"{self.slug}[bot]"

    def installations(self) -> tuple[InstallationData, ...]:
        """Everywhere it is installed."""
        return tuple(installation_of(one) for one in self._caller.pages("/app/installations"))

    def installation(self, installation: int) -> InstallationData:
        """One installation. Raises NotInstalled."""
        try:
            return installation_of(self._caller.get(f"/app/installations/{installation}"))
        except NotFound as error:
            raise not_installed(f"any account as installation {installation}", error.status) from None

    def installation_of(self, full_name: str) -> InstallationData:
        """The installation that reaches a repository. Raises NotInstalled."""
        Area(self._caller, full_name)
        try:
            return installation_of(self._caller.get(f"/repos/{full_name}/installation"))
        except NotFound as error:
            raise not_installed(full_name, error.status) from None

    def repositories(self, installation: int) -> tuple[RepositoryData, ...]:
        """All repositories that an installation reaches."""
        caller = self._caller_of(installation, Priority.SWEEP)
        return tuple(repository_of(one) for one in caller.pages("/installation/repositories", "repositories"))

    def client(
        self, installation: int, full_name: str, priority: Priority = Priority.COMMAND
    ) -> RepositoryClient:  # fmt: skip
        """What can be asked of one repository. Raises NotFound for what is no `OWNER/NAME`."""
        return RepositoryClient(self._caller_of(installation, priority, full_name), full_name)

    def _caller_of(self, installation: int, priority: Priority, of: str = "") -> Caller:
        return Caller(self._line, AsInstallation(self._tokens, Scope(installation)), priority, of)

    def permissions(self, installation: int) -> Mapping[str, str]:
        """What an installation allows the App: `{"checks": "write", …}`."""
        return self.installation(installation).permissions

    def missing_permissions(self, installation: int) -> tuple[str, ...]:
        """Which of the permissions that Headwater needs an installation lacks, as `checks: write`."""
        return missing_permissions(self.installation(installation))

    # tokens

    def token(
        self, installation: int, *, repository_ids: tuple[int, ...] | None = None,
        permissions: Mapping[str, str] | None = None, instead_of: str | None = None,
    ) -> Token:  # fmt: skip
        """A token of an installation that lives for some minutes yet; for fewer repositories or permissions at will.

        `instead_of`: one that GitHub did not accept any more. Raises NotInstalled or Suspended.
        """
        scope = Scope.of(installation, repository_ids, permissions)
        if instead_of is not None:
            self._tokens.drop(scope, instead_of)
        return self._tokens.get(scope)

    def _new_token(self, scope: Scope) -> tuple[Token, float]:
        body: dict[str, object] = {}
        if scope.repositories is not None:
            body["repository_ids"] = list(scope.repositories)
        if scope.permissions is not None:
            body["permissions"] = dict(scope.permissions)
        call = Call("POST", f"/app/installations/{scope.installation}/access_tokens", body=body)
        try:
            answer = self._caller.answer(call)
        except NotFound as error:
            raise not_installed(f"any account as installation {scope.installation}", error.status) from None
        told = Shape(json_of(answer, str(call)))
        expires = _moment(told.text("expires_at"))
        if not told.text("token") or expires == _LONG_AGO:
            raise NotUnderstood("GitHub's answer holds no token", "look whether the address of the API is right")
        return Token(told.text("token"), expires), seconds_until(expires, answer, self._line.now())

    # the webhook's log

    def deliveries(self, since: str | None = None) -> tuple[DeliveryData, ...]:
        """The webhooks that GitHub sent, newest first; with `since` (as `delivered_at`) those from that time on."""
        caller, found = self._caller.at(Priority.SWEEP), []
        begin = _LONG_AGO if since is None else _moment(since).replace(microsecond=0)
        for json in caller.pages("/app/hook/deliveries"):
            one = delivery_of(json)
            if _moment(one.delivered_at) < begin:
                break
            found.append(one)
        return tuple(found)

    def newest_deliveries(self, since: str) -> tuple[DeliveryData, ...]:
        """The newest webhooks of the log, newest first: so many that there is one which we took, if there was any."""
        begin, found = _moment(since), []
        for json in self._caller.pages("/app/hook/deliveries"):
            one = delivery_of(json)
            if _moment(one.delivered_at) < begin:
                break
            found.append(one)
            if len(found) % PAGE == 0 and not all(each.failed for each in found):
                break
        return tuple(found)

    def redeliver(self, delivery: int) -> None:
        """Have GitHub send a webhook once more, with the same `X-GitHub-Delivery`."""
        self._caller.at(Priority.SWEEP).write("POST", f"/app/hook/deliveries/{delivery}/attempts")

    # set-up

    @staticmethod
    def from_manifest_code(code: str, api_url: str, *, timeout: float = SECONDS) -> ManifestData:
        """The App that GitHub made of a manifest, for the code that it sent the browser back with. Works once."""
        line = Line(api_url, timeout=timeout, limits=Limits())
        path, told = f"/app-manifests/{part(code)}/conversions", "the conversion of the App manifest"
        try:
            found = Caller(line, Nobody()).answer(Call("POST", path, body={}, told=told))
        finally:
            line.close()
        one = Shape(json_of(found, told))
        return ManifestData(
            one.id("id"), one.text("slug"), one.text("name"), one.text("owner", "login"), one.text("html_url"),
            one.text("pem"), one.text("webhook_secret"),
        )  # fmt: skip


def missing_permissions(installation: InstallationData) -> tuple[str, ...]:
    """Which of the permissions that Headwater needs an installation lacks, as `checks: write`.

    `members` is a permission of organizations: an installation on a person's account cannot have it.
    """
    needed = [
        (name, level) for name, level in NEEDED.items() if name != "members" or installation.account_type != "User"
    ]
    return missing(needed, dict(installation.permissions))


def lacking_words(installation: InstallationData) -> str:
    """What an installation has not accepted of what Headwater needs, and where that is done; "" if it has all."""
    lacking, account = missing_permissions(installation), installation.account
    mend = f"an owner of {account} accepts what it asks for at `{installation.html_url}`"
    return f"the App lacks {', '.join(lacking)} in {account}: {mend}" if lacking else ""


def _moment(iso: str) -> datetime:
    """A time of GitHub's (or ours) to compare with; what cannot be read is as old as can be."""
    try:
        found = datetime.fromisoformat(iso)
    except ValueError:
        return _LONG_AGO
    return found if found.tzinfo else found.replace(tzinfo=UTC)
