"""Answers that are asked for again with their ETag: where nothing changed, GitHub says 304, which costs nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict

from bot.github.wire import Answer

MOST_BYTES = 8 * 1024 * 1024
_LARGEST = 512 * 1024
_HEADERS = ("etag", "link", "content-type")


class Kept:
    """The newest answers with an ETag, up to so many bytes in all; threads may share it."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[object, ...], Answer] = OrderedDict()
        self._size = 0

    def get(self, key: tuple[object, ...]) -> Answer | None:
        """What was answered last."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def keep(self, key: tuple[object, ...], answer: Answer) -> None:
        """Keep an answer in the place of an older one, if it is a good one with an ETag."""
        with self._lock:
            old = self._answers.pop(key, None)
            self._size -= len(old.body) if old else 0
            if answer.status != 200 or not answer["etag"] or len(answer.body) > _LARGEST:
                return
            headers = {name: answer[name] for name in _HEADERS if answer[name]}
            self._answers[key] = Answer(answer.status, headers, answer.body)
            self._size += len(answer.body)
            while self._size > self._most:
                _, dropped = self._answers.popitem(last=False)
                self._size -= len(dropped.body)
