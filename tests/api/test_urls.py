"""The addresses of the API, with those that the opt-in apps add."""

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import put
from wx_static_store.api import urls
from wx_static_store.health.api import urls as health
from wx_static_store.rollouts.api import urls as rollouts

pytestmark = pytest.mark.django_db


def test_the_addresses_of_installed_apps_are_added() -> None:
    assert {*health.urlpatterns, *rollouts.urlpatterns} <= {*urls.urlpatterns}


def test_a_wrong_name_is_answered_in_json_and_not_as_a_page(client: APIClient) -> None:
    response = put(client, "uploads/%3Cscript%3E.png", HTTP_ACCEPT="text/html")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_a_line_break_in_a_name_is_refused_by_our_rules(client: APIClient) -> None:
    response = put(client, "uploads/a%0Ab.png")
    assert (response.status_code, response.json()["code"]) == (400, "name")
