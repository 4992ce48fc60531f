"""A log of a million rows, and what its pages cost: those of the admin, and the API's lists."""

from __future__ import annotations

import time
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from .databases import dialect, insert
from .settings import BENCH

FILES = 200  # of a deployment
SECONDS = 40  # between two uploads
AGAIN = 3  # the best of so many counts
CODES = (45009, 45009, 45009, 42001, 40097, 45011, 0)  # of failures, one after another; 0: none

LOG, FAILING = "uploadlog_changelist", "uploadlog_failing"
DEPLOYMENTS, OVERVIEW = "deployment_changelist", "rollouts_overview_changelist"
API = "api"
PAGES = {
    "the log": (LOG, ""),
    "the log, page 2": (LOG, "p=2"),
    "the log, page 100": (LOG, "p=100"),
    "failed": (LOG, "status=failed"),
    "failed, page 100": (LOG, "status=failed&p=100"),
    "failed or unknown": (LOG, "status=trouble"),
    "still failing, in the log": (LOG, "status=failing"),
    "still failing": (FAILING, ""),
    "one environment": (LOG, "store=tenant-0002"),
    "one environment, failed": (LOG, "store=tenant-0002&status=failed"),
    "errcode 45009": (LOG, "errcode=45009"),
    "errcode of nobody": (LOG, "errcode=99999"),
    "no errcode": (LOG, "errcode=none"),
    "one environment, an errcode": (LOG, "store=tenant-0002&errcode=45009"),
    "a source": (LOG, "source=wx_deploy"),
    "a rare source": (LOG, "source=reconcile"),
    "a source and an errcode": (LOG, "source=wx_deploy&errcode=45009"),
    "a cause": (LOG, "cause=45009"),
    "a cause of nobody": (LOG, "cause=nothing"),
    "the last 30 days": (LOG, "time=month"),
    "failed in 30 days": (LOG, "status=failed&time=month"),
    "an errcode, long ago": (LOG, f"errcode=45009&time={date.today().year - 1}"),
    "search: the beginning": (LOG, "q=/static/07/"),
    "search: a part": (LOG, "q=07"),
    "search: a part of none": (LOG, "q=nothing"),
    "the deployments": (DEPLOYMENTS, ""),
    "the deployments, page 20": (DEPLOYMENTS, "p=20"),
    "the deployments of one environment": (DEPLOYMENTS, "store=tenant-0002"),
    "failed deployments": (DEPLOYMENTS, "outcome=failed"),
    "running deployments": (DEPLOYMENTS, "outcome=running"),
    "the overview": (OVERVIEW, ""),
    "the overview, page 5": (OVERVIEW, "p=5"),
    "the overview, what fails": (OVERVIEW, "show=failing"),
    "the admin's index": ("index", ""),
    "API: uploads": (API, "uploads/"),
    "API: failed": (API, "uploads/?status=failed"),
    "API: one environment": (API, "uploads/?env=tenant-0002"),
    "API: errcode 45009": (API, "uploads/?errcode=45009"),
    "API: errcode of nobody": (API, "uploads/?errcode=99999"),
    "API: a source and an errcode": (API, "uploads/?source=wx_deploy&errcode=45009"),
    "API: search": (API, "uploads/?search=static/07/"),
    "API: one source": (API, "uploads/?source=wx_deploy"),
    "API: a source and a status": (API, "uploads/?source=reconcile&status=failed"),
    "API: of nobody": (API, "uploads/?user=99"),
    "API: oldest with an errcode": (API, "uploads/?ordering=id&errcode=45009"),
    "API: deployments": (API, "deployments/"),
    "API: deployments of one environment": (API, "deployments/?env=tenant-0002"),
    "API: failed deployments": (API, "deployments/?outcome=failed"),
    "API: stores": (API, "stores/"),
}
# What a user gets who is no superuser, and may see all environments.
OF_STAFF = ("the log", "failed", "errcode 45009", "the deployments", "the overview", "API: uploads")


def load(rows: str) -> dict[str, Any]:
    """Write the log and its deployments, then deploy a file to every environment."""
    from django.core.management import call_command

    from wx_static_store.models import Deployment, Release, UploadLog

    source = Path(BENCH["root"], "source")
    source.mkdir(parents=True)
    (source / "index.html").write_bytes(b"<h1>Tea</h1>")
    out = {"yes": True, "verbosity": 0, "stdout": StringIO()}
    call_command("wx_deploy", source, using="staticfiles", env=["tenant-0000"], **out)
    number = int(rows) // FILES
    first = _deployments(Deployment, number, Release.objects.get().pk)
    _uploads(UploadLog, int(rows), first)
    (source / "index.html").write_bytes(b"<h1>More tea</h1>")
    call_command("wx_deploy", source, using="staticfiles", all=True, **out)
    return {"rows": UploadLog.objects.count(), "deployments": Deployment.objects.count()}


