"""Tencent's own SDK signs a PUT, and the emulator accepts it: two hands, one signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.conftest import ci_package
from wx_static_store.emulator import EmulatorServer

from .conftest import ENV, Client

qcloud_cos = ci_package("qcloud_cos")

KEYS = ["zcy.py", "static/css/a b.css", "文档/图 1.png", "a+b%20c.txt"]


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    """Start an emulator with a running clock: the SDK signs with the time of day."""
    with EmulatorServer(envs=[ENV]) as server:
        yield server


def config(client: Client, **changes: Any) -> Any:
    """Return the SDK's configuration with the emulator's key pair."""
    account = client.server.state.account
    values = {"Region": "ap-shanghai", "Scheme": "http"}
    values |= {"SecretId": account.secret_id, "SecretKey": account.secret_key}
    return qcloud_cos.CosConfig(**{**values, **changes})


def put(client: Client, key: str, auth: Any) -> requests.Response:
    """Send a PUT whose Authorization header the SDK makes."""
    headers = {
        "x-cos-security-token": client.server.state.account.security_token,
        "Host": client.server.site_url().removeprefix("http://"),
        "Content-Type": "text/plain",
    }
    url = f"{client.server.site_url()}/{quote(key)}"
    return client.session.put(url, data=b"123456789", headers=headers, auth=auth, timeout=10)


@pytest.mark.parametrize("sign_host", [True, False])
@pytest.mark.parametrize("key", KEYS)
def test_the_sdk_s_header_is_accepted(client: Client, key: str, sign_host: bool) -> None:
    """It signs Content-Type and the security token, with the host and without."""
    auth = qcloud_cos.CosS3Auth(config(client, SignHost=sign_host), key)
    answer = put(client, key, auth)
    assert answer.status_code == 200, answer.text
    assert client.server.objects()[key].body == b"123456789"


def test_a_signature_with_another_secret_key_is_refused(client: Client) -> None:
    """Another secret makes another signature."""
    answer = put(client, "a", qcloud_cos.CosS3Auth(config(client, SecretKey="another"), "a"))
    assert answer.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text
    assert client.server.objects() == {}


def test_a_signed_header_must_arrive_unchanged(client: Client) -> None:
    """Content-Type was signed; another one breaks the signature."""
    sdk = qcloud_cos.CosS3Auth(config(client), "a")

    def meddle(request: requests.PreparedRequest) -> requests.PreparedRequest:
        sdk(request)
        request.headers["Content-Type"] = "text/html"
        return request

    assert "<Code>SignatureDoesNotMatch</Code>" in put(client, "a", meddle).text


def test_the_sdk_s_presigned_link_is_accepted(client: Client) -> None:
    """The seven parts as query parameters, the token beside them."""
    token = client.server.state.account.security_token
    sdk = qcloud_cos.CosS3Client(config(client))
    url = sdk.get_presigned_url(
        Bucket="bucket-1304480914",
        Key="文档/图 1.png",
        Method="PUT",
        Headers={},
        Params={"x-cos-security-token": token},
        SignHost=False,
    )
    url = re.sub("^http://[^/]+", client.server.site_url(), url)
    assert client.session.put(url, data=b"x", timeout=10).status_code == 200


@pytest.mark.parametrize("key", KEYS)
def test_a_link_is_signed_as_the_sdk_signs(
    client: Client, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the same key time both come to the same signature."""
    url, _ = client.link(key)
    start, end = (int(text) for text in re.findall(r"sign-time%3D(\d+)%3B(\d+)", url)[0])
    # The SDK lets its signatures begin a minute ago.
    monkeypatch.setattr("qcloud_cos.cos_auth.time.time", lambda: float(start + 60))
    auth = qcloud_cos.CosS3Auth(config(client, SignHost=False), key, expire=end - start - 60)
    request = requests.Request("PUT", "http://localhost/").prepare()
    request.headers.clear()
    signed = re.findall("q-signature=(.{40})", auth(request).headers["Authorization"])
    assert re.findall("q-signature%3D(.{40})", url) == signed
