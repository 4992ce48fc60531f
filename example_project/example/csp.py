"""A strict Content-Security-Policy: nothing inline, and nothing from elsewhere."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
View = Callable[..., HttpResponse]


def _policy(**more: str) -> str:
    """Return the policy, with `more` sources for a kind."""
    # Styles, scripts and pictures are on the public sites.
    sources = dict.fromkeys(("img", "style", "script"), f"'self' {settings.PUBLIC_SITES}")
    for kind, source in more.items():
        sources[kind] += f" {source}"
    return "; ".join(
        [
            "default-src 'self'",
            *(f"{kind}-src {allowed}" for kind, allowed in sources.items()),
            "base-uri 'none'",
            "object-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def content_security_policy(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(HEADER, _policy())
        return response

    return middleware


def allowing(view: View, **more: str) -> View:
    """Add sources to the policy of a view: `allowing(view, img="data:")`."""

    def allowed(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers[HEADER] = _policy(**more)
        return response

    return allowed
