"""Uploads through the API to a store whose files may wait."""

from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from tests.api.conftest import PNG, Client, post, put
from tests.conftest import ENV
from tests.upload.conftest import Shop
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.upload import waiting
from wx_static_store.upload.push import push

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
KEY = "uploads/a.png"
FILE = f"/wx/uploads/default/{KEY}"


@pytest.fixture
def here(client: APIClient, shop: Make) -> Shop:
    """Return a shop that has noticed an outage."""
    here = shop()
    here.notice_outage()
    return here


@pytest.mark.parametrize("send", [post, put])
def test_a_file_that_waits_is_answered_with_202(here: Shop, client: APIClient, send: Any) -> None:
    response = send(client)
    assert (response.status_code, response["X-WX-Status"]) == (202, "waiting")
    assert response.json() == {
        "id": None,
        "store": "default",
        "env": ENV,
        "name": KEY,
        "key": KEY,
        "url": f"{here.cloud.site_url()}/{KEY}",
        "size": len(PNG),
        "md5": md5(PNG, usedforsecurity=False).hexdigest(),
        "content_type": "image/png",
        "status": "waiting",
        "errcode": None,
    }


def test_an_address_that_only_wechat_knows_is_null(
    here: Shop, client: APIClient, settings: Any
) -> None:
    wx = {name: value for name, value in settings.WX_STATIC_STORE.items() if name != "BASE_URL"}
    settings.WX_STATIC_STORE = wx
    assert put(client).json()["url"] is None
    assert here.calls() == 0


def test_a_repeated_request_gets_the_202_again(here: Shop, client: APIClient) -> None:
    first, second = (put(client, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")
    assert second.json() == first.json()
    assert WaitingFile.objects.count() == 1


def test_a_file_that_waits_is_found_without_a_call(here: Shop, client: APIClient) -> None:
    put(client)
    found = client.get(FILE).json()
    assert (found["waiting"], found["size"], here.calls()) == (True, len(PNG), 0)
    here.end_outage()
    push()
    assert client.get(FILE).json()["waiting"] is False


def test_who_watches_a_file_that_waits_sees_that_it_is_public(
    here: Shop, client: APIClient
) -> None:
    put(client)
    known = {"HTTP_IF_NONE_MATCH": client.get(FILE)["ETag"]}
    assert client.get(FILE, **known).status_code == 304
    here.end_outage()
    push()
    assert client.get(FILE, **known).json()["waiting"] is False


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_file_that_waits_at_an_unknown_address_is_found_without_a_call(
    here: Shop, client: APIClient, settings: Any, method: str
) -> None:
    wx = {name: value for name, value in settings.WX_STATIC_STORE.items() if name != "BASE_URL"}
    settings.WX_STATIC_STORE = wx
    put(client)
    found = getattr(client, method)(FILE)
    assert (found.status_code, found["Wx-Size"], here.calls()) == (200, str(len(PNG)), 0)
    assert "Link" not in found
    assert found.data["url"] is None


def test_a_file_that_is_to_be_deleted_is_not_found(here: Shop, client: APIClient) -> None:
    here.storage.delete(KEY)
    assert client.get(FILE).status_code == 404


def test_a_file_of_a_failed_upload_is_not_found(client: APIClient, shop: Make) -> None:
    here = shop()
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None})
    assert put(client).status_code == 502
    assert WaitingFile.objects.get().state == "left"
    assert client.get(FILE).status_code == 404


@pytest.mark.parametrize("header", ["HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"])
def test_a_condition_needs_the_cloud(here: Shop, client: APIClient, header: str) -> None:
    response = put(client, **{header: "*"})
    assert (response.status_code, response.json()["code"]) == (503, "busy")


@pytest.mark.parametrize(
    ("header", "status"), [("HTTP_IF_MATCH", 202), ("HTTP_IF_NONE_MATCH", 412)]
)
def test_a_condition_counts_a_file_that_waits(
    here: Shop, client: APIClient, header: str, status: int
) -> None:
    put(client, body=PNG + b"older")
    response = put(client, query="?overwrite=true", **{header: "*"})
    assert (response.status_code, here.calls()) == (status, 0)


def refuse(user: Any, name: str, file: Any) -> None:
    raise ValidationError("virus")


def test_a_refused_file_is_not_kept_if_its_condition_cannot_be_checked(
    here: Shop, client: APIClient, settings: Any
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"UPLOAD_CHECK": refuse}
    response = put(client, HTTP_IF_NONE_MATCH="*")
    assert (response.status_code, response.json()["code"]) == (400, "content")
    assert here.kept() == []


def test_a_file_that_must_be_new_replaces_none_when_it_waited(
    client: APIClient, shop: Make
) -> None:
    here = shop()
    here.begin_outage(on="staticuploadfile")
    response = put(client, query="?overwrite=true", HTTP_IF_NONE_MATCH="*")
    assert response.status_code == 202
    here.end_outage()
    here.cloud.put_object(KEY, b"of somebody else")
    assert push() == {"parked": 1}


@pytest.mark.parametrize("header", ["HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"])
def test_a_file_that_replaces_by_a_condition_does_not_wait(
    client: APIClient, shop: Make, header: str
) -> None:
    here = shop()
    here.cloud.put_object(KEY, b"first")
    body = b"first" if header == "HTTP_IF_MATCH" else b"other"
    here.begin_outage(on="staticuploadfile")
    tag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
    response = put(client, query="?overwrite=true", **{header: tag})
    assert (response.status_code, WaitingFile.objects.get().state) == (503, "left")


def test_a_name_that_begins_to_wait_meanwhile_is_a_conflict(
    here: Shop, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = "wx_static_store.submit.send.save"

    def lose(*args: Any, **how: Any) -> Any:
        here.storage._save(KEY, ContentFile(b"saved"))
        return waiting.save(*args, **how)

    monkeypatch.setattr(save, lose)
    assert put(client).status_code == 409


def test_an_overwrite_without_the_permission_needs_the_cloud(here: Shop, client_of: Client) -> None:
    response = put(client_of("upload", name="eve"), query="?overwrite=true")
    assert response.status_code == 503


def test_a_failed_upload_is_sent_again_from_its_parked_bytes(client: APIClient, shop: Make) -> None:
    here = shop(wait="never", max_attempts=1)
    here.begin_outage()
    failed = put(client).json()["upload_id"]
    here.end_outage()
    assert client.post(f"/wx/uploads/{failed}/retry/").status_code == 201
    assert (here.public(), here.kept()) == ({KEY: PNG}, [])
    assert UploadLog.objects.latest("id").source == "retry"
