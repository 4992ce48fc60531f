"""Show what ``wx_drift`` prints, and how it ends."""

import pytest

from tests.deploys import TREE, bodies
from tests.log.conftest import run
from tests.rollouts.conftest import Broker, broker as broker, cloud as cloud, envs as envs
from tests.rollouts.test_drift import live as live
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db


def test_what_drifted_is_named_and_the_exit_code_is_1(cloud: EmulatorServer, live: str) -> None:
    cloud.delete_object("logo.svg", env=live)
    code, said = run("wx_drift")
    assert code == 1
    assert f"{live} (site): missing 1, differs 0, unlogged 0\n" in said
    assert "1 environment compared, 1 not as it was deployed\n" in said
    assert "wx_drift --repair" in said


def test_a_repair_ends_with_0(cloud: EmulatorServer, live: str) -> None:
    cloud.delete_object("logo.svg", env=live)
    code, _said = run("wx_drift", "--repair")
    assert (code, bodies(cloud, live)) == (0, TREE)


def test_the_rows_of_the_last_time_are_shown_without_a_call(
    cloud: EmulatorServer, live: str
) -> None:
    cloud.delete_object("logo.svg", env=live)
    run("wx_drift")
    before = len(cloud.calls())
    code, said = run("wx_drift", "--last")
    assert (code, f"{live} (site): missing 1" in said) == (1, True)
    assert len(cloud.calls()) == before


def test_an_unknown_store_is_wrong_use(live: str) -> None:
    code, said = run("wx_drift", "--using", "sight")
    assert (code, "STORAGES has no alias 'sight'" in said) == (2, True)


def test_an_environment_that_cannot_be_listed_is_not_counted_as_compared(
    cloud: EmulatorServer, live: str
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088, "times": None})
    code, said = run("wx_drift")
    assert (code, "0 environments compared, 0 not as they were deployed\n" in said) == (1, True)
    assert said.endswith("Not compared: tenant-00.")


def test_workers_are_asked_and_not_waited_for(broker: Broker, live: str) -> None:
    code, said = run("wx_drift", "--celery")
    assert (code, "1 environment was handed to Celery" in said) == (0, True)


@pytest.mark.parametrize("option", ["--celery", "--repair"])
def test_options_that_do_not_belong_together_are_named(cloud: EmulatorServer, option: str) -> None:
    code, said = run("wx_drift", "--last", option)
    assert (code, "--last only shows: leave --celery and --repair out." in said) == (2, True)


@pytest.fixture
def two_stores(live: str) -> str:
    below = {"using": "staticfiles", "folder": "static/"}
    release = Deployment.objects.get().release
    Deployment.objects.create(env=live, outcome="done", release=release, **below)
    return live


def test_an_environment_of_two_stores_is_counted_once(
    cloud: EmulatorServer, two_stores: str
) -> None:
    cloud.delete_object("logo.svg", env=two_stores)
    code, said = run("wx_drift")
    assert code == 1
    assert said.count(f"{two_stores} (") == 2
    assert "1 environment compared, 1 not as it was deployed\n" in said


def test_an_environment_of_two_stores_is_handed_out_as_one(broker: Broker, two_stores: str) -> None:
    code, said = run("wx_drift", "--celery")
    assert (code, "1 environment was handed to Celery" in said) == (0, True)
