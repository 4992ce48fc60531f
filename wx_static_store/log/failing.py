"""Group the uploads that still fail by cause; dismiss some."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from ..core.refusals import User
from ..models import Dismissal, UploadLog, UploadLogQuerySet
from ..upload.database import write


class FailureCause(NamedTuple):
    """Uploads that failed alike, by the ids of their rows, the newest first."""

    code: str  # of the entry in the table of causes
    rows: list[int]


def causes(rows: UploadLogQuerySet) -> list[FailureCause]:
    """Group rows that are not stored by cause, the largest group first."""
    groups = defaultdict(list)
    for pk, code in rows.values_list("id", "cause"):
        groups[code].append(pk)
    found = (FailureCause(code, sorted(ids, reverse=True)) for code, ids in groups.items())
    return sorted(found, key=lambda cause: (-len(cause.rows), -cause.rows[0]))


def dismiss(rows: Iterable[UploadLog], user: User | None) -> bool:
    """Dismiss these failures, and no later ones of their keys; return False without a database."""
    made = [Dismissal(upload=row, user_id=user.pk if user else None) for row in rows]
    create = partial(Dismissal.objects.bulk_create, made, ignore_conflicts=True)
    return write(create, otherwise=None, at_once=True) is not None
