"""`collectstatic` with our two storages, over the admin's and DRF's real files."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.utils.translation import override

from tests.conftest import ENV, slow_but
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.staticfiles import WxManifestStaticFilesStorage

pytestmark = pytest.mark.django_db

PLAIN = "wx_static_store.staticfiles.WxStaticFilesStorage"
MANIFEST = "wx_static_store.staticfiles.WxManifestStaticFilesStorage"


class Site:
    """A project's static files: a small front end, or those of its apps."""

    def __init__(self, configure: Any, folder: Path) -> None:
        self.configure, self.folder = configure, folder
        self.cloud: EmulatorServer
        self.age = 0

    def use(self, backend: str = MANIFEST, *, apps: bool = False, **options: Any) -> EmulatorServer:
        staticfiles = {"BACKEND": backend, "OPTIONS": {"location": "static", **options}}
        finders = ["AppDirectories"] if apps else ["FileSystem"]
        self.cloud = self.configure(
            STORAGES={"staticfiles": staticfiles},
            STATICFILES_DIRS=[] if apps else [str(self.folder)],
            STATICFILES_FINDERS=[f"django.contrib.staticfiles.finders.{f}Finder" for f in finders],
        )
        return self.cloud

    def write(self, **files: str) -> None:
        """`a_css="…"` writes ``a.css``."""
        for name, content in files.items():
            path = self.folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            self.age += 2  # collectstatic compares whole seconds
            os.utime(path, (time.time() + self.age,) * 2)

    def collect(self, **options: Any) -> Counter[str]:
        """Run collectstatic; the calls it made, by name."""
        before = len(self.cloud.journal)
        call_command("collectstatic", interactive=False, verbosity=0, **options)
        return Counter(entry.name for entry in self.cloud.journal[before:])

    @property
    def keys(self) -> set[str]:
        return {key.removeprefix("static/") for key in self.cloud.objects()}


@pytest.fixture
def site(configure: Any, tmp_path: Path) -> Site:
    folder = tmp_path / "front"
    folder.mkdir()
    site = Site(configure, folder)
    site.write(
        a_css='body { background: url("b.svg") }',
        b_svg="<svg xmlns='http://www.w3.org/2000/svg'/>",
        c_js="export {}",
        index_html="<link rel=stylesheet href=a.css>",
    )
    return site


def local_files() -> dict[str, bytes]:
    root = Path(staticfiles_storage.location)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


# --- the whole job ----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", slow_but([PLAIN, MANIFEST], MANIFEST))
def test_real_files_arrive_byte_for_byte_with_one_link_and_one_put_each(
    site: Site, backend: str
) -> None:
    cloud = site.use(backend, apps=True)
    calls = site.collect()
    stored = {key.removeprefix("static/"): o.body for key, o in cloud.objects().items()}
    assert stored == local_files()
    assert len(stored) > 150
    sent = {"staticuploadfile": len(stored), "put_object": len(stored)}
    assert calls == sent | {"staticfilelist": 1}


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST])
def test_a_second_run_asks_for_the_list_and_sends_nothing(site: Site, backend: str) -> None:
    site.use(backend)
    site.collect()
    assert site.collect() == {"staticfilelist": 1}


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST])
def test_a_second_run_that_trusts_the_log_makes_no_call_at_all(site: Site, backend: str) -> None:
    site.use(backend, trust_log=True)
    assert "staticfilelist" not in site.collect()
    assert site.collect() == {}


def test_what_somebody_else_overwrote_is_sent_again(site: Site) -> None:
    cloud = site.use()
    site.collect()
    before = cloud.objects()["static/c.js"].body
    cloud.put_object("static/c.js", b"somebody else's")
    assert site.collect()["put_object"] == 1
    assert cloud.objects()["static/c.js"].body == before


