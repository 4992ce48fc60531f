"""Every wire sample: the emulator gives the answer that the documents show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from wx_static_store.emulator import EmulatorServer

from .conftest import Clock, connect, head, read_all

SAMPLES = sorted((Path(__file__).parents[1] / "wire").glob("*.json"))
ENV = "myttest-8gu57so0bd9f9e8a"
RID = re.compile(r" rid: 65[0-9a-f]{6}-[0-9a-f]{8}-[0-9a-f]{8}$")


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One sample file."""
    content = json.loads(request.param.read_text(encoding="utf-8"))
    return {"id": request.param.stem, **content}


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """Start an emulator set as the README of the samples says."""
    with EmulatorServer(
        envs=[ENV],
        clock=Clock(),
        appsecret="SECRET",
        ticket="TICKET",
        access_token="ACCESS_TOKEN",
        link_base="https://{bucket}.cos.{region}.myqcloud.com",
        domain="{env}-1304480914.tcloudbaseapp.com",
    ) as server:
        yield server


def listed(server: EmulatorServer) -> None:
    """Store the objects of the sample whose page repeats its marker."""
    server.quirks.update({"truncated_as": "string", "marker": "inclusive", "page_size": 3})
    for key, body in (("a", b"a"), ("b/", b""), ("b/c", b"b"), ("d", b"d")):
        server.put_object(key, body)


def processing(server: EmulatorServer) -> None:
    """Make hosting that is being created, described with the other spellings."""
    server.quirks.update({"data_key": "data", "region_key": "region"})
    server.add_env(ENV, "process")


# What a sample needs besides a fault; those in NATURAL need no fault for their error.
NEEDS: dict[str, Callable[[EmulatorServer], None]] = {
    "describestaticstore-data-region": processing,
    "describestaticstore-null": lambda server: server.add_env(ENV, "none"),
    "put_object-error-expired-link": lambda server: server.advance(1900),
    "staticfilelist-missing": lambda server: server.quirks.update({"list_empty": "missing"}),
    "staticfilelist-null": lambda server: server.quirks.update({"list_empty": "null"}),
    "staticfilelist-truncated-string": listed,
    "staticuploadfile-ok-text-plain-string-errcode": lambda server: server.quirks.update(
        {"content_type": "text/plain", "errcode_as": "string"}
    ),
}
NATURAL = ("put_object-error-expired-link", "staticuploadfile-error-41001")
# Values that no emulator can come to by itself, laid over its answer.
MERGED = {
    "api_component_token-ok": ["component_access_token"],
    "staticfilelist-ok": ["contents"],
    "staticfilelist-truncated-string": ["contents"],  # its objects are older than the clock
}


