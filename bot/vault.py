"""Encryption of what must not lie about readable: sensitive values, kept values, keys of attempts."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import StoreError
from bot.runner.files import create
from planner.definition import Json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Vault:
    """Seals and opens JSON values with AES-256-GCM under one key.

    The key is `given` (base64 of 32 bytes), else the file, which is made on first use with mode 0600.
    """

    def __init__(self, file: Path, given: str | None = None) -> None:
        self.file = file
        self._given = given

    def seal(self, value: Json) -> bytes:
        """The value as ciphertext; the same value gives another one each time."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(value).encode(), None)

    def open(self, sealed: bytes) -> Json:
        """The value that was sealed. Raises StoreError where the key is another one."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 (slow to import, and seldom needed)

        try:
            value: Json = json.loads(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None))
        except (InvalidTag, ValueError) as error:  # ValueError: too short to have been sealed
            raise StoreError(
                f"a stored value cannot be decrypted with the key in {self._source}",
                "bring back the key that the database was written with",
            ) from error
        return value

    def token(self, context: str) -> str:
        """A secret that only this key gives, for this context; the same each time."""
        own_key = hmac.digest(self._key(), b"headwater vault: tokens", "sha256")
        return hmac.digest(own_key, context.encode(), "sha256").hex()

    @property
    def _source(self) -> str:
        return "HEADWATER_KEY" if self._given else str(self.file)

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._key())

    def _key(self) -> bytes:
        text = self._given or self._from_file()
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise StoreError(f"the key in {self._source} is not base64", "it must be 32 bytes in base64") from error
        if len(key) != 32:
            raise StoreError(f"the key in {self._source} has {len(key)} bytes", "it must be 32 bytes in base64")
        return key

    def _from_file(self) -> str:
        """The key of the file; whoever comes first makes it."""
        if not self.file.exists():
            create(self.file, base64.b64encode(os.urandom(32)))
        return self.file.read_text().strip()
