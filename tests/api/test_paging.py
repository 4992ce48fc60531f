"""Pages by a signed cursor."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import add
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("cursor", ["x", "cD0x", "1:1xWJbG:kUbao9b1wlaKIz4Q"])
@pytest.mark.parametrize("path", ["uploads/", "stores/default/files/"])
def test_a_cursor_that_nobody_gave_leads_nowhere(client: APIClient, path: str, cursor: str) -> None:
    response = client.get(f"/wx/{path}?cursor={cursor}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


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
def test_the_next_page_stands_in_a_header_too(client: APIClient) -> None:
    page = client.get("/wx/uploads/?page_size=3")
    assert page["Link"] == f'<{page.json()["next"]}>; rel="next"'
    assert "Link" not in client.get(page.json()["next"])
