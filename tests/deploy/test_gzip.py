"""Option ``compress``: texts are sent as gzip, releases and comparisons keep the plain bytes."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from tests.conftest import ENV, lost_table
from tests.deploys import bodies, configure_releases, fails, refusing_rows, run, sent, write
from tests.tables import each
from wx_static_store.admin.deployments import held_back_keys
from wx_static_store.conf import options_for
from wx_static_store.core.types import ContentHeaders, UploadItem, UploadStatus
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import IntegrityError
from wx_static_store.health.models import Fact
from wx_static_store.log.retry import retry_uploads
from wx_static_store.models import Deployment, Release, UploadLog
from wx_static_store.rollouts import drift
from wx_static_store.upload import recorder
from wx_static_store.upload.as_sent import LEVEL, as_gzip, hashed, sends_gzip, smaller
from wx_static_store.upload.uploader import Uploader

Switch = Callable[[str], None]

pytestmark = pytest.mark.django_db

NOISE = random.Random(1).randbytes(5000)
PAGE = b"<!doctype html><link rel=stylesheet href=a.css>" + b"<p>tea</p>" * 500
SITE = {
    "index.html": PAGE,
    "a.css": b"p { color: green }\n" * 200,
    "small.css": b"p{}",
    "noise.txt": NOISE,
    "a.png": b"\x89PNG" + bytes(5000),
}
ZIPPED = {"index.html", "a.css"}


@pytest.fixture
def switch(configure: Any, tmp_path: Path, emulator: EmulatorServer) -> Switch:
    """`switch("gzip")` sets the option."""

    def set_option(value: str) -> None:
        settings = configure_releases(tmp_path / "kept")
        settings["WX_STATIC_STORE"] |= {"BASE_URL": emulator.site_url(), "COMPRESS": value}
        configure(**settings)

    return set_option


@pytest.fixture
def cloud(switch: Switch, emulator: EmulatorServer) -> EmulatorServer:
    """Let the edge decode gzip, and a probe have seen it; gzip is off."""
    switch("off")
    emulator.quirks.edge_gzip = "decoded"
    Fact.objects.remember(ENV, {"gzip": "yes"})
    return emulator


@pytest.fixture
def on(switch: Switch, cloud: EmulatorServer) -> None:
    assert cloud
    switch("gzip")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write(tmp_path / "dist", SITE)
    return tmp_path / "dist"


def deploy(dist: Path, *args: object) -> str:
    return run(dist, *args, using="site")


def zipped(cloud: EmulatorServer) -> set[str]:
    """Return the keys that are stored as gzip; each holds the file's bytes."""
    found = {
        key
        for key, each in cloud.objects().items()
        if each.headers.get("Content-Encoding") == "gzip"
    }
    for key, body in bodies(cloud).items():
        assert (gzip.decompress(body) if key in found else body) == SITE.get(key, body)
    return found


# --- what is sent -----------------------------------------------------------------------------


