"""Where a roll back and a repair lead, and what of it is checked before anything is sent."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ENV
from tests.deploys import CONTEXT, configure_releases, items
from tests.rows import add_deployments
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy.environments import Order, deploy_to_all, preview_of, site_uploader
from wx_static_store.deploy.records import Records
from wx_static_store.deploy.state import trusts_log
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, SourceError
from wx_static_store.models import Deployment, Release
from wx_static_store.releases.rollback import (
    Move,
    check_storage,
    command_for,
    folder_of,
    moves,
    only_store,
    orders,
    refuse_incomplete,
)

pytestmark = pytest.mark.django_db(transaction=True)

ENVS = ["tenant-1", "tenant-2"]
TEMPLATE = Order((), UploadContext("wx_deploy"), Records("site"))


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    cloud: EmulatorServer = configure(**configure_releases(tmp_path / "releases"))
    for env in ENVS:
        cloud.add_env(env)
    return cloud


def deploy(*envs: str, label: str = "", **files: bytes) -> None:
    order = Order(list(items(**files)), UploadContext("wx_deploy", label), Records("site"))
    found = [(site_uploader("site", env), order) for env in envs or ENVS]
    assert all(report.ok for report in deploy_to_all(found))


def record(release: Release, env: str = ENV, **columns: Any) -> Deployment:
    columns = {"using": "site", "outcome": "done"} | columns
    return Deployment.objects.create(env=env, release=release, **columns)


def release(digit: str) -> Release:
    return Release.objects.create(digest=digit * 64, files=b"", count=0, size=0)


def only(found: list[Move]) -> Move:
    (move,) = found
    return move


def test_releases_of_one_store_need_no_name(cloud: EmulatorServer) -> None:
    assert only_store([]) == ""
    record(release("a"))
    assert only_store([]) == "site"
    record(release("b"), "other", using="staticfiles")
    assert only_store([ENV]) == "site"
    with pytest.raises(SourceError, match="site, staticfiles"):
        only_store([])


def test_a_store_that_is_no_more_does_not_count(cloud: EmulatorServer) -> None:
    record(release("a"))
    record(release("b"), using="gone")
    assert only_store([]) == "site"


def test_a_prefix_is_below_the_location_of_the_store(cloud: EmulatorServer) -> None:
    assert folder_of("staticfiles", [ENV], prefix="app") == "static/app/"
    assert folder_of("staticfiles", [ENV], prefix="/") == "static/"


def test_the_folder_of_another_environment_does_not_count(cloud: EmulatorServer) -> None:
    record(release("a"), folder="docs/")
    record(release("b"), "other", folder="app/")
    assert folder_of("site", [ENV]) == "docs/"


def test_the_release_before_is_another_that_ended_well(cloud: EmulatorServer) -> None:
    first, second = release("a"), release("b")
    wanted = record(first)
    record(release("c"), outcome="failed")
    record(second)
    before = record(second)
    found = only(moves([ENV], ""))
    assert (found.before, found.target) == (before, wanted)


def test_two_thousand_environments_are_looked_at_by_as_many_queries_as_twenty() -> None:
    asked = []
    for number in (20, 2000):
        envs = [f"tenant-{number:04}-{each:04}" for each in range(number)]
        add_deployments(envs)
        with CaptureQueriesContext(connection) as queries:
            assert len(moves(envs, "www/")) == number
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_look_at_one_environment_asks_as_much_beside_two_thousand_others() -> None:
    asked = []
    for start, end in ((0, 20), (20, 2000)):
        add_deployments([f"tenant-{number:04}" for number in range(start, end)])
        with CaptureQueriesContext(connection) as queries:
            assert trusts_log(only(moves(["tenant-0007"], "www/")).state)
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_labels_that_roll_backs_gave_themselves_do_not_nest(cloud: EmulatorServer) -> None:
    first, second = release("a"), release("b")
    record(first, label="v1")
    record(second)
    record(first, label="roll back from bbbbbbbbbb to v1")
    assert only(moves([ENV], "")).label == "roll back from v1 to bbbbbbbbbb"
    record(second, label="repair of bbbbbbbbbb")
    assert only(moves([ENV], "", repair=True)).label == "repair of bbbbbbbbbb"


def test_a_label_that_was_asked_for_is_shown(cloud: EmulatorServer) -> None:
    first, second = release("a"), release("b")
    record(first, label="1.0")
    record(second, label="1.1")
    record(first, label="1.2")
    assert only(moves([ENV], "", "1.0")).label == "roll back from 1.2 to 1.0"
    record(second, label="went back")
    assert only(moves([ENV], "", "1.1")).label == "roll back from went back to 1.1"


def test_a_release_without_a_label_has_the_newest_given_elsewhere(cloud: EmulatorServer) -> None:
    first, second = release("a"), release("b")
    record(first, ENVS[0], label="v1")
    record(first, ENVS[0], label="roll back from bbbbbbbbbb to v1")
    record(second)
    record(first)
    record(second)
    assert only(moves([ENV], "")).label == "roll back from bbbbbbbbbb to v1"
    record(first, label="own", outcome="failed")
    assert only(moves([ENV], "", "bbbbbb")).label == "roll back from own to bbbbbbbbbb"
    record(first)
    assert only(moves([ENV], "", "bbbbbb")).label == "roll back from own to bbbbbbbbbb"


def test_a_release_that_an_environment_never_had_goes_there_by_name(cloud: EmulatorServer) -> None:
    wanted = record(release("a"), ENVS[0], label="v1")
    move = only(moves([ENVS[1]], "", "v1"))
    assert (move.target, move.label) == (wanted, "roll back to v1")


def test_all_environments_without_a_release_before_are_named(cloud: EmulatorServer) -> None:
    envs = [f"env-{n}" for n in range(7)]
    with pytest.raises(SourceError) as caught:
        moves(envs, "docs/")
    assert f"/docs/ in {', '.join(envs[:5])} and 2 more" in str(caught.value)


def test_environments_share_the_items_of_a_release(cloud: EmulatorServer) -> None:
    deploy(a_js=b"1", index_html=b"1")
    deploy(a_js=b"2", index_html=b"2")
    uploaders = [site_uploader("site", env) for env in ENVS]
    (_, first), (_, second) = orders(uploaders, moves(ENVS, ""), TEMPLATE)
    assert first.items is second.items
    assert [item.name for item in first.items] == ["a.js", "index.html"]


def test_a_roll_back_knows_by_the_log_and_a_repair_by_the_list(cloud: EmulatorServer) -> None:
    deploy(ENVS[0], a_js=b"1")
    deploy(ENVS[0], a_js=b"2")
    uploaders = [site_uploader("site", ENVS[0], trust_log=True)]

    def trusts(*, repair: bool) -> bool:
        ((uploader, _order),) = orders(uploaders, moves(ENVS[:1], "", repair=repair), TEMPLATE)
        return uploader.options.trust_log

    assert (trusts(repair=False), trusts(repair=True)) == (True, False)
    Deployment.objects.create(env=ENVS[0], outcome="incomplete")
    assert not trusts(repair=False)


def test_a_file_that_a_failed_deploy_never_sent_is_not_stale(cloud: EmulatorServer) -> None:
    """It is in the release's list, and in no row of the log."""
    deploy(ENVS[0], a_js=b"1")
    deploy(ENVS[0], a_js=b"2", sent_js=b"2")
    newest = Release.objects.latest("pk")
    cloud.journal.clear()
    order = Order(list(items(a_js=b"1")), CONTEXT, Records("site"), replaced=[newest])
    (report,) = deploy_to_all([(site_uploader("site", ENVS[0], trust_log=True), order)])
    assert [file.key for file in report.stale] == ["sent.js"]
    other = site_uploader("site", ENVS[1], trust_log=True)
    (report,) = deploy_to_all([(other, order)])
    assert report.stale == []


