"""Group the uploads that still fail by cause; dismiss some."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from ..core.types import NOT_STORED
from ..i18n import STAGES
from ..models import Dismissal, UploadLog, UploadLogQuerySet
from ..upload.database import write

if TYPE_CHECKING:
    from ..core.refusals import User

OTHER = "other"  # the log has neither a code nor a stage


class FailureCause(NamedTuple):
    """Uploads that failed alike, by the ids of their rows, the newest first."""

    code: str  # WeChat's errcode, else the code of COS, else the stage at which they failed
    rows: list[int]


def causes(rows: UploadLogQuerySet) -> list[FailureCause]:
    """Group rows that are not stored by cause, the largest group first."""
    groups = defaultdict(list)
    for pk, errcode, cos_code, stage in rows.values_list("id", "errcode", "cos_code", "stage"):
        groups[str(errcode or cos_code or stage or OTHER)].append(pk)
    found = (FailureCause(code, sorted(ids, reverse=True)) for code, ids in groups.items())
    return sorted(found, key=lambda cause: (-len(cause.rows), -cause.rows[0]))


def of_cause(rows: UploadLogQuerySet, code: str) -> UploadLogQuerySet:
    """Return the rows that `causes` groups under this code."""
    if "\0" in code:
        # The address of a page may have it; PostgreSQL raises an error for such a text.
        return rows.none()
    rows = rows.filter(status__in=NOT_STORED)
    if re.fullmatch("-?[0-9]{1,9}", code):
        return rows.filter(errcode=int(code))
    unanswered = rows.filter(Q(errcode=None) | Q(errcode=0))
    if code == OTHER or code in STAGES:
        return unanswered.filter(cos_code="", stage="" if code == OTHER else code)
    return unanswered.filter(cos_code=code)


def dismiss(rows: Iterable[UploadLog], user: User | None) -> bool:
    """
    Note that nobody needs to repair these rows; newer failures of their keys still count.

    Return False if the database cannot be written to.
    """
    made = [Dismissal(upload=row, user_id=user.pk if user else None) for row in rows]
    create = partial(Dismissal.objects.bulk_create, made, ignore_conflicts=True)
    return write(create, otherwise=None, at_once=True) is not None
