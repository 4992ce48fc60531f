"""Where the page *Files in the cloud* may look, and what it opens there."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.admin.conftest import Editor
from tests.admin.files import FILES, html_of, names
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "query", [{"store": "default", "env": ENV}, {"store": "none"}, {"env": "tenant-c"}]
)
def test_what_is_not_offered_is_not_found(tenant: Client, query: dict[str, str]) -> None:
    assert tenant.get(FILES, query).status_code == 404
    assert tenant.post(FILES, query).status_code == 404


def test_an_offered_environment_is_shown(cloud: EmulatorServer, tenant: Client) -> None:
    cloud.put_object("media/b.txt", b"tea", env="tenant-b")
    html = html_of(tenant)
    assert (names(html), "Tenant B" in html) == (["b.txt"], True)


def test_the_form_of_the_page_uploads_into_the_folder(
    cloud: EmulatorServer, editor: Editor
) -> None:
    html = html_of(editor("view_uploadlog", "upload"), folder="media/tea/")
    assert 'name="folder" value="tea/"' in html
    assert f'value="default@{ENV}" selected' in html


def test_the_form_of_the_top_folder_uploads_into_it(cloud: EmulatorServer, editor: Editor) -> None:
    html = html_of(editor("view_uploadlog", "upload"), folder="media/")
    assert 'name="folder" value="uploads/"' not in html


def test_where_the_store_cannot_upload_no_upload_is_offered(
    cloud: EmulatorServer, editor: Editor
) -> None:
    html = html_of(editor("view_uploadlog", "upload"), folder="elsewhere/")
    assert "Upload into this folder" not in html


def test_a_folder_with_a_nul_character_is_not_found(cloud: EmulatorServer, viewer: Client) -> None:
    assert viewer.get(FILES, {"folder": "a\0b"}).status_code == 404
