"""Publishing: assets, pages, the last file; what is reported, and what is written down."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from itertools import chain, repeat
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.translation import override
from rest_framework.test import APIClient

from tests.deploys import bodies, deploy, item, items, refusing_rows, sent
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.report import EnvironmentReport, PublishFailed, Report
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.upload import recorder
from wx_static_store.upload.uploader import Uploader, get_uploader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]


def manifest() -> UploadItem:
    return item("m.json", b"{}")


# --- the order --------------------------------------------------------------------------------


def test_pages_are_sent_when_every_asset_is_stored(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 8})
    cloud.script({"on": "put_object", "key": "a.js", "do": "delay", "seconds": 0.3, "late": True})
    deploy(get_uploader(), items(a_js=b"1", b_js=b"2", index_html=b"3"), last=manifest)
    assert sent(cloud)[-3:] == ["a.js", "index.html", "m.json"]


def test_pages_are_held_back_after_a_failure_and_all_other_assets_go(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script({"on": "staticuploadfile", "key": "a.js", "do": "errcode", "errcode": 40097})
    report = deploy(uploader, items(a_js=b"1", b_js=b"2", index_html=b"3"))
    assert bodies(cloud) == {"b.js": b"2"}
    assert report.held_back == 1


OLD = items(a_css=b"old", index_html=b"old")
NEW = items(a_css=b"new", b_js=b"new", index_html=b"new", news_html=b"new")


def test_what_is_new_is_sent_before_what_replaces_an_object(configure: Any) -> None:
    """Old pages name the one, and link to the other only when both are there."""
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 8})
    deploy(get_uploader(), OLD)
    late = {"on": "put_object", "do": "delay", "seconds": 0.2, "late": True}
    cloud.script({**late, "key": "b.js"}, {**late, "key": "news.html"})
    deploy(get_uploader(), NEW)
    assert sent(cloud)[-4:] == ["b.js", "a.css", "news.html", "index.html"]


@pytest.mark.parametrize(
    ("failing", "changes"),
    [("b.js", set()), ("a.css", {"b.js"}), ("news.html", {"a.css", "b.js"})],
)
def test_what_replaces_an_object_is_held_back_until_all_that_is_new_is_stored(
    cloud: EmulatorServer, uploader: Uploader, failing: str, changes: set[str]
) -> None:
    deploy(uploader, OLD)
    cloud.script({"on": "staticuploadfile", "key": failing, "do": "errcode", "errcode": 40097})
    report = deploy(uploader, NEW)
    assert {name for name, body in bodies(cloud).items() if body == b"new"} == changes
    assert report.held_back == 3 - len(changes)


def test_an_asset_that_changes_while_it_is_sent_holds_back_pages_and_last_file(
    configure: Any,
) -> None:
    """It is another build's, and the pages are not."""
    cloud = configure()
    contents = chain([b"planned"], repeat(b"rebuilt"))
    asset = UploadItem("a.js", open=lambda: BytesIO(next(contents)))
    report = deploy(get_uploader(), [asset, *items(index_html=b"page")], last=manifest)
    assert set(cloud.objects()) == {"a.js"}
    assert (report.ok, report.held_back) == (False, 2)
    with pytest.raises(PublishFailed, match=r"a\.js: the file here changed while it was sent"):
        report.raise_for_failures()


