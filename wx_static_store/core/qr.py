"""A public address as a QR code: these sites are opened in WeChat, on a phone."""

from io import StringIO
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_PIXELS = 4  # a module: what a phone reads from a screen at arm's length


def lines(text: str, encoding: str) -> str:
    """Return the code for a terminal, "" without the extra ``admin`` or UTF-8, or if too long."""
    drawn = StringIO()
    if "utf" in encoding.lower() and (code := _code(text)):
        code.terminal(drawn, compact=True)
    return drawn.getvalue()


def _code(text: str) -> Any:
    try:
        import segno

        return segno.make_qr(text)
    except (ImportError, ValueError):
        return None


def svg(text: str) -> SafeString:
    """Return the code as inline SVG, "" without the extra ``admin``, or for too long a text."""
    if (code := _code(text)) is None:
        return SafeString()
    # White, so that it scans in dark mode, too. Attributes, no style: a strict
    # Content-Security-Policy allows them.
    drawn = code.svg_inline(light="white", omitsize=True, svgclass="wx-qr", lineclass=None)
    return format_html(
        '<svg role="img" aria-label="{label}" width="{size}" height="{size}" {rest}',
        label=text,
        size=code.symbol_size(_PIXELS)[0],
        rest=mark_safe(drawn.removeprefix("<svg ")),  # segno draws it  # noqa: S308  # nosec B308
    )
