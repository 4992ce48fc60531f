"""The members of a row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import add, files, keys
from wx_static_store.api.serializers import (
    DeploymentDetailSerializer,
    DeploymentSerializer,
    RowSerializer,
)
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload.hosting import Hosting, Hostings

pytestmark = pytest.mark.django_db


def test_a_row_has_its_public_address_where_it_is_known(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": "https://site.example"})
    row = add("b/a b.png")
    reply = client.get(f"/wx/uploads/{row.pk}/").json()
    assert (reply["store"], reply["url"]) == ("default", "https://site.example/b/a%20b.png")


@pytest.mark.parametrize("status", UploadLog.Status.values)
def test_the_address_is_that_of_a_file_that_may_be_there(
    client: APIClient, configure: Any, status: str
) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": "https://site.example"})
    reply = client.get(f"/wx/uploads/{add('a.png', status=status).pk}/").json()
    assert reply["url"] == (None if status == "failed" else "https://site.example/a.png")


def test_an_answer_asks_the_cache_once_for_an_address_that_nobody_knows(
    client: APIClient, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(Hostings, "get", lambda _self, env: asked.append(env) or Hosting())
    for number in range(5):
        add(f"{number}.txt")
    found = client.get("/wx/uploads/").json()["results"]
    assert [row["url"] for row in found] == [None] * 5
    assert len(asked) == 1


@pytest.mark.parametrize("pk", ["ann@example.com", UUID(int=7), 7, None])
def test_a_row_names_a_user_of_whatever_key(pk: Any) -> None:
    assert RowSerializer(UploadLog(user_id=pk, status="stored")).data["user"] == pk


def test_a_time_has_the_format_of_the_schema_whatever_the_project_sets(
    client: APIClient, cloud: EmulatorServer, settings: Any
) -> None:
    formats = {"DATETIME_FORMAT": "%d/%m/%Y", "DATETIME_INPUT_FORMATS": ["%d/%m/%Y"]}
    settings.REST_FRAMEWORK = formats
    cloud.put_object("a.png", b"")
    row = add("a.png", stored_at=datetime(2026, 1, 2, tzinfo=UTC))
    shown = client.get(f"/wx/uploads/{row.pk}/").json()
    assert datetime.fromisoformat(shown["stored_at"]) == row.stored_at
    reply = shown["created"]
    assert datetime.fromisoformat(reply).tzinfo
    assert keys(client, f"created_before={reply.replace('+', '%2B')}") == []
    assert datetime.fromisoformat(files(client)["results"][0]["last_modified"]).tzinfo


def test_a_stored_row_has_nothing_to_explain(client: APIClient) -> None:
    row = client.get(f"/wx/uploads/{add('a.png').pk}/").json()
    assert [row[name] for name in ("cause", "title", "advice", "hint", "again")] == [""] * 5


def test_one_deployment_has_what_a_list_shows_and_its_failures() -> None:
    listed = {*DeploymentSerializer().fields}
    assert {*DeploymentDetailSerializer().fields} - listed == {"failures"}
