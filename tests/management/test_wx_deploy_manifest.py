"""``wx_deploy --rollback`` of static files: their objects, and the manifest of the site."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command

from tests.deploys import bodies, configure_releases, fails, run, sent, tenants, write
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.staticfiles import WxManifestStaticFilesStorage

pytestmark = pytest.mark.django_db(transaction=True)

MANIFEST = "static/staticfiles.json"


class Collected:
    """Static files that were collected twice."""

    def __init__(self, configure: Any, folder: Path, **changes: Any) -> None:
        self.source = folder / "source"
        settings = configure_releases(folder / "releases")
        settings["STORAGES"]["staticfiles"].update(changes)
        self.cloud: EmulatorServer = configure(
            **settings,
            STATICFILES_DIRS=[str(self.source)],
            STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        )
        self.first = self.collect(b"body{}")
        self.second = self.collect(b"html{}")

    def collect(self, css: bytes) -> bytes:
        """Return the manifest that this gives."""
        write(self.source, {"a.css": css})
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        return bodies(self.cloud)[MANIFEST]


@pytest.fixture
def collected(configure: Any, tmp_path: Path) -> Collected:
    return Collected(configure, tmp_path)


@pytest.fixture
def local(settings: Any, collected: Collected) -> Path:
    return Path(settings.STATIC_ROOT) / "staticfiles.json"


def test_static_files_go_back_with_the_manifest_last(collected: Collected, local: Path) -> None:
    collected.cloud.journal.clear()
    said = run(rollback=True)
    assert bodies(collected.cloud)[MANIFEST] == collected.first
    assert sent(collected.cloud) == ["static/a.css", MANIFEST]
    assert "reads its own staticfiles.json, which belongs to its code" in said
    assert local.read_bytes() == collected.second


def test_the_command_of_the_reminder_sends_nothing_and_writes_the_manifest(
    collected: Collected, local: Path
) -> None:
    (command,) = re.findall("python manage.py (.* --write-manifest)$", run(rollback=True), re.M)
    assert f"--rollback {Deployment.objects.earliest('pk').release} --using static" in command
    collected.cloud.journal.clear()
    call_command(*shlex.split(command), verbosity=0)
    assert collected.cloud.journal == []
    assert bodies(collected.cloud)[MANIFEST] == local.read_bytes() == collected.first


def test_a_repair_needs_no_reminder(collected: Collected, local: Path) -> None:
    assert "staticfiles.json" not in run(repair=True)


def test_a_reminder_names_the_environment(collected: Collected, local: Path) -> None:
    first = Deployment.objects.earliest("pk")
    (env,) = tenants(1, collected.cloud)
    said = run(rollback=str(first.pk), env=[env])
    assert f" --rollback {first.release} --using staticfiles --env {env} --write-m" in said


def test_write_manifest_writes_the_old_one_where_the_site_reads_it(
    collected: Collected, local: Path
) -> None:
    said = run(rollback=True, write_manifest=True)
    assert local.read_bytes() == collected.first
    assert "staticfiles.json is the one of this release now: restart the site." in said
    assert [path.name for path in local.parent.glob("*.new")] == []


def test_a_roll_back_that_failed_leaves_the_manifest(collected: Collected, local: Path) -> None:
    collected.cloud.script({"on": "put_object", "do": "cos_error", "status": 403,
                            "code": "AccessDenied", "times": None})  # fmt: skip
    fails(rollback=True, write_manifest=True, code=1)
    assert local.read_bytes() == collected.second


class _Apart(WxManifestStaticFilesStorage):
    """Keeps its manifest elsewhere, as Django allows."""

    folder: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.manifest_storage = FileSystemStorage(self.folder)


def test_a_manifest_storage_of_the_project_gets_it(configure: Any, tmp_path: Path) -> None:
    _Apart.folder = str(tmp_path / "apart")
    collected = Collected(configure, tmp_path, BACKEND=f"{__name__}._Apart")
    run(rollback=True, write_manifest=True)
    (written,) = (tmp_path / "apart").iterdir()
    assert written.read_bytes() == collected.first


def test_environments_that_go_to_different_manifests_write_none(
    collected: Collected, tmp_path: Path
) -> None:
    first, second = Deployment.objects.order_by("pk")
    (env,) = tenants(1, collected.cloud)
    run(rollback=str(first.pk), env=[env])
    run(rollback=str(second.pk), env=[env])
    run(rollback=str(first.pk))
    collected.cloud.journal.clear()
    own = first.env
    said = fails(rollback=True, env=[own, env], write_manifest=True, code=2)
    assert "go to different releases" in said
    assert collected.cloud.journal == []
