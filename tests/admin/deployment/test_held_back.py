"""What a deployment did not send, and the command that does it again."""

from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.admin.deployments import command_again, held_back_keys
from wx_static_store.core.releases import ReleaseFile, pack
from wx_static_store.core.types import NO_HEADERS
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release, UploadLog, key_digest

pytestmark = pytest.mark.django_db
STORE = {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"location": "www"}}
OLD, NEW = "0" * 32, "1" * 32


@pytest.fixture
def cloud(configure: Any, tmp_path: Any) -> EmulatorServer:
    kept = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "kept")},
    }
    server: EmulatorServer = configure(STORAGES={"default": STORE, "site": STORE, "kept": kept})
    return server


def deployed(*names: str, not_attempted: int = 2, **columns: Any) -> Deployment:
    packed = pack(ReleaseFile(name, 1, NEW, "2" * 64, NO_HEADERS) for name in names)
    facts = {name: getattr(packed, name) for name in ("digest", "files", "count", "size")}
    given = {"source": "wx_deploy", "folder": "www/app/", "using": "site", "outcome": "failed"}
    return Deployment.objects.create(
        env=ENV,
        release=Release.objects.create(**facts),
        not_attempted=not_attempted,
        **given | columns,
    )


def row(name: str, md5: str = NEW, **columns: Any) -> None:
    key = f"www/app/{name}"
    facts = {"env": ENV, "status": "stored", "source": "wx_deploy", "key_digest": key_digest(key)}
    UploadLog.objects.create(key=key, name=name, md5=md5, **facts | columns)


def test_what_nobody_stored_since_was_not_sent(cloud: EmulatorServer) -> None:
    found = deployed("changed", "failed", "held", "new", "same")
    row("changed", OLD)
    row("failed", status="failed", deployment=found)
    row("held", status="failed")
    row("new", deployment=found)
    row("same")
    assert held_back_keys(found) == ["www/app/changed", "www/app/held"]
    row("changed")
    assert held_back_keys(found) == ["www/app/held"]


def test_where_the_log_lacks_rows_no_file_is_named(cloud: EmulatorServer) -> None:
    assert held_back_keys(deployed("a", "b", "c")) == []


def test_the_command_names_store_environment_and_folder(cloud: EmulatorServer) -> None:
    assert command_again(deployed("a", label="v 2")) == (
        f"python manage.py wx_deploy DIR app/ --using site --env {ENV} --label 'v 2'"
    )


def test_the_command_needs_no_folder_where_the_bytes_are_kept(
    cloud: EmulatorServer, settings: Any
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"RELEASE_STORAGE": "kept"}
    found = deployed("a")
    command = f"wx_deploy --rollback {found.pk} --using site --env {ENV} --prefix app/"
    assert command_again(found) == f"python manage.py {command}"


def test_a_site_of_the_admin_is_no_static_files(cloud: EmulatorServer) -> None:
    assert "wx_deploy DIR app/" in command_again(deployed("a", source="admin_deploy"))


def test_static_files_are_collected_again(cloud: EmulatorServer) -> None:
    assert command_again(deployed("a", source="collectstatic")).endswith("collectstatic --noinput")
