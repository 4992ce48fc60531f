"""Show how environments are compared with what is live there, and repaired."""

from pathlib import Path
from typing import Any

import pytest

from tests.deploys import TREE, bodies, lists, run, write
from tests.rollouts.conftest import OLD, Broker, deployed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.models import Deployment, Release
from wx_static_store.rollouts import drift
from wx_static_store.rollouts.models import Drift

pytestmark = pytest.mark.django_db


def counts(row: Drift) -> tuple[int, int, int]:
    return row.missing, row.differs, row.unlogged


@pytest.fixture
def live(cloud: EmulatorServer, envs: list[str], tmp_path: Path) -> str:
    """Deploy a site to one environment; return its id."""
    deployed(tmp_path / "dist", TREE, envs[0], "v1")
    return envs[0]


def test_an_environment_as_it_was_deployed_is_clean(live: str) -> None:
    row = drift.look("site", live)
    assert (counts(row), row.is_clean) == ((0, 0, 0), True)
    assert (row.objects_seen, row.bytes_seen) == (3, sum(map(len, TREE.values())))


def test_what_is_missing_other_or_unlogged_is_counted(cloud: EmulatorServer, live: str) -> None:
    cloud.delete_object("logo.svg", env=live)
    cloud.put_object("index.html", b"defaced", env=live)
    cloud.put_object("foreign.txt", b"x", env=live)
    assert counts(drift.look("site", live)) == (1, 1, 1)


def test_a_deleted_file_is_missing(cloud: EmulatorServer, live: str) -> None:
    cloud.put_object("logo.svg", b"this file was deleted\n", env=live)
    assert counts(drift.look("site", live)) == (1, 0, 0)


def test_an_environment_has_one_row_however_often_it_is_compared(live: str) -> None:
    for _time in range(2):
        drift.look("site", live)
    assert Drift.objects.count() == 1


def test_a_list_costs_one_call(cloud: EmulatorServer, live: str) -> None:
    before = lists(cloud)
    drift.look("site", live)
    assert lists(cloud) == before + 1


def test_an_environment_that_cannot_be_listed_says_why(cloud: EmulatorServer, live: str) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088, "times": None})
    row = drift.look("site", live)
    assert (row.is_clean, "85088" in row.message) == (False, True)


def test_a_repair_sends_again_what_is_not_as_it_was(cloud: EmulatorServer, live: str) -> None:
    cloud.put_object("index.html", b"defaced", env=live)
    assert drift.look_and_repair("site", live).is_clean
    assert bodies(cloud, live) == TREE


def test_a_repair_does_not_undo_a_deploy_that_did_not_end_well(
    cloud: EmulatorServer, live: str, tmp_path: Path
) -> None:
    other = deployed(tmp_path / "old", OLD, "tenant-b", "v2")
    Deployment.objects.create(env=live, using="site", outcome="failed", release=other)
    cloud.put_object("index.html", b"of the deploy that failed", env=live)
    assert not drift.look_and_repair("site", live).is_clean
    assert bodies(cloud, live)["index.html"] == b"of the deploy that failed"


def test_sites_of_several_folders_are_compared_together(
    cloud: EmulatorServer, live: str, tmp_path: Path
) -> None:
    run(tmp_path / "dist", "shop", "--using", "site", "--env", live)
    cloud.delete_object("shop/logo.svg", env=live)
    assert counts(drift.look("site", live)) == (1, 0, 0)
    assert drift.look_and_repair("site", live).is_clean


@pytest.fixture
def assets(cloud: EmulatorServer, live: str, tmp_path: Path) -> str:
    """Deploy to the store below the folder of the site, too; what is there was changed since."""
    run(tmp_path / "dist", "--using", "staticfiles", "--env", live)
    cloud.delete_object("static/logo.svg", env=live)
    cloud.put_object("static/foreign.txt", b"x", env=live)
    return live


def test_files_below_the_location_of_another_store_are_its_own(assets: str) -> None:
    row = drift.look("site", assets)
    assert (counts(row), row.objects_seen) == ((0, 0, 0), 3)
    assert counts(drift.look("staticfiles", assets)) == (1, 0, 1)


def test_a_repair_leaves_the_files_of_another_store(cloud: EmulatorServer, assets: str) -> None:
    cloud.delete_object("logo.svg", env=assets)
    drift.look_and_repair("site", assets)
    assert ("logo.svg" in bodies(cloud, assets), "static/logo.svg" in bodies(cloud, assets)) == (
        True,
        False,
    )


def test_a_file_that_two_stores_deployed_belongs_to_the_store_below(
    cloud: EmulatorServer, assets: str, tmp_path: Path
) -> None:
    write(tmp_path / "all", TREE | {"static/index.html": b"of the site"})
    run(tmp_path / "all", "--using", "site", "--env", assets)
    run(tmp_path / "dist", "--using", "staticfiles", "--env", assets)
    assert drift.look_and_repair("site", assets).is_clean
    assert bodies(cloud, assets)["static/index.html"] == TREE["index.html"]


@pytest.mark.parametrize(("sender", "missing"), [("site", [1, 0]), ("gone", [1, 1])])
def test_a_folder_is_compared_by_its_store_while_that_is_there(
    cloud: EmulatorServer, assets: str, tmp_path: Path, sender: str, missing: list[int]
) -> None:
    run(tmp_path / "dist", "static/shop", "--using", "site", "--env", assets)
    run(tmp_path / "dist", "--using", "staticfiles", "--env", assets)
    Deployment.objects.filter(folder="static/shop/").update(using=sender)
    cloud.delete_object("static/shop/logo.svg", env=assets)
    assert [drift.look(using, assets).missing for using in ("site", "staticfiles")] == missing


def test_places_are_where_something_was_deployed(live: str, release: Release) -> None:
    assert drift.places() == [("site", "tenant-00"), ("site", "tenant-b")]
    assert drift.places("default") == []


def test_places_are_among_those_that_are_offered(live: str, configure: Any, settings: Any) -> None:
    given = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    settings.WX_STATIC_STORE = given
    assert drift.places() == []


def test_places_are_handed_to_workers(broker: Broker, live: str) -> None:
    assert drift.hand_out(drift.places(), with_repair=True) == 1
    with broker.app.connection_for_read() as link, link.SimpleQueue("celery") as messages:
        message = messages.get_nowait()
        message.ack()
    assert message.payload[0] == ["site", live, True]


def test_without_celery_nothing_is_handed_out(live: str) -> None:
    with pytest.raises(ConfigurationError, match="no Celery app"):
        drift.hand_out(drift.places(), with_repair=False)


def test_the_newest_release_counts(cloud: EmulatorServer, live: str, tmp_path: Path) -> None:
    deployed(tmp_path / "old", OLD, live, "v0")
    assert drift.look("site", live).is_clean
