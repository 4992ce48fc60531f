"""Parameters and form fields that are refused, and those that count as absent."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import picture, post, put
from tests.tables import each
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


def test_unknown_fields_of_a_form_are_refused(client: APIClient, cloud: EmulatorServer) -> None:
    given = {"errcode": "7", "state": "x", "id": "99", "user": "99", "created": "1999"}
    response = post(client, **given)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert set(response.json()["errors"]) == set(given)
    assert cloud.objects() == {}


@pytest.mark.parametrize(("wrong", "nearest"), [("overwrit", "overwrite"), ("stor", "store")])
def test_a_misspelt_field_gets_the_nearest_name(
    client: APIClient, wrong: str, nearest: str
) -> None:
    assert nearest in post(client, **{wrong: "true"}).json()["errors"][wrong][0]


@pytest.mark.parametrize("query", ["?overwrit=true", "?Overwrite=true", "?path=x"])
def test_a_misspelt_parameter_uploads_nothing(
    client: APIClient, cloud: EmulatorServer, query: str
) -> None:
    response = put(client, query=query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert cloud.objects() == {}


def test_the_address_of_the_form_takes_no_parameters(client: APIClient) -> None:
    response = client.post("/wx/uploads/?overwrite=true", {"file": picture()})
    assert list(response.json()["errors"]) == ["overwrite"]


def test_the_csrf_token_of_a_page_is_no_unknown_field(client: APIClient) -> None:
    assert post(client, csrfmiddlewaretoken="a" * 32).status_code == 201


def test_a_blank_environment_is_the_store_s_own(client: APIClient, cloud: EmulatorServer) -> None:
    """Swagger's page sends a field that nobody filled in."""
    assert put(client, "uploads/a.png", query="?env=").status_code == 201
    assert post(client, "uploads/b.png", env="").status_code == 201
    assert client.get("/wx/stores/default/files/?env=").status_code == 200
    assert set(cloud.objects()) == {"uploads/a.png", "uploads/b.png"}


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_a_blank_path_is_the_folder_for_uploads(
    client: APIClient, cloud: EmulatorServer, blank: str
) -> None:
    assert post(client, blank).status_code == 201
    assert set(cloud.objects()) == {"uploads/a.png"}


@pytest.mark.usefixtures("rows")
@each(
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
def test_a_time_outside_the_calendar_is_refused_in_any_time_zone(
    client: APIClient, settings: Any, zone: str, moment: str
) -> None:
    settings.TIME_ZONE = zone
    response = client.get(f"/wx/uploads/?created_after={moment}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("query", ["user__password__startswith=a", "key__regex=(a%2B)%2B$"])
def test_an_unknown_filter_is_refused(client: APIClient, query: str) -> None:
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
def test_an_address_without_parameters_refuses_any_parameter(client: APIClient, path: str) -> None:
    assert client.get(f"/wx/{path}?x=1").json()["errors"].keys() == {"x"}
