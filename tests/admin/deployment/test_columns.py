"""The columns of the deployments: where each went, what its release is, and which is live."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SITE
from tests.conftest import ENV
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db

LIVE = '<span class="wx-badge wx-live">live</span>'


@pytest.fixture
def release() -> Release:
    return Release.objects.create(digest="0123456789abcdef" * 4, files=b"", count=3, size=2048)


def deployment(**columns: Any) -> Deployment:
    given = {"env": ENV, "source": "wx_deploy", "outcome": "done", "using": "default"} | columns
    return Deployment.objects.create(**given)


def cell(client: Client, name: str) -> list[str]:
    """Return the texts of a column, from the top."""
    html = client.get(reverse("admin:wx_static_store_deployment_changelist")).content.decode()
    cells = re.findall(rf'<t[dh] class="field-{name}(?: nowrap)?">(.*?)</t[dh]>', html)
    return [unescape(re.sub("<.*?>", "", text)) for text in cells]


def page(client: Client, of: Deployment) -> str:
    answer = client.get(reverse("admin:wx_static_store_deployment_change", args=[of.pk]))
    return answer.content.decode()


def test_the_list_shows_what_a_verification_found_beside_the_outcome(viewer: Client) -> None:
    deployment()
    deployment(checked="mismatched")
    assert cell(viewer, "outcome") == ["✓ done ✗ differs from its release", "✓ done"]


def test_the_list_shows_store_folder_and_ten_characters_of_the_digest(
    viewer: Client, release: Release
) -> None:
    deployment(label="v1", folder="media/app/", release=release)
    assert cell(viewer, "release") == [f"v1 {ENV} (default) · /media/app/ · 0123456789"]


def test_the_list_says_which_deployment_is_live_in_its_folder(
    viewer: Client, release: Release
) -> None:
    for folder, outcome in [("a/", "done"), ("a/", "done"), ("b/", "done"), ("a/", "failed")]:
        deployment(folder=folder, outcome=outcome, release=release)
    assert cell(viewer, "outcome") == ["✗ failed", "✓ done live", "✓ done live", "✓ done"]


def test_the_page_shows_the_release_and_where_it_went(viewer: Client, release: Release) -> None:
    html = page(viewer, deployment(folder="media/app/", release=release))
    assert "<code>0123456789</code>" in html
    assert "3 files <small><span>2.0\xa0KB</span></small>" in html
    assert f'<a href="{SITE}media/app/" target="_blank"' in html
    assert LIVE in html


def test_the_page_of_an_older_one_links_to_what_is_live(viewer: Client, release: Release) -> None:
    old, new = deployment(release=release), deployment(release=release, label="v2")
    html = page(viewer, old)
    assert LIVE not in html
    assert f'<a href="/admin/wx_static_store/deployment/{new.pk}/change/">#{new.pk} v2</a>' in html


def test_a_deployment_from_before_there_were_releases_shows_none(viewer: Client) -> None:
    html = page(viewer, deployment(using=""))
    assert "Release" not in html
    assert LIVE not in html


def test_a_store_that_is_no_more_has_no_address(viewer: Client, release: Release) -> None:
    html = page(viewer, deployment(using="gone", folder="app/", release=release))
    assert ">/app/<" in html
    assert f'href="{SITE}app/"' not in html


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("roll back from v2 to v1", "从 v2 回滚到 v1"),
        ("roll back to v1", "回滚到 v1"),
        ("roll back of roll back to v1", "回滚 回滚到 v1"),
        ("repair of v1", "修复 v1"),
        ("v1", "v1"),
    ],
)
def test_a_generated_label_is_in_the_readers_language(
    viewer: Client, release: Release, settings: Any, label: str, shown: str
) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    row = deployment(label=label, release=release)
    assert cell(viewer, "release")[0].startswith(f"{shown} ")
    assert label == shown or label not in page(viewer, row)
