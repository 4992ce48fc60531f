"""What every view answers alike."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tests.api.conftest import PNG, put
from wx_static_store.api import base
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense", ""])
def test_every_answer_is_json(client: APIClient, accept: str) -> None:
    response = client.get("/wx/uploads/", HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


# --- the version, and the id of the request -------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"HTTP_X_WX_API_VERSION": "1"}])
def test_an_answer_names_its_version(client: APIClient, asked: dict[str, str]) -> None:
    response = client.get("/wx/stores/", **asked)
    assert (response.status_code, response["X-WX-API-Version"]) == (200, "1")


@pytest.mark.parametrize("asked", ["2", "v1", "1.0", ""])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_version_is_a_problem(client: APIClient, asked: str, method: str) -> None:
    response = getattr(client, method)("/wx/uploads/", HTTP_X_WX_API_VERSION=asked)
    assert (response.status_code, response.json()["code"]) == (400, "version")
    assert f"send {base.VERSION} as" in response.json()["detail"]
    assert response["X-WX-API-Version"] == "1"


ANSWERS = {
    "a list": ("get", "/wx/uploads/"),
    "headers alone": ("head", "/wx/stores/"),
    "a problem": ("get", "/wx/uploads/99/"),
    "an unknown method": ("delete", "/wx/uploads/"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("who", ["ann", "a stranger"])
def test_every_answer_has_the_id_of_its_request(client: APIClient, who: str, name: str) -> None:
    method, path = ANSWERS[name]
    ask = getattr(client if who == "ann" else APIClient(), method)
    assert ask(path, HTTP_X_REQUEST_ID="abc-1")["X-Request-ID"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{32}", ask(path, HTTP_X_REQUEST_ID="a b")["X-Request-ID"])
    assert ask(path)["X-Request-ID"] != ask(path)["X-Request-ID"]


def test_the_id_of_a_request_is_that_of_its_row(client: APIClient) -> None:
    assert UploadLog.objects.get(pk=put(client).json()["id"]).source_ref.startswith("request ")
    response = put(client, "uploads/b.png")
    row = UploadLog.objects.get(pk=response.json()["id"])
    assert row.source_ref == f"request {response['X-Request-ID']}"


# --- what the caller has already ------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["uploads/", "uploads/{id}/", "uploads/?page_size=1", "stores/", "stores/default/files/"],
)
def test_a_read_that_the_caller_has_already_is_304(client: APIClient, path: str) -> None:
    put(client)
    path = "/wx/" + path.format(id=put(client, "uploads/b.png").json()["id"])
    first = client.get(path)
    again = client.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "Content-Type" not in again
    assert {"ETag", "RateLimit", "X-Request-ID", "Cache-Control"} <= {*again.headers}


def test_a_read_that_was_compressed_is_304_too(client: APIClient, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    put(client)
    asked = {"HTTP_ACCEPT_ENCODING": "gzip"}
    first = client.get("/wx/uploads/", **asked)
    assert (first["Content-Encoding"], first["ETag"][:2]) == ("gzip", "W/")
    again = client.get("/wx/uploads/", HTTP_IF_NONE_MATCH=first["ETag"], **asked)
    assert again.status_code == 304


def test_a_read_that_changed_is_sent_whole(client: APIClient) -> None:
    known = client.get("/wx/uploads/")["ETag"]
    put(client)
    assert len(client.get("/wx/uploads/", HTTP_IF_NONE_MATCH=known).json()["results"]) == 1


def test_the_etag_of_a_problem_is_none(client: APIClient) -> None:
    assert "ETag" not in client.get("/wx/uploads/99/")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/wx/uploads/default/uploads/a.png", "/wx/uploads/1/retry/"])
def test_the_row_of_an_upload_is_in_no_transaction_of_its_request(
    client: APIClient,
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    """M22: with ATOMIC_REQUESTS the row of a failed upload would go when the request fails."""
    put(client)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    caplog.set_level("INFO", "wx_static_store.uploads")
    path = path.replace("/1/", f"/{UploadLog.objects.get().pk}/")
    retry = path.endswith("/retry/")
    send, query = (client.post, "") if retry else (client.put, "?overwrite=true")
    response = send(path + query, PNG, content_type="image/png")
    assert response.status_code == 201
    assert caplog.records[-1].upload["in_atomic"] is False  # type: ignore[attr-defined]
