"""Keeps sensitive outputs unreadable while they wait in a report, with the standard library alone.

HMAC-SHA256 in counter mode as the key stream, then an HMAC over everything (encrypt-then-MAC), each under its own key
derived from the one given; a random nonce makes each seal another. `context` is bound to it: a seal that is moved to
another attempt or another output does not open.
"""

from __future__ import annotations

import binascii
import hmac
import json
import os

_NONCE = 16
_TAG = 32


class SealError(Exception):
    """The sealed text was altered, moved, or made under another key."""


def seal(value: object, key: bytes, context: str) -> str:
    """The JSON of `value`, encrypted and authenticated, as text."""
    nonce = os.urandom(_NONCE)
    hidden = nonce + _stream_over(json.dumps(value).encode(), key, nonce)
    return binascii.b2a_base64(hidden + _tag(hidden, key, context), newline=False).decode()


def unseal(sealed: str, key: bytes, context: str) -> object:
    """What `seal` was given; raises SealError if a single bit differs."""
    try:
        data = binascii.a2b_base64(sealed, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise SealError("a sealed output is not base64") from error
    hidden, tag = data[:-_TAG], data[-_TAG:]
    if len(data) < _NONCE + _TAG or not hmac.compare_digest(tag, _tag(hidden, key, context)):
        raise SealError("a sealed output was altered or belongs to another attempt")
    return json.loads(_stream_over(hidden[_NONCE:], key, hidden[:_NONCE]))


def _stream_over(data: bytes, key: bytes, nonce: bytes) -> bytes:
    own_key = hmac.digest(key, b"headwater seal: encrypt", "sha256")
    blocks = range((len(data) + 31) // 32)
    stream = b"".join(hmac.digest(own_key, nonce + block.to_bytes(8, "big"), "sha256") for block in blocks)
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


def _tag(hidden: bytes, key: bytes, context: str) -> bytes:
    own_key = hmac.digest(key, b"headwater seal: authenticate", "sha256")
    name = context.encode("utf-8", "surrogatepass")
    return hmac.digest(own_key, len(name).to_bytes(8, "big") + name + hidden, "sha256")
