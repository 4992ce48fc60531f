"""``wx_deploy --stale`` and ``--blank-stale``: what only the cloud has."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from rest_framework.test import APIClient

from tests.conftest import ENV
from tests.deploys import bodies, configure_storages, fails, run
from wx_static_store.core.types import DELETED, UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_stale_lists_objects_that_the_tree_lacks(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("old.js", b"old")
    assert "old.js: stale" in run(dist, stale=True, using="site")
    assert bodies(cloud)["old.js"] == b"old"


def test_blank_stale_overwrites_stale_objects(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("app/old.js", b"old")
    cloud.put_object("other/kept.js", b"kept")
    assert "stale files overwritten: 1" in run(dist, "app", blank_stale=True, using="site")
    assert bodies(cloud)["app/old.js"] == DELETED
    assert bodies(cloud)["other/kept.js"] == b"kept"
    assert "stale" not in run(dist, "app", stale=True, using="site")


def test_blank_stale_asks_and_names_the_count(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(dist)
    cloud.put_object("old.js", b"old")
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    run(dist, yes=False, blank_stale=True, using="site")
    assert asked == [f"Overwrite 1 stale file of {ENV} for good (the root: 1)? [y/N] "]
    assert bodies(cloud)["old.js"] == b"old"


def test_an_object_of_another_store_of_the_project_is_not_stale(configure: Any, dist: Path) -> None:
    """A site at the root, static files and media in folders beside it; of each tenant."""
    cloud = configure(STORAGES=configure_storages(media={"location": "media"}))
    for env in (ENV, "tenant-b"):
        WxStorage(location="media", env=env).save("photo.txt", ContentFile(b"photo"))
        cloud.put_object("static/app.css", b"css", env=env)
        run(dist, blank_stale=True, using="site", env=[env])
        assert bodies(cloud, env)["media/photo.txt"] == b"photo"
        assert bodies(cloud, env)["static/app.css"] == b"css"


def test_a_blanked_object_is_a_row_of_the_deployment(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("old.js", b"old")
    run(dist, blank_stale=True, using="site")
    row = UploadLog.objects.newest(ENV, ["old.js"])["old.js"]
    assert (row.deployment, row.is_deletion) == (Deployment.objects.get(), True)


def test_a_stale_object_that_cannot_be_blanked_fails_the_deployment(
    cloud: EmulatorServer, dist: Path
) -> None:
    """The console wrote it: it stays public, and the command must report it."""
    foreign = unicodedata.normalize("NFD", "menü.html")
    cloud.put_object(foreign, b"old")
    assert "console" in fails(dist, code=1, blank_stale=True, using="site")
    assert bodies(cloud)[foreign] == b"old"
    assert Deployment.objects.get().outcome == "failed"


def test_a_stale_page_that_cannot_be_blanked_keeps_what_it_names(
    cloud: EmulatorServer, dist: Path
) -> None:
    page = unicodedata.normalize("NFD", "menü.html")
    cloud.put_object(page, b"<script src=old.js></script>")
    cloud.put_object("old.js", b"old")
    out = fails(dist, code=1, blank_stale=True, using="site")
    assert "held back 1" in out
    assert "old.js: stale" in out
    assert bodies(cloud)["old.js"] == b"old"


def by_api(key: str) -> None:
    editor = APIClient()
    editor.force_authenticate(User.objects.create_superuser("editor"))
    with override_settings(ROOT_URLCONF="tests.api.urls"):
        answer = editor.put(f"/wx/uploads/site/{key}", b"prices", content_type="text/plain")
    assert answer.status_code == 201


def by_admin(key: str) -> None:
    editor = Client()
    editor.force_login(User.objects.create_superuser("editor"))
    folder, slash, name = key.rpartition("/")
    form = {"store": f"site@{ENV}", "folder": folder + slash, "form_id": str(uuid4())}
    file = SimpleUploadedFile(name, b"prices")
    editor.post("/admin/wx_static_store/uploadlog/upload/", form | {"file": file})


def by_save(key: str) -> None:
    WxStorage().save(key, ContentFile(b"prices"))


def by_api_and_retry(key: str) -> None:
    """Make a retry's row the newest: it repeats what an editor did."""
    by_api(key)
    item = UploadItem(key, open=lambda: BytesIO(b"prices"))
    get_uploader("site").upload(item, UploadContext("retry"))


@pytest.fixture
def editable(configure: Any, emulator: EmulatorServer) -> EmulatorServer:
    """Return a cloud whose admin needs no manifest of its own files."""
    storages = configure_storages()
    cloud: EmulatorServer = configure(
        STORAGES=storages | {"staticfiles": storages["site"] | {"OPTIONS": {"location": "static"}}},
        WX_STATIC_STORE={"BASE_URL": emulator.site_url()},
    )
    return cloud


@pytest.mark.parametrize("upload", [by_api, by_admin, by_save, by_api_and_retry])
@pytest.mark.parametrize("key", ["uploads/prices.txt", "elsewhere/prices.txt"])
def test_blank_stale_leaves_alone_what_people_uploaded_and_lists_it(
    editable: EmulatorServer, dist: Path, upload: Callable[[str], None], key: str
) -> None:
    upload(key)
    editable.put_object("old.js", b"old")
    out = run(dist, blank_stale=True, using="site")
    assert f"{key}: uploaded by somebody, left alone" in out
    assert bodies(editable)[key] == b"prices"
    assert bodies(editable)["old.js"] == DELETED


def test_an_upload_made_while_the_command_asks_is_left_alone(
    editable: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editable.put_object("prices.txt", b"old")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def answer(question: str) -> str:
        if "stale" in question:
            item = UploadItem("prices.txt", open=lambda: BytesIO(b"prices"))
            get_uploader("site").upload(item, UploadContext("admin"))
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    run(dist, blank_stale=True, yes=False, using="site")
    assert bodies(editable)["prices.txt"] == b"prices"


def test_include_uploads_blanks_what_people_uploaded_too(
    editable: EmulatorServer, dist: Path
) -> None:
    by_api("uploads/prices.txt")
    run(dist, blank_stale=True, include_uploads=True, using="site")
    assert bodies(editable)["uploads/prices.txt"] == DELETED


def test_a_dry_run_lists_what_people_uploaded_apart(editable: EmulatorServer, dist: Path) -> None:
    by_save("prices.txt")
    editable.put_object("old.js", b"old")
    lines = [line.split() for line in run(dist, dry_run=True, using="site").splitlines()]
    assert ["uploaded", "6", "prices.txt"] in lines
    assert ["stale", "3", "old.js"] in lines


def test_where_the_log_cannot_say_what_people_uploaded_nothing_is_blanked(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_object("old.js", b"old")
    monkeypatch.setattr(
        "wx_static_store.deploy.verify.in_database", lambda work, otherwise: otherwise
    )
    assert "--include-uploads" in fails(dist, code=1, blank_stale=True, using="site")
    assert bodies(cloud)["old.js"] == b"old"
    run(dist, blank_stale=True, include_uploads=True, using="site")
    assert bodies(cloud)["old.js"] == DELETED
