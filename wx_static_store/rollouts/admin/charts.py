"""Small charts as SVG: they need no script, and a strict Content-Security-Policy allows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ...causes import Text

HEIGHT = 100  # units of the drawing, which a style sheet stretches
STEP, GAP = 10, 2  # width of a bar with the gap after it, and of the gap
LEAST = 3  # height of a bar that is not nothing


class Bar(NamedTuple):
    """One bar, its bad part, and its title."""

    value: int
    text: Text
    bad: int = 0


def bars(all_bars: Sequence[Bar], label: Text) -> SafeString:
    most = max([1, *(bar.value for bar in all_bars)])
    drawn = format_html_join(
        "", "{}", ((_bar(number, bar, most),) for number, bar in enumerate(all_bars))
    )
    # The label is for screen readers.
    return format_html(
        '<svg class="wx-bars" role="img" aria-label="{}" viewBox="0 0 {} {}" '
        'preserveAspectRatio="none">{}</svg>',
        *(label, len(all_bars) * STEP, HEIGHT, drawn),
    )


def _bar(number: int, bar: Bar, most: int) -> SafeString:
    """Return the whole bar, with the bad part over its foot."""
    parts = [("wx-all", bar.value), ("wx-bad-part", bar.bad)]
    heights = [(css, max(LEAST, round(part * HEIGHT / most))) for css, part in parts if part]
    drawn = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>',
        ((css, number * STEP, HEIGHT - high, STEP - GAP, high) for css, high in heights),
    )
    # The whole column, so that one can point at a day without a bar, too.
    return format_html(
        '<g><title>{}</title><rect class="wx-column" x="{}" y="0" width="{}" height="{}"/>{}</g>',
        *(bar.text, number * STEP, STEP, HEIGHT, drawn),
    )
