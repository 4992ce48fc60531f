"""The addresses of rows, in the namespace under which the project included the API."""

from __future__ import annotations

from contextlib import suppress

from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch
from rest_framework.request import Request
from rest_framework.reverse import reverse


def link(request: Request, name: str, id: int | None) -> str | None:
    """
    Return the address of the row with this id, or None.

    There is none without an id or a namespace, or if the request's Host is not allowed.
    """
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    with suppress(NoReverseMatch, DisallowedHost):
        if id is not None:
            return str(reverse(f"{space}:{name}", kwargs={"id": id}, request=request))
    return None
