"""Each address with its last slash and without; the addresses of rows."""

from typing import Any

import pytest
from django.urls import include, path
from rest_framework.test import APIClient

from tests.api.conftest import PNG, Client, add, picture, put
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db

urlpatterns = [path("hosting/", include("wx_static_store.api.urls", namespace="hosting"))]


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


def deployment_url(client: APIClient, prefix: str = "wx") -> Any:
    (row,) = client.get(f"/{prefix}/uploads/").json()["results"]
    return row["deployment_url"]


def test_an_upload_links_to_its_deployment(client_of: Client) -> None:
    client, row = client_of("view_uploadlog", "view_deployment"), Deployment.objects.create()
    add("a.txt", deployment=row)
    url = deployment_url(client)
    assert url == f"http://testserver/wx/deployments/{row.pk}/"
    assert client.get(url).json()["id"] == row.pk


def test_an_upload_without_a_deployment_has_no_link(client_of: Client) -> None:
    add("a.txt")
    assert deployment_url(client_of("view_uploadlog", "view_deployment")) is None


def test_who_may_not_see_deployments_gets_no_link(client_of: Client) -> None:
    add("a.txt", deployment=Deployment.objects.create())
    assert deployment_url(client_of("view_uploadlog")) is None


def test_a_link_has_the_namespace_of_the_project(client_of: Client, settings: Any) -> None:
    client, row = client_of("view_uploadlog", "view_deployment"), Deployment.objects.create()
    settings.ROOT_URLCONF = __name__
    add("a.txt", deployment=row)
    assert deployment_url(client, "hosting") == f"http://testserver/hosting/deployments/{row.pk}/"
