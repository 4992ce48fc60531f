"""The manifest of static files: a roll back leaves it to the code of the site, or writes it."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import storages

from ..deploy.environments import Orders
from ..i18n import gettext as _, shown
from ..upload.sources import opened
from .exits import wrong_use


def check(using: str, orders: Orders) -> None:
    """Refuse to write a manifest that is missing, or differs between the environments."""
    manifests = {order.last.sha256 if order.last else None for _uploader, order in orders}
    if None in manifests or not hasattr(storages[using], "write_manifest"):
        text = _("--write-manifest: this release, or the store %(alias)r, has no manifest.")
    elif len(manifests) > 1:
        text = _("--write-manifest: the environments go to different releases. Name one.")
    else:
        return
    raise wrong_use(text % {"alias": using})


def write(using: str, orders: Orders) -> str:
    """Write the release's manifest where the site reads it; return a line on it."""
    storage: Any = storages[using]
    last: Any = orders[0][1].last
    with opened(last, md5=last.md5) as source:
        storage.write_manifest(b"".join(source))
    return _("%(name)s is the one of this release now: restart the site.", name=shown(last.name))
