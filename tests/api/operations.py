"""The operations of all views of the URLconf, those of the opt-in apps included."""

from __future__ import annotations

from typing import Any

from wx_static_store.api import urls
from wx_static_store.api.operations import Operation

VIEWS: dict[str, Any] = {
    pattern.callback.cls.__name__: pattern.callback.cls  # type: ignore[attr-defined]
    for pattern in urls.urlpatterns
}
OPERATIONS: dict[tuple[str, str], Operation] = {
    (name, method.upper()): getattr(view, method).operation
    for name, view in VIEWS.items()
    for method in view.http_method_names
    if hasattr(view, method)
}
