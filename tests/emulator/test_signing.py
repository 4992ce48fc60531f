"""The signature and the checksum, against published and independently made vectors."""

from __future__ import annotations

import hashlib

import pytest

from wx_static_store.emulator import signing

KEY_TIME = "1700000000;1700000060"

VECTORS = [
    (
        "zcy.py",
        "333b64596a84cec4774fc1465889e8277f57f815",
        "7cc45e4e1f6956436b6c96f2730b60992f88b197",
    ),
    (
        "static/css/a b.css",
        "eb66bd6cf1e34fbdfb68907c87ffed3f253d6ffc",
        "93d7191fdbde292dc8d0a72e3892c2639978e968",
    ),
    (
        "文档/图 1.png",
        "be3e803a9f1db91a732d13a05f461b7d7b75c5b0",
        "ba22d8bcabe92ebad38382c17eedc0bfb22b87ac",
    ),
    (
        "a+b%20c.txt",
        "b06567bfd09eef8ad3e1a158ba16d9bf7ea390f9",
        "e37f0ee91ba7aa7d8453df07cb3a0078a670f9e5",
    ),
]


def test_the_sign_key_is_40_hex_digits_of_text() -> None:
    """The key of the day is 40 hex digits of text."""
    expected = "4626617731717f586099e720a4dea26a2d09e594"
    assert signing.sign_key("example-secret-key", KEY_TIME) == expected


@pytest.mark.parametrize(("key", "sha1", "expected"), VECTORS)
def test_a_signature_agrees_with_the_sdk_s_vectors(key: str, sha1: str, expected: str) -> None:
    """Path and signature agree with Tencent's SDK, blanks, Chinese and a literal % included."""
    text = signing.http_string("PUT", f"/{key}")
    assert hashlib.sha1(text.encode()).hexdigest() == sha1
    assert signing.signature("example-secret-key", KEY_TIME, text) == expected


def test_a_signature_agrees_with_tencent_s_documented_example() -> None:
    """The upload example of the signature page: signed headers, a Chinese key."""
    key_time = "1557989151;1557996351"
    headers = [
        ("Date", "Thu, 16 May 2019 06:45:51 GMT"),
        ("Host", "examplebucket-1250000000.cos.ap-beijing.myqcloud.com"),
        ("Content-Type", "text/plain"),
        ("Content-Length", "13"),
        ("Content-MD5", "mQ/fVh815F3k6TAUm8m0eg=="),
        ("x-cos-acl", "private"),
        ("x-cos-grant-read", 'uin="100000000011"'),
    ]
    text = signing.http_string("PUT", "/exampleobject(腾讯云)", (), headers)
    secret = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz"
    assert signing.sign_key(secret, key_time) == "eb2519b498b02ac213cb1f3d1a3d27a3b3c9bc5f"
    assert hashlib.sha1(text.encode()).hexdigest() == "8b2751e77f43a0995d6e9eb9477f4b685cca4172"
    expected = "3b8851a11a569213c17ba8fa7dcf2abec6935172"
    assert signing.signature(secret, key_time, text) == expected


def test_a_decoded_link_has_lost_all_but_the_first_part_of_its_signature() -> None:
    """A link whose `sign` was decoded is refused: the parameter ends at its first ampersand."""
    text = signing.authorization("AK", "SK", KEY_TIME, signing.http_string("PUT", "/a"))
    with pytest.raises(signing.BadCarrier, match="lacks q-ak"):
        signing.read_authorization(f"sign={text}", {})
