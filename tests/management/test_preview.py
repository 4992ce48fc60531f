"""What ``wx_deploy --dry-run`` shows before anything is sent."""

from __future__ import annotations

import unicodedata
from io import StringIO
from pathlib import Path

import pytest
from django.utils.translation import override

from tests.deploys import TREE, bodies, fails, run, sent, tenants, write
from wx_static_store.emulator import EmulatorServer
from wx_static_store.i18n import width
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_the_columns_of_a_preview_are_aligned_in_chinese(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    write(dist, {"logo.svg": b"changed", "new.txt": b"new"})
    with override("zh-hans"):
        shown = run(dist, dry_run=True).splitlines()[:4]
    assert {width(line.rpartition("  ")[0]) for line in shown} == {14 + 1 + 13}
    assert [line.split()[0] for line in shown] == ["未变化", "未变化", "有变化", "新增"]


def test_a_dry_run_of_names_that_cannot_be_keys_ends_with_1(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"back\\slash.txt": b"x"})
    assert "refused" in fails(dist, code=1, dry_run=True)


def test_a_dry_run_that_cannot_look_ends_with_1(cloud: EmulatorServer, dist: Path) -> None:
    cloud.expire_token()
    assert "Not everything could be published, or looked at." in fails(dist, code=1, dry_run=True)


def test_a_dry_run_says_that_the_log_decided(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    err = StringIO()
    assert "3 unchanged" in fails(dist, code=1, dry_run=True, stderr=err)
    assert "The list could not be read, so the log decided: " in err.getvalue()


def test_a_dry_run_gives_the_advice_on_an_unreadable_list_once(
    cloud: EmulatorServer, dist: Path
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    fails(dist, code=1, dry_run=True, stale=True, env=tenants(3, cloud), stderr=(err := StringIO()))
    assert err.getvalue().count("The stale files cannot be listed: ") == 1
    assert err.getvalue().count("The daily quota is used up") == 1


def test_a_dry_run_lists_each_file_and_sends_nothing(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    releases = Deployment.objects.count()
    cloud.put_object("old.js", b"stale")
    write(dist, {"logo.svg": b"<svg/>", "new.txt": b"12345"})
    cloud.journal.clear()
    cloud.put_object("index.html", b"somebody else's")
    lines = [line.split() for line in run(dist, dry_run=True).splitlines()]
    assert ["changed", "6", "logo.svg"] in lines
    assert ["changed", str(len(TREE["index.html"])), "index.html"] in lines, "by the list"
    assert ["new", "5", "new.txt"] in lines
    assert ["stale", "5", "old.js"] in lines
    script = "assets/index-BfYjkO2m.js"
    assert ["unchanged", str(len(TREE[script])), script] in lines
    assert sent(cloud) == []
    assert Deployment.objects.count() == releases


# --- many environments --------------------------------------------------------------------------

SIZE = f"{sum(map(len, TREE.values())):,}"


def rows(shown: str) -> list[list[str]]:
    return [line.split() for line in shown.splitlines()]


def test_a_dry_run_of_many_environments_is_a_table(cloud: EmulatorServer, dist: Path) -> None:
    one, two = tenants(2, cloud)
    run(dist, env=[one])
    cloud.put_object("logo.svg", b"somebody else's", env=one)
    cloud.put_object("old.js", b"stale", env=one)
    logo = str(len(TREE["logo.svg"]))
    assert rows(run(dist, dry_run=True, env=[one, two])) == [
        ["environment", "new", "changed", "unchanged", "rejected", "stale", "bytes", "address"],
        [one, "0", "1", "2", "0", "1", logo, cloud.site_url(one) + "/"],
        [two, "3", "0", "0", "0", "0", SIZE, cloud.site_url(two) + "/"],
        ["total", "3", "1", "2", "0", "1", str(int(SIZE) + int(logo))],
    ]
    assert bodies(cloud, two) == {}


def test_a_dry_run_of_many_environments_lists_their_files_at_verbosity_2(
    cloud: EmulatorServer, dist: Path
) -> None:
    one, two = tenants(2, cloud)
    files = [["new", str(len(body)), name] for name, body in sorted(TREE.items())]
    found = rows(run(dist, dry_run=True, env=[one, two], verbosity=2))
    assert found[1:4] == found[5:8] == files
    assert [found[place][0] for place in (4, 8, 9)] == [one, two, "total"]


def test_a_row_counts_names_that_cannot_be_keys_as_rejected(
    cloud: EmulatorServer, dist: Path
) -> None:
    """And files that would share a key."""
    twins = {unicodedata.normalize(form, "menü.txt"): b"x" for form in ("NFC", "NFD")}
    write(dist, twins | {"back\\slash.txt": b"x"})
    shown = rows(fails(dist, code=1, dry_run=True, env=tenants(2, cloud)))
    assert shown[1][1:5] == ["3", "0", "0", "3"]


def test_a_row_says_that_the_stale_files_are_not_known(cloud: EmulatorServer, dist: Path) -> None:
    one, two = tenants(2, cloud)
    cloud.script({"on": "staticfilelist", "env": two, "do": "errcode", "errcode": 45009,
                  "times": None})  # fmt: skip
    err = StringIO()
    shown = rows(fails(dist, code=1, dry_run=True, env=[one, two], stderr=err))
    assert [shown[1][5], shown[2][5], shown[3][5]] == ["0", "?", "0"]
    assert f"{two}: The stale files cannot be listed: " in err.getvalue()
    assert f"{two}: The list could not be read, so the log decided: " in err.getvalue()


def test_the_columns_of_the_table_are_aligned_in_chinese(cloud: EmulatorServer, dist: Path) -> None:
    with override("zh-hans"):
        shown = run(dist, dry_run=True, env=tenants(2, cloud)).splitlines()
    ends = [width(line.rpartition("  ")[0]) for line in shown[:3]]
    assert ends == [width(shown[3])] * 3
