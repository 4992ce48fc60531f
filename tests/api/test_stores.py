"""The stores, and what is in the cloud, as the API lists them."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import Client, files
from tests.conftest import ENV
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer

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
    assert files(client, "env=tenant-b")["code"] == "store"
    assert cloud.journal == []
