"""The stores, and what is in the cloud, as the API lists them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import Client, files
from tests.conftest import ENV
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import WaitingFile

pytestmark = pytest.mark.django_db


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


def test_a_user_who_may_only_look_may_do_nothing_in_any_store(client_of: Client) -> None:
    stores = client_of("view_uploadlog", "replace").get("/wx/stores/").json()["results"]
    assert [store["replace"] for store in stores] == [False, False]


def test_the_stores_say_what_may_be_uploaded(client: APIClient, configure: Any) -> None:
    limits = {"UPLOAD_MAX_SIZE": 5, "UPLOAD_EXTENSIONS": ["png"], "UPLOAD_LOCATION": "in/"}
    configure(WX_STATIC_STORE=limits)
    reply = client.get("/wx/stores/").json()
    assert (reply["folder"], reply["max_size"], reply["extensions"]) == ("in/", 5, ["png"])


# --- what is in the cloud -------------------------------------------------------------------------


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
        "waiting": False,
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
    assert files(client, "env=tenant-b")["code"] == "environment"
    assert cloud.journal == []


@pytest.mark.parametrize("path", ["stores/default/files/?", "uploads/default/uploads/a.png?"])
def test_the_environment_of_another_tenant_is_answered_as_one_that_nobody_has(
    client: APIClient, configure: Any, path: str
) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    theirs, nobodys = (
        client.get(f"/wx/{path}env={env}", HTTP_X_REQUEST_ID="r").content.decode()
        for env in (ENV, "nobodys")
    )
    assert theirs.replace(ENV, "nobodys") == nobodys
    assert ENV not in client.get(f"/wx/{path}").content.decode(), "of the store itself"


# --- what waits -----------------------------------------------------------------------------------


def wait(key: str, **columns: Any) -> WaitingFile:
    moments = dict.fromkeys(("next_at", "created", "changed"), timezone.now())
    facts = {"env": ENV, "name": key, "using": "default", "kind": "save", "source": "storage"}
    return WaitingFile.objects.create(key=key, key_digest=key, **facts | moments | columns)


def waiting(client: APIClient, query: str = "") -> list[str]:
    response = client.get(f"/wx/waiting/?{query}")
    assert response.status_code == 200, response.json()
    return [row["key"] for row in response.json()["results"]]


def test_a_waiting_file_says_why_it_waits(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": "https://site.example"})
    why = {"cause": "45009", "errcode": 45009, "message": "reach max api daily quota limit"}
    row = wait("a b.txt", state="parked", size=3, md5="m", attempts=2, **why)
    [shown] = client.get("/wx/waiting/").json()["results"]
    assert shown.pop("created")
    assert shown.pop("next_at")
    assert "quota" in shown.pop("hint")
    assert {name: bool(shown.pop(name)) for name in ("title", "advice")} == {
        "title": True,
        "advice": True,
    }
    assert shown == why | {
        "id": row.pk,
        "store": "default",
        "env": ENV,
        "key": "a b.txt",
        "name": "a b.txt",
        "kind": "save",
        "state": "parked",
        "size": 3,
        "md5": "m",
        "attempts": 2,
        "url": "https://site.example/a%20b.txt",
        "source": "storage",
        "source_ref": "",
        "user": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["d", "c", "b", "a"]),
        ("state=parked", ["b"]),
        ("state=left", ["d"]),
        ("store=other", ["c"]),
        ("env=tenant-b", ["b"]),
        ("state=due&env=tenant-b", []),
    ],
)
def test_waiting_files_can_be_filtered(client: APIClient, query: str, found: list[str]) -> None:
    wait("a")
    wait("b", env="tenant-b", state="parked")
    wait("c", using="other")
    wait("d", state="left")
    assert waiting(client, query) == found


def test_waiting_files_come_in_pages(client: APIClient) -> None:
    for key in "abc":
        wait(key)
    page = client.get("/wx/waiting/?page_size=2").json()
    [last] = client.get(page["next"]).json()["results"]
    assert last["key"] == "a"


def test_an_uploader_sees_what_is_theirs_without_what_wechat_answered(client_of: Client) -> None:
    client = client_of("upload")
    why = {"cause": "45009", "errcode": 45009, "message": "no"}
    wait("mine", user=User.objects.get(), **why)
    wait("theirs")
    [row] = client.get("/wx/waiting/").json()["results"]
    assert row["key"] == "mine"
    assert {row[name] for name in ("cause", "message", "title", "hint")} == {""}
    assert row["errcode"] is None


def test_waiting_files_of_other_environments_are_not_listed(
    client: APIClient, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    wait("ours", env="tenant-b")
    wait("theirs")
    assert waiting(client) == ["ours"]
