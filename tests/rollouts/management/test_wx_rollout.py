"""Show what ``wx_rollout`` starts, prints and returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from django.utils.translation import override

from tests.deploys import TREE, bodies
from tests.elsewhere import Elsewhere, elsewhere as elsewhere, migrated as migrated
from tests.rollouts.conftest import (
    OLD,
    Broker,
    broker as broker,
    cloud as cloud,
    deployed,
    envs as envs,
    release as release,
)
from wx_static_store.causes import CAUSES
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.management.commands import wx_rollout
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = pytest.mark.django_db


def rollout(*words: object) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("wx_rollout", *map(str, words), stdout=out, stderr=out)
    return out.getvalue()


def fails(*words: object, code: int) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("wx_rollout", *map(str, words), stdout=out, stderr=out)
    assert caught.value.returncode == code
    return f"{out.getvalue()}{caught.value}"


def newest() -> int:
    """Return the number of the last rollout."""
    return Rollout.objects.latest("pk").pk


@pytest.fixture
def working(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker do what the queue holds between two looks of the command."""
    monkeypatch.setattr(wx_rollout, "sleep", lambda seconds: broker.work())


def test_a_folder_becomes_a_release_of_many_environments(
    cloud: EmulatorServer, dist: Path, envs: list[str], working: None
) -> None:
    out = rollout("start", dist, "--using", "site", "--env", *envs[:3], "--label", "v3", "--wait")
    assert f"rollout {newest()} (v3): done" in out
    assert all(bodies(cloud, env) == TREE for env in envs[:3])


def test_a_kept_release_is_named(
    cloud: EmulatorServer, envs: list[str], release: Release, working: None
) -> None:
    rollout("start", "--release", "v2", "--env", *envs[:2], "--wait")
    assert all(bodies(cloud, env) == TREE for env in envs[:2])


def test_waves_are_shown_as_they_end(envs: list[str], release: Release, working: None) -> None:
    words = ("start", "--release", "v2", "--env", *envs, "--tolerate", "9", "--label", "v2")
    out = rollout(*words, "--watch").splitlines()
    assert out[0] == f"rollout {newest()} (v2): running, wave 1 of 3 (9 waiting, 1 queued)"
    assert f"rollout {newest()} (v2): done (10 done)" in out
    assert out[-3:] == ["  wave 1: 1 done", "  wave 2: 1 done", "  wave 3: 8 done"]


