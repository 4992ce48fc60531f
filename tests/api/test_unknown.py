"""Uploads whose answer was lost: one call of the list settles them where it can."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.api.conftest import PNG, post, put
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db
LOST = {"on": "put_object", "do": "drop_reply"}


@pytest.fixture(autouse=True)
def _hasty(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})


@pytest.mark.parametrize("send", [post, put])
def test_a_lost_answer_is_stored_if_the_list_shows_the_bytes(
    client: APIClient, cloud: EmulatorServer, send: Any
) -> None:
    cloud.script(LOST)
    response = send(client)
    row = UploadLog.objects.get()
    assert (response.status_code, response.json()["status"]) == (201, "stored")
    assert (row.status, row.message) == (
        "stored",
        "COS did not answer; the list shows these bytes",
    )
    assert len(cloud.calls("staticfilelist")) == 2


def unknown(response: Response) -> bool:
    return (response.status_code, response.json()["code"]) == (504, "unknown")


def test_a_lost_answer_stays_unknown_if_the_list_shows_other_bytes(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.quirks.list_lag_seconds = 60
    cloud.script(LOST)
    assert unknown(put(client))


def test_a_lost_answer_stays_unknown_if_the_list_has_no_md5(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.quirks.list_md5 = "multipart"
    cloud.script(LOST)
    assert unknown(put(client))


def test_a_lost_answer_stays_unknown_if_the_list_fails(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script(LOST, {"on": "staticfilelist", "do": "errcode", "errcode": -1, "skip": 1})
    assert unknown(put(client))
    assert len(cloud.calls("staticfilelist")) == 2


def test_the_headers_of_an_unknown_upload_have_code_row_and_status(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.quirks.list_md5 = "multipart"
    cloud.script(LOST)
    response = put(client)
    row = UploadLog.objects.get()
    assert response["Location"].endswith(f"/wx/uploads/{row.pk}/")
    assert {name: response[name] for name in ("X-WX-Code", "X-WX-Upload-Id", "X-WX-Status")} == {
        "X-WX-Code": "unknown",
        "X-WX-Upload-Id": str(row.pk),
        "X-WX-Status": "unknown",
    }


def test_the_headers_of_a_stored_file_have_row_and_status(client: APIClient) -> None:
    response = put(client)
    assert (response["X-WX-Status"], response["X-WX-Upload-Id"]) == (
        "stored",
        str(response.json()["id"]),
    )


def test_the_headers_of_a_refusal_have_its_code(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.put_object("uploads/a.png", PNG + b"old")
    assert put(client)["X-WX-Code"] == "exists"


def test_a_retry_whose_answer_was_lost_is_stored_by_a_new_row(
    client: APIClient, cloud: EmulatorServer
) -> None:
    first = put(client)["Location"]
    cloud.script(LOST)
    response = client.post(first + "retry/")
    rows = UploadLog.objects.order_by("id").values_list("source", "status")
    assert (response.status_code, response.json()["id"]) == (201, UploadLog.objects.latest("id").pk)
    assert [*rows] == [("api", "stored"), ("retry", "unknown"), ("list", "stored")]
