"""The log, as the API lists it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import ALL, DAY, Client, add, files, keys, put
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest

pytestmark = pytest.mark.django_db


# --- filters --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
@each(
    ("query", "found"),
    [
        ("", ["static/4.css", "b/3.png", "a/2.png", "a/1.png"]),
        ("ordering=id", ["a/1.png", "a/2.png", "b/3.png", "static/4.css"]),
        ("status=failed", ["a/2.png"]),
        ("status=unknown", ["b/3.png"]),
        ("env=tenant-b", ["b/3.png"]),
        ("errcode=45009", ["a/2.png"]),
        ("errcode=0&status=unknown", ["b/3.png"]),
        ("source=wx_deploy", ["static/4.css"]),
        ("rid=abc-1", ["a/2.png"]),
        ("search=a/", ["a/2.png", "a/1.png"]),
        ("key=a/1.png", ["a/1.png"]),
        ("key=a/1", []),
        ("store=staticfiles", ["static/4.css"]),
        ("store=staticfiles&env=tenant-b", []),
        ("store=default", ["static/4.css", "a/2.png", "a/1.png"]),
        ("store=nowhere", []),
    ],
)
def test_a_filter_lists_the_rows_that_match(
    client: APIClient, query: str, found: list[str]
) -> None:
    assert keys(client, query) == found


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("name", "found"),
    [("created_before", ["a/1.png"]), ("created_after", ["static/4.css", "b/3.png", "a/2.png"])],
)
def test_a_filter_by_time_bounds_the_rows(client: APIClient, name: str, found: list[str]) -> None:
    moment = (timezone.now() - DAY).isoformat().replace("+", "%2B")
    assert keys(client, f"{name}={moment}") == found


@pytest.mark.usefixtures("rows")
def test_a_list_of_before_a_time_reads_no_rows_of_two_days_later(client: APIClient) -> None:
    ids = [*UploadLog.objects.order_by("id").values_list("id", flat=True)]
    moment = (timezone.now() - 3 * DAY).isoformat().replace("+", "%2B")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/wx/uploads/?created_before={moment}")
    id_column = connection.ops.quote_name("id")
    assert any(f"{id_column} < {ids[1]}" in query["sql"] for query in queries)


# --- B56: queries that are none -------------------------------------------------------------------


def test_a_page_has_a_hundred_rows_at_most(client: APIClient) -> None:
    UploadLog.objects.bulk_create(
        UploadLog(env=ENV, key=f"{n}", key_digest=key_digest(f"{n}"), name="n", status="stored")
        for n in range(120)
    )
    assert len(keys(client, "page_size=100")) == 100
    assert client.get("/wx/uploads/?page_size=101").status_code == 400


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
def test_a_list_asks_the_same_queries_however_long_it_is(
    client: APIClient, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked(size: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            keys(client, f"page_size={size}")
        return len(queries)

    assert asked(1) == asked(4)


def test_a_list_makes_no_call_to_the_cloud(client: APIClient, cloud: EmulatorServer) -> None:
    add("a.png")
    keys(client)
    assert cloud.journal == []


def test_a_page_asks_a_callable_env_once_per_store_not_per_row(
    client: APIClient, settings: Any
) -> None:
    asked: list[None] = []
    settings.STORAGES = settings.STORAGES | {
        "tenant": {
            "BACKEND": "wx_static_store.storage.WxStorage",
            "OPTIONS": {"env": lambda: asked.append(None) or ENV, "location": "tenant"},
        }
    }
    add("tenant/1.png", name="1.png")
    assert keys(client) == ["tenant/1.png"]
    once = len(asked)
    add("tenant/2.png", name="2.png")
    asked.clear()
    assert keys(client) == ["tenant/2.png", "tenant/1.png"]
    assert len(asked) == once


def test_while_environments_fails_no_row_is_shown(client: APIClient, configure: Any) -> None:
    def failing(user: Any) -> Any:
        raise LookupError("the table of tenants is gone")

    add("a.png")
    configure(WX_STATIC_STORE={"ENVIRONMENTS": failing})
    assert keys(client) == []


# --- B55: rows of others --------------------------------------------------------------------------


@pytest.fixture
def hidden(configure: Any, client: APIClient) -> UploadLog:
    """Make a row of an environment that this user may not see."""
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    return add("secret.png", md5="0" * 32)


@pytest.mark.parametrize(("method", "end"), [("get", ""), ("post", "retry/")])
def test_a_row_of_another_environment_is_404(
    client: APIClient, hidden: UploadLog, method: str, end: str
) -> None:
    response = getattr(client, method)(f"/wx/uploads/{hidden.pk}/{end}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["", f"env={ENV}", "key=secret.png", "store=default"])
def test_no_filter_shows_a_row_of_another_environment(
    client: APIClient, hidden: UploadLog, query: str
) -> None:
    assert keys(client, query) == []


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_row_can_be_neither_changed_nor_removed(client: APIClient, method: str) -> None:
    row = add("a.png")
    response = getattr(client, method)(
        f"/wx/uploads/{row.pk}/", {"status": "failed"}, format="json"
    )
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert UploadLog.objects.get().status == "stored"


@pytest.mark.parametrize("pk", ["999", "99999999999999999999999", "-1", "x", "1" * 5000, "%D9%A3"])
def test_an_unknown_row_is_404(client: APIClient, pk: str) -> None:
    assert client.get(f"/wx/uploads/{pk}/").status_code == 404


def test_an_upload_appears_in_the_list(client_of: Client, cloud: EmulatorServer) -> None:
    client = client_of(*ALL)
    put(client)
    assert [file["name"] for file in files(client)["results"]] == ["uploads/a.png"]


# --- an uploader's own rows -----------------------------------------------------------------------


def test_an_uploader_reads_the_location_of_their_upload(client_of: Client) -> None:
    client = client_of("upload")
    assert client.get(put(client)["Location"]).json()["key"] == "uploads/a.png"


def test_an_uploader_lists_their_own_rows_only(client_of: Client) -> None:
    eve, ann = client_of("upload", name="eve"), client_of("upload")
    put(eve, "uploads/e.png")
    put(ann, "uploads/a.png")
    assert keys(ann) == ["uploads/a.png"]


def test_an_uploader_does_not_find_the_row_of_another(client_of: Client) -> None:
    location = put(client_of("upload", name="eve"))["Location"]
    assert client_of("upload").get(location).status_code == 404


def test_what_wechat_said_is_not_in_the_row_of_an_uploader(
    client_of: Client, cloud: EmulatorServer
) -> None:
    client = client_of("upload")
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 61004, "times": None})
    reply = client.get(f"/wx/uploads/{put(client).json()['upload_id']}/").json()
    assert (reply["status"], reply["stage"]) == ("failed", "link")
    assert (reply["errcode"], reply["http_status"]) == (None, None)
    names = ("message", "hint", "cos_code", "rid", "request_id")
    assert [reply[name] for name in names] == [""] * len(names)


def test_rows_can_be_filtered_by_user(client: APIClient, client_of: Client) -> None:
    put(client_of("upload", name="eve"), "uploads/e.png")
    put(client)
    assert keys(client, f"user={User.objects.get(username='eve').pk}") == ["uploads/e.png"]
    assert [keys(client, f"user={key}") for key in ("eve", "9" * 30, "1.5")] == [[], [], []]


def test_rows_can_be_filtered_by_deployment(client: APIClient) -> None:
    put(client)
    UploadLog.objects.update(deployment_id=7)
    assert keys(client, "deployment=7") == ["uploads/a.png"]
    assert keys(client, "deployment=8") == []
