"""Addresses of the API, found with and without their last slash; those of rows."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch, URLPattern
from django.urls.resolvers import RoutePattern
from rest_framework.request import Request
from rest_framework.reverse import reverse


class OptionalSlash(RoutePattern):
    """A route that also matches without its last slash."""

    def match(self, path: str) -> Any:
        if found := super().match(path):
            return found
        # Else Django redirects, and most clients repeat a redirected POST as a GET.
        found = super().match(path + "/")
        # Only a number is an id: ``uploads/<store>/retry`` is the address of a file.
        return found if found and str(found[2].get("id", "0")).isdecimal() else None


def address(route: str, view: Callable[..., Any], *, name: str) -> URLPattern:
    return URLPattern(OptionalSlash(route, name=name, is_endpoint=True), view, None, name)


def link(request: Request, name: str, id: int | None) -> str | None:
    """Return the address of the row with this id; None without one, or without a namespace."""
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    # The request's Host may be one that is not allowed.
    with suppress(NoReverseMatch, DisallowedHost):
        if id is not None:
            return str(reverse(f"{space}:{name}", kwargs={"id": id}, request=request))
    return None


def location(request: Request, name: str, id: int | None) -> dict[str, str]:
    """Return the header with the address of the row, if it has one."""
    address = link(request, name, id)
    return {"Location": address} if address else {}