def test_a_list_that_fails_is_a_warning_and_the_log_decides(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = site.use()
    site.collect()
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    assert site.collect()["put_object"] == 0
    assert caplog.text.count("The list could not be read") == 1


def test_one_changed_file_sends_only_what_depends_on_it(site: Site) -> None:
    cloud = site.use()
    site.collect()
    sent = len(cloud.journal)
    site.write(b_svg="<svg xmlns='http://www.w3.org/2000/svg' id='new'/>")
    site.collect()
    changed = [entry.key for entry in cloud.journal[sent:] if entry.name == "put_object"]
    names = [str(key).removeprefix("static/").split(".")[0] for key in changed]
    # the picture and its hashed copy, the style sheet that names it, and the manifest
    assert sorted(names) == ["a", "b", "b", "staticfiles"]


def test_collectstatic_sends_files_in_parallel(site: Site) -> None:
    cloud = site.use(max_workers=8)
    cloud.quirks.latency_put = 0.05
    site.collect()
    assert cloud.busiest > 2


def test_one_worker_sends_one_file_at_a_time(site: Site) -> None:
    cloud = site.use(max_workers=1)
    site.collect()
    # the emulator may still be busy with the end of an answer when the next request comes
    assert cloud.busiest <= 2


def test_a_dry_run_sends_nothing(site: Site) -> None:
    site.use()
    assert site.collect(dry_run=True) == {}
    assert site.keys == set()


def test_collectstatic_with_no_post_process_publishes_nothing(site: Site) -> None:
    site.use()
    assert site.collect(post_process=False) == {}


def test_hashed_and_plain_names_are_published(site: Site) -> None:
    site.use()
    site.collect()
    hashed = {staticfiles_storage.stored_name(name) for name in ("a.css", "b.svg", "c.js")}
    assert {"a.css", "b.svg", "c.js", "index.html", "staticfiles.json"} | hashed <= site.keys


def test_keep_only_hashed_publishes_the_hashed_names(site: Site) -> None:
    site.use(keep_only_hashed=True)
    site.collect()
    assert site.keys == {*staticfiles_storage.hashed_files.values(), "staticfiles.json"}


def test_intermediate_hashed_files_are_not_sent(site: Site) -> None:
    """Django hashes a style sheet again when what it names got its own hash."""
    site.use()
    site.collect()
    assert len([key for key in site.keys if key.startswith("a.")]) == 2


# --- headers and addresses --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type", "cache_control"),
    [
        ("a.css", "text/css; charset=utf-8", "public, max-age=300"),
        ("c.js", "text/javascript; charset=utf-8", "public, max-age=300"),
        ("b.svg", "image/svg+xml; charset=utf-8", "public, max-age=300"),
        ("index.html", "text/html; charset=utf-8", "no-cache"),
        ("staticfiles.json", "application/json; charset=utf-8", "no-cache"),
    ],
)
def test_content_type_and_cache_control_depend_on_the_name(
    site: Site, name: str, content_type: str, cache_control: str
) -> None:
    cloud = site.use()
    site.collect()
    headers = cloud.objects()[f"static/{name}"].headers
    assert (headers["Content-Type"], headers["Cache-Control"]) == (content_type, cache_control)


def test_hashed_names_are_immutable(site: Site) -> None:
    cloud = site.use()
    site.collect()
    headers = cloud.objects()["static/" + staticfiles_storage.stored_name("a.css")].headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_changed_cache_rules_send_the_files_again(site: Site) -> None:
    site.use()
    site.collect()
    cloud = site.use(cache_control=[("*.js", "no-store")])
    site.collect()
    assert cloud.objects()["static/c.js"].headers["Cache-Control"] == "no-store"


def test_static_urls_lead_to_the_hosted_file(site: Site) -> None:
    import requests

    site.use()
    site.collect()
    with requests.get(staticfiles_storage.url("a.css"), timeout=5) as answer:
        assert staticfiles_storage.stored_name("b.svg") in answer.text


def test_static_urls_are_quoted_once(site: Site) -> None:
    import requests

    (site.folder / "文 档 100%.txt").write_text("x")
    site.use()
    site.collect()
    url = staticfiles_storage.url("文 档 100%.txt")
    assert "%25" in url
    assert "%2525" not in url
    with requests.get(url, timeout=5) as answer:
        assert answer.text == "x"


@pytest.mark.parametrize("rest", ["?v=1", "#icon", "?v=1#icon", "?#iefix"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_query_and_a_fragment_stay_as_they_are(
    site: Site, settings: Any, rest: str, debug: bool
) -> None:
    site.use()
    site.collect()
    settings.DEBUG = debug
    assert staticfiles_storage.url("a.css" + rest).endswith(".css" + rest)


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST])
def test_a_decomposed_name_is_found_at_its_address(site: Site, backend: str) -> None:
    import requests

    (site.folder / "e\u0301.txt").write_text("x")
    site.use(backend)
    site.collect()
    with requests.get(staticfiles_storage.url("e\u0301.txt"), timeout=5) as answer:
        assert answer.text == "x"