def fault(sample: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fault for an answer that a healthy emulator would not give."""
    answer, name = sample["response"], sample["id"].partition("-")[0]
    data = answer.get("json", {})
    if sample["id"] in NATURAL:
        return None
    if sample["id"] in MERGED:
        values = {member: data[member] for member in MERGED[sample["id"]]}
        return {"on": name, "do": "merge", "json": values}
    if data.get("errcode", 0) not in (0, "0"):
        errmsg = RID.sub("", data["errmsg"])
        return {"on": name, "do": "errcode", "errcode": data["errcode"], "errmsg": errmsg}
    if "etag" in sample["id"]:
        etag, crc64 = answer["headers"]["ETag"], answer["headers"]["x-cos-hash-crc64ecma"]
        return {"on": name, "do": "etag", "value": etag, "crc64": crc64}
    return text_fault(name, answer) if answer["status"] != 200 else None


def text_fault(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fault for XML of COS, or for the error page of a proxy."""
    status, text = answer["status"], answer["text"]
    found = re.search("<Code>(.*)</Code>.*<Message>(.*)</Message>", text, re.DOTALL)
    if found is None:
        values = {"headers": answer["headers"], "body": text}
        return {"on": name, "do": "status", "status": status, **values}
    return {"on": name, "do": "cos_error", "status": status, "code": found[1], "message": found[2]}


def send(server: EmulatorServer, asked: dict[str, Any]) -> requests.Response:
    """Send the sample's request: its path and query, to the emulator's ports."""
    parts = urlsplit(asked["url"])
    put = asked["method"] == "PUT"
    base = server.site_url() if put else server.api_url
    body = asked["body_utf8"].encode() if put else json.dumps(asked["json"]).encode()
    headers = {k: v for k, v in asked.get("headers", {}).items() if k != "Content-Length"}
    with requests.Session() as session:
        session.trust_env = False
        url = f"{base}{parts.path}?{parts.query}"
        return session.request(asked["method"], url, data=body, headers=headers, timeout=10)


def without_rid(data: dict[str, Any]) -> dict[str, Any]:
    """Return the answer without the part that is new each time; check the form of that part."""
    errmsg = data.get("errmsg", "")
    if data.get("errcode", 0) not in (0, "0"):
        assert RID.search(errmsg), errmsg
    return {**data, "errmsg": RID.sub("", errmsg)}


@pytest.mark.parametrize("sample", SAMPLES, indirect=True, ids=lambda path: path.stem)
def test_the_emulator_answers_as_each_wire_sample_shows(
    server: EmulatorServer, sample: dict[str, Any]
) -> None:
    """Status, content type, JSON (links byte for byte), ETag, CRC-64 and XML are the sample's."""
    if need := NEEDS.get(sample["id"]):
        need(server)
    if scripted := fault(sample):
        server.script(scripted)

    answer, expected = send(server, sample["request"]), sample["response"]

    assert answer.status_code == expected["status"]
    for name, value in expected["headers"].items():
        if name == "x-cos-request-id":
            assert re.fullmatch(r"[A-Za-z0-9+/=]{40,}", answer.headers[name])
        else:
            assert answer.headers[name] == value
    if "json" in expected:
        assert without_rid(answer.json()) == without_rid(expected["json"])
    else:
        check_text(answer.text, expected["text"])


def check_text(given: str, expected: str) -> None:
    """Assert equal elements in the same order, with equal code and message."""
    if "<Code>" not in expected:
        assert given == expected
        return
    for name in ("Code", "Message", "ServerTime"):
        pattern = f"\t<{name}>.*</{name}>\n"
        assert re.findall(pattern, given) == re.findall(pattern, expected)
    extra = ("StringToSign", "FormatString")  # shown by a real mismatch only, see below
    names = [name for name in re.findall(r"<(\w+)>", expected) if name not in extra]
    assert re.findall(r"<(\w+)>", given) == names
    assert given.splitlines()[0] == expected.splitlines()[0]


def test_the_answer_to_an_expired_link_is_the_sample_s_but_for_ids(server: EmulatorServer) -> None:
    """The one error body that was seen for real, byte for byte, but for its ids."""
    path = next(path for path in SAMPLES if path.stem == "put_object-error-expired-link")
    sample = json.loads(path.read_text(encoding="utf-8"))
    server.advance(1900)
    answer = send(server, sample["request"])
    ids = re.compile(r"<(RequestId|TraceId)>.*</\1>")
    assert ids.sub("", answer.text) == ids.sub("", sample["response"]["text"])


def test_a_bad_signature_is_answered_with_what_was_signed(server: EmulatorServer) -> None:
    """A real mismatch names StringToSign and FormatString, as the sample does."""
    path = next(path for path in SAMPLES if path.stem == "put_object-error-bad-signature")
    sample = json.loads(path.read_text(encoding="utf-8"))
    asked = dict(sample["request"])
    asked["url"] = asked["url"].replace("q-signature%3D7", "q-signature%3D8")
    answer = send(server, asked)
    assert answer.status_code == 403
    names = re.findall(r"<(\w+)>", answer.text)
    assert names == re.findall(r"<(\w+)>", sample["response"]["text"])
    assert "<FormatString>put\n/zcy.py\n\n\n</FormatString>" in answer.text


def test_a_put_is_answered_with_content_length_zero(server: EmulatorServer) -> None:
    """A successful PUT is answered with an explicit Content-Length 0 and nothing behind it."""
    path = next(path for path in SAMPLES if path.stem == "put_object-ok-empty")
    asked = json.loads(path.read_text(encoding="utf-8"))["request"]
    url = server.site_url() + asked["url"].partition("myqcloud.com")[2]
    with connect(url) as connection:
        connection.sendall(head("PUT", url, {**asked["headers"], "Connection": "close"}))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 0\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
