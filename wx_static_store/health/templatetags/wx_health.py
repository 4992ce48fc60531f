"""``{% wx_health %}``: a line that says what is wrong, from the newest results."""

from typing import Any

from django.template import Context, Library

from ...i18n import ago
from ...submit.access import may
from ..doctor.latest import latest

register = Library()


@register.inclusion_tag("admin/wx_static_store_health/line.html", takes_context=True)
def wx_health(context: Context) -> dict[str, Any]:
    """Show a bad verdict to users who may see the page; no call is made for it."""
    request = context.get("request")
    if request is None or not may(request.user, "wx_static_store_health.view_health"):
        return {}
    report = latest()
    if report is None or report["status"] != "wrong":
        return {}
    return {"verdict": report["verdict"], "ago": ago(report["examined"])}
