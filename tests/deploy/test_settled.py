"""Of a tree that is live already, only the rows of files that may differ from it are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from tests.conftest import ENV
from tests.deploys import TREE, bodies, configure_storages, item, lists, run, sent, write
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy import plan
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, FolderState, Release, UploadLog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]

LOGO = TREE["logo.svg"]
OTHERS = {"Cache-Control": "no-store"}
HOUR = 3600


@pytest.fixture
def cloud(configure: Any, monkeypatch: pytest.MonkeyPatch) -> EmulatorServer:
    """Return a cloud whose objects are an hour older than the deployments that sent them."""
    cloud: EmulatorServer = configure(STORAGES=configure_storages())
    clock = cloud.state._clock
    monkeypatch.setattr(cloud.state, "_clock", lambda: clock() - HOUR)
    return cloud


@pytest.fixture
def dist(cloud: EmulatorServer, tmp_path: Path) -> Path:
    """Return a folder that is live."""
    folder = tmp_path / "dist"
    write(folder, TREE)
    run(folder)
    cloud.journal.clear()
    return folder


@pytest.fixture
def asked(dist: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the keys whose rows are read from now on."""
    keys, newest_rows = set[str](), plan.newest_rows

    def noted(env: str, wanted: Iterable[str]) -> Any:
        keys.update(wanted := [*wanted])
        return newest_rows(env, wanted)

    monkeypatch.setattr(plan, "newest_rows", noted)
    return keys


def upload(name: str, body: bytes, **details: Any) -> None:
    """Upload a file as a person does."""
    site_uploader("site").attempt(item(name, body, **details), UploadContext("admin"))


def cache_control(cloud: EmulatorServer, key: str) -> str | None:
    return cloud.objects()[key].headers.get("Cache-Control")


