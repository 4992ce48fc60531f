"""``{% wx_panels %}``: what other apps show on the first page of this one in the admin."""

from typing import Any

from django.apps import apps
from django.template import Context, Library

register = Library()


@register.inclusion_tag("admin/wx_static_store/panels.html", takes_context=True)
def wx_panels(context: Context, leave_out: str = "") -> dict[str, Any]:
    """Show the template `wx_panel` of each app's config, but that of the app with this label."""
    configs = (config for config in apps.get_app_configs() if config.label != leave_out)
    templates = [config.wx_panel for config in configs if hasattr(config, "wx_panel")]
    return {"request": context.get("request"), "templates": templates}
