"""How a runner in a CI job and the bot speak: HTTPS, described in docs/openapi.yaml.

Nothing here can hold up the tool. Signs of life are sent by threads of their own; a slow answer, a cut line or a bot
that is being restarted costs time to nobody else, and is tried again.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.runner.addresses import Address
from bot.runner.failure import Stop
from bot.runner.http_client import Answer, Client, NoAnswer
from bot.runner.job import Job
from bot.runner.patience import pauses
from bot.runner.smaller import ever_smaller

CLAIM_SECONDS = 300.0
_ANSWER = 20.0  # seconds that one answer may take
_LARGE_ANSWER = 60.0
_MOST_SPEC = 64 * 1024 * 1024
_MOST_BEATS = 8
"""So many beats may be under way at once: with answers that take 20 s, a wish to stop still comes after a few."""
_SPREAD = 1.0  # seconds that a beat waits for each that has no answer yet
_LONGEST_SILENCE = 5.0

_LATER = frozenset({404, 408, 425, 429})
"""Refusals that may pass: of a proxy in front of a bot that is being restarted, too."""


class IdentityRefused(Exception):  # noqa: N818
    """The bot, or GitHub, does not accept who this job says it is; the message says why."""


class NotClaimed(Exception):  # noqa: N818
    """Nobody answered the claim, or not in a way that can be understood; nothing may be touched."""


class NotHeard(Exception):  # noqa: N818
    """The report was not taken; the message says why."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a claim gave: the attempt's own token, and what to do."""

    token: str
    spec: dict[str, Any]


