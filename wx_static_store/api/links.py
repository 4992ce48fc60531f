"""The addresses of rows, under whatever name the project included ours."""

from __future__ import annotations

from contextlib import suppress

from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch
from rest_framework.request import Request
from rest_framework.reverse import reverse


def link(request: Request, name: str, id: int | None) -> str | None:
    """
    Return the address of the row of that id; None without one.

    None also where our addresses have no namespace, or the request's own Host is not allowed.
    """
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    with suppress(NoReverseMatch, DisallowedHost):
        if id is not None:
            return str(reverse(f"{space}:{name}", kwargs={"id": id}, request=request))
    return None
