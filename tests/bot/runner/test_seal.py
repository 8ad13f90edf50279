"""Sealed values open with their key and in their place only."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.runner.seal import SealError, seal, unseal
from tests.depth import examples

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEY = b"k" * 32


@settings(max_examples=examples(60), deadline=None)
@given(json_values, st.binary(min_size=16, max_size=40), st.text())
def test_what_was_sealed_is_opened(value: object, key: bytes, context: str) -> None:
    assert unseal(seal(value, key, context), key, context) == value


def test_each_seal_is_another_and_hides_the_value() -> None:
    first, second = seal("hush" * 40, KEY, "a"), seal("hush" * 40, KEY, "a")
    assert first != second
    assert b"hush" not in binascii.a2b_base64(first)


def test_one_altered_bit_anywhere_is_noticed() -> None:
    data = binascii.a2b_base64(seal({"a": "secret"}, KEY, "a"))
    for place in range(len(data)):
        altered = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(SealError):
            unseal(binascii.b2a_base64(altered, newline=False).decode(), KEY, "a")


@pytest.mark.parametrize(("key", "context"), [(b"x" * 32, "a"), (KEY, "b")])
def test_another_key_or_place_does_not_open(key: bytes, context: str) -> None:
    with pytest.raises(SealError):
        unseal(seal("secret", KEY, "a"), key, context)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "é"])
def test_nonsense_is_an_error_of_its_own(text: str) -> None:
    with pytest.raises(SealError):
        unseal(text, KEY, "a")