@pytest.mark.usefixtures("on")
def test_texts_that_gain_a_tenth_are_stored_as_gzip(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    assert zipped(cloud) == ZIPPED
    assert cloud.objects()["a.css"].headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.usefixtures("on")
def test_the_log_says_what_is_stored_and_the_release_what_the_file_is(
    cloud: EmulatorServer, dist: Path
) -> None:
    deploy(dist)
    row, stored = UploadLog.objects.get(key="a.css"), cloud.objects()["a.css"]
    assert (row.size, row.md5) == (stored.size, stored.md5)
    files = {file.name: file for file in Release.objects.get().contents()}
    assert files["a.css"].size == len(SITE["a.css"])
    assert (files["a.css"].md5, files["a.css"].headers.other_headers) == (
        ContentHeaders("", "", row.other_headers).plain_md5,
        "",
    )
    assert Deployment.objects.get().bytes == sum(each.size for each in cloud.objects().values())


def as_sent(name: str, body: bytes, **more: Any) -> UploadItem:
    options = options_for("site")
    item = hashed(UploadItem(name, open=lambda: BytesIO(body), **more))
    return smaller(as_gzip(options, item), item)


@pytest.mark.usefixtures("cloud")
def test_equal_bytes_make_equal_gzip_without_name_and_time() -> None:
    with as_sent("a.css", PAGE).open() as file:
        body = file.read()
    assert LEVEL == 6
    assert body[:9] == b"\x1f\x8b\x08\0\0\0\0\0\0"


TEXTS = "html htm css js mjs cjs json map svg xml txt md wasm webmanifest csv"
OTHERS = "png jpg webp woff2 gz zip mp4 pdf docx bin svgz"


@pytest.mark.usefixtures("cloud")
@each(("suffixes", "taken"), [(TEXTS, True), (OTHERS, False)])
def test_the_kind_of_a_file_decides(suffixes: str, *, taken: bool) -> None:
    found = {
        suffix: bool(as_sent(f"a.{suffix}", bytes(9999)).other_headers)
        for suffix in suffixes.split()
    }
    assert found == dict.fromkeys(found, taken)


@pytest.mark.usefixtures("cloud")
@each(("size", "taken"), [(1024, False), (1025, True)])
def test_a_file_above_one_kib_is_taken(size: int, *, taken: bool) -> None:
    assert bool(as_sent("a.css", bytes(size)).other_headers) is taken


@pytest.mark.usefixtures("cloud")
@each("header", ["Content-Encoding: br", "content-encoding: gzip"])
def test_a_file_with_an_encoding_of_its_own_stays(header: str) -> None:
    others = f"Content-Language: zh-CN\n{header}"
    assert as_sent("a.css", bytes(9999), other_headers=others).other_headers == others


@pytest.mark.usefixtures("on")
def test_a_file_whose_encoding_a_rule_sets_is_left_alone(cloud: EmulatorServer, dist: Path) -> None:
    write(dist, {"_headers": b"/a.css\n  Content-Encoding: br\n"})
    deploy(dist)
    assert zipped(cloud) == ZIPPED - {"a.css"}
    assert cloud.objects()["a.css"].headers["Content-Encoding"] == "br"


def test_without_the_option_nothing_is_packed(cloud: EmulatorServer, dist: Path) -> None:
    assert "gzip" not in deploy(dist)
    assert zipped(cloud) == set()


@pytest.mark.usefixtures("on")
@each("fact", [None, "kept", "plain", "broken", "403 AccessDenied"])
def test_files_go_plain_unless_the_probe_saw_that_the_edge_takes_gzip(
    cloud: EmulatorServer, dist: Path, fact: str | None
) -> None:
    Fact.objects.all().delete()
    why = "no wx_doctor --probe has seen that the site takes it."
    if fact:
        Fact.objects.remember(ENV, {"gzip": fact})
        why = "the last wx_doctor --probe saw that the site does not take it."
    assert f"Nothing is sent as gzip: {why}\n" in deploy(dist)
    assert zipped(cloud) == set()


@pytest.mark.usefixtures("on")
def test_without_the_table_of_facts_the_log_is_written_as_ever(
    cloud: EmulatorServer, dist: Path
) -> None:
    with lost_table(Fact):
        deploy(dist)
    assert UploadLog.objects.count() == len(SITE)
    assert Deployment.objects.get().release
    assert zipped(cloud) == set()


@each("error", [ImproperlyConfigured, RuntimeError, OperationalError])
def test_where_no_database_may_be_asked_files_go_plain(
    cloud: EmulatorServer, switch: Switch, error: type[Exception]
) -> None:
    """A project may have none; pytest-django refuses it with a RuntimeError."""

    def refuse(*_args: object) -> None:
        raise error

    switch("gzip")
    with connection.execute_wrapper(refuse):
        assert not sends_gzip(options_for("site"))
    assert cloud.journal == []


@pytest.mark.usefixtures("on")
def test_each_environment_needs_a_probe_of_its_own(cloud: EmulatorServer, dist: Path) -> None:
    found = run(dist, env=[ENV, "tenant-b"], using="site")
    assert "tenant-b: Nothing is sent as gzip" in found
    assert zipped(cloud) == ZIPPED
    assert bodies(cloud, "tenant-b") == SITE


@pytest.mark.usefixtures("on")
@pytest.mark.django_db(transaction=True)
def test_the_probe_lets_gzip_go(cloud: EmulatorServer, dist: Path) -> None:
    Fact.objects.all().delete()
    call_command("wx_doctor", probe=True, stdout=StringIO())
    deploy(dist)
    assert zipped(cloud) >= ZIPPED


@pytest.mark.usefixtures("on")
def test_a_media_save_stays_plain(cloud: EmulatorServer) -> None:
    default_storage.save("a.css", BytesIO(SITE["a.css"]))
    assert bodies(cloud) == {"a.css": SITE["a.css"]}


@pytest.mark.usefixtures("on")
def test_a_page_of_a_preview_gets_its_tag_and_then_is_packed(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, preview="menu", using="site")
    [page] = [each for key, each in cloud.objects().items() if key.endswith("/index.html")]
    assert b'name="robots"' in gzip.decompress(page.body)
    cloud.journal.clear()
    run(dist, preview="menu", using="site", verify=True)
    assert sent(cloud) == []
    assert "No difference" in run(preview="menu", using="site", diff=["live", "cloud"])


# --- once -------------------------------------------------------------------------------------


@each("mode", [("--trust-log",), ("--verify",)])
def test_switching_sends_what_changes_once(
    cloud: EmulatorServer, dist: Path, switch: Switch, mode: tuple[str, ...]
) -> None:
    cloud.reset()
    cloud.quirks.edge_gzip = "decoded"
    UploadLog.objects.all().delete()
    Deployment.objects.all().delete()
    switch("off")
    deploy(dist)
    for value in ("gzip", "off"):
        switch(value)
        cloud.journal.clear()
        deploy(dist, *mode)
        assert {*sent(cloud)} == ZIPPED
        assert zipped(cloud) == (ZIPPED if value == "gzip" else set())
        cloud.journal.clear()
        deploy(dist, *mode)
        assert sent(cloud) == []


@pytest.mark.usefixtures("on")
def test_another_way_to_pack_is_no_reason_to_send(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(dist)
    cloud.journal.clear()
    monkeypatch.setattr("wx_static_store.upload.as_sent.LEVEL", 1)
    deploy(dist, "--verify")
    assert sent(cloud) == []


@pytest.mark.usefixtures("on")
def test_what_somebody_else_wrote_is_sent_again(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    cloud.advance(9)
    cloud.put_object("a.css", SITE["a.css"])
    assert "changed" in run(dist, "--dry-run", using="site")
    cloud.journal.clear()
    deploy(dist)
    assert sent(cloud) == ["a.css"]


@pytest.mark.usefixtures("on")
def test_what_a_killed_run_left_without_rows_is_sent_once(
    cloud: EmulatorServer, dist: Path
) -> None:
    deploy(dist)
    UploadLog.objects.filter(key="a.css").delete()
    for expected in (["a.css"], []):
        cloud.journal.clear()
        deploy(dist)
        assert sent(cloud) == expected


@pytest.mark.usefixtures("on")
def test_a_changed_rule_sends_gzip_again(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    write(dist, {"_headers": b"/a.css\n  Content-Language: zh-CN\n"})
    cloud.journal.clear()
    deploy(dist)
    assert sent(cloud) == ["a.css"]
    assert zipped(cloud) == ZIPPED


def test_a_roll_back_to_a_release_from_before_packs_its_bytes(
    cloud: EmulatorServer, dist: Path, switch: Switch
) -> None:
    deploy(dist, "--label", "old")
    switch("gzip")
    write(dist, {"a.css": b"b { color: red }\n" * 200})
    deploy(dist)
    cloud.journal.clear()
    run("--rollback", "old", "--verify", using="site")
    assert sent(cloud) == ["a.css"]
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("on")
def test_damaged_kept_bytes_stop_a_roll_back_of_gzip(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    deploy(dist, "--label", "old")
    old = next(file for file in Release.objects.get().contents() if file.name == "a.css")
    write(dist, {"a.css": b"b { color: red }\n" * 200})
    deploy(dist)
    (tmp_path / "kept" / old.sha256[:2] / old.sha256[2:]).write_bytes(b"damaged")
    cloud.journal.clear()
    assert "a.css" in fails("--rollback", "old", using="site", code=2)
    assert sent(cloud) == []


# --- comparisons ------------------------------------------------------------------------------


@pytest.mark.usefixtures("on")
@each(("edge", "quirk"), [(e, q) for e in ("cdn", "eo") for q in ("decoded", "kept")])
def test_verify_takes_an_edge_that_decodes_and_one_that_does_not(
    cloud: EmulatorServer, dist: Path, edge: str, quirk: str
) -> None:
    cloud.quirks.update({"edge": edge, "edge_gzip": quirk})
    out = deploy(dist, "--verify")
    assert "verified: 5 files by the cloud's list, 1 page by the public site" in out
    assert ("sends Content-Encoding 'gzip' for index.html" in out) == (quirk == "kept")


@pytest.mark.usefixtures("on", "no_pauses")
def test_verify_finds_gzip_whose_header_is_lost(cloud: EmulatorServer, dist: Path) -> None:
    cloud.quirks.edge_gzip = "dropped"
    found = fails(dist, "--verify", using="site", code=1)
    assert f"the file here has {len(PAGE)} with" in found


@pytest.mark.usefixtures("on")
def test_a_release_is_the_same_as_its_gzip_in_the_cloud(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    assert "No difference: 5 files" in run(using="site", diff=["live", "cloud"])
    cloud.advance(9)
    cloud.put_object("a.css", b"other")
    found = fails(using="site", diff=["live", "cloud"], code=1)
    assert "a.css" in found
    assert "index.html" not in found


@pytest.mark.usefixtures("on")
def test_rows_that_changed_no_object_make_no_difference(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    write(dist, {"a.css": b"b { color: red }\n" * 200})
    refused = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    cloud.script({"on": "put_object", "key": "a.css", **refused})
    fails(dist, using="site", code=1)
    UploadLog.objects.filter(key="index.html").update(status=UploadStatus.UNKNOWN)
    call_command("wx_reconcile", fix=True, stdout=StringIO())
    assert drift.look("site", ENV).differs == 0
    assert "No difference: 5 files" in run(using="site", diff=["live", "cloud"])


@pytest.mark.usefixtures("on")
def test_gzip_in_place_warns_only_of_other_bytes(
    dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        deploy(dist)
    assert "under a name that pages keep" not in capsys.readouterr().err
    write(dist, {"a.css": b"b { color: red }\n" * 200})
    deploy(dist)
    assert "a.css changes under a name that pages keep" in capsys.readouterr().err


@pytest.mark.usefixtures("on")
@each("quirk", ["decoded", "kept"])
def test_a_storage_opens_the_plain_bytes(cloud: EmulatorServer, dist: Path, quirk: str) -> None:
    deploy(dist)
    cloud.quirks.edge_gzip = quirk
    with default_storage.open("a.css") as file:
        assert file.read() == SITE["a.css"]


@pytest.mark.usefixtures("on")
def test_a_storage_does_not_open_an_old_copy(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    cloud.quirks.update({"site_stale_seconds": 3600, "site_cache_busting": False})
    write(dist, {"a.css": b"b { color: red }\n" * 200})
    deploy(dist)
    with pytest.raises(IntegrityError, match="other bytes"):
        default_storage.open("a.css")


# --- a retry ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("on")
def test_a_retry_leaves_gzip_to_the_next_deploy(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    UploadLog.objects.filter(key="a.css").update(status=UploadStatus.UNKNOWN)
    [left] = retry_uploads(UploadLog.objects.filter(key="a.css"))
    assert str(left.reason).startswith("The public site serves other bytes by now, or none")
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("on")
def test_the_report_counts_the_bytes_that_are_sent(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    deploy(dist, "--json", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    size = sum(len(body) for body in bodies(cloud).values())
    assert report["environments"][0]["bytes"] == size < sum(map(len, SITE.values()))


@pytest.mark.usefixtures("on")
def test_an_environment_with_gzip_has_not_drifted(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    assert drift.look("site", ENV).is_clean
    cloud.advance(9)
    cloud.put_object("a.css", b"other")
    assert drift.look("site", ENV).differs == 1
    assert drift.look_and_repair("site", ENV).is_clean
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("on")
def test_a_repair_sends_gzip_again(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    cloud.delete_object("a.css")
    cloud.advance(99)
    cloud.journal.clear()
    UploadLog.objects.update(created=timezone.now() - timedelta(hours=1))
    run("--repair", using="site")
    assert sent(cloud) == ["a.css"]
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("on")
def test_a_deployment_that_failed_names_only_what_was_held_back(
    cloud: EmulatorServer, dist: Path
) -> None:
    deploy(dist)
    write(dist, {"noise.txt": NOISE[1:], "index.html": PAGE + b"<p>more"})
    refused = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    cloud.script({"on": "put_object", "key": "noise.txt", **refused})
    fails(dist, using="site", code=1)
    assert held_back_keys(Deployment.objects.latest("id")) == ["index.html"]


@pytest.mark.usefixtures("on")
def test_a_list_without_md5_leaves_it_to_size_and_row(cloud: EmulatorServer, dist: Path) -> None:
    cloud.quirks.list_md5 = "multipart"
    deploy(dist)
    cloud.journal.clear()
    deploy(dist, "--verify")
    assert sent(cloud) == []
    assert "No difference: 5 files" in run(using="site", diff=["live", "cloud"])


@pytest.mark.usefixtures("on", "no_last_put")
def test_rows_that_the_database_refused_cost_one_more_put(
    cloud: EmulatorServer, dist: Path
) -> None:
    with refusing_rows():
        run(dist, using="site")
    recorder.reset()
    for expected in (ZIPPED, set()):
        cloud.journal.clear()
        deploy(dist)
        assert {*sent(cloud)} == expected
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("on")
def test_without_rows_no_object_is_taken_for_the_gzip(cloud: EmulatorServer, dist: Path) -> None:
    deploy(dist)
    cloud.put_object("a.css", b"other")
    cloud.journal.clear()
    with lost_table(UploadLog):
        run(dist, using="site")
    assert {*sent(cloud)} == ZIPPED


def test_a_tree_that_is_live_for_long_is_packed_when_gzip_is_switched_on(
    cloud: EmulatorServer, dist: Path, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = cloud.state._clock
    monkeypatch.setattr(cloud.state, "_clock", lambda: clock() - 3600)
    deploy(dist)
    switch("gzip")
    deploy(dist)
    assert zipped(cloud) == ZIPPED


# --- collectstatic ----------------------------------------------------------------------------


@pytest.mark.usefixtures("on")
def test_collectstatic_packs_all_but_the_manifest(
    cloud: EmulatorServer, settings: Any, tmp_path: Path
) -> None:
    css = b"p { color: green }\n" * 200
    write(tmp_path / "source", {f"{number}.css": css for number in range(40)})
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    for expected in (81, 0):
        cloud.journal.clear()
        call_command("collectstatic", interactive=False, stdout=StringIO())
        assert len(sent(cloud)) == expected
    plain = {k for k, each in cloud.objects().items() if "Content-Encoding" not in each.headers}
    assert plain == {"static/staticfiles.json"}


@pytest.mark.usefixtures("on")
@each("md5", [None, ""])
def test_no_retry_sends_plain_bytes_as_gzip(
    cloud: EmulatorServer, settings: Any, tmp_path: Path, md5: str | None
) -> None:
    """A row has no MD5 if the second try of a large file was broken off."""
    write(tmp_path / "source", {"a.css": SITE["a.css"]})
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    call_command("collectstatic", interactive=False, stdout=StringIO())
    rows = UploadLog.objects.filter(name="a.css")
    rows.update(status=UploadStatus.FAILED, **({} if md5 is None else {"md5": md5}))
    assert {bool(left.reason) for left in retry_uploads(rows, replaces=True)} == {True}
    assert b"color" not in cloud.objects()[rows[0].key].body


# --- what is not taken for gzip of ours -------------------------------------------------------


@pytest.mark.usefixtures("on")
def test_a_file_that_changed_while_it_was_sent_is_not_taken_for_what_it_was(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    css, put = dist / "a.css", Uploader.send

    def change_first(self: Uploader, *args: Any) -> Any:
        css.write_bytes(css.read_bytes().replace(b"green", b"black"))
        return put(self, *args)

    monkeypatch.setattr(Uploader, "send", change_first)
    fails(dist, using="site", code=1)
    monkeypatch.undo()
    css.write_bytes(SITE["a.css"])
    deploy(dist, "--verify")
    assert zipped(cloud) == ZIPPED


@pytest.mark.usefixtures("cloud")
@each("quirk", ["kept", "decoded", "plain"])
def test_a_page_that_somebody_else_packed_is_verified(
    cloud: EmulatorServer, dist: Path, quirk: str
) -> None:
    cloud.quirks.edge_gzip = quirk
    packed = {"index.html": gzip.compress(PAGE), "_headers": b"/*.html\n  Content-Encoding: gzip\n"}
    write(dist, packed)
    deploy(dist, "--verify")
    with default_storage.open("index.html") as file:
        assert file.read() == PAGE


@pytest.mark.usefixtures("on")
def test_environments_without_a_probe_share_one_line(dist: Path) -> None:
    Fact.objects.all().delete()
    assert run(dist, env=[ENV, "tenant-b"], using="site").count("Nothing is sent as gzip") == 1


@pytest.mark.usefixtures("on")
def test_environments_whose_probe_saw_that_gzip_fails_share_one_line(dist: Path) -> None:
    for env in (ENV, "tenant-b"):
        Fact.objects.remember(env, {"gzip": "kept"})
    assert run(dist, env=[ENV, "tenant-b"], using="site").count("Nothing is sent as gzip") == 1


@pytest.mark.usefixtures("cloud")
def test_packing_ends_at_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file takes seconds, after which the command would be ended without its report."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    item = as_gzip(options_for("site"), hashed(UploadItem("a.css", lambda: BytesIO(bytes(9999)))))
    monkeypatch.setattr("wx_static_store.core.interrupts.check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        item.open()