def test_a_file_that_cannot_be_read_fails_and_the_others_go(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    def gone() -> Any:
        raise FileNotFoundError("gone.js")

    report = deploy(uploader, [UploadItem("gone.js", open=gone), *items(a_js=b"1")])
    assert set(cloud.objects()) == {"a.js"}
    assert [result.stage for result in report.failures] == ["source"]


def test_a_name_that_is_rejected_fails_the_deploy_and_holds_back_its_pages(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    tree = [item("é.js"), item("e\u0301.js"), *items(a_js=b"1", index_html=b"2")]
    report = deploy(uploader, tree)
    assert set(cloud.objects()) == {"a.js"}
    assert (len(report.failures), report.held_back) == (2, 1)
    assert set(UploadLog.objects.values_list("status", "stage")) == {
        ("stored", ""),
        ("failed", "name"),
    }


def test_the_last_file_is_made_when_all_is_stored(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    seen: list[set[str]] = []

    def last() -> UploadItem:
        seen.append(set(cloud.objects()))
        return manifest()

    deploy(uploader, items(a_js=b"1", index_html=b"2"), last=last)
    assert seen == [{"a.js", "index.html"}]
    assert "m.json" in cloud.objects()


def test_the_last_file_is_not_made_after_a_failure(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    report = deploy(uploader, items(a_js=b"1"), last=lambda: pytest.fail("too early"))
    assert report.counts.startswith("stored 0, unchanged 0, failed 1, unknown 0, held back 1")


# --- what is reported -------------------------------------------------------------------------


def test_a_report_counts_unknown_apart_from_failed(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(
        {"on": "put_object", "key": "a.js", "do": "drop_reply"},
        {"on": "staticuploadfile", "key": "b.js", "do": "errcode", "errcode": 40097},
    )
    report = deploy(uploader, items(a_js=b"1", b_js=b"2", c_js=b"3"))
    assert report.counts == (
        "stored 1, unchanged 0, failed 1, unknown 1, held back 0, not attempted 0"
    )
    with pytest.raises(PublishFailed, match=r"b\.js: .*errcode 40097"):
        report.raise_for_failures()


def test_files_that_failed_alike_are_one_line_with_their_count_and_the_first_names(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(
        {"on": "staticuploadfile", "key": "?.js", "do": "errcode", "errcode": 40097, "times": None},
        {"on": "staticuploadfile", "key": "x.css", "do": "errcode", "errcode": 85088},
    )
    tree = items(a_js=b"1", b_js=b"2", c_js=b"3", d_js=b"4", e_js=b"5", x_css=b"6")
    report = EnvironmentReport("", report=deploy(uploader, tree))
    lines = sorted(report.failure_lines())
    assert len(lines) == 2
    assert lines[0].startswith("5 files (a.js, b.js, c.js and 2 more): staticuploadfile was ref")
    assert "key" not in lines[0].partition(":")[2], "of one file"
    assert lines[1].startswith("x.css: staticuploadfile was refused (stage link, errcode 85088")
    with override("zh-hans"):
        chinese = sorted(report.failure_lines())
    assert chinese[0].startswith("5 个文件（a.js、b.js、c.js 及另外 2 个）：staticuploadfile ")


def test_control_characters_of_a_name_do_not_reach_the_terminal(uploader: Uploader) -> None:
    report = deploy(uploader, [item("a\x1b[31m.js", b"1")])
    with pytest.raises(PublishFailed) as caught:
        report.raise_for_failures()
    assert "\x1b" not in str(caught.value)


# --- what is written down ---------------------------------------------------------------------


def test_a_deployment_row_says_how_it_ended(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script({"on": "staticuploadfile", "key": "a.js", "do": "errcode", "errcode": 40097})
    deploy(uploader, items(a_js=b"1", b_js=b"22", index_html=b"3"))
    row = Deployment.objects.get()
    shown = (row.outcome, row.label, row.stored, row.failed, row.not_attempted, row.bytes)
    assert shown == ("failed", "v1", 1, 1, 1, 2)


def test_a_manifest_alone_is_a_deployment_too(uploader: Uploader) -> None:
    deploy(uploader, [], last=manifest)
    assert Deployment.objects.get().stored == 1


def test_a_run_that_was_killed_is_incomplete_when_the_next_one_begins(uploader: Uploader) -> None:
    """Its last rows are missing: the log alone says no more how its files stand."""
    Deployment.objects.create(env=uploader.env, source="wx_deploy")
    Deployment.objects.create(env="tenant-b", source="wx_deploy")
    deploy(uploader, items(a_js=b"1"))
    outcomes = list(Deployment.objects.order_by("id").values_list("outcome", flat=True))
    assert outcomes == ["incomplete", "running", "done"]


# --- when the database refuses rows -----------------------------------------------------------


@pytest.mark.parametrize("why", ["database is locked", "no such table: it restarts"])
def test_rows_that_the_database_refuses_in_mid_run_are_written_at_the_end(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(recorder, "RECORD_AT_ONCE", 2)
    with refusing_rows(why, times=1):
        deploy(uploader, items(a_js=b"1", b_js=b"2", c_js=b"3"))
    assert set(UploadLog.objects.values_list("key", flat=True)) == {"a.js", "b.js", "c.js"}
    assert Deployment.objects.get().outcome == "done"


def test_rows_that_could_not_be_written_are_counted(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P11: the database goes away in mid-run."""
    monkeypatch.setattr(recorder, "RECORD_AT_ONCE", 2)
    with refusing_rows(skip=1):
        deploy(uploader, items(a_js=b"1", b_js=b"2", c_js=b"3", d_js=b"4", e_js=b"5"))
    row = Deployment.objects.get()
    assert f"3 rows of deployment {row.pk} could not be written" in caplog.text
    assert row.uploads.count() == 2


def test_a_deployment_whose_rows_are_missing_is_incomplete(uploader: Uploader) -> None:
    with refusing_rows():
        report = deploy(uploader, items(a_js=b"1", b_js=b"2"))
    row = Deployment.objects.get()
    assert (report.ok, row.outcome, row.stored) == (True, "incomplete", 2)


HOWS = ["list", "list without MD5", "list that fails", "log"]


def planning(cloud: EmulatorServer, how: str) -> Uploader:
    """Return an uploader whose plans can rely on so much only."""
    cloud.quirks.list_md5 = "multipart" if how == "list without MD5" else "plain"
    if how == "list that fails":
        cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    return Uploader(replace(get_uploader().options, trust_log=how == "log"))


@pytest.mark.parametrize("how", HOWS)
def test_a_roll_back_after_rows_were_lost_restores_every_file(
    cloud: EmulatorServer, uploader: Uploader, how: str
) -> None:
    """Of what the second deploy stored, the newest row is the first one's."""
    deploy(uploader, items(a_js=b"first"))
    cloud.advance(60)
    with refusing_rows():
        deploy(uploader, items(a_js=b"other"))
    assert deploy(planning(cloud, how), items(a_js=b"first")).ok
    assert bodies(cloud) == {"a.js": b"first"}


# --- when somebody else uploads meanwhile -----------------------------------------------------


@pytest.mark.parametrize("how", HOWS)
def test_an_upload_by_the_api_in_the_second_before_the_rows_is_replaced_by_the_next_deploy(
    configure: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Its row comes before the deploy's, its object after."""
    cloud = configure(ROOT_URLCONF="tests.api.urls")
    monkeypatch.setattr(recorder, "RECORD_SECONDS", math.inf)
    editor = APIClient()
    editor.force_authenticate(User.objects.create_superuser("editor"))

    def meanwhile() -> UploadItem:
        cloud.advance(2)
        url = "/wx/uploads/default/notice.txt?overwrite=true"
        assert editor.put(url, b"edited", content_type="text/plain").status_code == 201
        return manifest()

    tree = items(notice_txt=b"static")
    deploy(get_uploader(), tree, last=meanwhile)
    assert bodies(cloud)["notice.txt"] == b"edited"
    sources = UploadLog.objects.filter(key="notice.txt").order_by("id")
    assert list(sources.values_list("source", flat=True)) == ["api", "wx_deploy"]
    deploy(planning(cloud, how), tree)
    assert bodies(cloud)["notice.txt"] == b"static"


# --- interrupted ------------------------------------------------------------------------------


def test_an_interrupted_run_reports_how_far_it_came(uploader: Uploader) -> None:
    def interrupted() -> UploadItem:
        raise KeyboardInterrupt

    report = Report()
    with pytest.raises(KeyboardInterrupt):
        deploy(uploader, items(a_js=b"1", b_js=b"2"), last=interrupted, report=report)
    assert (report.stored, report.broken_off) == (2, True)
    assert Deployment.objects.get().outcome == "failed"
