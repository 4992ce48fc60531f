"""
Say who may open what, in one table for the admin, the API and the callback.

It is also the URLconf of a project with all three. It makes a request for each of its rows, and
names each address of the URLconf that has no row. tests/security compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.templatetags.static import static
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver, include, path

from tests.api.conftest import PNG, picture
from tests.conftest import ENV
from wx_static_store.core.naming import WAITING_URL
from wx_static_store.core.releases import pack
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.health.models import Fact
from wx_static_store.models import Deployment, Release, UploadLog, WaitingFile
from wx_static_store.rollouts.models import Rollout
from wx_static_store.upload.store import get_store

urlpatterns = [
    path("admin/", admin.site.urls),
    path("wx/callback/", include("wx_static_store.callback.urls")),
    path("wx/", include("wx_static_store.api.urls")),
    path("waiting/", include("wx_static_store.urls")),
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
SIGNED = {"a signature of WeChat"}  # no user has it: tests/callback sends what is signed
TO_THE_ROW = {"GET": (STAFF, 302), "POST": (STAFF, 302)}  # Django's redirect to the page of a row
# By entry point and address, the methods that it takes: each is opened by any of these permissions,
# and by no other, and is answered with this status. Any other method is shut to everybody.
TABLE: dict[tuple[str, str], dict[str, tuple[set[str], int]]] = {
    ("admin", "uploadlog_changelist"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "uploadlog_change"): {"GET": (LOG, 200)},
    ("admin", "uploadlog_history"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "uploadlog/<path:object_id>/"): TO_THE_ROW,
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
    ("admin", "uploadlog_files_compare"): {"POST": (LOG, 200)},
    ("admin", "uploadlog_files_unpublish"): {"POST": (UNPUBLISH_THERE, 200)},
    ("admin", "waitingfile_changelist"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "waitingfile_change"): {"GET": (LOG, 200)},
    ("admin", "waitingfile_download"): {"GET": (LOG, 302)},  # there are no bytes
    ("admin", "waitingfile_history"): {"GET": (LOG, 200), "POST": (LOG, 200)},
    ("admin", "waitingfile/<path:object_id>/"): TO_THE_ROW,
    ("admin", "waitingfile_add"): {},
    ("admin", "waitingfile_delete"): {},
    ("admin", "deployment_changelist"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "deployment_change"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "deployment_compare"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "deployment_rollback"): {"GET": (DEPLOY_THERE, 200), "POST": (DEPLOY_THERE, 200)},
    ("admin", "deployment_history"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "deployment/<path:object_id>/"): TO_THE_ROW,
    ("admin", "deployment_add"): {},
    ("admin", "deployment_delete"): {},
    ("admin", "rollouts_rollout_changelist"): {
        "GET": (DEPLOYMENTS, 200),
        "POST": (DEPLOYMENTS, 200),
    },
    ("admin", "rollouts_rollout_change"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "rollouts_rollout_progress"): {"GET": (DEPLOYMENTS, 200)},
    ("admin", "rollouts_rollout_act"): {"POST": (DEPLOY_THERE, 302)},
    ("admin", "rollouts_rollout_rollback"): {
        "GET": (DEPLOY_THERE, 200),
        "POST": (DEPLOY_THERE, 302),
    },
    ("admin", "rollouts_rollout_history"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOYMENTS, 200)},
    ("admin", "admin/wx_static_store_rollouts/rollout/<path:object_id>/"): TO_THE_ROW,
    ("admin", "rollouts_rollout_add"): {},
    ("admin", "rollouts_rollout_delete"): {},
    ("admin", "rollouts_overview_changelist"): {"GET": (LOG | DEPLOYMENTS, 200)},
    ("admin", "deployment_publish"): {"GET": (DEPLOY, 200), "POST": (DEPLOY, 200)},
    ("admin", "rollouts_overview_environment"): {"GET": (LOG | DEPLOYMENTS, 200)},
    ("admin", "health_health_changelist"): {"GET": (HEALTH, 200), "POST": (HEALTH, 200)},
    ("api", "uploads"): {"GET": (LOG | UPLOAD, 200), "POST": (UPLOAD, 201)},
    ("api", "upload"): {"GET": (LOG | UPLOAD, 200)},
    ("api", "retry"): {"POST": (RETRY, 201)},
    ("api", "diagnosis"): {"GET": (DIAGNOSE, 200)},
    ("api", "raw-upload"): {"PUT": (UPLOAD, 201), "GET": (LOG | UPLOAD, 404)},
    ("api", "deployments"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOY, 201)},
    ("api", "deployment"): {"GET": (DEPLOYMENTS, 200)},
    ("api", "deployment-end"): {"POST": (DEPLOY, 404)},  # it is no preview
    ("api", "release"): {"GET": (DEPLOYMENTS, 200)},
    # Without a broker no rollout begins.
    ("api", "rollouts"): {"GET": (DEPLOYMENTS, 200), "POST": (DEPLOY, 503)},
    ("api", "rollout"): {"GET": (DEPLOYMENTS, 200)},
    ("api", "rollout-rollback"): {"POST": (DEPLOY, 503)},
    ("api", "rollout-action"): {"POST": (DEPLOY, 200)},
    ("api", "waiting"): {"GET": (UPLOAD | LOG, 200)},
    ("api", "stores"): {"GET": (UPLOAD | LOG, 200)},
    ("api", "files"): {"GET": (LOG, 200)},
    ("api", "health"): {"GET": (HEALTH, 200)},
    ("callback", "receive"): {"GET": (SIGNED, 200), "POST": (SIGNED, 200)},
    ("waiting", "file"): {"GET": (STAFF, 302)},  # anybody who has the address; there are no bytes
}
ROWS = [(*at, method) for at, methods in TABLE.items() for method in methods]

# What is tried at each entry point: Django's admin takes any other method for a GET.
METHODS = {
    "admin": ("GET", "POST"),
    "api": (ALL := ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
    "callback": ALL,
    "waiting": ALL,
}
HEADS = [(*at[:2], "HEAD") for at in ROWS if at[2] == "GET" and at[0] != "callback"]
SHUT = [
    (*at, method)
    for at, opened in TABLE.items()
    for method in METHODS[at[0]]
    if method not in opened and (*at, method) not in HEADS
]
ONE_METHOD = {
    *("uploadlog_preview", "uploadlog_status", "uploadlog_sent", "uploadlog_diagnosis"),
    *("uploadlog_upload_again", "uploadlog_compare"),
    *(f"uploadlog_files_{act}" for act in ("compare", "unpublish")),
    *("deployment_compare", "waitingfile_download"),
    *("rollouts_rollout_change", "rollouts_rollout_progress", "rollouts_rollout_act"),
    *("rollouts_overview_changelist", "rollouts_overview_environment"),
}
STRANGER = {"admin": 302, "api": 401}  # the admin leads to its login; the callback knows no user
VISITORS: dict[str, tuple[str, ...]] = {
    "stranger": (),
    "staff": (),
    "superuser": tuple(EVERY),
    "all permissions": tuple(EVERY),
    **{permission: (permission,) for permission in EVERY},
    "diagnose + view_uploadlog": ("diagnose", "view_uploadlog"),
    "unpublish + view_uploadlog": ("unpublish", "view_uploadlog"),
    "deploy + view_deployment": ("deploy", "view_deployment"),
}
# HEAD is GET and a shut method is nobody's: who may nothing and who may everything ask them.
EXTREMES = ("stranger", "staff", "superuser", "all permissions")


def expected_statuses(who: str) -> dict[tuple[str, str, str], int]:
    """Return what the table says that a visitor gets, by address and method."""
    return {at: _status(who, at) for at in [*ROWS, *((HEADS + SHUT) if who in EXTREMES else ())]}


def _status(who: str, at: tuple[str, str, str]) -> int:
    entry, name, _method = at
    if who == "stranger" and entry in STRANGER:
        return STRANGER[entry]
    if at in SHUT:
        return 403 if entry == "admin" and name not in ONE_METHOD else 405
    permissions, answer = needed(*at)
    return answer if opened_by(permissions, {*VISITORS[who]}) else 403


def opened_by(permissions: set[str], held: set[str]) -> bool:
    return any({*each.split(" + ")} <= held | STAFF for each in permissions)


def needed(entry: str, name: str, method: str) -> tuple[set[str], int]:
    """Return the permissions any of which opens this row, and the status then; HEAD is as GET."""
    return TABLE[entry, name]["GET" if method == "HEAD" else method]


_ENTRIES = {
    "wx_static_store": "api",
    "wx_static_store_callback": "callback",
    "wx_static_store_waiting": "waiting",
}
_OURS = "admin/wx_static_store"  # the admin's other addresses are Django's and other apps'


def addresses(
    patterns: Iterable[Any] = urlpatterns, before: str = "", entry: str = "no entry point"
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each address of this app that Django's resolver finds: its key in TABLE, its route."""
    for each in get_resolver(tuple(patterns)).url_patterns:  # type: ignore[arg-type]
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = _ENTRIES.get(each.namespace or "", each.namespace or entry)
            yield from addresses(each.url_patterns, route, inner)
        elif not route.startswith("admin/") or route.startswith(_OURS):
            name = (each.name or route).removeprefix(f"{_OURS}/")
            yield (entry, name.removeprefix("wx_static_store_")), route


