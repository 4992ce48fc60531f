"""The page *Publish a site*: what it shows of an archive, what it sends, what it refuses."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.admin.conftest import SITE, Editor
from tests.admin.deployment.test_rollback import said
from tests.admin.releases import configure_site, counts, texts
from tests.conftest import ENV
from tests.deploys import bodies
from tests.rollouts.conftest import Broker, broker as broker
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.releases import rollback
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db(transaction=True)

PUBLISH = "/admin/wx_static_store/deployment/publish/"
TREE = {"dist/index.html": b"<h1>tea</h1>", "dist/a.css": b"a"}


@pytest.fixture
def cloud(configure: Callable[..., Any], tmp_path: Path) -> EmulatorServer:
    return configure_site(configure, tmp_path / "releases")


@pytest.fixture
def operator(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment", "deploy")


def archive(files: Mapping[str, bytes]) -> SimpleUploadedFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return SimpleUploadedFile("dist.zip", packed.getvalue())


def show(client: Client, files: Mapping[str, bytes] = TREE, **given: str) -> str:
    """Send the archive; return the page that says what would become of it."""
    form = {"env": ENV, "using": "site", "label": "v1"} | given
    answer = client.post(PUBLISH, form | {"file": archive(files)})
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def press(client: Client, html: str) -> Any:
    [order] = re.findall(r'name="order" value="([^"]*)"', html)
    return client.post(PUBLISH, {"order": order})


def test_the_page_says_what_would_be_sent_and_sends_nothing(
    operator: Client, cloud: EmulatorServer
) -> None:
    html = show(operator, folder="spring")
    assert counts(html) == ["2 to be sent (13 bytes)", "0 unchanged", "0 stale"]
    assert f'href="{SITE}www/spring/"' in html
    assert texts(html, r'<ul class="wx-names">(.*?)</ul>') == [
        "spring/a.css 1 byte spring/index.html 12 bytes"
    ]
    assert bodies(cloud) == {}


def test_the_button_publishes_it(operator: Client, cloud: EmulatorServer) -> None:
    answer = press(operator, show(operator))
    row = Deployment.objects.get()
    assert answer.headers["Location"].endswith(f"/deployment/{row.pk}/change/")
    assert said(answer) == ["Release v1 is live: 2 files sent, 0 unchanged."]
    assert bodies(cloud) == {"www/index.html": b"<h1>tea</h1>", "www/a.css": b"a"}
    assert (row.label, row.outcome, row.source, str(row.user_id)) == (
        "v1",
        "done",
        "admin_deploy",
        operator.session["_auth_user_id"],
    )


def test_without_a_label_a_site_is_called_as_its_archive(operator: Client) -> None:
    press(operator, show(operator, label=""))
    assert Deployment.objects.get().label == "dist.zip"


def test_a_publish_that_fails_says_how_to_try_again(
    operator: Client, cloud: EmulatorServer
) -> None:
    html = show(operator)
    refused = {"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None}
    cloud.script(refused | {"key": "*/a.css"})
    text = said(press(operator, html))
    assert (text[0], text[-1]) == (
        "The deployment failed.",
        "To try again, choose the archive again. What is stored already is not sent twice.",
    )
    assert bodies(cloud) == {}


def test_the_page_says_how_long_the_request_may_take(operator: Client) -> None:
    text = "It is sent while the next page loads, for at most 20 seconds."
    assert text in " ".join(show(operator).split())


def test_what_is_live_already_has_no_button(operator: Client) -> None:
    press(operator, show(operator))
    assert "This is live already." in show(operator)


def test_a_worker_publishes_it_where_there_is_celery(
    broker: Broker, editor: Editor, cloud: EmulatorServer
) -> None:
    answer = press(client := editor("view_deployment", "deploy"), show(client))
    rollout = Rollout.objects.get()
    assert answer.headers["Location"].endswith(f"/rollout/{rollout.pk}/change/")
    assert (rollout.label, rollout.using, rollout.folder) == ("v1", "site", "www/")


def test_a_site_that_is_too_large_for_a_request_has_no_button(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "MOST_FILES", 1)
    html = show(operator)
    assert "This is too much for one request" in html
    assert 'name="order"' not in html


def test_a_link_to_nothing_is_a_warning(operator: Client) -> None:
    html = show(operator, TREE | {"dist/index.html": b"<script src=gone.js></script>"})
    assert "gone.js" in " ".join(texts(html, r'<li class="warning">(.*?)</li>'))


@pytest.mark.parametrize(
    ("files", "given", "error"),
    [
        ({"../a.txt": b"a"}, {}, "a.txt"),
        (TREE, {"folder": "../up"}, "up"),
        (TREE, {"env": "of-somebody-else"}, "of-somebody-else"),
        (TREE, {"using": "default"}, "default"),
    ],
    ids=["path", "folder", "environment", "media store"],
)
def test_what_cannot_be_published_is_an_error_of_the_form(
    operator: Client, cloud: EmulatorServer, files: Any, given: Any, error: str
) -> None:
    errors = " ".join(
        texts(show(operator, files, **given), r'<ul class="errorlist"[^>]*>(.*?)</ul>')
    )
    assert error in errors
    assert bodies(cloud) == {}


def test_an_order_is_refused_after_another_deploy(operator: Client, cloud: EmulatorServer) -> None:
    html = show(operator)
    press(operator, show(operator, TREE | {"dist/a.css": b"newer"}))
    assert "Something else was deployed meanwhile." in said(press(operator, html))[-1]
    assert bodies(cloud)["www/a.css"] == b"newer"


def test_an_order_that_was_changed_is_refused(operator: Client, cloud: EmulatorServer) -> None:
    html = show(operator).replace('name="order" value="', 'name="order" value="x')
    assert "Choose the archive again." in said(press(operator, html))[0]
    assert bodies(cloud) == {}


def test_the_order_of_another_user_is_refused(
    operator: Client, editor: Editor, cloud: EmulatorServer
) -> None:
    assert press(editor("deploy"), show(operator)).status_code == 403
    assert bodies(cloud) == {}
