"""The rows of the log that a caller may see, and the filters of the list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from ..conf import options_for
from ..exceptions import WxStaticStoreError
from ..models import UploadLog, UploadLogQuerySet
from ..submit.policy import visible_environments

Row = TypeVar("Row", bound=Model)

# Each of these filters has an index.
_FILTERS: dict[str, Callable[[UploadLogQuerySet, Any], UploadLogQuerySet]] = {
    "status": lambda rows, value: rows.filter(status=value),
    "env": lambda rows, value: rows.filter(env=value),
    "source": lambda rows, value: rows.filter(source=value),
    "rid": lambda rows, value: rows.filter(rid=value),
    "user": lambda rows, value: _of_user(rows, value),
    "deployment": lambda rows, value: rows.filter(deployment_id=value),
    "created_after": lambda rows, value: rows.filter(created__gte=value),
    "created_before": lambda rows, value: rows.filter(created__lt=value),
    "key": lambda rows, value: rows.with_key(value),
    "search": lambda rows, value: rows.beginning_with(value),
    # Only stored rows have the errcode 0; the others have an index of their own.
    "errcode": lambda rows, value: rows.filter(
        errcode=value, **({"status__in": ("failed", "unknown")} if value else {})
    ),
}


def filter_rows(rows: UploadLogQuerySet, query: Mapping[str, Any]) -> UploadLogQuerySet:
    for name, narrowed in _FILTERS.items():
        if name in query:
            rows = narrowed(rows, query[name])
    return _of_store(rows, query["store"], query) if "store" in query else rows


def _of_user(rows: UploadLogQuerySet, key: str) -> UploadLogQuerySet:
    """Filter by user; a text that cannot be a key of the user model finds nothing."""
    try:
        value = UploadLog._meta.get_field("user").target_field.to_python(key)
    except ValidationError:
        return rows.none()
    too_large = isinstance(value, int) and abs(value) >= 2**63  # for any database
    return rows.none() if too_large else rows.filter(user_id=value)


def _of_store(rows: UploadLogQuerySet, using: str, query: Mapping[str, Any]) -> UploadLogQuerySet:
    """Filter by the store's location, in its own environment or the given one."""
    try:
        options = options_for(using).settled()
    except WxStaticStoreError:
        return rows.none()
    rows = rows if "env" in query else rows.filter(env=options.env)
    return rows.beginning_with(options.location) if options.location else rows


def visible_rows(request: Request) -> UploadLogQuerySet:
    offered = visible_environments(request.user)
    rows = UploadLog.objects.all()
    return rows if offered is None else rows.filter(env__in=offered)


def readable_rows(request: Request) -> UploadLogQuerySet:
    """Return the rows that the caller may read: all, or only the caller's own uploads."""
    rows = visible_rows(request)
    if sees_all(request):
        return rows
    # A project's own kind of user may have no key: then no row is theirs.
    return rows.none() if request.user.pk is None else rows.filter(user_id=request.user.pk)


def sees_all(request: Request) -> bool:
    return bool(request.user.has_perm("wx_static_store.view_uploadlog"))


def one_row(rows: QuerySet[Row], id: str) -> Row:
    """Return the row; raises Http404 for an unknown or malformed id."""
    if not re.fullmatch("[0-9]{1,18}", id):
        raise Http404
    return get_object_or_404(rows, pk=id)
