"""A rollout without its deploys: its start, the end of an environment, a period, a roll back."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from celery import Celery

from .databases import dialect, follow_deployments, insert
from .settings import BENCH

WARM, TIMED, COUNTED = 5, 30, 5  # environments that end


class Broker(Celery):  # type: ignore[misc]
    """Keep the arguments of what is sent, in place of a broker."""

    messages: deque[Any] = deque()

    def send_task(self, name: str, args: Any = (), **options: Any) -> None:
        self.messages.append(args[0])


class StandIn:
    """A deploy that is done at once, and notes when it was."""

    def __call__(self, orders: Any) -> Any:
        from django.db import connection

        from wx_static_store.deploy.report import EnvironmentReport

        reports = [EnvironmentReport(uploader.env) for uploader, _order in orders]
        self.queries = len(connection.queries_log)
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        return reports


def measure(count: str) -> dict[str, Any]:
    """Measure the parts of a rollout to so many environments."""
    broker, number = Broker("bench", broker="memory://", set_as_current=True), int(count)
    old = _prepare(number)
    where = ("--using", "staticfiles", "--envs-file", str(_names(number)))
    how = ("--waves", "100%", "--tolerate", "100%")
    figures = {}
    figures["start: s / CPU s / queries / messages"] = _sent(
        broker, lambda: _call("wx_rollout", "start", str(_tree("new")), *where, *how)
    )
    figures["an environment ends: ms / CPU ms / queries"] = _ends(broker)
    figures["the periodic task, all lost: s / CPU s / queries / messages"] = _sent(broker, _lose)
    pk = _finish(old)
    figures["roll back: s / CPU s / queries / messages"] = _sent(
        broker, lambda: _call("wx_rollout", "rollback", str(pk))
    )
    named = {f"{number:,}, {name}": each for name, each in figures.items()}
    return {"units": "by the number of environments", "figures": named}


def _prepare(count: int) -> Any:
    """Let each environment have an old site, and nothing of a round before; return its release."""
    from wx_static_store.models import Deployment, UploadLog
    from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

    for model in (UploadLog, Deployment, RolloutEnvironment, Rollout):
        model._base_manager.all().delete()
    _call("wx_deploy", str(_tree("old")), using="staticfiles", yes=True)
    release = Deployment.objects.get().release
    same = {"env": "concat('env-', lpad(concat(n), 5, '0'))", "created": "now()"}
    folder, key = dialect().digest.format("''"), "'site.css'"
    insert(
        Deployment,
        count,
        **same,
        using="'staticfiles'",
        folder_digest=folder,
        outcome="'done'",
        release_id=str(release.pk),
    )
    follow_deployments()
    digest = dialect().digest.format(key)
    insert(UploadLog, count, **same, key=key, key_digest=digest, status="'stored'", md5="md5('')")
    return release


def _names(count: int) -> Path:
    file = Path(BENCH["root"], "envs.txt")
    file.write_text("".join(f"env-{number:05}\n" for number in range(1, count + 1)))
    return file


def _tree(name: str) -> Path:
    """Write a site whose style sheet keeps its name: a start looks what each environment has."""
    folder = Path(BENCH["root"], name)
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text("<link rel=stylesheet href=site.css>")
    (folder / "site.css").write_text(f"/* {name} */")
    return folder


def _call(*args: Any, **options: Any) -> None:
    from django.core.management import call_command

    call_command(*args, **options, stdout=StringIO(), stderr=StringIO())


def _sent(broker: Broker, work: Callable[[], object]) -> list[float]:
    """Return seconds and CPU seconds, queries without BEGIN and COMMIT, and messages."""
    from django.db import connection

    queries = 0

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*args)

    broker.messages.clear()
    cpu, wall = time.process_time(), time.perf_counter()
    with connection.execute_wrapper(count):
        work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return [wall, cpu, queries, len(broker.messages)]


def _ends(broker: Broker) -> list[float]:
    """Return what follows the deploy of an environment, its queries with BEGIN and COMMIT."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from wx_static_store.rollouts import environment
    from wx_static_store.rollouts.tasks import deploy_environment

    deployed = StandIn()

    def end() -> tuple[float, float]:
        deploy_environment(broker.messages.popleft())
        cpu, wall = time.process_time(), time.perf_counter()
        return (wall - deployed.wall) * 1000, (cpu - deployed.cpu) * 1000

    with patch.object(environment, "deploy_to_all", deployed):
        times = [end() for _ in range(WARM + TIMED)][WARM:]
        counts = []
        for _ in range(COUNTED):
            with CaptureQueriesContext(connection):
                end()
                counts.append(len(connection.queries_log) - deployed.queries)
    return [*map(median, zip(*times, strict=True)), median(counts)]


def _lose() -> None:
    """Run the periodic task when no worker has answered for an hour."""
    from django.utils import timezone

    from wx_static_store.rollouts.models import RolloutEnvironment
    from wx_static_store.rollouts.tasks import advance_rollout

    queued = RolloutEnvironment._base_manager.filter(state="queued")
    queued.update(asked=timezone.now() - timedelta(hours=1))
    advance_rollout()


def _finish(old: Any) -> int:
    """Let all environments have ended, each with this release before; return the rollout's id."""
    from django.utils import timezone

    from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
    from wx_static_store.rollouts.tasks import advance_rollout

    rows = RolloutEnvironment._base_manager.all()
    rows.update(state="done", begun=timezone.now(), before=old, message="", cause="")
    advance_rollout()  # counts them again
    return int(Rollout._base_manager.get().pk)
