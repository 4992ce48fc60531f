"""An upload once more: the bytes that are still to be had, and a word where they are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import PNG, Client, put
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db


@pytest.fixture
def hasty(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})


def test_a_public_file_is_sent_once_more(client: APIClient, cloud: EmulatorServer) -> None:
    first = put(client)
    response = client.post(f"/wx/uploads/{first.json()['id']}/retry/")
    row = UploadLog.objects.first()
    assert row is not None
    assert (response.status_code, response.json()["id"]) == (201, row.pk)
    assert response["Location"].endswith(f"/wx/uploads/{row.pk}/")
    assert (row.source, row.source_ref) == ("retry", f"row {first.json()['id']}")
    assert len(cloud.calls("put_object", key="uploads/a.png")) == 2


@pytest.mark.usefixtures("hasty")
def test_bytes_that_came_through_the_api_are_gone_when_they_were_not_stored(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": -1})
    failed = put(client).json()["upload_id"]
    response = client.post(f"/wx/uploads/{failed}/retry/")
    reply = response.json()
    assert (response.status_code, reply["code"]) == (409, "gone")
    assert reply["detail"] == "The bytes came through the API, and what was sent is not kept"
    assert UploadLog.objects.count() == 1


def test_an_older_row_does_not_overwrite_a_newer_one(
    client: APIClient, cloud: EmulatorServer
) -> None:
    first = put(client).json()["id"]
    put(client, body=PNG + b"new", query="?overwrite=true")
    response = client.post(f"/wx/uploads/{first}/retry/")
    assert (response.status_code, response.json()["code"]) == (409, "gone")
    assert cloud.objects()["uploads/a.png"].body == PNG + b"new"


@pytest.mark.usefixtures("hasty")
def test_a_failed_retry_is_answered_like_a_failed_upload(
    client: APIClient, cloud: EmulatorServer
) -> None:
    first = put(client).json()["id"]
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011})
    response = client.post(f"/wx/uploads/{first}/retry/")
    reply = response.json()
    row = UploadLog.objects.first()
    assert row is not None
    assert (response.status_code, reply["code"], reply["errcode"]) == (503, "busy", 45011)
    assert (reply["upload_id"], row.status) == (row.pk, "failed")


@pytest.fixture
def static_file(cloud: EmulatorServer, tmp_path: Path) -> Path:
    """Publish a file by `collectstatic` and return its path."""
    path = tmp_path / "static_root" / "a.css"
    path.parent.mkdir()
    path.write_bytes(b"css")
    item = UploadItem("a.css", open=lambda: path.open("rb"))
    get_uploader("staticfiles").upload(item, UploadContext("collectstatic"))
    return path


@pytest.mark.usefixtures("static_file")
def test_a_static_file_is_read_again_where_it_lies(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.delete_object("static/a.css")
    response = client.post(f"/wx/uploads/{UploadLog.objects.get().pk}/retry/")
    assert (response.status_code, response.json()["store"]) == (201, "staticfiles")
    assert cloud.objects()["static/a.css"].body == b"css"


def test_other_bytes_than_the_rows_are_not_sent(
    client: APIClient, cloud: EmulatorServer, static_file: Path
) -> None:
    static_file.write_bytes(b"newer css")
    response = client.post(f"/wx/uploads/{UploadLog.objects.get().pk}/retry/")
    reply = response.json()
    assert (response.status_code, reply["code"]) == (409, "gone")
    assert reply["detail"] == "The file is another one by now"
    assert cloud.objects()["static/a.css"].body == b"css"


@pytest.mark.usefixtures("static_file")
@pytest.mark.parametrize(
    ("permissions", "status", "stored"),
    [(["retry"], 409, b"others"), (["retry", "replace"], 201, b"css")],
)
def test_a_retry_replaces_another_file_only_for_those_who_may_replace(
    client_of: Client, cloud: EmulatorServer, permissions: list[str], status: int, stored: bytes
) -> None:
    cloud.put_object("static/a.css", b"others")
    response = client_of(*permissions).post(f"/wx/uploads/{UploadLog.objects.get().pk}/retry/")
    assert response.status_code == status
    assert response.json().get("code") == ("exists" if status == 409 else None)
    assert cloud.objects()["static/a.css"].body == stored


def test_a_row_is_sent_only_to_an_environment_within_reach(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    """The store has moved to another environment since."""
    first = put(client).json()["id"]
    configure(WX_STATIC_STORE={"ENV": "tenant-b"})
    cloud.state.journal.clear()
    response = client.post(f"/wx/uploads/{first}/retry/")
    assert (response.status_code, response.json()["code"]) == (404, "environment")
    assert cloud.journal == []
