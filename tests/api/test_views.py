"""The stores and environments that an address may name."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import Client, post, put
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


def test_the_only_store_is_taken_where_none_is_named(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_STORES": ["default"]})
    assert post(client, store=None).json()["store"] == "default"


def test_the_only_environment_of_a_tenant_is_taken(client: APIClient, configure: Any) -> None:
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    configure(WX_STATIC_STORE={"UPLOAD_STORES": ["default"], **offered})
    assert post(client, store=None).json()["env"] == "tenant-b"


def test_a_request_must_name_one_of_several_stores(client: APIClient) -> None:
    [text] = post(client, store=None).json()["errors"]["store"]
    assert "default, staticfiles" in text


@pytest.fixture
def tenants(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})


@pytest.mark.usefixtures("tenants")
def test_an_upload_goes_to_the_environment_that_is_asked_for(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert put(client, query="?env=tenant-b").status_code == 201
    assert set(cloud.objects("tenant-b")) == {"uploads/a.png"}


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize("query", ["", f"?env={ENV}", "?env=unheard-of"])
def test_no_other_environment_can_be_reached(client: APIClient, query: str) -> None:
    response = put(client, query=query)
    assert (response.status_code, response.json()["code"]) == (404, "environment")


def test_an_alias_that_is_not_ours_is_no_store(client: APIClient) -> None:
    assert post(client, store="nowhere").json()["code"] == "store"


def test_a_reader_and_an_uploader_get_the_same_message_for_an_unknown_store(
    client: APIClient,
) -> None:
    shown = client.get("/wx/stores/nowhere/files/").json()["detail"]
    assert shown == "nowhere is no store that you may use."
    assert post(client, store="nowhere").json()["detail"] == shown


@pytest.mark.parametrize(("name", "found"), [("%ff.png", "%FF"), ("%25E5%259B%25BE.png", "%E5")])
def test_a_name_that_is_not_utf_8_is_refused(
    client: APIClient, cloud: EmulatorServer, name: str, found: str
) -> None:
    shown = put(client, f"uploads/{name}").json()
    wanted = f"The name is not UTF-8, or it was percent-encoded twice: it has {found}."
    assert (shown["code"], shown["detail"]) == ("name", wanted)


@pytest.fixture
def closed(configure: Any, cloud: EmulatorServer) -> Any:
    """Return `closed()`, after which nobody may upload to `default`."""
    return lambda: configure(WX_STATIC_STORE={"UPLOAD_STORES": ["staticfiles"]})


@pytest.mark.parametrize("send", [post, put])
def test_a_closed_store_takes_no_uploads(
    client_of: Client, cloud: EmulatorServer, closed: Any, send: Any
) -> None:
    closed()
    response = send(client_of(is_superuser=True))
    assert (response.status_code, response.json()["code"]) == (404, "store_closed")
    assert cloud.journal == []
    assert not UploadLog.objects.exists()


def test_an_open_store_beside_a_closed_one_takes_uploads(
    client: APIClient, cloud: EmulatorServer, closed: Any
) -> None:
    closed()
    assert post(client, store="staticfiles").status_code == 201
    assert set(cloud.objects()) == {"static/uploads/a.png"}


def test_a_closed_store_is_not_among_the_stores(client: APIClient, closed: Any) -> None:
    closed()
    shown = client.get("/wx/stores/").json()["results"]
    assert [one["store"] for one in shown] == ["staticfiles"]


def test_the_files_of_a_closed_store_are_listed(client: APIClient, closed: Any) -> None:
    put(client)
    closed()
    shown = client.get("/wx/stores/default/files/").json()["results"]
    assert [one["key"] for one in shown] == ["uploads/a.png"]


def test_a_row_of_a_closed_store_is_sent_again(
    client: APIClient, cloud: EmulatorServer, closed: Any
) -> None:
    first = put(client).json()["id"]
    closed()
    assert client.post(f"/wx/uploads/{first}/retry/").status_code == 201
    assert len(cloud.calls("put_object", key="uploads/a.png")) == 2


def test_a_closed_store_is_seen_in_the_environments_that_are_offered_only(
    client: APIClient, configure: Any
) -> None:
    first = put(client).json()["id"]
    changes = {"UPLOAD_STORES": [], "ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    configure(WX_STATIC_STORE=changes)
    assert client.get(f"/wx/stores/default/files/?env={ENV}").json()["code"] == "environment"
    assert client.get("/wx/stores/default/files/?env=tenant-b").status_code == 200
    assert client.post(f"/wx/uploads/{first}/retry/").json()["code"] == "not_found"
