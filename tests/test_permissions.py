"""The permission matrix: each kind of user at each address of the admin and of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.api.conftest import PNG
from tests.conftest import ENV
from tests.permissions import EVERY, ROWS, SHUT, TABLE, addresses, ask, needed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db

Member = Callable[..., Client]
STRANGER = {"admin": 302, "api": 401}  # the admin leads them to its login


@pytest.fixture
def site(configure: Any, db: None) -> EmulatorServer:
    """A project with both doors."""
    server: EmulatorServer = configure(
        ROOT_URLCONF="tests.permissions",
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
        },
    )
    return server


@pytest.fixture
def row(site: EmulatorServer) -> int:
    """The id of an upload that failed and can be sent again; a deployment has the same."""
    default_storage.save("uploads/first.png", ContentFile(PNG))
    failed = UploadLog.objects.get()
    failed.pk, failed.status = None, "failed"
    failed.save()
    Deployment.objects.create(pk=failed.pk, env=ENV)
    return int(failed.pk)


@pytest.fixture
def member(site: EmulatorServer) -> Member:
    """`member("upload", "retry")`: a browser where such a member of the staff is logged in."""

    def logged_in(*permissions: str, **fields: Any) -> Client:
        user = User.objects.create_user("ann", is_staff=True, **fields)
        ours = Permission.objects.filter(content_type__app_label="wx_static_store")
        user.user_permissions.set(ours.filter(codename__in=permissions))
        UploadLog.objects.update(user=user)  # who uploads may read what is theirs
        client = Client()
        client.force_login(user)
        return client

    return logged_in


@contextmanager
def nothing_happens(site: EmulatorServer) -> Iterator[None]:
    """Neither a call to the cloud, nor a row more or less."""
    site.state.journal.clear()
    before = set(UploadLog.objects.values_list("pk", "status"))
    yield
    assert site.journal == []
    assert set(UploadLog.objects.values_list("pk", "status")) == before


def statuses(client: Client, rows: Any, id: int) -> dict[tuple[str, str, str], int]:
    return {at: ask(client, *at, id).status_code for at in rows}


def test_the_table_names_every_address() -> None:
    assert {at for at, _pattern in addresses()} == TABLE.keys()


def test_the_table_needs_permissions_that_there_are() -> None:
    assert {name for at in ROWS for name in needed(*at)[0]} <= {*EVERY}


@pytest.mark.parametrize(
    ("at", "permission"), [(at, name) for at in ROWS for name in sorted(needed(*at)[0])]
)
def test_a_permission_opens_what_needs_it(
    member: Member, row: int, at: tuple[str, str, str], permission: str
) -> None:
    assert ask(member(permission), *at, row).status_code == needed(*at)[1]


@pytest.mark.parametrize("permission", EVERY)
def test_a_permission_opens_nothing_else(
    member: Member, row: int, site: EmulatorServer, permission: str
) -> None:
    client, others = member(permission), [at for at in ROWS if permission not in needed(*at)[0]]
    with nothing_happens(site):
        assert statuses(client, others, row) == dict.fromkeys(others, 403)


@pytest.mark.parametrize("at", ROWS)
def test_a_superuser_needs_no_permission(
    member: Member, row: int, at: tuple[str, str, str]
) -> None:
    assert ask(member(is_superuser=True), *at, row).status_code == needed(*at)[1]


def test_a_member_of_the_staff_without_a_permission_gets_nothing(
    member: Member, row: int, site: EmulatorServer
) -> None:
    client = member()
    with nothing_happens(site):
        assert statuses(client, ROWS, row) == dict.fromkeys(ROWS, 403)


def test_a_stranger_gets_nothing(row: int, site: EmulatorServer) -> None:
    """A method that is shut tells them no more."""
    everywhere = [*ROWS, *SHUT]
    with nothing_happens(site):
        got = statuses(Client(), everywhere, row)
    assert got == {at: STRANGER[at[0]] for at in everywhere}


@pytest.mark.parametrize("who", ["a superuser", "all permissions"])
def test_a_method_that_is_not_named_is_shut(
    member: Member, row: int, site: EmulatorServer, who: str
) -> None:
    client = member(*EVERY, is_superuser=who == "a superuser")
    with nothing_happens(site):
        got = statuses(client, SHUT, row)
    assert got == {
        at: 403 if at[0] == "admin" and at[1] != "uploadlog_preview" else 405 for at in SHUT
    }


@pytest.mark.parametrize("permission", EVERY)
def test_a_head_needs_what_a_get_needs(member: Member, row: int, permission: str) -> None:
    gets = [at for at in ROWS if at[2] == "GET"]
    got = statuses(member(permission), [(door, name, "HEAD") for door, name, _get in gets], row)
    assert list(got.values()) == [
        needed(*at)[1] if permission in needed(*at)[0] else 403 for at in gets
    ]
