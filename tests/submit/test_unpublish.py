"""Who may make which files unpublic, and what is then in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ENV
from tests.submit.conftest import UserWith
from tests.tables import each
from tests.upload.conftest import Shop
from wx_static_store.core.refusals import IN_PROGRESS
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.submit.policy import Target
from wx_static_store.submit.unpublish import refusal, unpublish
from wx_static_store.upload import database
from wx_static_store.upload.push import push
from wx_static_store.upload.waiting import lease

pytestmark = pytest.mark.django_db

MEDIA = Target("default", ENV, "media")


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    media = {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media"},
    }
    cloud: EmulatorServer = configure(STORAGES={"default": media})
    return cloud


@each(
    ("key", "permissions", "code"),
    [
        ("media/uploads/a.txt", ["unpublish"], None),
        ("media/uploads/a.txt", ["upload", "replace", "replace_protected"], "forbidden"),
        ("media/a.txt", ["unpublish"], "folder"),
        ("uploads/a.txt", ["unpublish"], "folder"),
        ("media/a.txt", ["unpublish", "replace_protected"], None),
        ("media/uploads/robots.txt", ["unpublish"], "protected"),
        ("media/uploads/.well-known/a.txt", ["unpublish"], "protected"),
        ("robots.txt", ["unpublish", "replace_protected"], None),
    ],
)
def test_a_file_needs_these_permissions(
    cloud: EmulatorServer,
    user_with: UserWith,
    key: str,
    permissions: list[str],
    code: str | None,
) -> None:
    found = refusal(user_with(*permissions), MEDIA, key)
    assert (found and found.code) == code


def test_the_marker_takes_the_place_of_a_file(cloud: EmulatorServer, user_with: UserWith) -> None:
    cloud.put_object("media/uploads/a.txt", b"tea")
    user = user_with("unpublish")
    [result] = unpublish(user, MEDIA, ["media/uploads/a.txt"])
    assert (result.error, cloud.objects()["media/uploads/a.txt"].body) == (None, DELETED)
    row = UploadLog.objects.get()
    assert (row.name, row.source, row.user_id) == ("uploads/a.txt", "delete", user.pk)


def test_a_file_outside_of_the_location_keeps_its_key(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    cloud.put_object("a.txt", b"tea")
    [result] = unpublish(user_with("unpublish", "replace_protected"), MEDIA, ["a.txt"])
    assert (result.key, cloud.objects()["a.txt"].body) == ("a.txt", DELETED)


def test_what_a_user_may_not_make_unpublic_stays(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    cloud.put_object("media/uploads/robots.txt", b"tea")
    assert [*unpublish(user_with("unpublish"), MEDIA, ["media/uploads/robots.txt"])] == []
    assert cloud.objects()["media/uploads/robots.txt"].body == b"tea"


def test_files_that_hang_are_given_up_in_the_time_of_a_request(
    cloud: EmulatorServer, user_with: UserWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.submit.unpublish.REQUEST", 0.3)
    cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": 30})
    [result] = unpublish(user_with("unpublish"), MEDIA, ["media/uploads/a.txt"])
    assert isinstance(result.error, WxStaticStoreError)
    assert result.seconds < 5


def test_no_file_is_begun_when_the_time_of_the_page_is_up(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    cloud.put_object("media/uploads/a.txt", b"tea")
    user = user_with("unpublish")
    assert [*unpublish(user, MEDIA, ["media/uploads/a.txt"], seconds=0)] == []
    assert cloud.objects()["media/uploads/a.txt"].body == b"tea"


KEY = "uploads/a.txt"


@pytest.fixture
def waiting(shop: Callable[..., Shop]) -> Shop:
    """Return a shop where a newer file waits for a public one's key."""
    here = shop(file_overwrite=True)
    here.save(b"old", KEY)
    here.save_in_outage(b"new", KEY)
    return here


def test_what_waits_for_the_key_does_not_become_public_by_itself(
    waiting: Shop, user_with: UserWith
) -> None:
    unpublish(user_with("unpublish"), Target("default", ENV, ""), [KEY])
    push()
    assert waiting.public() == {KEY: DELETED}
    row = WaitingFile.objects.get()
    assert (row.state, row.cause) == (WaitingFile.State.PARKED, "waiting.unpublished")


def test_a_failed_upload_stays_one_when_its_key_is_made_unpublic(
    waiting: Shop, user_with: UserWith
) -> None:
    WaitingFile.objects.update(state="left")
    unpublish(user_with("unpublish"), Target("default", ENV, ""), [KEY])
    assert WaitingFile.objects.get().state == "left"


def test_a_file_that_is_being_sent_is_not_made_unpublic(waiting: Shop, user_with: UserWith) -> None:
    assert lease(WaitingFile.objects.get(), 60)
    (result,) = unpublish(user_with("unpublish"), Target("default", ENV, ""), [KEY])
    assert result.error
    assert result.error.code == IN_PROGRESS.code
    assert waiting.public() == {KEY: b"old"}


def test_a_push_that_found_a_file_before_its_key_is_made_unpublic_does_not_send_it(
    waiting: Shop, user_with: UserWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = user_with("unpublish")

    def unpublish_first(row: WaitingFile, seconds: float) -> bool:
        unpublish(user, Target("default", ENV, ""), [KEY])
        return lease(row, seconds)

    monkeypatch.setattr("wx_static_store.upload.push.lease", unpublish_first)
    push()
    assert waiting.public() == {KEY: DELETED}


def test_a_file_is_not_made_unpublic_where_nobody_can_see_what_waits(
    waiting: Shop, user_with: UserWith
) -> None:
    user = user_with("unpublish")
    database.rest(30)  # it failed a moment ago
    (result,) = unpublish(user, Target("default", ENV, ""), [KEY])
    database.rest(0)
    assert result.error
    assert waiting.public() == {KEY: b"old"}
