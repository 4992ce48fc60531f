"""``{% wx_panels %}``: files that wait, and what other apps show on the first page of this one."""

from typing import Any

from django.apps import apps
from django.db.models import Count, Min
from django.template import Context, Library

from ..models import WaitingFile
from ..submit.access import Act, may, visible

register = Library()


@register.inclusion_tag("admin/wx_static_store/panels.html", takes_context=True)
def wx_panels(context: Context, leave_out: str = "") -> dict[str, Any]:
    """Show the template `wx_panel` of each app's config, but that of the app with this label."""
    configs = (config for config in apps.get_app_configs() if config.label != leave_out)
    templates = [config.wx_panel for config in configs if hasattr(config, "wx_panel")]
    request = context.get("request")
    return {"request": request, "templates": templates} | _waiting(request)


def _waiting(request: Any) -> dict[str, Any]:
    """Return how many files wait since when, and how many need a person; for readers of the log."""
    if request is None or not may(request.user, Act.SEE_LOG):
        return {}
    rows = visible(WaitingFile.objects.all(), request.user).order_by().values_list("state")
    found = {state: rest for state, *rest in rows.annotate(Count("id"), Min("created"))}
    (wait, since), (parked, _since) = (found.get(state, (0, None)) for state in ("due", "parked"))
    return {"wait": wait, "since": since, "parked": parked}
