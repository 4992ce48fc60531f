"""wechatpy knows nothing of us: it encrypts what our view accepts, and reads our pushes."""

import time

import pytest

from tests.callback.pushes import (
    AES_KEY,
    APPID,
    TICKET,
    TOKEN,
    Push,
    encrypted,
    query,
    signature,
    ticket,
)
from tests.conftest import ci_package
from wx_static_store.callback.safe_xml import read
from wx_static_store.callback.tickets import newest

PEER = ci_package("wechatpy.crypto").WeChatCrypto(TOKEN, AES_KEY, APPID)


@pytest.mark.django_db
def test_the_view_accepts_what_wechatpy_encrypts() -> None:
    stamp = str(int(time.time()))
    body = PEER.encrypt_message(ticket(), "nonce-of-a-peer", stamp).encode()
    fields = read(body)
    parameters = query(
        fields["Encrypt"],
        timestamp=fields["TimeStamp"],
        nonce=fields["Nonce"],
        msg_signature=fields["MsgSignature"],
    )
    assert Push(parameters, body).send().content == b"success"
    assert newest(APPID) == TICKET


@pytest.mark.parametrize("xml", ["<xml>a</xml>", ticket(), "<xml>票</xml>" * 1000])
def test_wechatpy_reads_the_pushes_of_these_tests(xml: str) -> None:
    ours = encrypted(xml)
    signed = signature(TOKEN, "1", "n", ours)
    assert PEER.decrypt_message({"Encrypt": ours}, signed, "1", "n") == xml
