"""After a deploy: what the cloud holds, and what the public domain serves."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import md5
from io import BytesIO
from typing import Any

import pytest

from tests.conftest import ENV
from tests.deploys import bodies, deploy, sent
from wx_static_store.core.retry import Clock
from wx_static_store.core.types import DELETED, RemoteFile, UploadContext, UploadItem, UploadResult
from wx_static_store.deploy.plan import hash_items
from wx_static_store.deploy.verify import (
    CDN_SECONDS,
    PAGES,
    Mismatch,
    Verification,
    blank,
    find_stale,
    sweep,
    uploads_among,
    verify,
)
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, NameRejected, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.upload.recorder import Recorder
from wx_static_store.upload.uploader import Uploader, get_uploader
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db

CONTEXT = UploadContext(source="test", source_ref="v1")
SITE = {"index.html": b"<h1>Tea</h1>", "a.js": b"brew()", "d/b.css": b"body{}"}


def tree(files: dict[str, bytes]) -> list[UploadItem]:
    return hash_items(
        UploadItem(name, open=lambda content=content: BytesIO(content))  # type: ignore[misc]
        for name, content in files.items()
    )


def verified(uploader: Uploader, items: list[UploadItem]) -> Verification:
    with WorkerPool(uploader.options.max_workers) as pool:
        return verify(uploader, items, sweep(uploader), pool)


def mismatches(uploader: Uploader, items: list[UploadItem]) -> Sequence[Mismatch]:
    return verified(uploader, items).mismatches


def digest(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return server


@pytest.fixture
def uploader(cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Uploader:
    """Its pauses move the emulator's clock instead of this test's."""
    uploader = get_uploader()
    monkeypatch.setattr(uploader.store, "clock", Clock(sleep=cloud.advance))
    return uploader


def blanked(
    uploader: Uploader, files: Iterable[RemoteFile], *, held_back: int = 0
) -> list[UploadResult]:
    """How each fared that was not held back."""
    results: list[UploadResult] = []
    recorder = Recorder(CONTEXT)
    with WorkerPool(uploader.options.max_workers) as pool:
        assert blank(uploader, [*files], recorder, pool, results.append) == held_back
    assert recorder.close()
    return results


def lay_down(cloud: EmulatorServer, files: dict[str, bytes]) -> None:
    for key, content in files.items():
        cloud.put_object(key, content)


# --- what the list shows ----------------------------------------------------------------------


def test_verify_finds_nothing_after_a_deploy(uploader: Uploader) -> None:
    items = tree(SITE)
    deploy(uploader, items)
    assert mismatches(uploader, items) == []


def test_verify_counts_the_files_that_were_compared_and_the_pages_that_were_fetched(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Neither a file that cannot be read, nor a page that the list has reported."""
    lay_down(cloud, SITE)
    items = [*tree(SITE | {"other.html": b"2"}), UploadItem("gone.js", open=BytesIO)]
    found = verified(uploader, items)
    assert (found.files, found.pages) == (4, 1)
    assert [mismatch.key for mismatch in found.mismatches] == ["other.html", "gone.js"]


def test_an_object_that_is_missing_is_found(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE)
    cloud.delete_object("a.js")
    assert mismatches(uploader, tree(SITE)) == [Mismatch("a.js", "it is not in the cloud")]


def test_a_deleted_object_is_missing(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE | {"a.js": DELETED})
    assert [found.key for found in mismatches(uploader, tree(SITE))] == ["a.js"]