def test_a_url_with_base_url_needs_no_call(site: Site) -> None:
    cloud = site.use(PLAIN, base_url="https://cdn.example.com")
    assert staticfiles_storage.url("a b.css") == "https://cdn.example.com/static/a%20b.css"
    assert cloud.journal == []


def test_an_absolute_static_url_is_the_whole_address(site: Site, settings: Any) -> None:
    site.use(PLAIN)
    settings.STATIC_URL = "https://cdn.example.com/x/"
    assert staticfiles_storage.url("a.css") == "https://cdn.example.com/x/a.css"


# --- the line that says what was published ------------------------------------------------------


def published(site: Site, **options: Any) -> list[str]:
    """Run collectstatic; return its lines on what was published."""
    out = StringIO()
    call_command("collectstatic", interactive=False, stdout=out, stderr=out, **options)
    return [line for line in out.getvalue().splitlines() if line.startswith(("Pub", "已发布"))]


@pytest.mark.parametrize(
    ("backend", "options", "objects"),
    [(PLAIN, {}, 4), (MANIFEST, {}, 9), (MANIFEST, {"keep_only_hashed": True}, 5)],
    ids=["plain", "manifest", "only hashed"],
)
def test_collectstatic_says_what_it_published_and_where(
    site: Site, backend: str, options: dict[str, Any], objects: int
) -> None:
    cloud = site.use(backend, base_url="https://www.example.com", **options)
    where = "to https://www.example.com/static/"
    assert published(site) == [f"Published 4 files ({objects} objects), 0 unchanged, {where}"]
    assert len(cloud.objects()) == objects
    assert published(site) == [f"Published 0 files (0 objects), 4 unchanged, {where}"]


def test_what_was_published_is_said_in_chinese(site: Site) -> None:
    site.use(base_url="https://www.example.com")
    with override("zh-hans"):
        assert published(site) == [
            "已发布 4 个文件（9 个对象），未变化 0，地址：https://www.example.com/static/"
        ]


def test_a_changed_file_is_published_with_what_depends_on_it(site: Site) -> None:
    site.use()
    site.collect()
    site.write(b_svg="<svg/>")
    # b.svg and its copy, the copy of a.css, the manifest
    assert published(site)[0].startswith("Published 2 files (4 objects), 2 unchanged, ")


def test_an_address_that_is_not_known_costs_no_call(site: Site) -> None:
    cloud = site.use(PLAIN)
    assert published(site)[0].endswith(f", to {ENV}")
    assert cloud.calls("describestaticstore") == []


def test_what_the_log_alone_calls_unchanged_is_said_to_be_so(site: Site) -> None:
    site.use(PLAIN, trust_log=True)
    site.collect()
    assert "4 unchanged by the log alone" in published(site)[0]


@pytest.mark.parametrize("options", [{"dry_run": True}, {"post_process": False}])
def test_a_run_that_publishes_nothing_says_nothing(site: Site, options: dict[str, Any]) -> None:
    site.use()
    assert published(site, **options) == []


