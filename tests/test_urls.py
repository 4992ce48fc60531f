"""The address under which a waiting file can be seen."""

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from django.core import signing
from django.test import AsyncRequestFactory, Client
from django.urls import include, path

from tests.upload.conftest import Shop, shop as shop
from wx_static_store.models import WaitingFile
from wx_static_store.submit.download import download
from wx_static_store.upload.push import push

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

Make = Callable[..., Shop]
SCRIPT = '<svg onload="alert(1)">'
urlpatterns = [path("waiting/", include("wx_static_store.urls"))]


def address(here: Shop, name: str = "a.txt") -> str:
    """Let a file wait; return where it can be seen."""
    here.save_in_outage(SCRIPT.encode(), name)
    return here.storage.waiting_url(name)


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("a.png", "image/png", 'inline; filename="a.png"'),
        ("books/a.svg", "application/octet-stream", 'attachment; filename="a.svg"'),
        ("a.html", "application/octet-stream", 'attachment; filename="a.html"'),
    ],
)
def test_waiting_bytes_are_shown_as_an_image_or_saved_and_never_run(
    shop: Make, client: Client, name: str, kind: str, disposition: str
) -> None:
    answer: Any = client.get(address(shop(), name))
    assert answer.getvalue() == SCRIPT.encode()
    assert (answer["Content-Type"], answer["Content-Disposition"]) == (kind, disposition)
    assert answer["Content-Security-Policy"] == "sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"


def test_the_address_leads_to_the_public_file_once_it_is_sent(shop: Make, client: Client) -> None:
    here = shop()
    url = address(here)
    push()
    answer = client.get(url)
    assert (answer.status_code, answer["Location"]) == (302, here.storage.url("a.txt"))
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("state", ["left", "parked"])
def test_the_address_shows_only_what_will_be_public(shop: Make, client: Client, state: str) -> None:
    here = shop()
    url = address(here)
    WaitingFile.objects.update(state=state)
    assert client.get(url)["Location"] == here.storage.url("a.txt")


def test_bytes_that_are_not_here_are_looked_for_at_the_public_site(
    shop: Make, client: Client
) -> None:
    here = shop()
    url = address(here)
    [kept] = (path for path in here.folder.rglob("*") if path.is_file())
    kept.unlink()
    assert client.get(url)["Location"] == here.storage.url("a.txt")


def test_an_address_that_we_did_not_sign_leads_nowhere(shop: Make, client: Client) -> None:
    url = address(shop())
    assert client.get(f"{url}x").status_code == 404
    other = signing.dumps(["env", "a.txt", "https://example.com/"])
    assert client.get(f"/waiting/{other}").status_code == 404


def test_an_address_lasts_an_hour(
    shop: Make, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, url = time.time(), address(shop())
    monkeypatch.setattr(signing.time, "time", lambda: now + 3602)
    assert client.get(url).status_code == 404


def test_a_file_that_does_not_wait_has_its_public_address(shop: Make) -> None:
    here = shop()
    here.save(b"tea")
    assert here.storage.waiting_url("a.txt") == here.storage.url("a.txt")


@pytest.mark.urls("tests.urls")
def test_without_the_urls_a_waiting_file_has_its_public_address(shop: Make) -> None:
    here = shop()
    assert address(here) == here.storage.url("a.txt")


def test_a_download_behind_asgi_closes_its_file_with_the_answer() -> None:
    file, request = BytesIO(b"tea"), AsyncRequestFactory().get("/")
    download(request, FileWrapper(file), "text/plain", "a.txt").close()
    assert file.closed
