"""Previews: folders of a store with an address that cannot be guessed, and an end."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import get_random_string

from ..core.naming import PREVIEWS, is_preview, nfc
from ..core.types import UploadContext
from ..deploy.environments import Order, deploy_to_all, site_uploader
from ..deploy.records import Records
from ..deploy.state import folders, from_log
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _, shown
from ..models import FolderState, key_digest
from ..upload.recorder import finish_deployment
from ..upload.uploader import Uploader
from .rollback import OTHER_RELEASE, elsewhere

USUAL, LONGEST = timedelta(days=7), timedelta(days=30)
END = "end of the preview"  # the label of the deployment that blanks it

_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WHEN = _("Choose a time within the next 30 days.")
_NAME = _("Name it by a branch, or by the number of a pull request, as in --preview pr-12.")


def prefix_of(
    uploader: Uploader, name: str, lasts: timedelta | None, *, new: bool, keep: bool
) -> str:
    """
    Return the folder of this preview below the location of its store; with `new`, settle one.

    With `keep`, note its new end first, so that it ends even if the run is killed. Raises
    SourceError for a name that cannot be used or is not known.
    """
    word = re.sub(r"[^\w.]+", "-", nfc(name)).strip("-.")
    if not 0 < len(word) <= 100:
        raise SourceError(_("%(name)r cannot name a preview", name=name[:100]), hint=_NAME)
    location, end = uploader.options.location, timezone.now() + (lasts or USUAL)
    start, rows = f"{location}{PREVIEWS}{word}-", folders().filter(env=uploader.env)
    if new:
        # A lock first, as in `settle`: of two first runs at once, the second one sees the first.
        rows.update(env=F("env"))
    rows = rows.filter(ends__isnull=False, folder__startswith=start)
    # Compared again: MariaDB ignores case, and another name may begin like this one.
    own = re.compile(rf"{re.escape(start)}[{_SIGNS}]{{8}}/")
    known = next((row for row in rows.order_by("id") if own.fullmatch(row.folder)), None)
    if known is None and not new:
        text = _("%(env)s has no preview %(name)r", env=uploader.env, name=word)
        raise SourceError(text, hint=OTHER_RELEASE)
    if known is None:
        folder = f"{start}{get_random_string(8, _SIGNS)}/"
        digest = key_digest(folder)
        known = rows.create(env=uploader.env, folder=folder, folder_digest=digest, ends=end)
    elif keep:
        # Without `lasts` never earlier: somebody may keep it for longer.
        rows.filter(pk=known.pk).update(ends=end if lasts else max(end, known.ends or end))
    return known.folder.removeprefix(location)


def set_end(places: Iterable[tuple[str, str]], ends: datetime | None = None) -> int:
    """Let the previews in these places end then, or now; return how many, or raise SourceError."""
    rows, now = folders().filter(ends__isnull=False), timezone.now()
    if ends and not now <= ends <= now + LONGEST:
        raise SourceError(_("A preview cannot end at this time"), hint=_WHEN)
    facts = {"ends": ends or now}
    return sum(rows.in_folder(folder).filter(env=env).update(**facts) for env, folder in {*places})


def blank_ended(
    env: str | None, report: Callable[[str], object], *, dry_run: bool = False
) -> Iterator[tuple[str, int]]:
    """Blank the previews that have ended, and count them; report why some of one stays."""
    rows = folders().to_blank().order_by("id")
    for row in [*(rows.filter(env=env) if env else rows)]:
        if why := "" if dry_run else _blank(row):
            facts = {"place": f"{row.env} /{row.folder}", "why": why}
            report(_("The preview %(place)s has ended, and is still public:\n%(why)s", **facts))
        yield "previews", int(not why)


def _blank(row: FolderState) -> str:
    """Deploy a release without files, and overwrite all that is there; return why if it fails."""
    using = row.wanted.using if row.wanted else ""
    try:
        uploader = site_uploader(using, row.env)
        prefix = row.folder.removeprefix(location := uploader.options.location)
        if location + prefix != row.folder or not is_preview(prefix):
            raise elsewhere(using, location, {row.folder})
    except WxStaticStoreError as error:
        return str(error)

    def check() -> None:
        if not from_log(folders().to_blank().filter(pk=row.pk).exists):
            raise SourceError(_("It was published again meanwhile"), hint="")

    order = Order((), UploadContext("wx_deploy", END), Records(using, prefix), on_held=check)
    order = replace(order, stale=True, blank_stale=lambda question: True, include_uploads=True)
    (report,) = deploy_to_all([(uploader, order)])
    if report.ok and not report.stale:
        # Only now: a run that is killed before comes back to it.
        finish_deployment(report.report.deployment_id, checked="ok")
        return ""
    return "\n".join([*report.failure_lines(), *[shown(file.key) for file in report.stale]])