def test_a_quiet_run_prints_nothing(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    site.use()
    site.collect()
    assert capfd.readouterr() == ("", "")


def test_a_run_that_fails_prints_the_error_instead(site: Site) -> None:
    refuse(site.use(), "static/c.js")
    out = StringIO()
    with pytest.raises(CommandError, match="failed 1,"):
        call_command("collectstatic", interactive=False, stdout=out)
    assert "Published" not in out.getvalue()


def test_post_process_without_a_command_prints_nothing(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    cloud = site.use(PLAIN)
    call_command("collectstatic", interactive=False, verbosity=0, post_process=False)
    assert list(staticfiles_storage.post_process({"a.css": None})) == []
    assert "static/a.css" in cloud.objects()
    assert capfd.readouterr() == ("", "")


# --- when it goes wrong -----------------------------------------------------------------------


def refuse(cloud: EmulatorServer, key: str, errcode: int = 40097) -> None:
    cloud.script(
        {"on": "staticuploadfile", "key": key, "do": "errcode", "errcode": errcode, "errmsg": "no",
         "times": None}
    )  # fmt: skip


def failure_of(site: Site) -> str:
    with pytest.raises(CommandError) as caught:
        site.collect()
    return str(caught.value)


def test_an_asset_that_fails_holds_back_html_and_manifest_only(site: Site) -> None:
    cloud = site.use(PLAIN)
    refuse(cloud, "static/c.js")
    failure_of(site)
    assert site.keys == {"a.css", "b.svg"}


def test_the_error_names_each_file_with_errcode_and_hint_and_the_counts(site: Site) -> None:
    cloud = site.use()
    refuse(cloud, "static/c.*js")
    text = failure_of(site)
    assert {"c.js", "c.da5d39a83fcf.js"} <= {*re.split("[ ,:()]+", text)}
    assert "errcode 40097" in text
    assert "compare the environment id" in text
    # a.css, b.svg, their hashed copies are stored; index.html, its copy and the manifest wait
    assert "stored 4, unchanged 0, failed 2, unknown 0, held back 3, not attempted 0" in text


def test_the_error_shows_a_cause_once_for_all_files_that_it_stops(site: Site) -> None:
    cloud = site.use()
    refuse(cloud, "static/c.*js")
    refuse(cloud, "static/b.*svg", 47001)
    text = failure_of(site)
    assert [text.count(f"errcode {number},") for number in (40097, 47001)] == [1, 1]


def test_a_failed_run_leaves_the_local_manifest(site: Site) -> None:
    cloud = site.use()
    site.collect()
    manifest = Path(staticfiles_storage.location) / "staticfiles.json"
    before = manifest.read_bytes()
    site.write(c_js="export default 1")
    refuse(cloud, "static/c.*js")
    failure_of(site)
    assert manifest.read_bytes() == before
    cloud.reset()
    site.use()
    site.collect()
    assert json.loads(manifest.read_text())["paths"]["c.js"] in site.keys


def test_a_run_after_a_failure_sends_what_is_missing(site: Site) -> None:
    cloud = site.use()
    cloud.script(
        {"on": "staticuploadfile", "key": "static/c.js", "do": "errcode", "errcode": 40097}
    )
    failure_of(site)
    # c.js, index.html and its copy, the manifest
    assert site.collect()["put_object"] == 4


def test_a_manifest_copy_that_fails_fails_the_command(site: Site) -> None:
    cloud = site.use()
    refuse(cloud, "static/staticfiles.json")
    assert "staticfiles.json" in failure_of(site)
    assert (Path(staticfiles_storage.location) / "staticfiles.json").exists()


def test_an_error_that_every_file_meets_is_met_a_few_times_only(site: Site) -> None:
    for n in range(30):
        (site.folder / f"{n}.txt").write_text("x")
    cloud = site.use(PLAIN, max_workers=2)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "times": None})
    text = failure_of(site)
    asked = len(cloud.calls("staticuploadfile"))
    assert asked < 10
    assert f"failed {asked}, unknown 0, held back 1, not attempted {33 - asked}" in text


def test_names_that_differ_in_their_unicode_form_only_are_refused(site: Site) -> None:
    for name in ("\xe9.txt", "e\u0301.txt"):
        (site.folder / name).write_text(name)
    site.use(PLAIN)
    text = failure_of(site)
    assert "are the same key" in text
    assert "\xe9.txt" not in site.keys
    assert {"a.css", "b.svg", "c.js"} == site.keys  # every other asset; HTML waits


def test_a_few_files_that_cos_refuses_do_not_stop_the_others(site: Site) -> None:
    for n in range(6):
        (site.folder / f"bad{n}.txt").write_text("x")
    cloud = site.use(PLAIN, max_workers=1)
    refused = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    cloud.script({"on": "put_object", "key": "static/bad*"} | refused)
    failure_of(site)
    assert {"a.css", "b.svg", "c.js"} == site.keys


