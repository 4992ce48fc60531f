"""The addresses of rows, in the namespace under which the project included the API."""

from __future__ import annotations

from contextlib import suppress

from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch
from rest_framework.request import Request
from rest_framework.reverse import reverse


def link(request: Request, name: str, id: int | None) -> str | None:
    """Return the address of the row with this id; None without one, or without a namespace."""
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    # The request's Host may be one that is not allowed.
    with suppress(NoReverseMatch, DisallowedHost):
        if id is not None:
            return str(reverse(f"{space}:{name}", kwargs={"id": id}, request=request))
    return None
