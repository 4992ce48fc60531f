"""What is there by a name, and uploads that depend on it, or on their own digest."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5
from typing import Any

import pytest
from django.utils.http import parse_http_date
from rest_framework.test import APIClient

from tests.api.conftest import PNG, Client, post, put
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db

PATH = "/wx/uploads/default/uploads/a.png"
ETAG = f'"{md5(PNG).hexdigest()}"'
OTHER = f'"{md5(b"other").hexdigest()}"'


def calls(cloud: EmulatorServer) -> list[str]:
    return [call.name for call in cloud.journal]


# --- what is there --------------------------------------------------------------------------------


@pytest.mark.parametrize("permission", ["upload", "view_uploadlog"])
def test_a_get_returns_the_file_in_the_cloud(
    client_of: Client, cloud: EmulatorServer, permission: str
) -> None:
    cloud.put_object("uploads/a.png", PNG)
    reply = client_of(permission).get(PATH).json()
    assert reply.pop("last_modified")
    assert reply == {
        "name": "uploads/a.png",
        "key": "uploads/a.png",
        "url": f"{cloud.site_url()}/uploads/a.png",
        "size": len(PNG),
        "md5": md5(PNG).hexdigest(),
        "waiting": False,
    }


def test_a_put_is_found_before_the_list_shows_it(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.quirks.list_lag_seconds = 5
    assert put(client).status_code == 201
    assert client.get(PATH).json()["md5"] == md5(PNG).hexdigest()
    assert put(client, HTTP_IF_NONE_MATCH="*").json()["code"] == "precondition"


def test_another_client_does_not_replace_a_file_that_the_list_does_not_show_yet(
    client_of: Client, cloud: EmulatorServer
) -> None:
    cloud.quirks.list_lag_seconds = 5
    assert put(client_of("upload", name="anna")).status_code == 201
    refused = put(client_of("upload", name="ben"), body=PNG + b"other")
    assert (refused.status_code, refused.json()["code"]) == (409, "exists")
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("method", ["get", "head"])
def test_the_headers_have_size_md5_time_and_address(
    client: APIClient, cloud: EmulatorServer, method: str
) -> None:
    cloud.put_object("uploads/a.png", PNG)
    response = getattr(client, method)(PATH)
    assert response.status_code == 200
    assert (response["Wx-Size"], response["ETag"]) == (str(len(PNG)), ETAG)
    assert parse_http_date(response["Last-Modified"])
    assert response["Link"] == f'<{cloud.site_url()}/uploads/a.png>; rel="describes"'


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f"{OTHER}, {ETAG}", "*"])
def test_a_file_that_the_caller_knows_is_304(
    client: APIClient, cloud: EmulatorServer, method: str, known: str
) -> None:
    cloud.put_object("uploads/a.png", PNG)
    response = getattr(client, method)(PATH, HTTP_IF_NONE_MATCH=known)
    assert (response.status_code, response.content) == (304, b"")
    assert (response["ETag"], response["Wx-Size"]) == (ETAG, str(len(PNG)))


@pytest.mark.parametrize("known", [OTHER, "x", ""])
def test_a_file_that_the_caller_does_not_know_is_shown(
    client: APIClient, cloud: EmulatorServer, known: str
) -> None:
    cloud.put_object("uploads/a.png", PNG)
    assert client.get(PATH, HTTP_IF_NONE_MATCH=known).json()["size"] == len(PNG)


def test_a_missing_file_is_404_whatever_the_caller_knows(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert client.get(PATH, HTTP_IF_NONE_MATCH="*").status_code == 404


def test_one_list_call_finds_the_file_in_the_cloud(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.put_object("uploads/a.png", PNG)
    client.head(PATH)
    cloud.state.journal.clear()
    client.head(PATH)
    assert calls(cloud) == ["staticfilelist"]


def test_a_missing_file_is_404(client: APIClient, cloud: EmulatorServer) -> None:
    """Also where a longer name begins so."""
    cloud.put_object("uploads/a.png.bak", PNG)
    assert client.get(PATH).json()["code"] == "not_found"


def test_an_uploader_does_not_look_into_a_store_that_takes_no_uploads(
    client_of: Client, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_STORES": ["staticfiles"]})
    assert client_of("upload").get(PATH).json()["code"] == "store_closed"


# --- If-None-Match, If-Match ----------------------------------------------------------------------

REFUSED = {
    "a new file, where one is": ({"HTTP_IF_NONE_MATCH": "*"}, b"old"),
    "a new file, where these bytes are": ({"HTTP_IF_NONE_MATCH": "*"}, PNG),
    "another file than this": ({"HTTP_IF_NONE_MATCH": ETAG}, PNG),
    "a file, where none is": ({"HTTP_IF_MATCH": "*"}, None),
    "this file, where another is": ({"HTTP_IF_MATCH": ETAG}, b"old"),
    "this file, where none is": ({"HTTP_IF_MATCH": ETAG}, None),
    "what is no tag": ({"HTTP_IF_MATCH": "x"}, PNG),
    "another file than this, by a weak tag": ({"HTTP_IF_NONE_MATCH": f"W/{ETAG}"}, PNG),
    "this file by a weak tag, where another is": ({"HTTP_IF_MATCH": f"W/{ETAG}"}, b"old"),
}
ACCEPTED = {
    "a new file": ({"HTTP_IF_NONE_MATCH": "*"}, None),
    "another file than this": ({"HTTP_IF_NONE_MATCH": ETAG}, b"old"),
    "any file": ({"HTTP_IF_MATCH": "*"}, b"old"),
    "this file": ({"HTTP_IF_MATCH": ETAG}, PNG),
    "this file, by the tag of a compressed answer": ({"HTTP_IF_MATCH": f"W/{ETAG}"}, PNG),
    "one of these": ({"HTTP_IF_MATCH": f"{OTHER}, {ETAG}"}, PNG),
}


def sent(send: Any, client: APIClient, headers: dict[str, str]) -> Any:
    """By somebody who may replace, and wants to."""
    if send is put:
        return put(client, query="?overwrite=true", **headers)
    return post(client, overwrite="true", **headers)


@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize("case", REFUSED)
def test_a_condition_that_does_not_hold_is_412(
    client: APIClient, cloud: EmulatorServer, send: Any, case: str
) -> None:
    headers, there = REFUSED[case]
    if there is not None:
        cloud.put_object("uploads/a.png", there)
    response = sent(send, client, headers)
    assert (response.status_code, response.json()["code"]) == (412, "precondition")
    assert "put_object" not in calls(cloud)


@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize("case", ACCEPTED)
def test_a_condition_that_holds_lets_the_upload_through(
    client: APIClient, cloud: EmulatorServer, send: Any, case: str
) -> None:
    headers, there = ACCEPTED[case]
    if there is not None:
        cloud.put_object("uploads/a.png", there)
    assert sent(send, client, headers).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


def test_the_same_key_gets_the_first_answer_whatever_the_condition_says_now(
    client: APIClient,
) -> None:
    headers = {"HTTP_IF_NONE_MATCH": "*", "HTTP_IDEMPOTENCY_KEY": "k"}
    assert [put(client, **headers).status_code for _ in range(2)] == [201, 201]


# --- Content-MD5 ---------------------------------------------------------------------------------


def test_a_body_with_its_md5_is_stored(client: APIClient, cloud: EmulatorServer) -> None:
    given = b64encode(md5(PNG).digest()).decode()
    assert put(client, HTTP_CONTENT_MD5=given).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("given", [b64encode(md5(b"other").digest()).decode(), "YQ==", "no base64"])
def test_a_body_that_does_not_match_its_md5_is_refused_before_anything_is_sent(
    client: APIClient, cloud: EmulatorServer, given: str
) -> None:
    response = put(client, HTTP_CONTENT_MD5=given)
    assert (response.status_code, response.json()["code"]) == (400, "digest")
    assert calls(cloud) == []
