"""
Every wire sample: the client sends the sample's request, and makes of its answer what it expects.

A bare socket server replays the answer; the emulator has a test of its own against the samples.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from wx_static_store.clients.cos import CosClient
from wx_static_store.clients.links import check_link
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import ContentHeaders, SignedLink
from wx_static_store.exceptions import IntegrityError, Remedy, WxStaticStoreError

from .conftest import PLENTY, Body, Received, ScriptedServer, answer

SAMPLES = sorted(
    path
    for path in (Path(__file__).parents[1] / "wire").glob("*.json")
    if not path.stem.startswith("createstaticstore")  # which only the emulator answers
)
TOKEN = Secret("ACCESS_TOKEN")
HOSTS = (".myqcloud.com", ".tencentcos.cn")


@pytest.fixture(params=SAMPLES, ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest) -> dict[str, Any]:
    content = json.loads(request.param.read_text(encoding="utf-8"))
    return {"id": request.param.stem, "name": request.param.stem.partition("-")[0], **content}


def replayed(sample: dict[str, Any]) -> bytes:
    says = sample["response"]
    body = json.dumps(says["json"], ensure_ascii=False) if "json" in says else says["text"]
    return answer(says["status"], body, says["headers"])


def upload(transport: Transport, base: str, sample: dict[str, Any]) -> Any:
    asked = sample["request"]
    address = urlsplit(asked["url"])
    url = f"{base}{address.path}?{address.query}"
    content = asked["body_utf8"].encode()
    md5 = hashlib.md5(content).hexdigest()
    link = SignedLink("zcy.py", Secret(url), Secret(asked["headers"]["x-cos-security-token"]))
    body = Body(content, md5=md5) if content else Body(md5=md5)
    headers = ContentHeaders("text/x-python", "no-cache")
    return CosClient(transport).put_object(link, body, headers, md5=md5, deadline=PLENTY)


def call(transport: Transport, base: str, sample: dict[str, Any]) -> Any:
    wechat, members = WeChatClient(transport, base), sample["request"].get("json", {})
    env = members.get("env", "")
    calls: dict[str, Callable[[], Any]] = {
        "api_component_token": lambda: wechat.component_token(
            members["component_appid"],
            Secret(members["component_appsecret"]),
            Secret(members["component_verify_ticket"]),
            deadline=PLENTY,
        ),
        "describestaticstore": lambda: wechat.describe(TOKEN, env, deadline=PLENTY),
        "staticfilelist": lambda: wechat.list_page(
            TOKEN, env, members["prefix"], members.get("marker", ""), deadline=PLENTY
        ),
        "staticuploadfile": lambda: wechat.upload_link(
            TOKEN, env, members["filename"], deadline=PLENTY
        ),
        "put_object": lambda: upload(transport, base, sample),
    }
    return calls[sample["name"]]()


@pytest.fixture
def outcome(
    sample: dict[str, Any],
    serve: Callable[..., ScriptedServer],
    transport: Transport,
) -> tuple[Received, Any]:
    """Replay the sample; return what the server received and the caller's value or error."""
    server = serve(replayed(sample))
    got: Any
    try:
        got = call(transport, server.url, sample)
    except WxStaticStoreError as error:
        got = error
    assert len(server.requests) == 1, "one exchange, no retry"
    return server.requests[0], got


def test_the_client_s_request_is_that_of_each_wire_sample(
    sample: dict[str, Any], outcome: tuple[Received, Any]
) -> None:
    request, asked = outcome[0], sample["request"]
    address = urlsplit(asked["url"])
    query = address.query
    if sample["id"] == "staticuploadfile-error-41001":
        query = "access_token=ACCESS_TOKEN"  # the mistake of another client: ours never makes it
    assert request.method == asked["method"]
    assert request.target == address.path + (f"?{query}" if query else "")
    for name, value in asked.get("headers", {}).items():
        assert request.headers[name.lower()] == value
    if "json" in asked:
        assert request.json == asked["json"]
    else:
        assert request.body == asked["body_utf8"].encode()
    assert "transfer-encoding" not in request.headers