class HttpChannel:
    """The runner's end of one attempt. Nothing waits for an answer but `claim` and `report`."""

    lock = -1  # nobody here can ask a lock
    keep_tool = None  # nobody here could use it

    def __init__(self, job: Job, attempt: str, key: str) -> None:
        self._job = job
        self.attempt, self._key = attempt, key
        self._place = f"{_path(job.server)}/runner/v1/attempts/{quote(attempt, safe='')}"
        self._given: _Given | None = None
        self.refusal = ""
        self._asked: Stop | None = None
        self._beats = 1  # the claim is the first
        self._guard = threading.Lock()
        self._idle: list[Client] = []
        self._under_way = 0
        self._failures = 0
        self._not_before = 0.0
        self._beats_itself = False

    @property
    def spec(self) -> bytes:
        """What to do, as `read_spec` takes it."""
        assert self._given is not None  # noqa: S101  (after a claim)
        return json.dumps(self._given.spec).encode()

    @property
    def tokens(self) -> tuple[str, ...]:
        """What must not be shown of all this."""
        if self._given is None:
            return ()
        fetch = self._given.spec.get("fetch")
        found = (self._given.token, self._job.token, fetch.get("token") if isinstance(fetch, dict) else None)
        return tuple(one for one in found if isinstance(one, str) and one)

    def claim(self, stopped: Callable[[], bool] = lambda: False, told: Callable[[str], None] = lambda _: None) -> bool:
        """Take the attempt; False if it is another's or was given up: `refusal` says which, and nothing may be touched.

        Raises IdentityRefused and NotClaimed. `told` hears why it is tried again; `stopped` ends that.
        """
        client, why, nonce = Client(self._job.server), "", os.urandom(16).hex()
        for pause in pauses(min(self._job.patience, CLAIM_SECONDS)):
            try:
                answer = client.post(
                    f"{_path(self._job.server)}/runner/v1/claim",
                    {"attempt": self.attempt, "key": self._key, "nonce": nonce},
                    self._identity(),
                    _ANSWER,
                    _MOST_SPEC,
                )
            except NoAnswer as error:
                why = str(error)
            else:
                if (claimed := self._claimed(answer)) is not None:
                    return claimed
                why = f"the bot says {answer.detail}"
                pause = max(pause, min(answer.retry_after, 60.0))  # noqa: PLW2901
            if stopped():
                break
            told(f"{why}; trying again")
            time.sleep(pause)
        raise NotClaimed(why or "there was no time to claim it")

    def _claimed(self, answer: Answer) -> bool | None:
        """Whether the attempt is ours; None where it may be asked again. Raises IdentityRefused and NotClaimed."""
        if answer.status == 409:
            self.refusal = answer.detail
            return False
        if answer.status in (401, 403):
            raise IdentityRefused(answer.detail)
        if answer.status in _LATER or answer.status >= 500:
            return None
        token, spec = answer.found.get("token"), answer.found.get("spec")
        if answer.status != 200 or not isinstance(token, str) or not isinstance(spec, dict):
            raise NotClaimed(f"the bot says {answer.detail}" if answer.status != 200 else "its answer holds no spec")
        self._given = _Given(token, spec)
        return True

    def _identity(self) -> str:
        """A fresh token by which GitHub says who this job is; it lives for minutes only. Raises NoAnswer."""
        server = self._job.id_server
        joint = "&" if "?" in server.target else "?"
        path = f"{server.target}{joint}audience={quote(self._job.url, safe='')}"
        client = Client(server)
        try:
            answer = client.call("GET", path, None, "", self._job.id_token, _ANSWER)
        finally:
            client.close()
        value = answer.found.get("value")
        if answer.status == 200 and isinstance(value, str) and value:
            return value
        if answer.status in (401, 403):
            raise IdentityRefused(f"GitHub gives this job no identity: {answer.detail}")
        raise NoAnswer(f"GitHub gave no identity: {answer.detail}")

    # while the tool runs

    def beat(self) -> None:
        """Have a sign of life sent, and return at once."""
        with self._guard:
            self._beats += 1
            if self._under_way >= _MOST_BEATS or time.monotonic() < self._not_before:
                return
            self._under_way += 1
            self._not_before = time.monotonic() + (self._under_way - 1) * _SPREAD
            client = self._idle.pop() if self._idle else Client(self._job.server)
            beat = threading.Thread(target=self._send_beat, args=(client, self._beats), daemon=True)
        beat.start()

    def _send_beat(self, client: Client, number: int) -> None:
        try:
            answer = client.post(f"{self._place}/beat", {"beats": number}, self._token, 1.5 * _ANSWER)
        except NoAnswer:
            answer = Answer(0)
        with self._guard:
            self._under_way -= 1
            self._idle.append(client)
            self._heed(answer)

    def _heed(self, answer: Answer) -> None:
        """What an answer to a beat means; a kill is never taken back, and silence of the bot means nothing at all."""
        if answer.status == 410:
            self._asked = Stop.KILL
        elif answer.status == 200:
            wanted = answer.found.get("stop")
            if wanted in (Stop.STOP.value, Stop.KILL.value) and self._asked is not Stop.KILL:
                self._asked = Stop(wanted)
        self._failures = 0 if answer.status in (200, 410) else self._failures + 1
        if self._failures:
            self._not_before = time.monotonic() + min(2.0 ** (self._failures - 1), _LONGEST_SILENCE)

    def keep_beating(self, every: float) -> None:
        """Beat from now on by itself: what is left to do (logs, the report) may take long where the bot is slow."""
        if self._beats_itself:
            return
        self._beats_itself = True

        def go_on() -> None:
            while True:
                self.beat()
                time.sleep(every)

        threading.Thread(target=go_on, daemon=True).start()

    def asked(self) -> Stop | None:
        """What the bot answered to a beat."""
        return self._asked

    # at the end

    def report(self, report: dict[str, Any]) -> None:
        """Tell how the attempt ended, again and again until that is heard. Raises NotHeard."""
        client, forms, why = Client(self._job.server), ever_smaller(report), "there was no time"
        body = next(forms)
        for pause in pauses(self._job.patience):
            try:
                answer = client.post(f"{self._place}/report", body, self._token, _LARGE_ANSWER)
            except NoAnswer as error:
                why = str(error)
            else:
                if answer.status == 200:
                    return
                why = f"the bot says {answer.detail}"
                if answer.status == 413 and (smaller := next(forms, None)) is not None:
                    body = smaller
                    continue
                if answer.status in (400, 410, 413, 422):
                    raise NotHeard(why)
                pause = max(pause, min(answer.retry_after, 60.0))  # noqa: PLW2901
            time.sleep(pause)
        raise NotHeard(why)

    def send_log(self, client: Client, offset: int, data: bytes) -> Answer:
        """Send a piece of the log. Raises NoAnswer."""
        kind = "application/octet-stream"
        return client.call("POST", f"{self._place}/log?offset={offset}", data, kind, self._token, _LARGE_ANSWER)

    def client(self) -> Client:
        """A connection of one's own to the bot, for one thread."""
        return Client(self._job.server)

    @property
    def _token(self) -> str:
        return self._given.token if self._given else ""


def _path(server: Address) -> str:
    return server.target.rstrip("/")
