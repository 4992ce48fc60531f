"""Find the files that a deployment held back, and the command that repeats it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..conf import options_for
from ..core.naming import object_key
from ..core.types import UploadStatus
from ..exceptions import WxStaticStoreError
from ..upload import kept
from ..upload.database import log
from .rollback import command_for

if TYPE_CHECKING:
    from ..models import Deployment

MOST_FILES = 5000  # of a release whose keys are looked up for a page


def held_back_keys(row: Deployment) -> list[str]:
    """Return the keys of the release that were not sent, nor stored since; none if unknown."""
    if not (row.not_attempted and row.release) or row.release.count > MOST_FILES:
        return []
    files = {object_key(row.folder, file.name): file.md5 for file in row.release.contents()}
    columns = ("key", "status", "md5", "deployment_id")
    known = set()
    for key, status, md5, deployment, _stored in log().newest_values(row.env, files, *columns):
        is_stored = status == UploadStatus.STORED and md5 == files.get(key)
        if is_stored or deployment == row.pk:
            known.add(key)
    # More than were not sent: a file that only the cloud's list shows as unchanged has no row.
    found = [key for key in files if key not in known]
    return found if len(found) <= row.not_attempted else []


def command_again(row: Deployment) -> str:
    """Return the command that repeats the deployment; DIR stands for its folder."""
    if row.source != "wx_deploy":
        return "python manage.py collectstatic --noinput"
    prefix = row.folder
    with suppress(WxStaticStoreError):  # the store is gone: its location is not known
        prefix = prefix.removeprefix(options_for(row.using).location)
    if row.release_id and kept.alias():
        return command_for(row.using, row.env, ("--rollback", str(row.pk)), prefix)
    label = ["--label", row.label] if row.label else []
    words = ["DIR", *filter(None, [prefix])]
    return command_for(row.using or "default", row.env, words, "", *label)