def remedy_of(error: WxStaticStoreError) -> str:
    """Return it as the samples name it: they tell what the loop does next."""
    if error.remedy.gives_up:
        return Remedy.NEW_LINK.name if error.once else "GIVE_UP"
    return error.remedy.name


def is_(got: Any, **facts: Any) -> None:
    assert {name: getattr(got, name) for name in facts} == facts


def test_the_client_understands_the_answer_of_each_wire_sample(
    sample: dict[str, Any], outcome: tuple[Received, Any]
) -> None:
    got, expect = outcome[1], sample["expect"]
    READERS[sample["name"]](got, expect)
    if "remedy" in expect:
        assert remedy_of(got) == expect["remedy"]
    if "hint_contains" in expect:
        assert expect["hint_contains"] in str(got.hint)
    if "tcb_code" in expect:
        assert expect["tcb_code"] in got.errmsg


def test_a_wire_sample_raises_exactly_if_it_is_an_error(
    sample: dict[str, Any], outcome: tuple[Received, Any]
) -> None:
    expect = sample["expect"]
    expected = "remedy" in expect or "error" in expect or expect.get("errcode", 0) != 0
    assert isinstance(outcome[1], WxStaticStoreError) is expected


def read_errcode(got: Any, expect: dict[str, Any]) -> None:
    is_(got, errcode=expect["errcode"], rid=expect.get("rid", ""))


def read_token(got: Any, expect: dict[str, Any]) -> None:
    if "errcode" in expect:
        read_errcode(got, expect)
    else:
        assert got.token.reveal() == expect["token"]
        is_(got, expires_in=expect["expires_in"])


def read_store(got: Any, expect: dict[str, Any]) -> None:
    if "store" in expect:
        assert got is expect["store"]
    else:
        is_(got, **expect)


def read_page(got: Any, expect: dict[str, Any]) -> None:
    assert [file.key for file in got.files] == expect["keys"]
    assert (got.marker is not None) is expect["truncated"]
    if "sizes" in expect:
        assert [file.size for file in got.files] == expect["sizes"]
        assert [file.md5 for file in got.files] == expect["md5"]
    if "next_marker" in expect:
        assert got.marker == expect["next_marker"]


def read_link(got: Any, expect: dict[str, Any]) -> None:
    if "errcode" in expect:
        read_errcode(got, expect)
    else:
        assert got.key == expect["key"]
        url = got.url.reveal()
        assert check_link(url, key=expect["key"], upload_hosts=HOSTS, loopback=False) == ""


def read_receipt(got: Any, expect: dict[str, Any]) -> None:
    if expect["stored"]:
        assert got.request_id == "NjU1MzVmMDBfMWEyYjNjNGRfMGYxZV8yZDNj"
    elif "error" in expect:
        assert isinstance(got, IntegrityError)
        assert got.maybe_stored
    else:
        is_(got, cos_code=expect["cos_code"] or "", request_id=expect["request_id"])
        of_a_gateway = got.http_status >= 400 and not got.request_id  # COS may have it all
        assert got.maybe_stored == of_a_gateway


READERS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "api_component_token": read_token,
    "describestaticstore": read_store,
    "staticfilelist": read_page,
    "staticuploadfile": read_link,
    "put_object": read_receipt,
}


def test_every_call_has_wire_samples() -> None:
    assert {path.stem.partition("-")[0] for path in SAMPLES} == set(READERS)


def test_the_link_and_the_token_come_as_they_stand(
    serve: Callable[..., ScriptedServer], transport: Transport
) -> None:
    """Byte for byte: decoding or rebuilding a link breaks its signature."""
    path = next(path for path in SAMPLES if path.stem == "staticuploadfile-ok-chinese")
    sample = json.loads(path.read_text(encoding="utf-8")) | {"name": "staticuploadfile"}
    link = call(transport, serve(replayed(sample)).url, sample)
    assert link.url.reveal() == sample["response"]["json"]["signed_url"]
    assert link.token.reveal() == sample["response"]["json"]["token"]
