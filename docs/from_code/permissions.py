"""Write the permissions from the models."""

from typing import Any

from django.contrib.auth.models import Permission
from django.utils.translation import gettext

from wx_static_store.health.models import Fact
from wx_static_store.models import Deployment, UploadLog

from . import entries

ALLOWS = {
    "view_uploadlog": "See the log in the admin and by the API, with what WeChat and COS answered; "
    "list the files in the cloud; export rows; compare rows with the cloud; see and download files "
    "that wait.",
    "view_deployment": "See the deployments in the admin and by the API, with their releases and "
    "rollouts; compare releases.",
    "upload": "Upload new files of the kinds in ``UPLOAD_EXTENSIONS`` into ``UPLOAD_LOCATION``, in "
    "the admin and by the API. Replace a file by the same bytes.",
    "upload_active_content": "Upload HTML, SVG, scripts, and files of all other kinds.",
    "replace": "Replace a file by other bytes.",
    "replace_protected": "Upload outside of ``UPLOAD_LOCATION``, and use protected names: "
    "``robots.txt``, ``MP_verify_*.txt`` and others that prove who owns the site.",
    "unpublish": "Make a file in ``UPLOAD_LOCATION`` unpublic, in the admin: a short "
    "text takes its place. Elsewhere, and for protected names, it needs ``replace_protected``, "
    "too. Give up a file that waits.",
    "retry": "Upload the file of a row again, dismiss a failure, and send a waiting file now, in "
    "the admin; upload it again by the API. Where the cloud has other bytes than the row, it needs "
    "``replace``, too.",
    "diagnose": "Ask WeChat what it received with a call that it refused, in the admin and by "
    "the API.",
    "deploy": "Deploy kept releases, roll back, and start and stop rollouts, in the admin and by "
    "the API. In the admin, it needs ``view_deployment``, too.",
    "view_health": "See the page *Health* in the admin, and what ``GET health/`` answers.",
}


def text() -> str:
    return entries(*((f"``{code}`` *{name}*", ALLOWS[code]) for code, name in _names().items()))


def _names() -> dict[str, str]:
    """Return all of the app; Django keeps the names of its own in English."""
    models: tuple[type[Any], ...] = (UploadLog, Deployment, Fact)
    own = {
        f"{action}_{model._meta.model_name}": f"Can {action} {model._meta.verbose_name_raw}"
        for model in models
        for action in model._meta.default_permissions
    }
    more = {code: gettext(name) for model in models for code, name in model._meta.permissions}
    longest = Permission._meta.get_field("name").max_length or 0
    return {code: name[:longest] for code, name in (own | more).items()}