def test_a_manifest_that_cannot_be_written_fails_without_a_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.use()

    def full(*names: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wx_static_store.staticfiles.os.replace", full)
    assert "No space left" in failure_of(site)
    assert Deployment.objects.get().outcome == "failed"


def test_a_manifest_that_is_written_in_part_leaves_the_old_one_and_nothing_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.use()
    site.collect()
    before = local_files()["staticfiles.json"]
    site.write(c_js="export default 1")

    def fill_up(self: Path, body: bytes) -> None:
        with self.open("wb") as file:
            file.write(body[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    assert "No space left" in failure_of(site)
    manifests = {name: body for name, body in local_files().items() if "staticfiles.json" in name}
    assert manifests == {"staticfiles.json": before}


class ManifestElsewhere(WxManifestStaticFilesStorage):
    """As Django's documents keep the manifest of a remote storage."""

    def __init__(self, **options: Any) -> None:
        place = FileSystemStorage(location=f"{settings.STATIC_ROOT}-manifest")
        super().__init__(manifest_storage=place, **options)


def test_the_manifest_may_lie_in_a_storage_of_its_own(site: Site) -> None:
    site.use("tests.test_staticfiles.ManifestElsewhere")
    site.collect()
    assert "staticfiles.json" not in local_files()
    assert Path(f"{settings.STATIC_ROOT}-manifest/staticfiles.json").exists()
    assert "staticfiles.json" in site.keys


def test_missing_credentials_are_printed_without_a_traceback(site: Site) -> None:
    site.use(token_provider=lambda: "")
    assert "token provider gave no usable token" in failure_of(site)


# --- the log ----------------------------------------------------------------------------------


def test_each_object_is_a_row_of_one_deployment(site: Site) -> None:
    cloud = site.use()
    site.collect()
    deployment = Deployment.objects.get()
    assert deployment.uploads.count() == deployment.stored == len(cloud.objects())
    assert (deployment.outcome, deployment.env) == ("done", ENV)
    assert set(UploadLog.objects.values_list("status", "source")) == {("stored", "collectstatic")}


def test_a_run_that_changes_nothing_leaves_no_row(site: Site) -> None:
    site.use()
    site.collect()
    before = UploadLog.objects.count(), Deployment.objects.count()
    site.collect()
    assert (UploadLog.objects.count(), Deployment.objects.count()) == before


def test_a_newer_failure_sends_an_unchanged_file_again(site: Site) -> None:
    site.use(PLAIN)
    site.collect()
    row = UploadLog.objects.get(key="static/c.js")
    row.pk, row.status = None, "unknown"
    row.save()
    assert site.collect()["put_object"] == 1


# --- without a database -----------------------------------------------------------------------

PROJECT = """
from tests.settings import *
DATABASES = {databases}
STATICFILES_DIRS = [{folder!r}]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_ROOT = {root!r}
STORAGES = {{"staticfiles": {{"BACKEND": {backend!r}, "OPTIONS": {{"location": "static"}}}}}}
WX_STATIC_STORE = {{
    "ENV": {env!r}, "ACCESS_TOKEN": {token!r}, "API_BASE_URL": {api!r}, "BASE_URL": {site!r}
}}
"""
DATABASES = {
    "none": "{}",
    "unmigrated": '{"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}',
    "unreachable": '{"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/no/such/file"}}',
}


def run_collectstatic(site: Site, folder: Path, database: str) -> subprocess.CompletedProcess[str]:
    """As an image build does it: a process of its own."""
    text = PROJECT.format(
        databases=DATABASES[database],
        folder=str(site.folder),
        root=str(folder / "root"),
        backend=MANIFEST,
        env=ENV,
        token=site.cloud.access_token,
        api=site.cloud.api_url,
        site=site.cloud.site_url(),
    )
    (folder / "project_without_database.py").write_text(text)
    path = os.pathsep.join([str(folder), str(Path(__file__).parent.parent)])
    return subprocess.run(
        [sys.executable, "-m", "django", "collectstatic", "--noinput", "-v0"],
        env=os.environ | {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "project_without_database"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("database", slow_but(DATABASES, "unreachable"))
def test_without_a_log_the_files_go_with_one_warning(
    site: Site, tmp_path: Path, database: str
) -> None:
    site.use()
    done = run_collectstatic(site, tmp_path, database)
    assert done.returncode == 0, done.stderr
    assert "index.html" in site.keys
    assert done.stderr.count("upload log cannot be used") == 1
    # Rows of a database that is there, but away, are counted besides.
    assert len(done.stderr.splitlines()) == (2 if database == "unreachable" else 1)


def test_without_a_log_the_list_shows_what_is_unchanged(site: Site, tmp_path: Path) -> None:
    cloud = site.use()
    site.collect()
    before = len(cloud.journal)
    run_collectstatic(site, tmp_path, "none")
    assert [entry.name for entry in cloud.journal[before:]] == ["staticfilelist"]


def test_a_failed_run_exits_with_1_and_no_traceback(site: Site, tmp_path: Path) -> None:
    cloud = site.use()
    refuse(cloud, "static/c.js")
    done = run_collectstatic(site, tmp_path, "none")
    assert done.returncode == 1
    assert "errcode 40097" in done.stderr
    assert "Traceback" not in done.stderr