def test_a_rollout_that_stopped_ends_with_1_and_says_what_helps(
    cloud: EmulatorServer, envs: list[str], release: Release, working: None
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": envs[1]})
    out = fails("start", "--release", "v2", "--env", *envs, "--wait", code=1)
    assert "stopped: 1 failed, 0 tolerated" in out
    assert f"1 environment ({envs[1]}): staticuploadfile was refused (" in out
    assert f"wx_rollout retry-failed {newest()}" in out
    out = rollout("retry-failed", newest(), "--wait")
    assert "  wave 3: 8 done" in out


def test_a_failure_and_counts_are_shown_in_the_reader_s_language(
    cloud: EmulatorServer, envs: list[str], release: Release, working: None
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": envs[0]})
    with override("zh-hans"):
        out = fails("start", "--release", "v2", "--env", *envs[:2], "--watch", "--wait", code=1)
        assert f"{envs[0]}）：{CAUSES['85088'].title}：scripted（错误码 85088）。" in out
    assert " (" not in out


def test_a_roll_back_gives_back_what_was_there(
    cloud: EmulatorServer, envs: list[str], release: Release, tmp_path: Path, working: None
) -> None:
    deployed(tmp_path / "old", OLD, envs[0], "v1")
    rollout("start", "--release", "v2", "--env", *envs[:2], "--wait")
    out = rollout("rollback", newest(), "--wait")
    assert f"1 environment had no release before and keeps the new one: {envs[1]}" in out
    assert (bodies(cloud, envs[0]), bodies(cloud, envs[1])) == (OLD, TREE)


def test_the_last_rollouts_are_listed(envs: list[str], release: Release, broker: Broker) -> None:
    rollout("start", "--release", "v2", "--env", *envs[:2], "--label", "friday")
    out = rollout("list")
    assert "1 waiting, 1 queued" in out
    assert "friday" in out


def test_a_report_is_written_as_json(
    envs: list[str], release: Release, working: None, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    rollout("start", "--release", "v2", "--env", *envs[:2], "--wait", "--json", path)
    [found] = json.loads(path.read_text())["rollouts"]
    assert (found["state"], found["environments"]["done"]) == ("done", 2)


@pytest.mark.parametrize("action", ["pause", "stop"])
def test_an_action_shows_the_state_after_it(
    envs: list[str], release: Release, broker: Broker, action: str
) -> None:
    rollout("start", "--release", "v2", "--env", *envs)
    rollout(action, newest())
    assert Rollout.objects.get().state == {"pause": "paused", "stop": "stopped"}[action]


def test_waves_without_an_end_begin_nothing(
    envs: list[str], release: Release, broker: Broker
) -> None:
    assert "--waves 0" in fails("start", "--release", "v2", "--env", *envs, "--waves", "0", code=2)
    assert not Rollout.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_users_may_live_in_another_database_than_the_log(
    elsewhere: Elsewhere, envs: list[str], release: Release, broker: Broker, tmp_path: Path
) -> None:
    User.objects.create_user("alice")
    rollout("start", "--release", "v2", "--env", *envs[:2], "--user", "alice")
    elsewhere.execute("DROP TABLE auth_user")
    report = tmp_path / "report.json"
    for action in (["list"], ["status", newest()], ["pause", newest()]):
        rollout(*action, "--json", report)
        assert json.loads(report.read_text())["rollouts"][0]["user"] == "alice"


def test_a_folder_of_the_site_that_would_be_ignored_is_refused(
    envs: list[str], dist: Path, broker: Broker
) -> None:
    words = ("start", dist, "--using", "site", "--env", envs[0], "--prefix", "docs/")
    assert f"as in start {dist} docs/." in fails(*words, code=2)
    assert not Rollout.objects.exists()


def test_an_unknown_number_is_refused(broker: Broker, cloud: EmulatorServer) -> None:
    assert "There is no rollout 9" in fails("status", 9, code=2)


def test_without_an_app_of_celery_nothing_begins(release: Release, envs: list[str]) -> None:
    assert "no Celery app" in fails("start", "--release", "v2", "--env", *envs, code=2)


def test_ctrl_c_leaves_the_rollout_running_and_says_so(
    envs: list[str], release: Release, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(wx_rollout, "sleep", pressed)
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command(
            "wx_rollout",
            "start",
            "--release",
            "v2",
            "--env",
            *envs,
            "--watch",
            stdout=out,
            stderr=out,
        )
    assert (caught.value.code, Rollout.objects.get().state) == (130, "running")
    assert f"The rollout goes on: wx_rollout status {newest()} shows it" in out.getvalue()


class Outage:
    """A database that refuses so many changes of rollouts."""

    left = 0

    def __call__(self, execute: Any, sql: str, *context: Any) -> Any:
        if self.left and sql.startswith("UPDATE") and Rollout._meta.db_table in sql:
            self.left -= 1
            raise OperationalError("server closed the connection")
        return execute(sql, *context)


@pytest.fixture
def outage() -> Iterator[Outage]:
    found = Outage()
    with connection.execute_wrapper(found):
        yield found


def test_a_short_outage_of_the_database_does_not_end_a_watch(
    envs: list[str],
    release: Release,
    broker: Broker,
    outage: Outage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail_three_times(seconds: float) -> None:
        if broker.work():
            outage.left = 3

    monkeypatch.setattr(wx_rollout, "sleep", fail_three_times)
    out = rollout("start", "--release", "v2", "--env", envs[0], "--wait")
    assert (outage.left, ": done" in out) == (0, True)


def test_a_long_outage_leaves_the_rollout_running_and_says_so(
    envs: list[str],
    release: Release,
    broker: Broker,
    outage: Outage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wx_rollout, "PATIENCE", 0)
    monkeypatch.setattr(wx_rollout, "sleep", lambda seconds: setattr(outage, "left", 99))
    out = fails("start", "--release", "v2", "--env", *envs, "--watch", code=1)
    assert f"server closed the connection\nThe rollout goes on: wx_rollout status {newest()}" in out
    assert Rollout.objects.get().state == "running"


def test_an_outage_after_the_rows_are_written_does_not_say_that_nothing_was_begun(
    envs: list[str], release: Release, broker: Broker, outage: Outage
) -> None:
    outage.left = 1
    out = fails("start", "--release", "v2", "--env", *envs, code=1)
    assert "What was begun is uncertain: wx_rollout list shows it." in out
    assert Rollout.objects.count() == 1


def test_a_rollout_that_is_gone_ends_a_watch_with_1(
    envs: list[str], release: Release, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wx_rollout, "sleep", lambda seconds: Rollout.objects.all().delete())
    assert "no rollout" in fails("start", "--release", "v2", "--env", *envs, "--wait", code=1)


def test_a_rollout_that_will_wait_names_the_schedule(
    envs: list[str], release: Release, broker: Broker, working: None
) -> None:
    words = ("start", "--release", "v2", "--env", *envs[:2])
    assert "beat must run" not in rollout(*words, "--bake", 1, "--wait")
    assert "beat must run" in rollout(*words, "--bake", 600)
    assert "beat must run" not in rollout("status", newest())


def test_status_says_that_no_schedule_runs_and_ends_with_1(
    envs: list[str], release: Release, broker: Broker
) -> None:
    rollout("start", "--release", "v2", "--env", *envs, "--deploy-at", "2099-01-01T00:00")
    Rollout.objects.update(deploy_at=timezone.now() - timedelta(minutes=3))
    out = fails("status", newest(), code=1)
    assert f"Rollout {newest()} has waited for Celery's beat since" in out


def silent() -> None:
    """Let no worker be heard for longer than is usual."""
    long_ago = timezone.now() - timedelta(minutes=3)
    RolloutEnvironment.objects.update(since=long_ago, asked=long_ago)


def test_status_says_that_no_worker_runs_and_ends_with_1(
    envs: list[str], release: Release, broker: Broker
) -> None:
    rollout("start", "--release", "v2", "--env", *envs)
    assert "has waited" not in rollout("status", newest())
    silent()
    out = fails("status", newest(), code=1)
    assert out.count(f"Rollout {newest()} has waited for Celery's workers since") == 1
    assert "Start the workers and beat" in out


@pytest.mark.parametrize("how", ["--watch", "--wait"])
def test_who_follows_a_rollout_reads_once_that_no_worker_runs(
    envs: list[str], release: Release, broker: Broker, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([silent, int, int, *[broker.work] * 9])
    monkeypatch.setattr(wx_rollout, "sleep", lambda seconds: next(looks)())
    out = rollout("start", "--release", "v2", "--env", envs[0], how)
    assert out.count(f"Rollout {newest()} has waited for Celery's workers since") == 1
    assert ": done" in out


def test_who_watches_a_rollout_reads_why_an_environment_is_tried_again(
    cloud: EmulatorServer,
    envs: list[str],
    release: Release,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": -1})

    def work(seconds: float) -> None:
        RolloutEnvironment.objects.update(not_before=None)
        environment.deploy(RolloutEnvironment.objects.get().pk)

    monkeypatch.setattr(wx_rollout, "sleep", work)
    out = rollout("start", "--release", "v2", "--env", envs[0], "--watch")
    assert "tried 1 of 6 times, next try at 20" in out
    assert f"1 environment ({envs[0]}): staticuploadfile was refused (" in out
    assert ": done" in out


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_table_is_written_over(
    envs: list[str], release: Release, working: None
) -> None:
    out = Terminal()
    call_command(
        "wx_rollout", "start", "--release", "v2", "--env", *envs[:2], "--watch", stdout=out
    )
    first, *rest = out.getvalue().split("\x1b[4F\x1b[J")
    assert f"rollout {newest()} (" in first
    assert len(rest) >= 2
    assert "wave 2: 1 done" in rest[-1]
