"""Every upload that is broken off leaves a row: by a worker's timeout, a soft limit, Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import include, path
from rest_framework.test import APIClient

from tests.conftest import ENV
from tests.urls import urlpatterns as admin_urls
from tests.waiting import wait_for
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.retry import retry_uploads
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(os.name != "posix", reason="there is no SIGALRM"),
]

urlpatterns = [*admin_urls, path("wx/", include("wx_static_store.api.urls"))]

KEY = "uploads/a.txt"
SOON = 30.0  # seconds for anything that must come; nothing takes so long


class GreenletExit(BaseException):
    """What gevent raises to end a greenlet."""


class SoftTimeLimitExceeded(Exception):
    """What Celery raises in a task at its soft time limit."""


class Alarm(TimeoutError):
    """What a project raises to limit its own code."""


def root() -> User:
    return User.objects.create_superuser("root")


def save() -> None:
    default_storage.save(KEY, ContentFile(b"tea"))


def upload() -> None:
    item = UploadItem(KEY, open=lambda: ContentFile(b"tea"))  # type: ignore[arg-type, return-value]
    get_uploader().upload(item, UploadContext(source="test"))


def send_by_the_page() -> None:
    client = Client()
    client.force_login(root())
    data: dict[str, Any] = {
        "store": f"default@{ENV}",
        "folder": "uploads/",
        "form_id": str(uuid4()),
    }
    data |= {"file": SimpleUploadedFile("a.txt", b"tea")}
    page = "/admin/wx_static_store/uploadlog/upload/"
    client.post(page, data, headers={"Accept": "application/json"})


def put_by_the_api() -> None:
    client = APIClient()
    client.force_authenticate(root())
    client.put(f"/wx/uploads/default/{KEY}", b"tea", content_type="text/plain")


def post_by_the_api() -> None:
    client = APIClient()
    client.force_authenticate(root())
    form = {"store": "default", "path": KEY, "file": SimpleUploadedFile("a.txt", b"tea")}
    client.post("/wx/uploads/", form, format="multipart")


SOURCES = {
    save: "storage",
    upload: "test",
    send_by_the_page: "admin",
    put_by_the_api: "api",
    post_by_the_api: "api",
}
ENDS = [SystemExit, KeyboardInterrupt, GreenletExit]


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(
        ROOT_URLCONF=__name__, WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "DEADLINE": SOON}
    )
    return server


Breaks = Callable[[str, type[BaseException]], None]


@pytest.fixture
def breaks(cloud: EmulatorServer) -> Iterator[Breaks]:
    """Make `breaks(call, error)`: the call hangs until a signal handler raises the error."""
    errors: list[type[BaseException]] = []
    threads: list[threading.Thread] = []

    def handler(*_: object) -> None:
        raise errors[0]

    def strike(call: str, calls: int) -> None:
        wait_for(lambda: len(cloud.calls(call, key=KEY)) > calls, call)
        # To the thread that waits: another one would leave it waiting.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def arrange(call: str, error: type[BaseException]) -> None:
        errors.append(error)
        cloud.script({"on": call, "do": "hang", "seconds": SOON, "apply": call == "put_object"})
        calls = len(cloud.calls(call, key=KEY))
        threads.append(threading.Thread(target=strike, args=(call, calls), daemon=True))
        threads[0].start()

    before = signal.signal(signal.SIGALRM, handler)
    yield arrange
    threads[0].join()
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("send", SOURCES)
def test_an_upload_that_is_ended_while_cos_has_its_body_is_unknown(
    cloud: EmulatorServer, breaks: Breaks, send: Callable[[], None], end: type[BaseException]
) -> None:
    breaks("put_object", end)
    with pytest.raises(end):
        send()
    row = UploadLog.objects.get()
    assert (row.key, row.status, row.source) == (KEY, "unknown", SOURCES[send])
    assert cloud.objects()[KEY].body == b"tea"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("send", SOURCES)
def test_an_upload_that_is_ended_before_its_body_went_failed(
    cloud: EmulatorServer, breaks: Breaks, send: Callable[[], None], end: type[BaseException]
) -> None:
    breaks("staticuploadfile", end)
    with pytest.raises(end):
        send()
    row = UploadLog.objects.get()
    assert (row.key, row.status, row.source) == (KEY, "failed", SOURCES[send])
    assert KEY not in cloud.objects()


@pytest.mark.parametrize("end", [SoftTimeLimitExceeded, Alarm, TimeoutError])
@pytest.mark.parametrize(
    ("call", "status"), [("put_object", "unknown"), ("staticuploadfile", "failed")]
)
@pytest.mark.parametrize("send", SOURCES)
def test_an_exception_of_a_signal_is_not_reported_as_a_network_error(
    breaks: Breaks, send: Callable[[], None], call: str, status: str, end: type[Exception]
) -> None:
    breaks(call, end)
    with pytest.raises(end) as caught:
        send()
    assert type(caught.value) is end
    row = UploadLog.objects.get()
    assert (row.key, row.status, row.source, row.attempts) == (KEY, status, SOURCES[send], 1)


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize(
    ("call", "status"), [("put_object", "unknown"), ("staticuploadfile", "failed")]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_retry_that_is_ended_has_a_row(
    cloud: EmulatorServer,
    configure: Any,
    breaks: Breaks,
    workers: int,
    call: str,
    status: str,
) -> None:
    save()
    configure(WX_STATIC_STORE={"MAX_WORKERS": workers, "DEADLINE": SOON})
    breaks(call, SystemExit)
    with pytest.raises(SystemExit):
        list(retry_uploads([UploadLog.objects.get()]))
    rows = UploadLog.objects.order_by("id").values_list("source", "status")
    assert [*rows] == [("storage", "stored"), ("retry", status)]
