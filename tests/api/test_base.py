"""What every view answers alike."""

from __future__ import annotations

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tests.api.conftest import PNG, put
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense", ""])
def test_every_answer_is_json(client: APIClient, accept: str) -> None:
    response = client.get("/wx/uploads/", HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


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
