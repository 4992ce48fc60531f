"""``{% wx_overview %}``: the environments with trouble, for the first page of an admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template import Context, Library

register = Library()

SHOWN = 5  # environments


@register.inclusion_tag("admin/wx_static_store_rollouts/overview/trouble.html", takes_context=True)
def wx_overview(context: Context) -> dict[str, Any]:
    """Show the number of environments and the worst of them, to users who may see the page."""
    from ..admin.overview import may_see, table_for  # a project may be without an admin

    request = context.get("request")
    if request is None or not may_see(getattr(request, "user", AnonymousUser())):
        return {}
    table = table_for(request, chosen=False)
    return {"count": table.page.paginator.count, "lines": table.troubled(SHOWN)}
