"""A log of a million rows: a plan of 500 files by the log asks three queries, each by an index."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import md5
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ENV
from tests.databases.conftest import TABLE, VENDOR, run
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from wx_static_store.deploy.plan import Plan, make_plan
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog, key_digest
from wx_static_store.upload.recorder import Recorder
from wx_static_store.upload.uploader import Uploader, get_uploader
from wx_static_store.upload.workers import WorkerPool

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not os.environ.get("WX_TEST_SCALE"), reason="a million rows take a minute: WX_TEST_SCALE=1"
    ),
]

DEPLOYMENTS = Deployment._meta.db_table
DOUBLINGS = 6
KEYS = 1_000_000 >> DOUBLINGS
FILES = 500
# What a server does by itself sooner or later; SQLite never does.
SETTLE = {
    "postgresql": [f"VACUUM ANALYZE {TABLE}", f"ANALYZE {DEPLOYMENTS}"],
    "mysql": [f"ANALYZE TABLE {TABLE}, {DEPLOYMENTS}"],
}.get(VENDOR, [])
EXPLAIN = {
    "sqlite": "EXPLAIN QUERY PLAN",
    "postgresql": "EXPLAIN (ANALYZE, BUFFERS)",
    "mysql": "ANALYZE",
}[VENDOR]
USED = {"mysql": "key="}.get(VENDOR, "")
BY_ID = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": f"{TABLE}_pkey",
    "mysql": "PRIMARY",
}[VENDOR]
WHOLE_TABLE = {
    "sqlite": ["SCAN"],
    "postgresql": ["Seq Scan"],
    "mysql": ["type=ALL", "type=index"],
}[VENDOR]


def name(number: int) -> str:
    return f"app/{number:06}.css"


@pytest.fixture(scope="module")
def million(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Every key 64 times, as after 64 deploys that changed everything."""
    with django_db_blocker.unblock():
        rows = (
            UploadLog(
                env=ENV,
                key=f"static/{name(number)}",
                key_digest=key_digest(f"static/{name(number)}"),
                name=name(number),
                status="stored",
                md5=md5(name(number).encode()).hexdigest(),
                source="test",
            )
            for number in range(KEYS)
        )
        UploadLog.objects.bulk_create(rows, batch_size=500)
        columns = ", ".join(
            connection.ops.quote_name(field.column)
            for field in UploadLog._meta.local_concrete_fields
            if not field.primary_key and not field.generated
        )
        double = f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE}"
        run(connection, *[double] * DOUBLINGS)
        tenants = (Deployment(env=f"tenant-{n % 50}", outcome="done") for n in range(5000))
        Deployment.objects.bulk_create(tenants, batch_size=500)
        run(connection, *SETTLE)
        yield
        empty = "DELETE FROM" if VENDOR == "sqlite" else "TRUNCATE"
        run(connection, f"{empty} {TABLE}", f"{empty} {DEPLOYMENTS}")


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


@pytest.fixture
def uploader(cloud: EmulatorServer) -> Uploader:
    return Uploader(replace(get_uploader("staticfiles").options, trust_log=True))


def items(*, changed: int) -> list[UploadItem]:
    """Return the files of a deploy, of which `changed` differ from the log."""

    def content(number: int) -> bytes:
        return f"{name(number)}{' changed' if number < changed else ''}".encode()

    return [
        UploadItem(name(number), open=partial(BytesIO, content(number))) for number in range(FILES)
    ]


def deploy_before(uploader: Uploader) -> None:
    """Record the newest rows, with the headers that the store gives."""
    recorder = Recorder(UploadContext(source="test"))
    for item in items(changed=0):
        recorder.add(
            UploadResult(
                item.name,
                f"static/{item.name}",
                UploadStatus.STORED,
                env=uploader.env,
                md5=md5(item.open().read()).hexdigest(),
                headers=uploader.headers(item),
            )
        )
    assert recorder.close()


def explained(sql: str) -> str:
    """One line per step; MariaDB's columns with their names."""
    with connection.cursor() as cursor:
        cursor.execute(f"{EXPLAIN} {sql}")
        names = [column[0] for column in cursor.description]
        steps = cursor.fetchall()
    if VENDOR == "mysql":
        return "\n".join(" ".join(map("{}={}".format, names, step)) for step in steps)
    return "\n".join(str(step[-1]) for step in steps)


def show(lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Kept as output: in the file ``WX_TEST_OUTPUT``, else on the screen."""
    text = "\n".join([*lines, ""])
    if path := os.environ.get("WX_TEST_OUTPUT"):
        with open(path, "a", encoding="utf-8") as output:
            output.write(text)
    else:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")


def planned(uploader: Uploader) -> tuple[Plan, list[str], float]:
    """Return a plan, the queries it made, and how long it took."""
    with WorkerPool(1) as pool, CaptureQueriesContext(connection) as queries:
        started = time.monotonic()
        plan = make_plan(uploader, items(changed=200), pool=pool)
        seconds = time.monotonic() - started
    return plan, [sql for query in queries if (sql := query["sql"]).startswith("SELECT")], seconds


def test_a_plan_of_500_files_by_the_log_asks_three_queries_by_index(
    million: None, uploader: Uploader, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy_before(uploader)
    plan, asked, seconds = planned(uploader)
    count = UploadLog.objects.count()
    plans = {sql: explained(sql) for sql in asked}
    lines = [f"{connection.display_name}: {count} rows, {FILES} files, {seconds:.2f} s"]
    for sql, steps in plans.items():
        lines += [f"  {sql[:110]} ...", *(f"    {step[:250]}" for step in steps.splitlines())]
    show(lines, capsys)

    assert count >= 1_000_000
    assert (len(plan.assets), len(plan.unchanged)) == (200, 300)
    wanted = ("wx_upload_newest", BY_ID, "wx_deployment_newest")
    for steps, index in zip(plans.values(), wanted, strict=True):
        assert f"{USED}{index}" in steps
        assert not [whole for whole in WHOLE_TABLE if whole in steps]
