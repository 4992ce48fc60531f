"""The cipher and the signature (H11)."""

import base64
from contextlib import suppress

import pytest
from django.test import RequestFactory
from hypothesis import given, strategies as st

from tests.callback.pushes import (
    AES_KEY,
    APPID,
    PATH,
    TOKEN,
    Push,
    encrypted,
    event,
    push,
    signature as by_hand,
)
from tests.conftest import examples
from tests.tables import each
from wx_static_store.callback import crypto, safe_xml, views
from wx_static_store.callback.refusals import Refusal
from wx_static_store.core.secrets import Secret

KEY = Secret(AES_KEY)
KEYS = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", min_size=43, max_size=43
)
TEXTS = st.text(min_size=1, max_size=4096)  # of up to four bytes each


@given(TEXTS, st.text(max_size=64), KEYS)
def test_an_encrypted_message_is_decrypted(xml: str, appid: str, key: str) -> None:
    sealed = encrypted(xml, appid, key)
    assert crypto.decrypt(sealed, [KEY, Secret(key)], appid) == xml.encode()


@each("length", [1, 10, 11, 12, 4096, 16 * 1024])
def test_a_message_of_any_length_is_decrypted(length: int) -> None:
    assert crypto.decrypt(encrypted("a" * length), [KEY], APPID) == b"a" * length


@given(st.binary(max_size=400) | st.integers(0, 12).map(lambda n: b"\x07" * 32 * n))
def test_any_ciphertext_is_decrypted_or_refused(blocks: bytes) -> None:
    message, reason = opened(base64.b64encode(blocks).decode())
    whole = bool(blocks) and len(blocks) % 32 == 0
    assert message or reason in ({"padding", "length", "appid"} if whole else {"block"})


@given(st.text())
def test_any_base64_text_is_decrypted_or_refused(text: str) -> None:
    message, reason = opened(text)
    assert message or reason in {"base64", "block", "padding", "length", "appid"}


def opened(text: str) -> tuple[bytes, str]:
    """Return the message, or the reason of the refusal; no other exception is expected."""
    try:
        return crypto.decrypt(text, [KEY], APPID), ""
    except Refusal as refusal:
        return b"", refusal.reason


@given(st.binary(max_size=300) | st.text("<>/?!&;ax ='[]-CDAT").map(str.encode))
def test_any_xml_document_is_read_or_refused(document: bytes) -> None:
    with suppress(Refusal):
        assert isinstance(safe_xml.read(b"<xml>" + document + b"</xml>"), dict)


@given(st.lists(st.text("0123456789abcdef", max_size=20), min_size=3, max_size=3))
def test_the_signature_is_that_of_the_documents(parts: list[str]) -> None:
    assert crypto.signature(Secret(TOKEN), *parts) == by_hand(TOKEN, *parts)


@pytest.fixture(scope="module")
def genuine() -> Push:
    return push(event("authorized"))  # which needs no database


def status_of(sent: Push) -> int:
    request = RequestFactory().post(PATH, sent.body, content_type="text/xml")
    request.META["QUERY_STRING"] = sent.query
    return views.receive(request).status_code


def changed(raw: bytes, position: int, byte: int) -> bytes:
    return raw[:position] + bytes([byte]) + raw[position + 1 :]


@examples(1000)
@given(st.data())
def test_a_push_with_one_changed_byte_is_refused(genuine: Push, data: st.DataObject) -> None:
    """Of body or query; the body has no white space between its elements, which means nothing."""
    query = genuine.query.encode()
    whole = query + genuine.body
    position = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[position]))
    other = changed(whole, position, byte)
    sent = Push(other[: len(query)].decode("latin-1"), other[len(query) :])  # latin-1: as WSGI does
    assert status_of(sent) == 403


def test_an_unchanged_push_is_accepted(genuine: Push) -> None:
    assert status_of(genuine) == 200
