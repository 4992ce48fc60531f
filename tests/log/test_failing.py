"""What still fails: the newest row of each key, by its cause, until somebody dismisses it."""

from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.log.conftest import row
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.failing import FailureCause, causes, dismiss
from wx_static_store.models import Dismissal, UploadLog, uploads as models
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db


def failing() -> list[str]:
    rows = UploadLog.objects.all().still_failing().order_by("id")
    return [each.key or each.name for each in rows]


def test_the_newest_row_of_a_key_decides() -> None:
    for key, *statuses in (
        ("mended", "failed", "stored"),
        ("broken", "stored", "failed"),
        ("lost", "failed", "unknown"),
    ):
        for status in statuses:
            row(key, status=status)
    row("mended elsewhere", status="failed")
    row("mended elsewhere", env="tenant-b")
    assert failing() == ["broken", "lost", "mended elsewhere"]


def test_every_refused_name_counts() -> None:
    for name in ("../a", "../b"):
        row("", name=name, status="failed", stage="name")
    assert failing() == ["../a", "../b"]


def test_what_was_dismissed_fails_again_with_a_newer_row(django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("eve")
    first, _other = row("a", status="failed"), row("b", status="failed")
    for _twice in range(2):
        dismiss([first], user)
    assert failing() == ["b"]
    assert [(each.upload, each.user) for each in Dismissal.objects.all()] == [(first, user)]
    row("a", status="failed")
    assert failing() == ["b", "a"]


def test_only_the_newest_failures_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "WALKED", 2)
    made = [row(f"{n}", status="failed") for n in range(2)]
    assert UploadLog.objects.all().older_failures() is None
    row("2", status="failed")
    assert failing() == ["1", "2"]
    assert UploadLog.objects.all().older_failures() == made[0].pk


def test_uploads_are_grouped_by_cause_the_largest_group_first() -> None:
    given = ["ConnectFailed", "45009", "40001", "45009"]
    ids = [row(f"{n}", status="failed", cause=cause).pk for n, cause in enumerate(given)]
    assert causes(UploadLog.objects.all()) == [
        FailureCause("45009", [ids[3], ids[1]]),
        FailureCause("40001", [ids[2]]),
        FailureCause("ConnectFailed", [ids[0]]),
    ]


def test_one_refused_token_is_one_cause_of_all_files_that_it_stopped(
    configure: Any, emulator: EmulatorServer
) -> None:
    account = emulator.state.account
    own = {"COMPONENT_APPID": account.appid, "COMPONENT_APPSECRET": account.appsecret}
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None, "VERIFY_TICKET": account.ticket, **own})
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40001})
    items = [UploadItem(f"{n}", open=lambda: ContentFile(b"")) for n in range(57)]  # type: ignore[arg-type, return-value]
    for item in items:  # as a browser sends them: a request each
        [*get_uploader().upload_many([item], UploadContext(source="admin"))]
    [cause] = causes(UploadLog.objects.all())
    assert (cause.code, len(cause.rows)) == ("token.new", 57)
