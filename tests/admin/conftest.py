"""Users with exactly these permissions, and rows for them to look at."""

import re
from collections.abc import Callable
from html import unescape
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.conftest import ENV
from tests.rows import with_cause
from tests.upload.conftest import shop as shop
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest

from .upload_page import (
    STORAGES,
    Member,
)

SITE = "https://site.example/"
LIST = "admin:wx_static_store_uploadlog_changelist"
RID = "6565f1aa-1b2c3d4e-00c0ffee"

Configure = Callable[..., EmulatorServer]
Editor = Callable[..., Client]
Rows = Callable[..., list[UploadLog]]

_numbers = count(1)


@pytest.fixture
def editor(db: None) -> Editor:
    """`editor("view_uploadlog", "retry")`: a browser where such a member of the staff is in."""

    def logged_in(*permissions: str, **attributes: Any) -> Client:
        name = f"editor-{next(_numbers)}"
        user = User.objects.create_user(name, **{"is_staff": True} | attributes)
        ours = Permission.objects.filter(content_type__app_label__startswith="wx_static_store")
        chosen = ours.filter(codename__in=permissions)
        assert len(chosen) == len(permissions), "a permission that is none"
        user.user_permissions.set(chosen)
        client = Client()
        client.force_login(user)
        return client

    return logged_in


@pytest.fixture
def rows(db: None) -> Rows:
    """`rows("a.txt", "b.txt", status="failed")`: one row each, in this order."""

    def made(*keys: str, **columns: Any) -> list[UploadLog]:
        given = {"env": ENV, "status": "stored", "source": "storage", "size": 1} | columns
        return [
            UploadLog.objects.create(
                **{"key": key, "key_digest": key_digest(key), "name": key} | with_cause(given)
            )
            for key in keys
        ]

    return made


@pytest.fixture
def admin_site(configure: Configure) -> EmulatorServer:
    """Two stores whose address is known; the admin's own files need no manifest."""
    static = "wx_static_store.staticfiles.WxStaticFilesStorage"
    server: EmulatorServer = configure(
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"location": "media"},
            },
            "staticfiles": {"BACKEND": static, "OPTIONS": {"location": "static"}},
        },
        WX_STATIC_STORE={"BASE_URL": SITE},
    )
    return server


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog", "view_deployment")


def listed(client: Client, query: str = "") -> str:
    answer = client.get(f"{reverse(LIST)}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def keys(client: Client, query: str = "") -> list[str]:
    cells = re.findall(r'class="field-file">(.*?) <small>', listed(client, query))
    return [unescape(re.sub(r"<.*?>", "", cell)) for cell in cells]


def detail(client: Client, row: UploadLog) -> str:
    answer = client.get(reverse("admin:wx_static_store_uploadlog_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def cell(html: str, name: str) -> str:
    """Return the text of one field of the page."""
    found = re.search(rf'field-{name}">.*?<div class="readonly">(.*?)</div>', html, re.DOTALL)
    assert found, f"no field {name}"
    return " ".join(unescape(re.sub(r"<.*?>", "", found[1])).split())


@pytest.fixture
def tenant(viewer: Client, settings: Any) -> Client:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return viewer


@pytest.fixture
def member(configure: Any, emulator: EmulatorServer) -> Member:
    """`member(*permissions)`: the client of a staff user with exactly these."""
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"BASE_URL": emulator.site_url(ENV)})

    def logged_in(*codenames: str, **settings: Any) -> Client:
        user = User.objects.create_user(f"staff-{uuid4()}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client(**settings)
        client.force_login(user)
        return client

    return logged_in


@pytest.fixture
def closed(member: Member, configure: Any, emulator: EmulatorServer) -> None:
    changes = {"BASE_URL": emulator.site_url(ENV), "UPLOAD_STORES": ["staticfiles"]}
    configure(STORAGES=STORAGES, WX_STATIC_STORE=changes)
