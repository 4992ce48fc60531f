"""``{% wx_overview %}``: the environments with trouble, for the first page of an admin."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template import Context, Library

from ...submit.access import may

register = Library()

SHOWN = 5  # environments


@register.inclusion_tag("admin/wx_static_store_rollouts/overview/trouble.html", takes_context=True)
def wx_overview(context: Context) -> dict[str, Any]:
    """Show the number of environments and the worst of them, to users who may see the page."""
    from ..admin.overview import OverviewAdmin, table_for  # a project may be without an admin

    request = context.get("request")
    user = getattr(request, "user", AnonymousUser())
    if request is None or not may(user, *OverviewAdmin.sees):
        return {}
    table = table_for(request, chosen=False)
    return {"count": table.page.paginator.count, "lines": table.troubled(SHOWN)}
