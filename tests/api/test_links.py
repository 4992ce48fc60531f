"""The addresses of rows, as the project included ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import include, path
from rest_framework.test import APIClient

from tests.api.conftest import Client, add
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db

urlpatterns = [path("hosting/", include("wx_static_store.api.urls", namespace="hosting"))]


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
