"""Pages by a signed cursor."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

_INVALID = _("This cursor is of another list.")


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
