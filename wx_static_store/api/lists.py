"""The rows that a caller may see: filters, and pages by a signed cursor."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from ..conf import options_for
from ..core.types import NOT_STORED
from ..exceptions import WxStaticStoreError
from ..models import UploadLog, UploadLogQuerySet
from ..models.columns import created_between
from ..submit.access import Act, may, visible

Row = TypeVar("Row", bound=Model)
Rows = TypeVar("Rows", bound=QuerySet[Any])

_INVALID = _("This cursor is of another list.")


def filter_rows(rows: UploadLogQuerySet, query: Mapping[str, Any]) -> UploadLogQuerySet:
    # Each of these has an index.
    rows = narrow(rows, query, "status", "env", "source", "rid", "deployment", "errcode")
    rows = created_between(rows, query.get("created_after"), query.get("created_before"))
    if query.get("errcode"):  # only stored rows have 0; the others have an index of their own
        rows = rows.filter(status__in=NOT_STORED)
    if "user" in query:
        rows = _of_user(rows, query["user"])
    if "key" in query:
        rows = rows.with_key(query["key"])
    if "search" in query:
        rows = rows.beginning_with(query["search"])
    return _of_store(rows, query["store"], query) if "store" in query else rows


def narrow(rows: Rows, query: Mapping[str, Any], *names: str, **columns: str) -> Rows:
    """Filter by the parameters that the query has; `columns` are those of another name."""
    columns |= {name: name for name in names}
    return rows.filter(**{columns[name]: query[name] for name in columns if name in query})


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
    return visible(UploadLog.objects.all(), request.user)


def readable(rows: Rows, request: Request) -> Rows:
    """Return the rows that the caller may read: all, or only the caller's own uploads."""
    rows = visible(rows, request.user)
    if may(request.user, Act.SEE_LOG):
        return rows
    # A project's own kind of user may have no key: then no row is theirs.
    return rows.none() if request.user.pk is None else rows.filter(user_id=request.user.pk)


def one_row(rows: QuerySet[Row], id: str) -> Row:
    """Return the row; raises Http404 for an unknown or malformed id."""
    if not re.fullmatch("[0-9]{1,18}", id):
        raise Http404
    return get_object_or_404(rows, pk=id)


def _signer(of: str) -> signing.Signer:
    # Without a time: the same page is the same bytes, and keeps its ETag.
    return signing.Signer(salt=f"wx_static_store.cursor:{of}")


def read_cursor(cursor: str, of: str) -> Any:
    """Read a cursor; it must come from a page of the same list."""
    try:
        return _signer(of).unsign_object(cursor) if cursor else None
    except signing.BadSignature:
        raise NotFound(_INVALID) from None


def page_rows(
    request: Request,
    rows: QuerySet[Any],
    query: Mapping[str, Any],
    of: str,
    shown: Callable[[list[Any]], Any],
    *,
    by: str = "-id",
) -> Response:
    """Return a page of rows as `shown` makes them."""
    column, rows = by.removeprefix("-"), rows.order_by(by)
    if (last := read_cursor(query.get("cursor", ""), of)) is not None:
        rows = rows.filter(**{f"{column}__{'lt' if by.startswith('-') else 'gt'}": last})
    size = query["page_size"]
    # One more than is shown tells whether there is a next page.
    found = list(rows[: size + 1])
    after = getattr(found[size - 1], column) if len(found) > size else None
    return page(request, shown(found[:size]), after, of)


def page(request: Request, results: Any, after: Any, of: str) -> Response:
    """Return a page, with the address of the next one unless `after` is None."""
    address, headers = None, {}
    if after is not None:
        cursor = _signer(of).sign_object(after)
        address = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        headers = {"Link": f'<{address}>; rel="next"'}
    return Response({"next": address, "results": results}, headers=headers)
