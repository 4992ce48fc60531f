"""Show the permission matrix: each visitor at each address of the admin and of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.api.conftest import PNG
from tests.conftest import ENV
from tests.permissions import EVERY, ROWS, SHUT, STAFF, TABLE, addresses, ask, needed, opened_by
from wx_static_store.core.releases import pack
from wx_static_store.doctor.latest import keep
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import Deployment, Release, Rollout, UploadLog
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

Member = Callable[..., Client]
LIST = pack([]).files
ONE_METHOD = {
    *("uploadlog_preview", "uploadlog_status", "uploadlog_sent", "uploadlog_diagnosis"),
    *("uploadlog_upload_again", "uploadlog_compare"),
    *(f"uploadlog_files_{act}" for act in ("addresses", "download", "compare", "unpublish")),
    "deployment_compare",
    *("rollout_change", "rollout_progress", "rollout_act"),
    *("overview_changelist", "overview_environment"),
}
STRANGER = {"admin": 302, "api": 401}  # the admin leads to its login
VISITORS: dict[str, tuple[str, ...]] = {
    "stranger": (),
    "staff": (),
    "superuser": (),
    "all permissions": tuple(EVERY),
    **{permission: (permission,) for permission in EVERY},
    "diagnose + view_uploadlog": ("diagnose", "view_uploadlog"),
    "unpublish + view_uploadlog": ("unpublish", "view_uploadlog"),
    "deploy + view_deployment": ("deploy", "view_deployment"),
}
# HEAD is GET and a shut method is nobody's: who may nothing and who may everything ask them.
EXTREMES = ("stranger", "staff", "superuser", "all permissions")


@pytest.fixture
def site(configure: Any, tmp_path: Path, db: None) -> EmulatorServer:
    """Serve the admin and the API; bytes of releases are kept."""
    files = "django.core.files.storage.FileSystemStorage"
    server: EmulatorServer = configure(
        ROOT_URLCONF="tests.permissions",
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
            "releases": {"BACKEND": files, "OPTIONS": {"location": str(tmp_path / "releases")}},
        },
        WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
    )
    return server


@pytest.fixture
def row(site: EmulatorServer) -> int:
    """Return the id of a refused upload that can be retried; a row of each other table has it."""
    default_storage.save("uploads/first.png", ContentFile(PNG))
    failed = UploadLog.objects.get()
    failed.pk, failed.status, failed.rid = None, "failed", _refused(site)
    failed.save()
    release = Release.objects.create(pk=failed.pk, digest="a" * 64, files=LIST, count=0, size=0)
    deployed = {"env": ENV, "using": "staticfiles", "outcome": "done", "release": release}
    Deployment.objects.create(pk=failed.pk, **deployed)
    Rollout.objects.create(pk=failed.pk, using="staticfiles", waves="100%", release=release)
    return int(failed.pk)


def _refused(site: EmulatorServer) -> str:
    """Return the rid of a call that the emulator refused."""
    site.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError) as caught:
        get_store().find("uploads/first.png")
    return caught.value.rid


@pytest.fixture
def member(site: EmulatorServer) -> Member:
    """Return a function that logs in a member of the staff with the given permissions."""

    def logged_in(*permissions: str, superuser: bool) -> Client:
        user = User.objects.create_user("ann", is_staff=True, is_superuser=superuser)
        ours = Permission.objects.filter(content_type__app_label="wx_static_store")
        user.user_permissions.set(ours.filter(codename__in=permissions))
        UploadLog.objects.update(user=user)  # who uploads may read what is theirs
        client = Client()
        client.force_login(user)
        return client

    return logged_in


@contextmanager
def nothing_happens(site: EmulatorServer) -> Iterator[None]:
    """Assert that no call goes to the cloud, and that no row is added or removed."""
    site.state.journal.clear()
    before = set(UploadLog.objects.values_list("pk", "status"))
    yield
    assert site.journal == []
    assert set(UploadLog.objects.values_list("pk", "status")) == before


def status(who: str, at: tuple[str, str, str]) -> int:
    """Return what the table says that a visitor gets."""
    if who == "stranger":
        return STRANGER[at[0]]
    if at in SHUT:
        return 403 if at[0] == "admin" and at[1] not in ONE_METHOD else 405
    permissions, answer = needed(*at)
    allowed = who in ("superuser", "all permissions") or opened_by(permissions, {*VISITORS[who]})
    return answer if allowed else 403


def test_the_permission_table_names_every_address() -> None:
    assert {at for at, _pattern in addresses()} == TABLE.keys()


def test_the_permission_table_names_existing_permissions() -> None:
    named = {name for at in ROWS for each in needed(*at)[0] for name in each.split(" + ")}
    assert named <= {*EVERY, *STAFF}


@pytest.mark.parametrize("who", VISITORS)
def test_each_visitor_gets_the_status_that_the_table_says(
    member: Member, row: int, site: EmulatorServer, who: str
) -> None:
    """Neither a call to the cloud nor a row comes of what the visitor may not do."""
    client = Client() if who == "stranger" else member(*VISITORS[who], superuser=who == "superuser")
    heads = [(*at[:2], "HEAD") for at in ROWS if at[2] == "GET" and who in EXTREMES]
    expected = {at: status(who, at) for at in [*ROWS, *heads, *(SHUT if who in EXTREMES else ())]}
    # What reads comes first, and the API before the admin: a row can be retried once.
    asked = sorted([*ROWS, *heads], key=lambda at: (at[2], at[0] == "admin"))
    allowed = [at for at in asked if expected[at] == needed(*at)[1]]
    with nothing_happens(site):
        found = {at: ask(client, *at, row).status_code for at in expected if at not in allowed}
    keep([])  # all is well, whatever the doctor would find here
    found |= {at: ask(client, *at, row).status_code for at in allowed}
    assert found == expected
