"""Verify, compare, reconcile and plan give one answer for one object."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploys import deploy, items, names, plan_of
from tests.tables import each
from wx_static_store.core.match import Match, match
from wx_static_store.core.types import RemoteFile, UploadItem
from wx_static_store.deploy.plan import hash_items
from wx_static_store.deploy.verify import sweep, verify
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.compare import compare_uploads
from wx_static_store.log.reconcile import LogComparison
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.workers import WorkerPool

HERE = items(a_js=b"here")


@each(
    ("size", "md5", "remote", "found"),
    [
        (1, "a", None, Match.MISSING),
        (1, "a", (1, "a"), Match.SAME),
        (None, "a", (1, "a"), Match.SAME),
        (1, "a", (1, "b"), Match.DIFFERS),
        (1, "a", (2, None), Match.DIFFERS),
        (1, "a", (1, None), Match.UNSURE),
        (1, None, (1, "a"), Match.UNSURE),
        (1, "", (2, "a"), Match.DIFFERS),
        (None, None, (1, "a"), Match.UNSURE),
    ],
)
def test_files_match_by_size_and_md5_where_both_sides_have_them(
    size: int | None, md5: str | None, remote: tuple[int, str | None] | None, found: Match
) -> None:
    known = UploadItem("a", open=lambda: None, size=size, md5=md5)  # type: ignore[arg-type,return-value]
    assert match(known, RemoteFile("a", *remote, None) if remote else None) is found


def untouched(cloud: EmulatorServer) -> None:
    pass


def other_bytes(cloud: EmulatorServer) -> None:
    cloud.advance(60)
    cloud.put_object("a.js", b"HERE")


def other_size(cloud: EmulatorServer) -> None:
    cloud.advance(60)
    cloud.put_object("a.js", b"elsewhere")


def removed(cloud: EmulatorServer) -> None:
    cloud.delete_object("a.js")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("happens", "list_md5", "found"),
    [
        (untouched, "", Match.SAME),
        (other_bytes, "", Match.DIFFERS),
        (other_size, "", Match.DIFFERS),
        (removed, "", Match.MISSING),
        (untouched, "multipart", Match.UNSURE),
        (other_bytes, "multipart", Match.UNSURE),
        (other_size, "multipart", Match.DIFFERS),
        (removed, "multipart", Match.MISSING),
    ],
)
def test_verify_compare_reconcile_and_plan_agree(
    configure: Any, happens: Callable[[EmulatorServer], None], list_md5: str, found: Match
) -> None:
    """Where the list has no MD5, the plan alone decides by the time of the object, as it must."""
    cloud: EmulatorServer = configure()
    uploader = get_uploader()
    deploy(uploader, HERE)
    happens(cloud)
    cloud.quirks.list_md5 = list_md5 or cloud.quirks.list_md5
    wrong = found in (Match.DIFFERS, Match.MISSING)

    (row,) = UploadLog.objects.all()
    (compared,) = compare_uploads([row])
    reconciled = LogComparison(uploader.store)
    kinds = [discrepancy.kind for discrepancy in reconciled]
    with WorkerPool(1) as pool:
        mismatches = verify(uploader, hash_items(HERE), sweep(uploader), pool).mismatches
    to_send = names(plan_of(uploader, HERE).assets)

    assert compared.state == found
    assert kinds == ([found] if wrong else [])
    assert reconciled.unsure == (found is Match.UNSURE)
    assert [mismatch.key for mismatch in mismatches] == (["a.js"] if wrong else [])
    assert to_send == (["a.js"] if wrong or happens is other_bytes else [])
