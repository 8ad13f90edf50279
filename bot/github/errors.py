"""How GitHub says no, told to people. No text here ever holds a token."""

# ruff: noqa: N818  (they read as what they say)

from __future__ import annotations

from bot.errors import HeadwaterError

_GRANT = (
    "grant it in the GitHub App's settings (Permissions & events), then accept the change where the App is installed"
)


class GitHubError(HeadwaterError):
    """GitHub did not do what was asked; `status` is that of its answer, if there was one."""

    def __init__(self, what: str, mend: str = "", status: int | None = None) -> None:
        super().__init__(what, mend)
        self.status = status


class NotFound(GitHubError):
    """What was asked for is not there, or out of the App's reach: GitHub does not tell these apart."""


class Gone(NotFound):
    """What was asked for was there once (410)."""


class Unauthorized(GitHubError):
    """GitHub does not accept who we say we are, not even with a fresh token."""


class Forbidden(GitHubError):
    """The App may not do this; `permission` is what it lacks (`checks: write`) where GitHub tells."""

    def __init__(self, what: str, mend: str = "", status: int | None = None, permission: str | None = None) -> None:
        super().__init__(what, mend, status)
        self.permission = permission

    @classmethod
    def lacking(cls, permission: str, call: str, status: int) -> Forbidden:
        """The App lacks a permission that this call needs."""
        return cls(f"the GitHub App lacks the permission `{permission}` ({call})", _GRANT, status, permission)


class NotInstalled(GitHubError):
    """The App is not installed (any more) where it is needed."""


class Suspended(NotInstalled):
    """The installation was suspended; nothing of it can be reached until somebody takes that back."""


class RateLimited(GitHubError):
    """Too much was asked for. `wait` says for how many seconds nothing should be asked again.

    `secondary` tells GitHub's limit on bursts from the one on the hour. `held` is set where Headwater itself kept the
    call back, so that nothing was sent.
    """

    def __init__(
        self, what: str, wait: float, *, secondary: bool, held: bool = False, status: int | None = None
    ) -> None:
        super().__init__(what, f"it is tried again in {max(1, round(wait))} s", status)
        self.wait = wait
        self.secondary = secondary
        self.held = held


class Unreachable(GitHubError):
    """No answer came, or one that says nothing (5xx). `uncertain`: what was asked may have been done all the same.

    `wait` is set where GitHub says for how many seconds to stay away.
    """

    def __init__(
        self, what: str, *, uncertain: bool = False, status: int | None = None, wait: float | None = None
    ) -> None:
        super().__init__(
            what, "it is tried again; if this goes on, look at GitHub's status page and at the network", status
        )
        self.uncertain = uncertain
        self.wait = wait


class Refused(GitHubError):
    """GitHub takes it for wrong as it is (400, 405, 409, 413, 422); `words` are GitHub's own."""

    def __init__(self, what: str, mend: str = "", status: int | None = None, words: str = "") -> None:
        super().__init__(what, mend, status)
        self.words = words


class NotUnderstood(GitHubError):
    """An answer that is not what GitHub's documentation promises, or that leads away from GitHub."""


class NotGenuine(HeadwaterError):
    """A job's identity token that is not one: forged, expired, or made for somebody else."""
