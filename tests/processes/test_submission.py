"""A submission in a process of its own: it is running while its server lives, and no longer."""

from __future__ import annotations

import contextlib
import sqlite3

from tests.conftest import slow
from tests.processes.conftest import Project
from tests.waiting import wait_for

pytestmark = slow

SETUP = """
import django
django.setup()
from tests.processes.project import _halt
from wx_static_store.submit import submission
submission.LEASE = 1.5
one = submission.Submission("ann 1")
"""
SEND = """
assert one.first_answer() is None
one.send(_halt, lambda answer: answer)
"""
ASK = """
try:
    one.look()
except submission.Unanswered as error:
    print("said:", error.code)
"""


def test_a_submission_runs_until_its_server_is_killed_and_is_unknown_soon_after(
    project: Project,
) -> None:
    with project.process("-c", SETUP + SEND) as server:
        server.wait_until_halted()
        leases = set[str]()
        wait_for(lambda: leases.add(lease(project)) or len(leases) == 4, "a lease prolonged thrice")  # type: ignore[func-returns-value]
        wait_for(lambda: "said: in_progress" in said(project), "a running submission")
        server.popen.kill()
        wait_for(lambda: "said: unknown" in said(project), "the end of the lease")


def lease(project: Project) -> str:
    with contextlib.closing(sqlite3.connect(project.database)) as database:
        query = "SELECT running_until FROM wx_static_store_idempotencykey"
        [[until]] = database.execute(query)
        return str(until)


def said(project: Project) -> str:
    with project.process("-c", SETUP + ASK) as process:
        code, output = process.finish()
        assert code == 0, output
        return str(output)
