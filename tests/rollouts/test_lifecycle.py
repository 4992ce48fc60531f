"""Show what starts a rollout, and what may be done with one."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.deploys import TREE, bodies
from tests.rollouts.conftest import OLD, Broker, deployed, states
from wx_static_store.deploy.records import find_deployment
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, SourceError
from wx_static_store.models import KeptFile, Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.advance import advance
from wx_static_store.rollouts.lifecycle import (
    GOING_BACK,
    Manner,
    act,
    of_release,
    roll_back,
    start,
    way_back,
)
from wx_static_store.rollouts.models import Rollout
from wx_static_store.rollouts.snapshot import Snapshot
from wx_static_store.rollouts.waves import RolloutRefused

pytestmark = pytest.mark.django_db

WIDE = {"waves": "100%", "tolerate": "100%"}


def begin(envs: list[str], release: Release, **manner: object) -> Rollout:
    return start("site", "", dict.fromkeys(envs, release), Manner(**manner))  # type: ignore[arg-type]


def test_a_kept_release_goes_to_the_folder_that_it_was_deployed_to(
    envs: list[str], release: Release
) -> None:
    found = of_release("v2", envs)
    assert (found.using, found.folder, found.targets) == ("site", "", dict.fromkeys(envs, release))


def test_a_kept_release_may_go_to_another_folder(envs: list[str], release: Release) -> None:
    assert of_release("v2", envs, prefix="shop").folder == "shop/"


def test_a_release_of_other_environments_only_cannot_be_named(
    envs: list[str], release: Release
) -> None:
    assert of_release("v2", envs, among=["tenant-b"]).release == release
    with pytest.raises(SourceError, match=r"is named 'v2'\. wx_deploy --list") as caught:
        of_release("v2", envs, among=envs)
    assert "v2" not in caught.value.full_hint


@pytest.mark.parametrize("using", ["shop", ""])
def test_what_cannot_be_an_environment_or_a_store_is_refused(
    envs: list[str], release: Release, using: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"STORAGES|environment"):
        of_release("v2", ["no environment"], using=using)


def test_every_environment_gets_the_release(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    broker.work()
    rollout.refresh_from_db()
    assert (rollout.state, states(rollout)) == ("done", "d" * 10)
    assert all(bodies(cloud, env) == TREE for env in envs)


def test_the_first_wave_is_one_environment(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, tolerate="100%")
    assert states(rollout) == "q" + "w" * 9


def test_a_rollout_begins_at_its_time(broker: Broker, envs: list[str], release: Release) -> None:
    later = timezone.now() + timedelta(hours=1)
    rollout = begin(envs, release, deploy_at=later)
    assert (rollout.state, broker.messages()) == ("planned", [])


def test_a_rollout_without_a_broker_is_refused(
    cloud: EmulatorServer, envs: list[str], release: Release
) -> None:
    with pytest.raises(ConfigurationError, match="no Celery app"):
        begin(envs, release)
    assert not Rollout.objects.exists()


def test_a_release_without_its_bytes_is_refused(
    broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    for path in (tmp_path / "releases").rglob("*"):
        if path.is_file():
            path.unlink()
    KeptFile.objects.all().delete()
    with pytest.raises(SourceError, match="missing or damaged in the release storage"):
        begin(envs, release)


def test_an_environment_is_in_one_open_rollout(
    broker: Broker, envs: list[str], release: Release
) -> None:
    first = begin(envs, release)
    with pytest.raises(RolloutRefused, match=f"wx_rollout stop {first.pk}"):
        begin(envs[5:], release)
    act(first.pk, "stop")
    assert begin(envs[5:], release).pk > first.pk


# --- what may be done ---------------------------------------------------------------------------


def test_a_pause_takes_back_what_no_worker_began(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = act(begin(envs, release, **WIDE).pk, "pause")
    assert (rollout.state, states(rollout)) == ("paused", "w" * 10)
    broker.work()  # the messages come all the same
    assert states(rollout) == "w" * 10


def test_a_resumed_rollout_goes_on(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = begin(envs, release, **WIDE)
    act(rollout.pk, "pause")
    broker.messages()
    assert states(act(rollout.pk, "resume")) == "q" * 10


def test_a_stopped_rollout_says_why(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = act(begin(envs, release).pk, "stop")
    assert (rollout.state, Snapshot.of_rollout(rollout).reason) == ("stopped", "by hand")


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "retry-failed"])
def test_a_rollout_that_is_done_is_left_alone(
    broker: Broker, envs: list[str], release: Release, action: str
) -> None:
    rollout = begin(envs[:1], release)
    broker.work()
    with pytest.raises(RolloutRefused):
        act(rollout.pk, action)


def test_an_unknown_rollout_is_named(cloud: EmulatorServer) -> None:
    with pytest.raises(RolloutRefused, match="There is no rollout 7"):
        act(7, "pause")


@pytest.fixture
def broken(cloud: EmulatorServer, envs: list[str]) -> str:
    """WeChat refuses the second environment."""
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": envs[1]})
    return envs[1]


def test_what_failed_is_tried_again_and_the_rest_goes_on(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, broken: str
) -> None:
    rollout = begin(envs, release)
    broker.work()
    rollout.refresh_from_db()
    assert (rollout.state, states(rollout)) == ("stopped", "df" + "w" * 8)
    with pytest.raises(RolloutRefused, match=f"wx_rollout retry-failed {rollout.pk}"):
        act(rollout.pk, "resume")
    act(rollout.pk, "retry-failed")
    broker.work()
    rollout.refresh_from_db()
    assert (rollout.state, states(rollout)) == ("done", "d" * 10)


@pytest.mark.parametrize("action", ["resume", "retry-failed"])
def test_nothing_goes_on_over_a_newer_rollout(
    broker: Broker, envs: list[str], release: Release, broken: str, action: str
) -> None:
    first = begin(envs, release)
    broker.work()
    if action == "resume":
        first.environments.filter(state="failed").update(state="waiting")
        advance(first.pk)
    second = begin(envs[5:], release)
    with pytest.raises(RolloutRefused, match=f"wx_rollout stop {second.pk}"):
        act(first.pk, action)


def test_what_failed_is_not_tried_again_over_a_newer_deploy(
    broker: Broker, envs: list[str], release: Release, broken: str, tmp_path: Path
) -> None:
    rollout = begin(envs, release)
    broker.work()
    deployed(tmp_path / "old", OLD, broken, "by hand")
    with pytest.raises(RolloutRefused, match="still has its release from before"):
        act(rollout.pk, "retry-failed")


def test_celery_is_missed_before_anything_is_changed(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = act(begin(envs, release).pk, "pause")
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(ConfigurationError, match="not installed"):
        act(rollout.pk, "resume")
    assert Rollout.objects.get().state == "paused"


# --- back -----------------------------------------------------------------------------------------


def back(rollout: Rollout, **manner: object) -> tuple[Rollout, list[str]]:
    return roll_back(rollout.pk, Manner(**GOING_BACK | manner))


@pytest.fixture
def before(envs: list[str], tmp_path: Path, cloud: EmulatorServer) -> None:
    """Deploy the old release to the first three environments."""
    for env in envs[:3]:
        deployed(tmp_path / "old", OLD, env, "v1")


@pytest.mark.usefixtures("before")
def test_a_roll_back_gives_each_environment_what_it_had(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:4], release)
    broker.work()
    new, warnings = back(rollout)
    broker.work()
    assert [bodies(cloud, env) for env in envs[:4]] == [OLD, OLD, OLD, TREE]
    assert new.undoes == rollout
    [warning] = warnings
    assert warning.endswith(f"had no release before and keeps the new one: {envs[3]}")


@pytest.mark.usefixtures("before")
def test_a_roll_back_reaches_what_was_stopped_half_way(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None}
    cloud.script(fault | {"key": "index.html"})
    broker.work()
    act(rollout.pk, "stop")
    assert bodies(cloud, envs[0])["logo.svg"] == TREE["logo.svg"]
    cloud.state.script.clear()
    back(rollout)
    broker.work()
    assert bodies(cloud, envs[0]) == OLD


@pytest.mark.usefixtures("before")
def test_a_roll_back_of_a_roll_back_brings_the_new_release_again(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    broker.work()
    first, _warnings = back(rollout)
    broker.work()
    back(first)
    broker.work()
    assert bodies(cloud, envs[0]) == TREE


@pytest.mark.usefixtures("before")
def test_an_environment_that_had_the_release_is_left_alone_by_a_roll_back(
    broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    deployed(tmp_path / "dist", TREE, envs[0], "the same by hand")
    rollout = begin(envs[:2], release)
    broker.work()
    new, _warnings = back(rollout)
    assert [row.env for row in new.environments.all()] == [envs[1]]


@pytest.mark.usefixtures("before")
def test_a_roll_back_leaves_alone_what_was_deployed_since(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    rollout = begin(envs[:2], release)
    broker.work()
    deployed(tmp_path / "hot", TREE | {"hot.txt": b"fix"}, envs[0], "hot fix")
    _new, [warning] = back(rollout)
    assert warning.endswith(f"got another release since and keeps it: {envs[0]}")


@pytest.mark.usefixtures("before")
def test_a_release_that_lost_its_bytes_holds_up_no_other_environment(
    broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    other = deployed(tmp_path / "third", {"index.html": b"3"}, envs[1], "v3")
    rollout = begin(envs[:2], release)
    broker.work()
    [file] = other.contents()
    KeptFile.objects.filter(sha256=file.sha256).delete()
    next((tmp_path / "releases").rglob(file.sha256[2:])).unlink()
    new, [warning] = back(rollout)
    assert ([row.env for row in new.environments.all()], envs[1] in warning) == ([envs[0]], True)


def test_a_rollout_that_deployed_nothing_is_not_even_stopped_by_a_roll_back(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    with pytest.raises(RolloutRefused, match="can go back to another release: none"):
        back(rollout)
    assert Rollout.objects.get().state == "running"


@pytest.mark.usefixtures("before")
def test_a_roll_back_that_only_stops_the_rollout_ends_with_1(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    rollout.environments.filter(env=envs[0]).update(
        state="running", begun=timezone.now(), before=find_deployment("v1").release
    )
    with pytest.raises(RolloutRefused, match="still under way") as caught:
        back(rollout)
    assert (caught.value.returncode, Rollout.objects.get().state) == (1, "stopped")
    assert "has waited" not in str(caught.value)
    rollout.environments.filter(env=envs[0]).update(heard=timezone.now() - timedelta(hours=1))
    with pytest.raises(RolloutRefused, match=r"still under way.*has waited for Celery's workers"):
        back(rollout)


@pytest.mark.usefixtures("before")
def test_waves_that_are_wrong_stop_nothing(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    environment.deploy(broker.messages()[0])
    with pytest.raises(RolloutRefused, match="--waves"):
        back(rollout, waves="5,3,100%")
    assert Rollout.objects.get().state == "running"


@pytest.mark.usefixtures("before")
def test_what_was_rolled_back_does_not_go_on(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    environment.deploy(broker.messages()[0])
    broker.messages()
    act(rollout.pk, "stop")
    new, _warnings = back(rollout)
    broker.work()
    with pytest.raises(RolloutRefused, match=f"Rollout {new.pk} rolled rollout {rollout.pk} back"):
        act(rollout.pk, "resume")


@pytest.mark.usefixtures("before")
def test_what_can_go_back_is_known_by_few_queries(
    broker: Broker, envs: list[str], release: Release, django_assert_max_num_queries: Any
) -> None:
    rollout = begin(envs, release, tolerate="100%")
    broker.work()
    with django_assert_max_num_queries(12):
        assert len(way_back(rollout).targets) == 3
