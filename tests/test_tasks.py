"""The tasks of the core: upload a file again, and prune the log."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.rollouts.conftest import cloud as cloud, release as release
from tests.upload.conftest import shop as shop
from wx_static_store import tasks
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release, UploadLog, WaitingFile

pytestmark = pytest.mark.django_db


def test_a_file_is_uploaded_again(cloud: EmulatorServer, admin_user: Any) -> None:
    default_storage.save("a.txt", ContentFile(b"tea"))
    row = UploadLog.objects.get()
    tasks.upload_again.run(row.pk, admin_user.pk)
    last = UploadLog.objects.latest("id")
    assert (last.source, last.source_ref, last.user) == ("retry", f"row {row.pk}", admin_user)


def test_the_log_is_pruned(release: Release) -> None:
    tasks.prune.run(days=1, releases=1)
    assert Release.objects.get() == release


def test_the_bytes_of_old_failed_uploads_are_pruned(shop: Any) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(state="left", changed=timezone.now() - timedelta(days=3))
    tasks.prune.run()
    assert (here.waiting(), here.kept()) == ({}, [])


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_sent(shop: Any) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    tasks.push_waiting.run()
    assert here.public() == {"a.txt": b"tea"}