def test_of_an_unchanged_folder_the_list_is_read_and_no_row(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    assert "stored 0, unchanged 3" in run(dist)
    assert (asked, lists(cloud), len(cloud.journal)) == (set(), 1, 1)
    assert Deployment.objects.values_list("release").distinct().count() == 1


def test_it_has_the_release_that_a_plan_of_all_rows_has(dist: Path, asked: set[str]) -> None:
    run(dist)
    first = Release.objects.get()
    run(dist, force=True)
    assert asked == TREE.keys()
    assert Release.objects.get() == first


def test_a_changed_file_has_all_rows_read_and_is_sent_alone(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    write(dist, {"logo.svg": b"new"})
    run(dist)
    assert (asked, sent(cloud)) == ({*TREE}, ["logo.svg"])


def test_changed_headers_have_all_rows_read_and_are_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    run(dist, map=["*.svg=no-store"])
    assert (asked, sent(cloud)) == ({*TREE}, ["logo.svg"])
    assert cache_control(cloud, "logo.svg") == "no-store"


@pytest.mark.parametrize("lost", ["to the list", "altogether"])
def test_a_rule_that_ends_is_sent_once_where_no_row_knows_the_headers(
    cloud: EmulatorServer, dist: Path, lost: str
) -> None:
    """The live release says which headers the object has."""
    run(dist, map=["*.svg=no-store"])
    if lost == "to the list":
        rows = UploadLog.objects.filter(key="logo.svg")
        rows.update(source="list", content_type="", cache_control="")
    else:
        UploadLog.objects.filter(key="logo.svg").delete()
    cloud.journal.clear()
    for _ in range(2):
        run(dist, verify=True)
    assert (sent(cloud), cache_control(cloud, "logo.svg")) == (["logo.svg"], "public, max-age=300")


def test_a_rule_that_stays_is_not_sent_again_where_no_row_knows_the_headers(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, map=["*.svg=no-store"])
    UploadLog.objects.all().delete()
    write(dist, {"new.txt": b"new"})
    cloud.journal.clear()
    run(dist, map=["*.svg=no-store"])
    assert sent(cloud) == ["new.txt"]


# --- what differs from the live release --------------------------------------------------------


def test_a_file_that_somebody_else_overwrote_is_looked_up_and_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    """Its object need not be younger: a stranger's clock may be wrong."""
    cloud.put_object("logo.svg", b"another")
    run(dist)
    assert (asked, sent(cloud), bodies(cloud)) == ({"logo.svg"}, ["logo.svg"], TREE)


def test_a_file_that_somebody_else_removed_is_looked_up_and_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    cloud.delete_object("logo.svg")
    run(dist)
    assert (asked, sent(cloud), bodies(cloud)) == ({"logo.svg"}, ["logo.svg"], TREE)


def test_a_younger_object_of_the_same_bytes_is_looked_up_and_sent_for_its_headers(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    cloud.advance(2 * HOUR)
    cloud.put_object("logo.svg", LOGO, headers=OTHERS)
    run(dist)
    assert (asked, sent(cloud)) == ({"logo.svg"}, ["logo.svg"])
    assert cache_control(cloud, "logo.svg") != "no-store"


def test_an_object_of_which_the_list_shows_no_time_is_looked_up(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    contents = [
        {"key": name, "md5": found.md5, "size": str(found.size)}
        for name, found in sorted(cloud.objects().items())
    ]
    cloud.script({"on": "staticfilelist", "do": "merge", "json": {"contents": contents}})
    run(dist)
    assert asked == {*TREE}


def test_a_file_that_a_person_uploaded_since_is_looked_up_and_sent_for_its_headers(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    upload("logo.svg", LOGO, cache_control="no-store")
    run(dist)
    assert (asked, sent(cloud)) == ({"logo.svg"}, ["logo.svg"] * 2)
    assert cache_control(cloud, "logo.svg") != "no-store"


def test_a_file_that_a_person_replaced_is_sent_while_the_list_is_late(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    cloud.quirks.list_lag_seconds = HOUR
    upload("logo.svg", b"another")
    run(dist)
    assert (asked, sent(cloud), bodies(cloud)) == ({"logo.svg"}, ["logo.svg"] * 2, TREE)


def test_a_file_whose_last_upload_got_no_answer_is_looked_up_and_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    upload("logo.svg", b"late")
    cloud.state.script.clear()
    assert UploadLog.objects.newest(ENV, ["logo.svg"])["logo.svg"].status == "unknown"
    cloud.put_object("logo.svg", LOGO)
    run(dist)
    assert (asked, bodies(cloud)) == ({"logo.svg"}, TREE)
    assert sent(cloud)[-1] == "logo.svg"


def test_a_file_that_a_deploy_of_the_folder_around_it_wrote_is_looked_up_and_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str], tmp_path: Path
) -> None:
    run(dist, "docs")
    write(tmp_path / "around", {"docs/logo.svg": LOGO})
    run(tmp_path / "around", map=["*.svg=no-store"])
    asked.clear()
    run(dist, "docs")
    assert asked == {"docs/logo.svg"}
    assert cache_control(cloud, "docs/logo.svg") != "no-store"


def test_a_row_of_another_environment_has_nothing_looked_up(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    cloud.add_env("tenant-2")
    site_uploader("site", "tenant-2").attempt(item("logo.svg", b"2"), UploadContext("admin"))
    run(dist)
    assert asked == set()


def test_a_stale_file_between_the_others_has_its_row_corrected_as_ever(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    upload("k.svg", b"mine")
    cloud.advance(2 * HOUR)
    cloud.put_object("k.svg", b"another")
    run(dist)
    assert asked == {"k.svg"}
    assert UploadLog.objects.newest(ENV, ["k.svg"])["k.svg"].source == "list"


# --- where nothing is certain ------------------------------------------------------------------


def killed(**_more: Any) -> None:
    Deployment.objects.create(env=ENV, source="wx_deploy")


def mute(cloud: EmulatorServer, **_more: Any) -> None:
    cloud.quirks.list_md5 = "multipart"


def no_list(cloud: EmulatorServer, **_more: Any) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})


def not_compared(dist: Path, **_more: Any) -> None:
    run(dist, trust_log=True)


def verified(dist: Path, **_more: Any) -> None:
    run(dist, trust_log=True, verify=True)


def of_another_folder(dist: Path, **_more: Any) -> None:
    Deployment.objects.update(folder="elsewhere/", folder_digest="")
    FolderState.objects.all().delete()


@pytest.mark.parametrize(
    "happens", [killed, mute, no_list, not_compared, verified, of_another_folder]
)
def test_all_rows_are_read_and_nothing_is_sent(
    cloud: EmulatorServer, dist: Path, asked: set[str], happens: Callable[..., None]
) -> None:
    happens(cloud=cloud, dist=dist)
    # Nor are they newer than what happened.
    UploadLog.objects.update(created=F("created") - timedelta(hours=1))
    asked.clear()
    run(dist)
    assert (asked, sent(cloud)) == ({*TREE}, [])


@pytest.mark.parametrize("how", ["verify", "trust_log"])
def test_all_rows_are_read_by_option(dist: Path, asked: set[str], how: str) -> None:
    run(dist, **{how: True})
    assert asked == {*TREE}


def test_force_sends_all(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, force=True)
    assert sorted(sent(cloud)) == sorted(TREE)


def test_a_failed_deploy_since_has_all_rows_read(
    cloud: EmulatorServer, dist: Path, asked: set[str]
) -> None:
    write(dist, {"logo.svg": b"new"})
    cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    with pytest.raises(Exception, match="not published"):
        run(dist)
    cloud.state.script.clear()
    cloud.put_object("logo.svg", LOGO)
    write(dist, {"logo.svg": LOGO})
    asked.clear()
    run(dist)
    assert asked == {*TREE}
    assert (sent(cloud)[-1], bodies(cloud)) == ("logo.svg", TREE)
