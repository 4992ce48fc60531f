"""S3, as moto serves it on a loopback socket: a source of imports, and where files wait."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages

from tests.conftest import ci_package
from tests.log.conftest import run
from wx_static_store.conf import options_for
from wx_static_store.deploy.media_import import names_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.upload.waiting import note_away, note_back

moto = ci_package("moto.server")
ci_package("boto3")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(configure: Any, s3: str) -> EmulatorServer:
    options = {
        "endpoint_url": s3,
        "bucket_name": "old-pictures",
        "location": "site/media",
        "access_key": "planted",
        "secret_key": "planted",
        "region_name": "us-east-1",
        "file_overwrite": False,
    }
    server: EmulatorServer = configure(
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"location": "media", "wait": "outage"},
            },
            "staticfiles": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "s3": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
        },
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "WAITING_STORAGE": "s3"},
    )
    bucket = storages["s3"].bucket
    bucket.create()
    bucket.objects.delete()
    return server


FILES = {"a.txt": b"tea", "2026/茶 馆.txt": b"pot", ".hidden": b""}


def fill() -> None:
    for name, body in FILES.items():
        storages["s3"].save(name, ContentFile(body))
    storages["s3"].bucket.put_object(Key="site/media/folder/", Body=b"")
    storages["s3"].bucket.put_object(Key="site/other.txt", Body=b"of another program")


def test_the_files_of_a_bucket_are_imported_and_known_by_their_etag(cloud: EmulatorServer) -> None:
    fill()
    assert run("wx_import_media", "s3", "--yes")[1].endswith(": sent 3\n")
    public = {key: found.body for key, found in cloud.objects().items()}
    assert public == {f"media/{name}": body for name, body in FILES.items()}
    assert run("wx_import_media", "s3", "--yes")[1].endswith(": unchanged 3\n")
    storages["s3"].bucket.put_object(Key="site/media/a.txt", Body=b"other tea")
    assert run("wx_import_media", "s3", "--yes")[1].endswith(": sent 1, unchanged 2\n")
    assert cloud.objects()["media/a.txt"].body == b"other tea"


def test_a_bucket_is_listed_without_a_call_for_each_file(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    fill()
    caplog.clear()
    with caplog.at_level(logging.INFO, "werkzeug"):
        assert sorted(name for name, _mark in names_of(storages["s3"])) == sorted(FILES)
    assert sum("HTTP/1.1" in line for line in caplog.messages) == 1
    assert [name for name, _mark in names_of(storages["s3"], "2026/")] == ["2026/茶 馆.txt"]


def test_a_file_waits_in_a_bucket_until_it_is_sent(cloud: EmulatorServer) -> None:
    note_away(options_for("default"), WxStaticStoreError())
    default_storage.save("a.txt", ContentFile(b"tea"))
    note_back(options_for("default"))
    [kept] = storages["s3"].bucket.objects.all()
    assert kept.get()["Body"].read() == b"tea"
    with default_storage.open("a.txt") as file:
        assert file.read() == b"tea"
    assert run("wx_push")[0] == 0
    assert cloud.objects()["media/a.txt"].body == b"tea"
    assert [*storages["s3"].bucket.objects.all()] == []