def _deployments(model: Any, count: int, release: int) -> int:
    """Insert deployments in turn, of which one in five failed; return the id of the first."""
    insert(
        model,
        count,
        env=_tenant("n"),
        using="'staticfiles'",
        folder_digest=dialect().digest.format("''"),
        source="'wx_deploy'",
        label="concat('release ', n)",
        outcome="CASE WHEN mod(n, 5) = 0 THEN 'failed' ELSE 'done' END",
        stored=str(FILES),
        release_id=str(release),
        created=dialect().ago.format(f"({count} - n) * {FILES * SECONDS}"),
    )
    return int(model.objects.latest("id").pk) - count


def _uploads(model: Any, count: int, first: int) -> None:
    """Insert the files of these deployments; one in fifty failed."""
    from wx_static_store.causes import of_errcode

    deployment, failed = f"((n - 1) {dialect().div} {FILES} + 1)", "mod(n, 50) = 7"
    key = "concat('static/', lpad(concat(mod(n, 100)), 2, '0'), '/', mod(n, 1000), '.css')"
    turn = f"mod(n {dialect().div} 50, {len(CODES)})"
    codes = " ".join(f"WHEN {place} THEN {code}" for place, code in enumerate(CODES))
    causes = " ".join(
        f"WHEN {place} THEN '{of_errcode(code).id}'" for place, code in enumerate(CODES)
    )
    insert(
        model,
        count,
        env=_tenant(deployment),
        key=key,
        key_digest=dialect().digest.format(key),
        name=key,
        status=f"CASE WHEN {failed} THEN 'failed' ELSE 'stored' END",
        stage=f"CASE WHEN {failed} THEN 'link' ELSE '' END",
        errcode=f"CASE WHEN {failed} THEN nullif(CASE {turn} {codes} END, 0) ELSE 0 END",
        cause=f"CASE WHEN {failed} THEN CASE {turn} {causes} END ELSE '' END",
        md5="md5(concat(n))",
        size="mod(n, 9000)",
        source="CASE mod(n, 3) WHEN 0 THEN 'collectstatic' ELSE 'wx_deploy' END",
        deployment_id=f"{first} + {deployment}",
        created=dialect().ago.format(f"({count} - n) * {SECONDS}"),
    )


def _tenant(number: str) -> str:
    return f"concat('tenant-', lpad(concat(mod({number}, {BENCH['tenants']})), 4, '0'))"


def visit() -> dict[str, Any]:
    """Get each page; print its milliseconds, those in the database, and its queries."""
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    everybody: dict[str, Any] = {"is_staff": True, "is_active": True}
    ann, _new = User.objects.get_or_create(username="ann", is_superuser=True, **everybody)
    ben, _new = User.objects.get_or_create(username="ben", **everybody)
    app = {"content_type__app_label__startswith": "wx_static_store"}
    ben.user_permissions.set(Permission.objects.filter(**app))
    figures = {}
    for user, pages in ((ann, PAGES), (ben, OF_STAFF)):
        client = Client()
        client.force_login(user)
        of = "" if user.is_superuser else ", of staff"
        for page in pages:
            figures[f"{page}{of}"] = _visit(client, *PAGES[page])
    return {"units": "ms / in the database / queries", "figures": figures}


def _visit(client: Any, name: str, query: str) -> list[float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    address = _address(name, query)
    _milliseconds(client, address)  # loads what only the first one needs
    took = min(_milliseconds(client, address) for _ in range(AGAIN))
    with CaptureQueriesContext(connection) as queries:
        _milliseconds(client, address)
    return [took, sum(float(one["time"]) for one in queries) * 1000, len(queries)]


def _address(name: str, query: str) -> str:
    from django.urls import reverse

    if name == API:
        return f"/wx/{query}"
    page = name if name == "index" else f"wx_static_store_{name}"
    return f"{reverse(f'admin:{page}')}?{query}"


def _milliseconds(client: Any, address: str) -> float:
    started = time.perf_counter()
    answer = client.get(address, follow=True)
    took = (time.perf_counter() - started) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{address}: {answer.status_code} {answer.content[:500]!r}")
    return took