def test_kept_bytes_are_looked_for_only_where_they_are_needed(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    deploy(ENVS[0], a_js=b"same", b_js=b"1")
    deploy(ENVS[0], a_js=b"same", b_js=b"2")
    found = moves(ENVS[:1], "")
    todo = orders([site_uploader("site", ENVS[0])], found, TEMPLATE)
    plans = [preview_of(*each) for each in todo]
    digests = {file.name: file.sha256 for file in found[0].target.release.contents()}  # type: ignore[union-attr]
    paths = {name: tmp_path / "releases" / sha[:2] / sha[2:] for name, sha in digests.items()}
    paths["a.js"].unlink()
    release = found[0].target.release
    refuse_incomplete("site", [release], plans)
    paths["b.js"].unlink()
    with pytest.raises(SourceError, match=r"1 file of release .*: b\.js"):
        refuse_incomplete("site", [release], plans)


def test_without_a_release_storage_nothing_can_be_published_again(configure: Any) -> None:
    configure()
    with pytest.raises(ConfigurationError, match="RELEASE_STORAGE"):
        check_storage()


@pytest.mark.parametrize(
    ("prefix", "end"),
    [("", []), ("app/", ["--prefix", "app/"]), ("my app;/", ["--prefix", "my app;/"])],
)
def test_the_command_can_be_copied_into_a_shell(prefix: str, end: list[str]) -> None:
    words = ["python", "manage.py", "wx_deploy", "--rollback", "7", "--using", "site"]
    command = command_for("site", "demo-1", ("--rollback", "7"), prefix)
    assert shlex.split(command) == [*words, "--env", "demo-1", *end]
