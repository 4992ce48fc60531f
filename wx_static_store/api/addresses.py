"""An address of the API, found with and without its last slash."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


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
