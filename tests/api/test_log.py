"""The log, the stores and the cloud's files, as the API lists them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import ALL, Client, put
from tests.conftest import ENV
from wx_static_store.api.serializers import RowSerializer
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest

pytestmark = pytest.mark.django_db


def add(key: str, **columns: Any) -> UploadLog:
    created = columns.pop("created", None)
    facts = {"env": ENV, "name": key, "status": "stored", "source": "storage", "errcode": 0}
    row = UploadLog.objects.create(key=key, key_digest=key_digest(key), **(facts | columns))
    if created:
        UploadLog.objects.filter(pk=row.pk).update(created=created)
    return row


def keys(client: APIClient, query: str = "") -> list[str]:
    response = client.get(f"/wx/uploads/?{query}")
    assert response.status_code == 200, response.json()
    return [row["key"] for row in response.json()["results"]]


# --- filters --------------------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.fixture
def rows(client: APIClient) -> None:
    add("a/1.png", created=timezone.now() - 2 * DAY)
    add("a/2.png", status="failed", errcode=45009, rid="abc-1", source="api")
    add("b/3.png", status="unknown", errcode=0, env="tenant-b")
    add("static/4.css", source="wx_deploy")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
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
def test_a_filter_finds(client: APIClient, query: str, found: list[str]) -> None:
    assert keys(client, query) == found


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("name", "found"),
    [("created_before", ["a/1.png"]), ("created_after", ["static/4.css", "b/3.png", "a/2.png"])],
)
def test_a_time_bounds_what_is_found(client: APIClient, name: str, found: list[str]) -> None:
    moment = (timezone.now() - DAY).isoformat().replace("+", "%2B")
    assert keys(client, f"{name}={moment}") == found


# --- B56: queries that are none -------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    "query",
    [
        *("page_size=-1", "page_size=0", "page_size=NaN", "page_size=1e3"),
        *("ordering=user__password", "ordering=key", "ordering=-id,key"),
        *("status=(a%2B)%2B$", "errcode=x", "errcode=99999999999999999999", "created_after=soon"),
        *("created_after=0001-01-01T00:00:00", "created_after=0001-01-01T00:00:00%2B14:00"),
        *("created_before=9999-12-31T23:59:59Z", "created_before=9999-12-31T23:59:59-12:00"),
        *("status=", "search=", "search=a%00b"),
    ],
)
def test_a_wrong_query_is_reported(client: APIClient, query: str) -> None:
    response = client.get(f"/wx/uploads/?{query}")
    name = query.partition("=")[0]
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert list(response.json()["errors"]) == [name]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "9999-12-31T12:00:00Z"]
)
def test_the_ends_of_time_are_none_in_any_zone(
    client: APIClient, settings: Any, zone: str, moment: str
) -> None:
    settings.TIME_ZONE = zone
    response = client.get(f"/wx/uploads/?created_after={moment}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("cursor", ["x", "cD0x", "1:1xWJbG:kUbao9b1wlaKIz4Q"])
@pytest.mark.parametrize("path", ["uploads/", "stores/default/files/"])
def test_a_cursor_that_nobody_gave_leads_nowhere(client: APIClient, path: str, cursor: str) -> None:
    response = client.get(f"/wx/{path}?cursor={cursor}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("query", ["user__password__startswith=a", "key__regex=(a%2B)%2B$"])
def test_what_is_no_filter_is_refused(client: APIClient, query: str) -> None:
    response = client.get(f"/wx/uploads/?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert list(response.json()["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("path", "query", "nearest"),
    [
        ("uploads/", "statuss=stored", "status"),
        ("stores/default/files/", "prefx=uploads/", "prefix"),
        ("uploads/default/uploads/a.png", "enviro=x", "env"),
    ],
)
def test_a_misspelt_filter_is_answered_with_the_nearest_name(
    client: APIClient, path: str, query: str, nearest: str
) -> None:
    reply = client.get(f"/wx/{path}?{query}").json()["errors"]
    assert f"Did you mean {nearest}?" in reply[query.partition("=")[0]][0]


@pytest.mark.parametrize("path", ["stores/", "uploads/1/"])
def test_where_there_are_no_parameters_any_is_refused(client: APIClient, path: str) -> None:
    assert client.get(f"/wx/{path}?x=1").json()["errors"].keys() == {"x"}


def test_a_page_has_a_hundred_rows_at_most(client: APIClient) -> None:
    UploadLog.objects.bulk_create(
        UploadLog(env=ENV, key=f"{n}", key_digest=key_digest(f"{n}"), name="n", status="stored")
        for n in range(120)
    )
    assert len(keys(client, "page_size=100")) == 100
    assert client.get("/wx/uploads/?page_size=101").status_code == 400


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("ordering", ["id", "-id"])
def test_pages_follow_each_other_without_a_gap(client: APIClient, ordering: str) -> None:
    url, seen = f"/wx/uploads/?page_size=3&ordering={ordering}", []
    while url:
        page = client.get(url).json()
        seen.append([row["id"] for row in page["results"]])
        url = page["next"]
    whole = list(UploadLog.objects.order_by(ordering).values_list("id", flat=True))
    assert seen == [whole[:3], whole[3:]]


@pytest.mark.usefixtures("rows")
def test_a_row_that_comes_meanwhile_moves_no_page(client: APIClient) -> None:
    first = client.get("/wx/uploads/?page_size=2").json()
    add("new.png")
    second = client.get(first["next"]).json()
    assert [row["key"] for row in second["results"]] == ["a/2.png", "a/1.png"]


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


def test_a_list_makes_no_call(client: APIClient, cloud: EmulatorServer) -> None:
    add("a.png")
    keys(client)
    assert cloud.journal == []


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


@pytest.mark.parametrize("pk", ["ann@example.com", UUID(int=7), 7, None])
def test_a_row_names_a_user_of_whatever_key(pk: Any) -> None:
    assert RowSerializer(UploadLog(user_id=pk, status="stored")).data["user"] == pk


def test_a_time_has_the_format_of_the_schema_whatever_the_project_sets(
    client: APIClient, cloud: EmulatorServer, settings: Any
) -> None:
    formats = {"DATETIME_FORMAT": "%d/%m/%Y", "DATETIME_INPUT_FORMATS": ["%d/%m/%Y"]}
    settings.REST_FRAMEWORK = formats
    cloud.put_object("a.png", b"")
    reply = client.get(f"/wx/uploads/{add('a.png').pk}/").json()["created"]
    assert datetime.fromisoformat(reply).tzinfo
    assert keys(client, f"created_before={reply.replace('+', '%2B')}") == []
    assert datetime.fromisoformat(files(client)["results"][0]["last_modified"]).tzinfo


@pytest.mark.parametrize(
    ("columns", "reply"),
    [
        ({"status": "failed", "errcode": 45009}, "quota is used up"),
        ({"status": "failed", "errcode": None, "stage": "put"}, "Check the network"),
        ({}, ""),
    ],
)
def test_a_row_says_what_can_be_done(client: APIClient, columns: Any, reply: str) -> None:
    row = add("a.png", **columns)
    hint = client.get(f"/wx/uploads/{row.pk}/").json()["hint"]
    assert reply in hint
    assert bool(reply) == bool(hint)


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
def test_a_row_of_another_environment_is_not_there(
    client: APIClient, hidden: UploadLog, method: str, end: str
) -> None:
    response = getattr(client, method)(f"/wx/uploads/{hidden.pk}/{end}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["", f"env={ENV}", "key=secret.png", "store=default"])
def test_no_filter_shows_it(client: APIClient, hidden: UploadLog, query: str) -> None:
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
def test_a_row_that_never_was_is_not_there(client: APIClient, pk: str) -> None:
    assert client.get(f"/wx/uploads/{pk}/").status_code == 404


# --- stores ---------------------------------------------------------------------------------------


def test_the_stores_are_those_that_the_user_may_use(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": user.username}})
    reply = client.get("/wx/stores/").json()
    named = [(each["store"], each["env"], each["label"]) for each in reply["results"]]
    assert named == [
        ("default", "tenant-b", "default: ann"),
        ("staticfiles", "tenant-b", "staticfiles: ann"),
    ]


@pytest.mark.parametrize(
    ("permission", "granted"),
    [
        ("replace", "replace"),
        ("upload_active_content", "active_content"),
        ("replace_protected", "protected_names"),
    ],
)
def test_the_stores_say_what_this_user_may_do_there(
    client_of: Client, permission: str, granted: str
) -> None:
    names = ("replace", "active_content", "protected_names")
    for store in client_of("upload", permission).get("/wx/stores/").json()["results"]:
        assert {name for name in names if store[name]} == {granted}
        assert store["max_size"] == 300 * 1024 * 1024


def test_who_may_only_look_may_do_nothing_in_any_store(client_of: Client) -> None:
    stores = client_of("view_uploadlog", "replace").get("/wx/stores/").json()["results"]
    assert [store["replace"] for store in stores] == [False, False]


def test_the_stores_say_what_may_be_uploaded(client: APIClient, configure: Any) -> None:
    limits = {"UPLOAD_MAX_SIZE": 5, "UPLOAD_EXTENSIONS": ["png"], "UPLOAD_LOCATION": "in/"}
    configure(WX_STATIC_STORE=limits)
    reply = client.get("/wx/stores/").json()
    assert (reply["folder"], reply["max_size"], reply["extensions"]) == ("in/", 5, ["png"])


# --- what is in the cloud -------------------------------------------------------------------------


def files(client: APIClient, query: str = "", store: str = "default") -> Any:
    return client.get(f"/wx/stores/{store}/files/?{query}").json()


def test_the_files_are_those_of_the_cloud_whatever_the_log_says(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.put_object("static/a b.css", b"css")
    [reply] = files(client, store="staticfiles")["results"]
    assert reply.pop("last_modified")
    assert reply == {
        "name": "a b.css",
        "key": "static/a b.css",
        "url": cloud.site_url() + "/static/a%20b.css",
        "size": 3,
        "md5": "c7a628cba22e28eb17b5f5c6ae2a266a",
    }


def test_a_deleted_file_is_not_listed(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.put_object("gone.txt", DELETED)
    assert files(client)["results"] == []


@pytest.mark.parametrize("prefix", ["", "a", "../", "/", "%2e%2e/"])
def test_no_prefix_leaves_the_stores_location(
    client: APIClient, cloud: EmulatorServer, prefix: str
) -> None:
    cloud.put_object("media/secret.txt", b"x")
    cloud.put_object("static/a.css", b"x")
    found = {file["key"] for file in files(client, f"prefix={prefix}", "staticfiles")["results"]}
    assert found <= {"static/a.css"}


def test_the_files_come_in_pages_of_one_call_each(client: APIClient, cloud: EmulatorServer) -> None:
    for number in range(1203):
        cloud.put_object(f"p/{number:04}", b"")
    first = files(client, "prefix=p/")
    second = client.get(first["next"]).json()
    found = [file["name"] for page in (first, second) for file in page["results"]]
    assert found == [f"p/{number:04}" for number in range(1203)]
    assert second["next"] is None
    assert len(cloud.calls("staticfilelist")) == 2


@pytest.mark.parametrize("query", ["prefix=q/", "prefix=", "env=tenant-b&prefix=p/"])
def test_a_cursor_serves_its_own_list_only(
    client: APIClient, cloud: EmulatorServer, query: str, configure: Any
) -> None:
    offered = {ENV: "A", "tenant-b": "B"}
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: offered})
    for number in range(1001):
        cloud.put_object(f"p/{number:04}", b"")
    cursor = files(client, "prefix=p/")["next"].partition("cursor=")[2].partition("&")[0]
    reply = files(client, f"{query}&cursor={cursor}")
    assert reply["code"] == "not_found"


def test_the_cloud_of_another_environment_is_not_shown(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert files(client, "env=tenant-b")["code"] == "store"
    assert cloud.journal == []


def test_an_upload_shows_in_the_list(client_of: Client, cloud: EmulatorServer) -> None:
    client = client_of(*ALL)
    put(client)
    assert [file["name"] for file in files(client)["results"]] == ["uploads/a.png"]


@pytest.mark.usefixtures("rows")
def test_the_next_page_stands_in_a_header_too(client: APIClient) -> None:
    page = client.get("/wx/uploads/?page_size=3")
    assert page["Link"] == f'<{page.json()["next"]}>; rel="next"'
    assert "Link" not in client.get(page.json()["next"])


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
    assert [reply[name] for name in ("errcode", "message", "hint", "rid")] == [None, "", "", ""]


def test_rows_are_found_by_their_user(client: APIClient, client_of: Client) -> None:
    put(client_of("upload", name="eve"), "uploads/e.png")
    put(client)
    assert keys(client, f"user={User.objects.get(username='eve').pk}") == ["uploads/e.png"]
    assert [keys(client, f"user={key}") for key in ("eve", "9" * 30, "1.5")] == [[], [], []]


def test_rows_are_found_by_their_deployment(client: APIClient) -> None:
    put(client)
    UploadLog.objects.update(deployment_id=7)
    assert keys(client, "deployment=7") == ["uploads/a.png"]
    assert keys(client, "deployment=8") == []
