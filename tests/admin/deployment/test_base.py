"""What the pages of a deployment's release have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.admin.conftest import SITE, Editor
from tests.admin.releases import address, configure_site, deploy, html_of, texts
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["compare", "rollback"]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_where_the_release_went_and_leads_back(
    configure: Callable[..., Any], editor: Editor, tmp_path: Path, page: str
) -> None:
    configure_site(configure, tmp_path / "releases")
    client, row = editor("view_deployment", "deploy"), deploy({"a.css": b"1"}, "v1", prefix="app/")
    html = html_of(client, page, row)
    assert texts(html, r'<p class="wx-quiet">(.*?)</p>') == [f"{row.env} (site) · /www/app/"]
    assert f'href="{SITE}www/app/"' in html
    (crumbs,) = texts(html, r'<nav class="wx-way"[^>]*>(.*?)</nav>')
    assert crumbs.endswith(f"Deployments › #{row.pk} v1")
    assert f'href="{address("change", row)}"' in html


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("pk", ["0", "x", "9" * 30])
def test_a_deployment_that_is_not_there_is_404(
    configure: Callable[..., Any], editor: Editor, page: str, pk: str
) -> None:
    configure_site(configure, None)
    client = editor("view_deployment", "deploy")
    assert client.get(address(page, Deployment(pk=0)).replace("/0/", f"/{pk}/")).status_code == 404