def test_an_object_of_another_size_is_reported_with_both_sizes(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    lay_down(cloud, SITE | {"a.js": b"brew();"})
    assert mismatches(uploader, tree(SITE)) == [Mismatch("a.js", "7 bytes in the cloud, 6 here")]


def test_an_object_with_other_bytes_is_reported_by_its_md5(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    there, here = b"BREW()", SITE["a.js"]
    lay_down(cloud, SITE | {"a.js": there})
    shown = f"MD5 {digest(there)} in the cloud, {digest(here)} here"
    assert mismatches(uploader, tree(SITE)) == [Mismatch("a.js", shown)]


def test_verify_compares_sizes_and_says_so_where_the_list_has_no_md5(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.quirks.list_md5 = "multipart"
    lay_down(cloud, SITE | {"a.js": b"BREW()", "old.js": b"1"})
    assert mismatches(uploader, tree(SITE)) == []
    assert f"The list of {ENV} shows no MD5 of 3 files" in caplog.text


def test_verify_has_no_note_where_the_list_has_md5s(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    lay_down(cloud, SITE)
    mismatches(uploader, tree(SITE))
    assert caplog.text == ""


def test_a_file_that_cannot_be_read_is_found(cloud: EmulatorServer, uploader: Uploader) -> None:
    def gone() -> Any:
        raise FileNotFoundError("a.js")

    lay_down(cloud, SITE)
    items = hash_items([UploadItem("a.js", open=gone)])
    (found,) = mismatches(uploader, items)
    assert "not compared" in found.what


def test_a_name_that_cannot_be_a_key_is_found(uploader: Uploader) -> None:
    assert [found.key for found in mismatches(uploader, tree({"a\x1b.js": b"1"}))] == ["a\x1b.js"]


def test_an_error_of_the_list_is_raised(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": -501000})
    with pytest.raises(WxStaticStoreError, match="-501000"):
        mismatches(uploader, tree(SITE))


def test_a_name_in_another_normal_form_is_the_same_key(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """As the disks of a Mac give it."""
    name = "café/menü.js"
    lay_down(cloud, {name: b"1"})
    assert mismatches(uploader, tree({unicodedata.normalize("NFD", name): b"1"})) == []


def test_headers_that_the_site_sends_otherwise_are_a_note_and_no_mismatch(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, tree(SITE))
    assert verified(uploader, tree(SITE)).notes == []
    cloud.quirks.cdn_cache_control = "max-age=60"
    found = verified(uploader, tree(SITE))
    assert found.mismatches == []
    (note,) = found.notes
    assert note.startswith("The site sends Cache-Control 'max-age=60' for index.html, not 'public")


def test_a_header_of_the_site_cannot_control_the_terminal(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, tree(SITE))
    cloud.quirks.cdn_cache_control = "max-age=60\x1b[2J"
    (note,) = verified(uploader, tree(SITE)).notes
    assert r"'max-age=60\x1b[2J'" in note


# --- what the public domain serves ------------------------------------------------------------


def test_a_page_whose_old_copy_is_served_gets_a_second_look(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.quirks.site_cache_busting = False
    cloud.quirks.site_stale_seconds = CDN_SECONDS / 2
    lay_down(cloud, {"index.html": b"old"})
    lay_down(cloud, SITE)
    assert mismatches(uploader, tree(SITE)) == []
    assert len(cloud.calls("get_object")) == 2


def test_a_page_that_stays_old_is_found_with_both_digests(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.quirks.site_cache_busting = False
    cloud.quirks.site_stale_seconds = 600
    lay_down(cloud, {"index.html": b"old"})
    lay_down(cloud, SITE)
    (found,) = mismatches(uploader, tree(SITE))
    page = SITE["index.html"]
    assert found.key == "index.html"
    assert f"{cloud.site_url()}/index.html serves 3 bytes with the MD5 {digest(b'old')}" in (
        found.what
    )
    assert f"{len(page)} with {digest(page)}" in found.what


def test_a_question_past_the_cdn_sees_the_new_page(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.quirks.site_stale_seconds = 600
    lay_down(cloud, {"index.html": b"old"})
    lay_down(cloud, SITE)
    assert mismatches(uploader, tree(SITE)) == []
    assert len(cloud.calls("get_object")) == 1


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ({"do": "status", "status": 404}, "is not there (404)"),
        ({"do": "status", "status": 500}, "http status 500"),
        ({"do": "status", "status": 403}, "http status 403"),
        ({"do": "redirect"}, "http status 302"),
        ({"do": "reset"}, "The answer never came"),
        ({"do": "short_body"}, "shorter than announced"),
    ],
)
def test_a_page_that_is_not_served_is_found(
    cloud: EmulatorServer, uploader: Uploader, fault: dict[str, Any], shown: str
) -> None:
    lay_down(cloud, SITE)
    cloud.script({"on": "get_object", "times": None, **fault})
    (found,) = mismatches(uploader, tree(SITE))
    assert found.key == "index.html"
    assert shown in found.what


def test_a_page_that_fails_once_is_no_mismatch(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE)
    cloud.script({"on": "get_object", "do": "status", "status": 500})
    assert mismatches(uploader, tree(SITE)) == []


def test_only_wrong_pages_get_a_second_look(cloud: EmulatorServer, uploader: Uploader) -> None:
    pages = {f"{number}.html": b"%d" % number for number in range(5)}
    lay_down(cloud, pages)
    cloud.script({"on": "get_object", "key": "3.html", "do": "status", "status": 404})
    mismatches(uploader, tree(pages))
    assert [call.key for call in cloud.calls("get_object")][5:] == ["3.html"]


def test_only_pages_are_looked_at(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE)
    mismatches(uploader, tree(SITE))
    assert [call.key for call in cloud.calls("get_object")] == ["index.html"]


def test_of_many_pages_the_indexes_come_first(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 1})
    pages = {f"a/{number:02}.html": b"1" for number in range(PAGES)}
    pages |= {"a/index.html": b"2", "index.html": b"3", "0.html": b"4"}
    lay_down(cloud, pages)
    mismatches(get_uploader(), tree(pages))
    asked = [call.key for call in cloud.calls("get_object")]
    assert asked[:4] == ["index.html", "a/index.html", "0.html", "a/00.html"]
    assert len(asked) == PAGES


def test_pages_are_looked_at_in_parallel(cloud: EmulatorServer, uploader: Uploader) -> None:
    pages = {f"{number}.html": b"1" for number in range(5)}
    lay_down(cloud, pages)
    cloud.script({"on": "get_object", "do": "delay", "seconds": 0.3, "late": True, "times": None})
    mismatches(uploader, tree(pages))
    assert cloud.busiest > 1


def test_a_page_that_the_list_already_reported_is_not_fetched(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    (found,) = mismatches(uploader, tree({"index.html": b"1"}))
    assert found.key == "index.html"
    assert cloud.calls("get_object") == []


def test_a_tree_without_pages_needs_no_address(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, {"a.js": b"1"})
    mismatches(uploader, tree({"a.js": b"1"}))
    assert [call.name for call in cloud.calls()] == ["staticfilelist"]


def test_an_unknown_address_is_raised(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE)
    empty = {"on": "describestaticstore", "do": "merge", "json": {"Data": None}}
    cloud.script(empty | {"times": None})
    with pytest.raises(ConfigurationError, match="not enabled"):
        mismatches(uploader, tree(SITE))
    assert len(cloud.calls("describestaticstore")) == 1


# --- what is there and not in the tree --------------------------------------------------------


def keys(files: Any) -> list[str]:
    return [file.key for file in files]


def test_an_object_that_the_tree_lacks_is_stale(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE | {"old.js": b"1", "d/old.css": b"2"})
    assert keys(find_stale(sweep(uploader), tree(SITE), uploader)) == ["d/old.css", "old.js"]


@pytest.mark.parametrize(
    "key", ["staticfiles.json", "app/staticfiles.json", "MP_verify_a1B2.txt", "WW_verify_a1B2.txt"]
)
def test_files_that_belong_to_no_tree_are_not_stale(
    cloud: EmulatorServer, uploader: Uploader, key: str
) -> None:
    lay_down(cloud, {key: b"1"})
    assert find_stale(sweep(uploader), tree(SITE), uploader) == []


@pytest.mark.parametrize("prefix", ["app", "app/"])
def test_a_prefix_of_stale_files_is_a_folder(configure: Any, prefix: str) -> None:
    cloud = configure(WX_STATIC_STORE={"LOCATION": "static"})
    uploader = get_uploader()
    others = ["app.js", "static/a.js", "static/apple/a.js", "static/app.js", "app/a.js"]
    lay_down(cloud, dict.fromkeys(["static/app/old.js", *others], b"1"))
    assert keys(find_stale(sweep(uploader, prefix), [], uploader)) == ["static/app/old.js"]


def test_an_object_outside_the_location_is_not_stale(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"LOCATION": "static"})
    lay_down(cloud, {"media/a.png": b"1", "static/old.js": b"2"})
    everything = {file.key: file for file in get_uploader().store.sweep("")}
    assert keys(find_stale(everything, [], get_uploader())) == ["static/old.js"]


def test_a_prefix_that_cannot_be_one_is_refused(uploader: Uploader) -> None:
    with pytest.raises(NameRejected):
        sweep(uploader, "../elsewhere")


def test_many_files_are_listed_in_pages(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, {f"{number}.js": b"1" for number in range(7)})
    cloud.quirks.page_size = 3
    assert len(sweep(uploader)) == 7


# --- what people uploaded ---------------------------------------------------------------------


def uploaded(key: str, *sources: str) -> None:
    """Make a row for each source, the newest last."""
    for source in sources:
        item = UploadItem(key, open=lambda: BytesIO(b"1"))
        get_uploader().upload(item, UploadContext(source))


def by_people(*keys: str, certain: bool = True) -> set[str]:
    return uploads_among(ENV, keys, certain=certain)


@pytest.mark.parametrize(
    ("sources", "is_upload"),
    [
        (["api"], True),
        (["admin"], True),
        (["storage"], True),
        (["a_program_of_the_project"], True),
        (["wx_deploy"], False),
        (["collectstatic"], False),
        (["wx_rollout"], False),
        (["admin_deploy"], False),
        (["wx_deploy", "api"], True),
        (["api", "wx_deploy"], False),
        # what only repeats an upload does not say whose it is
        (["api", "retry"], True),
        (["api", "list", "retry", "reconcile"], True),
        (["wx_deploy", "retry"], False),
        (["list"], False),
        ([], False),
    ],
)
def test_an_object_that_no_deploy_wrote_last_is_an_upload(
    cloud: EmulatorServer, sources: list[str], is_upload: bool
) -> None:
    uploaded("price.pdf", *sources)
    assert by_people("price.pdf") == ({"price.pdf"} if is_upload else set())


def test_a_deploy_that_failed_hides_no_upload(cloud: EmulatorServer) -> None:
    """What it could not replace is still what somebody uploaded."""
    uploaded("price.pdf", "admin", "wx_deploy")
    UploadLog.objects.filter(source="wx_deploy").update(status="failed")
    assert by_people("price.pdf") == {"price.pdf"}


def test_an_object_in_the_upload_folder_counts_as_an_upload_without_a_row(configure: Any) -> None:
    """In whichever store: its own folder for uploads, below its location."""
    media = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(
        STORAGES={"default": media, "shop": media | {"OPTIONS": {"location": "shop"}}},
        WX_STATIC_STORE={"UPLOAD_LOCATION": "from-people"},
    )
    uploaded("from-people/swept.txt", "wx_deploy")
    keys = ["from-people/a.txt", "shop/from-people/b.txt", "from-people/swept.txt"]
    assert by_people(*keys, "a.txt", "shop/b.txt", "uploads/c.txt") == {*keys}


def test_an_upload_to_another_environment_says_nothing_of_this_one(cloud: EmulatorServer) -> None:
    item = UploadItem("price.pdf", open=lambda: BytesIO(b"1"))
    get_uploader(env="tenant-b").upload(item, UploadContext("api"))
    assert by_people("price.pdf") == set()


def test_without_a_log_it_is_uncertain_what_people_uploaded(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "wx_static_store.deploy.verify.in_database", lambda work, otherwise: otherwise
    )
    with pytest.raises(ConfigurationError, match="--include-uploads"):
        by_people("uploads/a.txt", "b.txt")
    assert by_people("uploads/a.txt", "b.txt", certain=False) == {"uploads/a.txt"}


# --- blanking ---------------------------------------------------------------------------------


def test_a_blanked_object_holds_the_marker(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE | {"old.html": b"old", "keep.me": b"1"})
    blanked(uploader, [sweep(uploader)["old.html"]])
    found = cloud.objects()["old.html"]
    assert found.body == DELETED
    assert (found.headers["Content-Type"], found.headers["Cache-Control"]) == (
        "text/plain",
        "no-store",
    )
    assert cloud.objects()["keep.me"].body == b"1"


def test_a_blanked_object_is_no_longer_stale(cloud: EmulatorServer, uploader: Uploader) -> None:
    lay_down(cloud, SITE | {"old.html": b"old"})
    results = blanked(uploader, find_stale(sweep(uploader), tree(SITE), uploader))
    assert [result.status for result in results] == ["stored"]
    assert find_stale(sweep(uploader), tree(SITE), uploader) == []


def test_each_blanked_object_is_a_row(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"LOCATION": "static"})
    lay_down(cloud, {"static/a.js": b"1", "static/b.js": b"2"})
    blanked(get_uploader(), sweep(get_uploader()).values())
    rows = UploadLog.objects.order_by("key").values_list("key", "status", "md5", "source")
    marker = digest(DELETED)
    assert list(rows) == [
        ("static/a.js", "stored", marker, "test"),
        ("static/b.js", "stored", marker, "test"),
    ]


def test_a_blanked_name_is_sent_again_when_the_tree_has_it_again(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, tree(SITE))
    blanked(uploader, [sweep(uploader)["a.js"]])
    deploy(uploader, tree(SITE))
    assert cloud.objects()["a.js"].body == SITE["a.js"]


def test_a_file_that_cannot_be_blanked_is_a_failed_result(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    lay_down(cloud, {"a.js": b"1", "b.js": b"2"})
    cloud.script({"on": "staticuploadfile", "key": "a.js", "do": "errcode", "errcode": 40097})
    results = blanked(uploader, sweep(uploader).values())
    assert {result.key: result.status for result in results} == {"a.js": "failed", "b.js": "stored"}


def test_pages_are_blanked_before_what_they_may_name(configure: Any) -> None:
    """A page that is still there must never name an object that is gone."""
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 8})
    lay_down(cloud, {"a.css": b"1", "b.html": b"2", "c.js": b"3", "d/e.htm": b"4"})
    cloud.script({"on": "put_object", "key": "d/e.htm", "do": "delay", "seconds": 0.3})
    blanked(get_uploader(), sweep(get_uploader()).values())
    assert {*sent(cloud)[:2]} == {"b.html", "d/e.htm"}
    assert {found.body for found in cloud.objects().values()} == {DELETED}


@pytest.mark.parametrize("how", ["refused", "not tried", "of the console"])
def test_a_page_that_cannot_be_blanked_holds_back_all_other_files(
    cloud: EmulatorServer, uploader: Uploader, how: str
) -> None:
    page = unicodedata.normalize("NFD", "menü.html") if how == "of the console" else "menu.html"
    errcode = 40001 if how == "not tried" else 40097  # no token, so the rest is not tried
    if how != "of the console":
        cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": errcode, "times": None})
    files = SITE | {page: b"<script src=a.js></script>"}
    lay_down(cloud, files)
    blanked(uploader, sweep(uploader).values(), held_back=2)
    stored = bodies(cloud)
    assert {name for name in files if stored[name] == files[name]} >= {"a.js", "d/b.css", page}


def test_a_key_in_another_normal_form_does_not_blank_the_live_file(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """The console can write it; our own spelling of the name is another object."""
    ours = "menü.html"
    foreign = unicodedata.normalize("NFD", ours)
    lay_down(cloud, {ours: b"live", foreign: b"old"})
    found = find_stale(sweep(uploader), tree({ours: b"live"}), uploader)
    (result,) = blanked(uploader, found)
    assert result.key == foreign
    assert result.status == "failed"
    assert "console" in str(result.error)
    assert cloud.objects()[ours].body == b"live"
    assert UploadLog.objects.get().status == "failed"
