"""Each address with its last slash and without."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import PNG, picture, put
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


def test_a_form_is_taken_without_the_last_slash(client: APIClient, cloud: EmulatorServer) -> None:
    form = {"store": "default", "file": picture(), "path": "uploads/a.png"}
    response = client.post("/wx/uploads", form, format="multipart")
    assert response.status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


def test_a_retry_is_taken_without_the_last_slash(client: APIClient) -> None:
    row = put(client).json()["id"]
    assert client.post(f"/wx/uploads/{row}/retry").status_code == 201


@pytest.mark.parametrize("address", ["uploads", "uploads/{row}", "stores", "stores/default/files"])
def test_an_address_answers_alike_without_the_last_slash(client: APIClient, address: str) -> None:
    url = "/wx/" + address.format(row=put(client).json()["id"])
    with_slash, without = client.get(url + "/"), client.get(url)
    assert (without.status_code, without.content) == (200, with_slash.content)


def test_a_file_named_retry_can_be_uploaded(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_LOCATION": "", "UPLOAD_EXTENSIONS": None})
    response = put(client, "retry")
    assert (response.status_code, list(cloud.objects())) == (201, ["retry"])
