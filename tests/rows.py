"""Rows that a test makes by hand: the cause of an upload, the deploys of many environments."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models import DateTimeField
from django.utils import timezone

from wx_static_store.causes import CAUSES, of_errcode
from wx_static_store.models import (
    Deployment,
    FolderState,
    Release,
    UploadLog,
    WaitingFile,
    key_digest,
)


def with_cause(columns: dict[str, Any]) -> dict[str, Any]:
    """Add the cause that an upload with these codes has; without a code, a test names it."""
    errcode, cos_code = columns.get("errcode"), columns.get("cos_code")
    if columns.get("status") == UploadLog.Status.STORED or not (errcode or cos_code):
        return columns
    entry = of_errcode(errcode) if errcode else CAUSES.get(str(cos_code), CAUSES["cos"])
    return {"cause": entry.id} | columns


def rebuild_folders() -> None:
    """Make all states anew, where deployments were not saved one by one, or were deleted."""
    for some in FolderState.objects.parts():
        some.settle()


def add_deployments(envs: list[str], folder: str = "www/") -> None:
    """Give each environment two releases; one in ten got a third one that failed."""
    for digit, outcome, part in [("a", "done", 1), ("b", "done", 1), ("c", "failed", 10)]:
        digest, empty = digit * 64, {"files": b"", "count": 0, "size": 0}
        release, _new = Release.objects.get_or_create(digest=digest, defaults=empty)
        columns = {"folder_digest": key_digest(folder), "release": release, "outcome": outcome}
        rows = (Deployment(env=env, using="site", folder=folder, **columns) for env in envs[::part])
        Deployment.objects.bulk_create(rows, batch_size=500)
    rebuild_folders()


def add_waiting(key: str = "a.txt", *, minutes: float = 20, **columns: Any) -> WaitingFile:
    """Let a file wait and be due for so many minutes; its bytes are nowhere."""
    since = timezone.now() - timedelta(minutes=minutes)
    fields = WaitingFile._meta.concrete_fields
    times = {f.name: since for f in fields if isinstance(f, DateTimeField) and not f.null}
    row = {"env": "env-1", "key": key, "key_digest": key_digest(key), "name": key}
    row |= {"using": "default", "kind": "save", "source": "storage", "token": uuid4().hex}
    return WaitingFile.objects.create(**(times | row | columns))
