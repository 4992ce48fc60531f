"""
Say who may open what, in one table for the admin and the API.

It is also the URLconf of a project with both, and makes a request for each of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, include, path, reverse

from tests.api.conftest import PNG, picture
from tests.conftest import ENV
from wx_static_store.api import urls
from wx_static_store.models import Deployment, Fact, Health, Overview, Rollout, UploadLog

urlpatterns = [
    path("admin/", admin.site.urls),
    path("wx/", include("wx_static_store.api.urls")),
]

OURS = [name for model in (UploadLog, Fact) for name, _text in model._meta.permissions]
EVERY = [*OURS, "view_uploadlog", "view_deployment"]

LOG, DEPLOYMENTS = {"view_uploadlog"}, {"view_deployment"}
UPLOAD, RETRY, DIAGNOSE = {"upload"}, {"retry"}, {"diagnose"}
HEALTH, DEPLOY = {"view_health"}, {"deploy"}
DIAGNOSE_THERE = {"diagnose + view_uploadlog"}  # both: the answer stands on the page of a row
DEPLOY_THERE = {"deploy + view_deployment"}
STAFF = {"staff"}  # no permission: what is asked for is found by its random id only
UNPUBLISH_THERE = {"unpublish + view_uploadlog"}
# By entry point and address, the methods that it takes: each is opened by any of these permissions,
# and by no other, and is answered with this status. Any other method is shut to everybody.
TABLE: dict[tuple[str, str], dict[str, tuple[set[str], int]]] = {
    ("admin", "uploadlog_changelist"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "uploadlog_change"): {"GET": (LOG, 200)},
    ("admin", "uploadlog_history"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "uploadlog_add"): {},
    ("admin", "uploadlog_delete"): {},
    ("admin", "uploadlog_upload"): {"GET": (UPLOAD, 200), "POST": (UPLOAD, 200)},
    ("admin", "uploadlog_preview"): {"POST": (UPLOAD, 200)},
    ("admin", "uploadlog_status"): {"POST": (UPLOAD, 200)},
    ("admin", "uploadlog_sent"): {"GET": (STAFF, 200)},
    ("admin", "uploadlog_diagnosis"): {"POST": (DIAGNOSE_THERE, 200)},
    ("admin", "uploadlog_failing"): {"GET": (LOG | RETRY, 200), "POST": (RETRY, 302)},
    ("admin", "uploadlog_upload_again"): {"POST": (RETRY, 200)},
    ("admin", "uploadlog_compare"): {"POST": (LOG, 200)},
    ("admin", "uploadlog_files"): {"GET": (LOG, 200), "POST": (LOG, 302)},
    ("admin", "uploadlog_files_addresses"): {"POST": (LOG, 200)},
    ("admin", "uploadlog_files_download"): {"POST": (LOG, 200)},
    ("admin", "uploadlog_files_compare"): {"POST": (LOG, 200)},
    ("admin", "uploadlog_files_unpublish"): {"POST": (UNPUBLISH_THERE, 200)},
    ("admin", "deployment_changelist"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "deployment_change"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "deployment_compare"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "deployment_rollback"): {"GET": (DEPLOY_THERE, 200), "POST": (DEPLOY_THERE, 200)},
    ("admin", "deployment_history"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "deployment_add"): {},
    ("admin", "deployment_delete"): {},
    ("admin", "rollout_changelist"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "rollout_change"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "rollout_progress"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "rollout_act"): {"POST": (DEPLOY_THERE, 302)},
    ("admin", "rollout_rollback"): {"GET": (DEPLOY_THERE, 200), "POST": (DEPLOY_THERE, 302)},
    ("admin", "rollout_history"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "rollout_add"): {},
    ("admin", "rollout_delete"): {},
    ("admin", "overview_changelist"): {"GET": (LOG | DEPLOYMENTS, 200)},
    ("admin", "overview_publish"): {"GET": (DEPLOY, 200), "POST": (DEPLOY, 200)},
    ("admin", "overview_environment"): {"GET": (LOG | DEPLOYMENTS, 200)},
    ("admin", "health_changelist"): {"GET": (HEALTH, 200), "POST": (HEALTH, 200)},
    ("api", "uploads"): {"GET": (LOG | UPLOAD, 200), "POST": (UPLOAD, 201)},
    ("api", "upload"): {"GET": (LOG | UPLOAD, 200)},
    ("api", "retry"): {"POST": (RETRY, 201)},
    ("api", "diagnosis"): {"GET": (DIAGNOSE, 200)},
    ("api", "raw-upload"): {"PUT": (UPLOAD, 201), "GET": (LOG | UPLOAD, 404)},
    ("api", "deployments"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOY, 201)},
    ("api", "deployment"): {"GET": (DEPLOYMENTS, 200)},
    ("api", "release"): {"GET": (DEPLOYMENTS, 200)},
    # Without a broker no rollout begins.
    ("api", "rollouts"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOY, 503)},
    ("api", "rollout"): {"GET": (DEPLOYMENTS, 200)},
    ("api", "rollout-rollback"): {"POST": (DEPLOY, 503)},
    ("api", "rollout-action"): {"POST": (DEPLOY, 200)},
    ("api", "stores"): {"GET": (UPLOAD | LOG, 200)},
    ("api", "files"): {"GET": (LOG, 200)},
    ("api", "health"): {"GET": (HEALTH, 200)},
}
ROWS = [(*at, method) for at, methods in TABLE.items() for method in methods]

# What is tried at each entry point: Django's admin takes any other method for a GET.
METHODS = {
    "admin": ("GET", "POST"),
    "api": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
}
SHUT = [
    (*at, method)
    for at, opened in TABLE.items()
    for method in METHODS[at[0]]
    if method not in opened and not (method == "HEAD" and "GET" in opened)
]
_PREFIX = {"admin": "admin:wx_static_store_", "api": "wx_static_store:"}


def opened_by(permissions: set[str], held: set[str]) -> bool:
    return any({*each.split(" + ")} <= held | STAFF for each in permissions)


def needed(entry: str, name: str, method: str) -> tuple[set[str], int]:
    """Return the permissions any of which opens this row, and the status then; HEAD is as GET."""
    return TABLE[entry, name]["GET" if method == "HEAD" else method]


def addresses() -> Iterator[tuple[tuple[str, str], URLPattern]]:
    """Yield every address of the admin and of the API."""
    for pattern in urls.urlpatterns:
        yield ("api", str(pattern.name)), pattern
    for model in (UploadLog, Deployment, Rollout, Health, Overview):
        for url in admin.site.get_model_admin(model).get_urls():
            if isinstance(url, URLPattern) and url.name:
                yield ("admin", url.name.removeprefix("wx_static_store_")), url


def address(entry: str, name: str, id: int) -> str:
    """Return the path, with the id of a row where it takes one."""
    given: dict[str, Any] = {"id": id, "object_id": id}
    given |= {"store": "default", "name": "uploads/raw.png", "action": "pause", "env": ENV}
    wanted = dict(addresses())[entry, name].pattern.converters
    return reverse(_PREFIX[entry] + name, kwargs={each: given[each] for each in wanted})


def ask(client: Client, entry: str, name: str, method: str, id: int) -> HttpResponse:
    """Send a request that does all that it may."""
    content, kind = _body(entry, name, method, id)
    answer: HttpResponse = client.generic(  # type: ignore[assignment]
        method, address(entry, name, id), content, content_type=kind
    )
    return answer


def _body(entry: str, name: str, method: str, id: int) -> tuple[bytes, str]:
    place = {"store": f"default@{ENV}", "folder": "uploads/"}
    chosen = {"store": "default", "folder": "uploads/", "key": "uploads/first.png"}
    forms: dict[str, Any] = {
        "uploads": {"store": "default", "path": "uploads/a.png", "file": picture()},
        "uploadlog_upload": place | {"form_id": str(uuid4()), "file": picture()},
        "uploadlog_upload_again": {"rows": id},
        "uploadlog_compare": {"rows": id},
        **{name: chosen for at, name in TABLE if at == "admin" and "_files" in name},
        "rollout_act": {"action": "stop"},
    }
    bodies: dict[str, Any] = {
        "deployments": {"release": "aaaa", "env": ENV},
        "rollouts": {"release": "aaaa", "envs": [ENV]},
        "rollout-rollback": {},
    }
    if method == "POST" and entry == "api" and (body := bodies.get(name)) is not None:
        return json.dumps(body).encode(), "application/json"
    if name == "uploadlog_status":
        return json.dumps({"form_id": str(uuid4()), "attempts": []}).encode(), "application/json"
    if name == "uploadlog_preview":
        return json.dumps(place | {"files": []}).encode(), "application/json"
    if method == "POST" and (entry == "admin" or name in forms):
        form = forms.get(name, {"post": "yes"})  # as somebody says who is sure
        return encode_multipart(BOUNDARY, form), MULTIPART_CONTENT
    return PNG if method in ("PUT", "POST", "PATCH") else b"", "image/png"
