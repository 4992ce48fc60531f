"""The answer to an upload names its row."""

from typing import Any

import pytest
from django.urls import include, path
from rest_framework.test import APIClient

from tests.api.conftest import PNG, picture, post, put
from wx_static_store.api import urls
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


def test_the_location_is_the_row_of_the_log(client: APIClient) -> None:
    location = put(client)["Location"]
    assert client.get(location).json()["key"] == "uploads/a.png"


@pytest.mark.parametrize("send", [post, put])
def test_without_a_namespace_the_answer_has_no_location(
    client: APIClient, cloud: EmulatorServer, settings: Any, send: Any
) -> None:
    settings.ROOT_URLCONF = (path("wx/", include(urls.urlpatterns)),)
    response = send(client)
    assert response.status_code == 201
    assert "Location" not in response
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("send", [post, put])
def test_at_a_host_that_is_not_allowed_the_answer_has_no_location(
    client: APIClient, cloud: EmulatorServer, settings: Any, send: Any
) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    response = send(client, HTTP_HOST="example.net")
    assert response.status_code == 201
    assert "Location" not in response
    assert cloud.objects()["uploads/a.png"].body == PNG


def test_the_location_has_the_last_slash(client: APIClient) -> None:
    form = {"store": "default", "file": picture(), "path": "uploads/a.png"}
    response = client.post("/wx/uploads", form, format="multipart")
    assert response["Location"].endswith(f"/uploads/{response.json()['id']}/")
