"""Clients of the API, each a user with some permissions, and the emulator behind it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.conftest import ENV
from tests.rows import with_cause
from tests.upload.conftest import shop as shop
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest

ALL = (
    *("upload", "upload_active_content", "replace", "replace_protected", "retry", "diagnose"),
    "view_uploadlog",
)
PNG = bytes.fromhex("89504e470d0a1a0a") + b"not much of a picture"


@pytest.fixture
def cloud(configure: Any, db: None) -> EmulatorServer:
    """Start the emulator."""
    server: EmulatorServer = configure(ROOT_URLCONF="tests.api.urls")
    return server


Client = Callable[..., APIClient]


@pytest.fixture
def client_of(cloud: EmulatorServer) -> Client:
    """`client_of(*permissions)`: a client that says who it is with each request."""

    def make(*permissions: str, name: str = "ann", **fields: Any) -> APIClient:
        user = User.objects.create_user(name, password="pw", **fields)
        user.user_permissions.set(
            Permission.objects.filter(
                content_type__app_label__startswith="wx_static_store", codename__in=permissions
            )
        )
        client = APIClient(enforce_csrf_checks=True)
        client.credentials(HTTP_AUTHORIZATION=basic(name))
        return client

    return make


def basic(name: str, password: str = "pw") -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def client(client_of: Client) -> APIClient:
    """May do everything but go beyond names and sizes."""
    return client_of(*ALL)


class Generous(ModelBackend):
    """Lets everybody do everything."""

    def has_perm(self, *args: Any, **options: Any) -> bool:
        return True


class Dead(LocMemCache):
    """A cache whose server is down."""

    def get(self, *args: Any, **options: Any) -> Any:
        raise ConnectionError("the cache is down")

    add = set = get


def picture(name: str = "a.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def post(client: APIClient, path: str = "uploads/a.png", **fields: Any) -> Response:
    """Upload by the form."""
    extra = {key: fields.pop(key) for key in list(fields) if key.startswith(("HTTP_", "CONTENT_"))}
    form = {"store": "default", "file": picture(), "path": path, **fields}
    given = {name: value for name, value in form.items() if value is not None}
    return client.post("/wx/uploads/", given, format="multipart", **extra)


def put(
    client: APIClient, name: str = "uploads/a.png", body: bytes = PNG, query: str = "", **extra: Any
) -> Response:
    """Upload a raw body."""
    url = f"/wx/uploads/default/{name}{query}"
    return client.put(url, body, content_type="application/octet-stream", **extra)


def add(key: str, **columns: Any) -> UploadLog:
    created = columns.pop("created", None)
    facts = {"env": ENV, "name": key, "status": "stored", "source": "storage", "errcode": 0}
    facts = with_cause(facts | columns)
    row = UploadLog.objects.create(key=key, key_digest=key_digest(key), **facts)
    if created:
        UploadLog.objects.filter(pk=row.pk).update(created=created)
    return row


def keys(client: APIClient, query: str = "") -> list[str]:
    response = client.get(f"/wx/uploads/?{query}")
    assert response.status_code == 200, response.json()
    return [row["key"] for row in response.json()["results"]]


def files(client: APIClient, query: str = "", store: str = "default") -> Any:
    return client.get(f"/wx/stores/{store}/files/?{query}").json()


DAY = timedelta(days=1)


@pytest.fixture
def rows(client: APIClient) -> None:
    add("a/1.png", created=timezone.now() - 2 * DAY)
    add("a/2.png", status="failed", errcode=45009, rid="abc-1", source="api")
    add("b/3.png", status="unknown", errcode=0, env="tenant-b")
    add("static/4.css", source="wx_deploy")