def missing_rows(patterns: Iterable[URLPattern | URLResolver] = urlpatterns) -> list[str]:
    """Return a sentence about each address without a row, or with that of another address."""
    wanted, seen = [], set()
    for at, route in addresses(patterns):
        if at not in TABLE or at in seen:
            wanted.append(
                f"/{route} has no row of its own: add {at} to TABLE in {__name__}, with who may "
                "open it by which method."
            )
        seen.add(at)
    return wanted


def address(entry: str, name: str, id: int) -> str:
    """Return the path, with the id of a row where it takes one."""
    given: dict[str, Any] = {"id": id, "object_id": id}
    given |= {"store": "default", "name": "uploads/raw.png", "action": "pause", "env": ENV}
    facts = [ENV, "a.png", "https://tenant.example/a.png"]
    given["signed"] = signing.dumps(facts, salt=WAITING_URL)
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(given[found[1]]), ROUTES[entry, name])


ROUTES = dict(addresses())


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
        "rollouts_rollout_act": {"action": "stop"},
    }
    bodies: dict[str, Any] = {
        "deployments": {"release": "aaaa", "env": ENV},
        "rollouts": {"release": "aaaa", "envs": [ENV]},
        "rollout-rollback": {},
        "deployment-end": {},
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


# --- the project that is asked ------------------------------------------------------------------


def settings_of(folder: Path) -> dict[str, Any]:
    """Return the settings of a project with all entry points; bytes of releases are kept."""
    files = "django.core.files.storage.FileSystemStorage"
    return {
        "ROOT_URLCONF": __name__,
        "STORAGES": {
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
            "releases": {"BACKEND": files, "OPTIONS": {"location": str(folder)}},
        },
        "WX_STATIC_STORE": {"RELEASE_STORAGE": "releases"},
    }


def add_rows(site: EmulatorServer) -> int:
    """Return the id of a refused upload that can be retried; a row of each other table has it."""
    default_storage.save("uploads/first.png", ContentFile(PNG))
    static("admin.css")  # the pages of the admin ask for the domain once
    failed = UploadLog.objects.get()
    failed.pk, failed.status, failed.rid = None, "failed", _refused(site)
    failed.save()
    columns = {"digest": "a" * 64, "files": pack([]).files, "count": 0, "size": 0}
    release = Release.objects.create(pk=failed.pk, **columns)
    deployed = {"env": ENV, "using": "staticfiles", "outcome": "done", "release": release}
    Deployment.objects.create(pk=failed.pk, **deployed)
    Rollout.objects.create(pk=failed.pk, using="staticfiles", waves="100%", release=release)
    times = dict.fromkeys(("next_at", "created", "changed"), failed.created)
    WaitingFile.objects.create(pk=failed.pk, env=ENV, key="a.png", using="default", **times)
    return int(failed.pk)


def _refused(site: EmulatorServer) -> str:
    """Return the rid of a call that the emulator refused."""
    site.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError) as caught:
        get_store().find("uploads/first.png")
    return caught.value.rid


def log_in(who: str) -> Client:
    """Return the client of a visitor: but for the stranger a member of the staff."""
    client = Client()
    if who != "stranger":
        user = User.objects.create_user("ann", is_staff=True, is_superuser=who == "superuser")
        ours = Permission.objects.filter(content_type__app_label__startswith="wx_static_store")
        user.user_permissions.set(ours.filter(codename__in=VISITORS[who]))
        UploadLog.objects.update(user=user)  # who uploads may read what is theirs
        client.force_login(user)
    return client


@contextmanager
def nothing_happens(site: EmulatorServer) -> Iterator[None]:
    """Assert that no call goes to the cloud, and that no row is added, changed or removed."""
    site.state.journal.clear()
    before = _rows()
    yield
    assert [call for call in site.journal if call.env != "tenant-b"] == []
    assert _rows() == before


def _rows() -> list[Any]:
    columns = {UploadLog: "status", Deployment: "outcome", Rollout: "state", Release: "digest"}
    columns[WaitingFile] = "state"
    return [list(model.objects.values_list("pk", column)) for model, column in columns.items()]
