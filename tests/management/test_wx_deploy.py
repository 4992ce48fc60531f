"""``wx_deploy``: every option, by what the emulator stores and what the user sees."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils.translation import override
from rest_framework.test import APIClient

from tests.conftest import ENV
from tests.deploys import bodies, run, sent, write
from wx_static_store.core.types import DELETED, UploadContext, UploadItem
from wx_static_store.deploy.verify import sweep
from wx_static_store.emulator import EmulatorServer
from wx_static_store.i18n import width
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload import sources
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

TREE = {
    "index.html": b"<script src=assets/index-BfYjkO2m.js></script><img src=logo.svg>",
    "assets/index-BfYjkO2m.js": b"console.log('tea')",
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of the machine that runs these tests."""
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(STORAGES=configure_storages())
    return cloud


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    write(folder, TREE)
    return folder


def fails(*args: object, code: int, **options: Any) -> str:
    """Return what it prints, and the error that it ends with."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("wx_deploy", *map(str, args), stdout=out, **{"yes": True} | options)
    assert caught.value.returncode == code
    return f"{out.getvalue()}{caught.value}"


# --- the main way -----------------------------------------------------------------------------


def test_a_folder_is_published_whole(cloud: EmulatorServer, dist: Path) -> None:
    out = run(dist)
    assert bodies(cloud) == TREE
    assert f"{ENV}: done" in out
    assert f"{cloud.site_url()}/" in out


def test_chinese_is_for_the_reader_and_the_words_of_the_report_stay(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    with override("zh-hans"):
        out = run(dist, json=str(path))
    assert f"{ENV}: 已完成，用时" in out
    assert "已上传 3，未变化 0，失败 0，未知 0，暂缓 0，未处理 0；" in out
    assert path.read_text().isascii()


def test_the_columns_of_a_preview_are_aligned_in_chinese(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    write(dist, {"logo.svg": b"changed", "new.txt": b"new"})
    with override("zh-hans"):
        told = run(dist, dry_run=True).splitlines()[:4]
    assert {width(line.rpartition("  ")[0]) for line in told} == {9 + 1 + 13}
    assert [line.split()[0] for line in told] == ["未变化", "未变化", "有变化", "新文件"]


def test_the_second_run_asks_for_the_list_and_sends_nothing(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist)
    cloud.journal.clear()
    assert "stored 0, unchanged 3" in run(dist)
    assert [call.name for call in cloud.calls()] == ["staticfilelist"]


def test_trust_log_makes_no_call_for_an_unchanged_tree(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    cloud.put_object("logo.svg", b"somebody else's")
    cloud.journal.clear()
    assert "unchanged 3" in run(dist, trust_log=True)
    assert cloud.journal == []
    run(dist)
    assert bodies(cloud) == TREE, "without it, this is seen"


def test_a_list_that_fails_is_reported_and_the_log_decides(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    run(dist)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    report = tmp_path / "report.json"
    assert "The list could not be read, so the log decided: " in run(dist, json=str(report))
    (environment,) = json.loads(report.read_text())["environments"]
    assert "45009" in environment["notes"][0]
    assert environment["counts"]["unchanged"] == 3


def test_a_prefix_is_a_folder_of_the_site(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, "app/v2")
    assert bodies(cloud) == {f"app/v2/{name}": body for name, body in TREE.items()}


@pytest.mark.parametrize("prefix", ["../up", "/root", "a//b", "a\\b"])
def test_a_prefix_that_is_no_folder_is_refused_before_anything_is_sent(
    cloud: EmulatorServer, dist: Path, prefix: str
) -> None:
    fails(dist, prefix, code=2)
    assert sent(cloud) == []


def test_html_goes_last_and_is_not_sent_if_an_asset_fails(
    cloud: EmulatorServer, dist: Path
) -> None:
    cloud.script({"on": "put_object", "key": "logo.svg", "do": "cos_error", "status": 403,
                  "code": "AccessDenied", "times": None})  # fmt: skip
    out = fails(dist, code=1)
    assert "held back 1" in out
    assert "logo.svg" in out
    assert "index.html" not in bodies(cloud)
    cloud.script()
    cloud.state.script.clear()
    run(dist)
    assert sent(cloud)[-1] == "index.html"
    assert bodies(cloud) == TREE


def test_pages_and_hashed_files_have_the_headers_of_a_site(
    cloud: EmulatorServer, dist: Path
) -> None:
    """Whatever the store is for: the alias is a media storage."""
    run(dist, using="default")
    headers = {key: found.headers["Cache-Control"] for key, found in cloud.objects().items()}
    assert headers["index.html"] == "no-cache"
    assert "immutable" in headers["assets/index-BfYjkO2m.js"]
    assert headers["logo.svg"] == "public, max-age=300"


def test_using_names_the_store(configure: Any, dist: Path) -> None:
    cloud = configure(STORAGES=configure_storages(shop={"location": "shop"}))
    run(dist, using="shop")
    assert set(bodies(cloud)) == {f"shop/{name}" for name in TREE}


def configure_storages(**more: dict[str, Any]) -> dict[str, Any]:
    static = "wx_static_store.staticfiles.WxManifestStaticFilesStorage"
    return {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
        "staticfiles": {"BACKEND": static, "OPTIONS": {"location": "static"}},
        "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
        **{
            alias: {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": options}
            for alias, options in more.items()
        },
    }


def test_an_unknown_alias_is_refused_with_the_known_ones(cloud: EmulatorServer, dist: Path) -> None:
    assert "default, staticfiles, site" in fails(dist, code=2, using="sites")


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        ([""], {}, "DIR is empty"),
        (["dist"], {"envs_file": ""}, "--envs-file is empty"),
        (["dist"], {"using": ""}, "--using is empty"),
        ([], {"env": ["tenant-b", "dist"]}, "write DIR before --env"),
        (["dist"], {"canary": -1}, "from 0 on"),
        (["dist"], {"map": ["*=中文"]}, "cannot be the value of a header"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    cloud: EmulatorServer,
    dist: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    options: dict[str, Any],
    told: str,
) -> None:
    """An empty variable of a shell, options in the wrong order."""
    monkeypatch.chdir(dist.parent)
    assert told in fails(*arguments, code=2, **options)
    assert sent(cloud) == []


def test_a_dry_run_of_names_that_cannot_be_keys_ends_with_1(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"back\\slash.txt": b"x"})
    assert "refused" in fails(dist, code=1, dry_run=True)


def test_a_dry_run_that_cannot_look_ends_with_1(cloud: EmulatorServer, dist: Path) -> None:
    cloud.expire_token()
    fails(dist, code=1, dry_run=True)


def test_a_dry_run_says_that_the_log_decided(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    err = StringIO()
    assert "3 unchanged" in fails(dist, code=1, dry_run=True, stderr=err)
    assert "The list could not be read, so the log decided: " in err.getvalue()


def test_ctrl_d_at_a_question_means_no(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", end)
    assert "Nothing was published" in run(dist, yes=False)


def test_an_environment_that_is_not_offered_is_refused(configure: Any, dist: Path) -> None:
    cloud = configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}})
    assert "Did you mean tenant-b?" in fails(dist, code=2, env=["tenant-d"])
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["nowhere", "index.html"])
def test_a_dir_that_is_no_folder_is_refused(cloud: EmulatorServer, dist: Path, name: str) -> None:
    assert name in fails(dist / name, code=2)


def test_an_empty_folder_is_refused(cloud: EmulatorServer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty" in fails(tmp_path / "empty", code=2)


def test_a_mistake_in_the_settings_is_reported_before_anything_is_sent(
    configure: Any, dist: Path
) -> None:
    configure(WX_STATIC_STORE={"MAX_WORKER": 3})
    assert "Did you mean MAX_WORKERS?" in fails(dist, code=2, skip_checks=False)


# --- without DIR: what was collected ------------------------------------------------------------


def test_without_dir_static_root_is_published_with_the_manifest_last(
    configure: Any, settings: Any, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    write(source, {"a.css": b"body{}", "index.html": b"<link href=a.css>"})
    cloud = configure(STATICFILES_DIRS=[str(source)], STATICFILES_FINDERS=FINDERS)
    call_command("collectstatic", interactive=False, verbosity=0, post_process=True)
    collected = bodies(cloud)
    write(Path(settings.STATIC_ROOT), {"CACHE/late.css": b"written afterwards"})
    cloud.journal.clear()
    run()
    assert bodies(cloud) == collected | {"static/CACHE/late.css": b"written afterwards"}
    assert sent(cloud) == ["static/CACHE/late.css"]
    run(force=True)
    assert sent(cloud)[-1] == "static/staticfiles.json"


FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]


def test_without_dir_keep_only_hashed_is_obeyed(configure: Any, tmp_path: Path) -> None:
    write(tmp_path / "source", {"a.css": b"body{}"})
    static = configure_storages()
    static["staticfiles"]["OPTIONS"]["keep_only_hashed"] = True
    dirs = {"STATICFILES_DIRS": [str(tmp_path / "source")], "STATICFILES_FINDERS": FINDERS}
    cloud = configure(STORAGES=static, **dirs)
    call_command("collectstatic", interactive=False, verbosity=0)
    collected = set(bodies(cloud))
    run()
    assert set(bodies(cloud)) == collected
    assert "static/a.css" not in collected


# --- before it begins ---------------------------------------------------------------------------


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


def test_a_deploy_asks_and_no_publishes_nothing(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert "3 files to send" in run(dist, yes=False)
    assert (len(asked), sent(cloud)) == (1, [])
    monkeypatch.setattr("builtins.input", lambda question: "y")
    run(dist, yes=False)
    assert bodies(cloud) == TREE


def test_it_does_not_ask_where_nothing_changed(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    assert "unchanged 3" in run(dist, yes=False)


def test_without_a_terminal_a_deploy_requires_yes(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())
    assert "--yes" in fails(dist, code=2, yes=False)
    assert sent(cloud) == []


def test_ignored_files_stay_here(cloud: EmulatorServer, dist: Path) -> None:
    junk = {".DS_Store": b"x", ".env": b"SECRET=1", "a.map": b"x", "drafts/a.txt": b"x"}
    write(dist, junk | {".well-known/apple": b"x", ".wxignore": b"*.map\n"})
    run(dist, ignore=["drafts/"])
    assert set(bodies(cloud)) == {*TREE, ".well-known/apple"}


def test_map_sets_the_header_and_the_first_that_fits_wins(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, map=["*.svg=no-store", "*=public, max-age=60"])
    headers = {key: found.headers["Cache-Control"] for key, found in cloud.objects().items()}
    assert headers["logo.svg"] == "no-store"
    assert headers["index.html"] == "public, max-age=60"


@pytest.mark.parametrize("rule", ["*.html", "=no-cache", "*.html="])
def test_a_bad_map_is_refused(cloud: EmulatorServer, dist: Path, rule: str) -> None:
    assert "PATTERN=VALUE" in fails(dist, code=2, map=[rule])


def test_force_sends_unchanged_files_too(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    cloud.journal.clear()
    run(dist, force=True)
    assert sorted(sent(cloud)) == sorted(TREE)


def test_a_broken_reference_is_a_warning_and_with_strict_the_end(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"index.html": b"<script src=assets/gone.js></script>"})
    err = StringIO()
    assert "gone.js" in fails(dist, code=1, strict=True, stderr=err) + err.getvalue()
    assert sent(cloud) == []
    run(dist, stderr=err)
    assert err.getvalue().count("gone.js") == 2
    assert "index.html" in bodies(cloud)


# --- afterwards ---------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [b"somebody else's", None], ids=["other", "gone"])
def test_verify_finds_what_is_not_as_it_is_here_and_the_next_run_sends_it(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    """Somebody else writes while it is published."""

    def damaged(*args: Any) -> Any:
        cloud.delete_object("logo.svg")
        if damage:
            cloud.put_object("logo.svg", damage)
        return sweep(*args)

    with monkeypatch.context() as patch:
        patch.setattr("wx_static_store.deploy.environments.sweep", damaged)
        assert "logo.svg" in fails(dist, code=1, verify=True)
    assert Deployment.objects.get().outcome == "failed"
    cloud.journal.clear()
    run(dist, verify=True)
    assert sent(cloud) == ["logo.svg"]
    assert bodies(cloud) == TREE


@pytest.mark.parametrize("number", [1, 2], ids=["one", "two"])
def test_a_file_that_changed_while_it_was_sent_is_found(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What was published then is not what was planned, nor what a canary showed."""
    from wx_static_store.deploy import environments as sites

    make_plan = sites.make_plan

    def then_changed(*args: Any, **kwargs: Any) -> Any:
        plan = make_plan(*args, **kwargs)
        write(dist, {"logo.svg": b"<svg>another</svg>"})
        return plan

    monkeypatch.setattr(sites, "make_plan", then_changed)
    told = fails(dist, code=1, env=tenants(number, cloud))
    assert "logo.svg: the file here changed while it was sent" in told


def test_stale_lists_what_the_tree_has_not(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("old.js", b"old")
    assert "old.js: stale" in run(dist, stale=True, using="site")
    assert bodies(cloud)["old.js"] == b"old"


def test_blank_stale_overwrites_it(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("app/old.js", b"old")
    cloud.put_object("other/kept.js", b"kept")
    assert "stale files overwritten: 1" in run(dist, "app", blank_stale=True, using="site")
    assert bodies(cloud)["app/old.js"] == DELETED
    assert bodies(cloud)["other/kept.js"] == b"kept"
    assert "stale" not in run(dist, "app", stale=True, using="site")


def test_blank_stale_asks_with_the_count(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(dist)
    cloud.put_object("old.js", b"old")
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    run(dist, yes=False, blank_stale=True, using="site")
    assert asked == [f"Overwrite 1 stale file of {ENV} for good (the root: 1)? [y/N] "]
    assert bodies(cloud)["old.js"] == b"old"


def test_what_other_stores_of_the_project_keep_is_not_stale(configure: Any, dist: Path) -> None:
    """A site at the root, static files and media in folders beside it; of each tenant."""
    cloud = configure(STORAGES=configure_storages(media={"location": "media"}))
    for env in (ENV, "tenant-b"):
        WxStorage(location="media", env=env).save("photo.txt", ContentFile(b"photo"))
        cloud.put_object("static/app.css", b"css", env=env)
        run(dist, blank_stale=True, using="site", env=[env])
        assert bodies(cloud, env)["media/photo.txt"] == b"photo"
        assert bodies(cloud, env)["static/app.css"] == b"css"


@pytest.mark.parametrize("flag", ["stale", "blank_stale"])
def test_in_a_media_store_nothing_is_called_stale(
    cloud: EmulatorServer, dist: Path, flag: str
) -> None:
    assert "--using" in fails(dist, code=2, using="default", **{flag: True})
    assert sent(cloud) == []


def test_include_uploads_alone_is_refused(cloud: EmulatorServer, dist: Path) -> None:
    assert "belongs to --stale" in fails(dist, code=2, include_uploads=True)


def test_what_is_blanked_is_part_of_the_deployment(cloud: EmulatorServer, dist: Path) -> None:
    cloud.put_object("old.js", b"old")
    run(dist, blank_stale=True, using="site")
    row = UploadLog.objects.newest(ENV, ["old.js"])["old.js"]
    assert (row.deployment, row.is_deletion) == (Deployment.objects.get(), True)


def test_a_stale_object_that_cannot_be_blanked_fails_the_deployment(
    cloud: EmulatorServer, dist: Path
) -> None:
    """The console wrote it: it stays public, and the command must report it."""
    foreign = unicodedata.normalize("NFD", "menü.html")
    cloud.put_object(foreign, b"old")
    assert "console" in fails(dist, code=1, blank_stale=True, using="site")
    assert bodies(cloud)[foreign] == b"old"
    assert Deployment.objects.get().outcome == "failed"


def test_a_list_that_fails_after_the_publishing_fails_the_deployment(
    cloud: EmulatorServer, dist: Path
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    fails(dist, code=1, verify=True)
    assert Deployment.objects.get().outcome == "failed"


# --- what people uploaded is not stale ------------------------------------------------------------


def by_api(key: str) -> None:
    editor = APIClient()
    editor.force_authenticate(User.objects.create_superuser("editor"))
    with override_settings(ROOT_URLCONF="tests.api.urls"):
        answer = editor.put(f"/wx/uploads/site/{key}", b"prices", content_type="text/plain")
    assert answer.status_code == 201


def by_admin(key: str) -> None:
    editor = Client()
    editor.force_login(User.objects.create_superuser("editor"))
    folder, slash, name = key.rpartition("/")
    form = {"store": f"site@{ENV}", "folder": folder + slash, "form_id": str(uuid4())}
    file = SimpleUploadedFile(name, b"prices")
    editor.post("/admin/wx_static_store/uploadlog/upload/", form | {"file": file})


def by_save(key: str) -> None:
    WxStorage().save(key, ContentFile(b"prices"))


def by_api_and_retry(key: str) -> None:
    """Make a retry's row the newest: it repeats what an editor did."""
    by_api(key)
    item = UploadItem(key, open=lambda: BytesIO(b"prices"))
    get_uploader("site").upload(item, UploadContext("retry"))


@pytest.fixture
def editable(configure: Any, emulator: EmulatorServer) -> EmulatorServer:
    """Return a cloud whose admin needs no manifest of its own files."""
    storages = configure_storages()
    cloud: EmulatorServer = configure(
        STORAGES=storages | {"staticfiles": storages["site"] | {"OPTIONS": {"location": "static"}}},
        WX_STATIC_STORE={"BASE_URL": emulator.site_url()},
    )
    return cloud


@pytest.mark.parametrize("upload", [by_api, by_admin, by_save, by_api_and_retry])
@pytest.mark.parametrize("key", ["uploads/prices.txt", "elsewhere/prices.txt"])
def test_blank_stale_leaves_alone_what_people_uploaded_and_lists_it(
    editable: EmulatorServer, dist: Path, upload: Callable[[str], None], key: str
) -> None:
    upload(key)
    editable.put_object("old.js", b"old")
    out = run(dist, blank_stale=True, using="site")
    assert f"{key}: uploaded by somebody, left alone" in out
    assert bodies(editable)[key] == b"prices"
    assert bodies(editable)["old.js"] == DELETED


def test_an_upload_made_while_the_command_asks_is_left_alone(
    editable: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editable.put_object("prices.txt", b"old")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def answer(question: str) -> str:
        if "stale" in question:
            item = UploadItem("prices.txt", open=lambda: BytesIO(b"prices"))
            get_uploader("site").upload(item, UploadContext("admin"))
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    run(dist, blank_stale=True, yes=False, using="site")
    assert bodies(editable)["prices.txt"] == b"prices"


def test_include_uploads_blanks_what_people_uploaded_too(
    editable: EmulatorServer, dist: Path
) -> None:
    by_api("uploads/prices.txt")
    run(dist, blank_stale=True, include_uploads=True, using="site")
    assert bodies(editable)["uploads/prices.txt"] == DELETED


def test_a_dry_run_lists_what_people_uploaded_apart(editable: EmulatorServer, dist: Path) -> None:
    by_save("prices.txt")
    editable.put_object("old.js", b"old")
    lines = [line.split() for line in run(dist, dry_run=True, using="site").splitlines()]
    assert ["uploaded", "6", "prices.txt"] in lines
    assert ["stale", "3", "old.js"] in lines


def test_where_the_log_cannot_say_what_people_uploaded_nothing_is_blanked(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_object("old.js", b"old")
    monkeypatch.setattr(
        "wx_static_store.deploy.verify.in_database", lambda work, otherwise: otherwise
    )
    assert "--include-uploads" in fails(dist, code=1, blank_stale=True, using="site")
    assert bodies(cloud)["old.js"] == b"old"
    run(dist, blank_stale=True, include_uploads=True, using="site")
    assert bodies(cloud)["old.js"] == DELETED


# --- reports ------------------------------------------------------------------------------------


def test_the_json_report_says_what_was_done(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    run(dist, json=str(tmp_path / "report.json"), label="v1")
    told = json.loads((tmp_path / "report.json").read_text())
    (environment,) = told["environments"]
    assert (told["using"], told["source"]) == ("default", "v1")
    assert (environment["env"], environment["outcome"]) == (ENV, "done")
    assert environment["counts"]["stored"] == 3
    assert environment["bytes"] == sum(map(len, TREE.values()))


def test_the_json_report_is_written_after_a_failure_too(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    cloud.state.find(ENV).status = "none"
    fails(dist, code=1, json=str(tmp_path / "report.json"))
    (environment,) = json.loads((tmp_path / "report.json").read_text())["environments"]
    assert environment["outcome"] == "failed"
    assert environment["failures"][0]["errcode"]


def test_a_json_file_that_cannot_be_written_is_refused_before_anything_is_sent(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    fails(dist, code=2, json=str(tmp_path / "no" / "report.json"))
    assert sent(cloud) == []


def test_a_step_summary_is_appended_where_the_ci_asks_for_it(
    cloud: EmulatorServer, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    run(dist)
    assert page.read_text().startswith("before\n## wx_deploy")
    assert ENV in page.read_text()


def test_what_verify_finds_makes_the_release_a_failed_one(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    cloud.script({"on": "get_object", "do": "html", "times": None})
    fails(dist, code=1, verify=True, json=str(tmp_path / "report.json"))
    (told,) = json.loads((tmp_path / "report.json").read_text())["environments"]
    assert (told["outcome"], bool(told["findings"])) == ("failed", True)
    assert Deployment.objects.get().outcome == "failed"


# --- releases -----------------------------------------------------------------------------------


def test_a_release_is_a_row_with_label_user_and_counts(cloud: EmulatorServer, dist: Path) -> None:
    editor = User.objects.create_user("editor")
    run(dist, label="v1.2", user="editor")
    release = Deployment.objects.get()
    assert (release.env, release.source, release.label) == (ENV, "wx_deploy", "v1.2")
    assert (release.outcome, release.stored, release.user) == ("done", 3, editor)
    assert release.bytes == sum(map(len, TREE.values()))
    assert release.duration_ms is not None
    assert set(UploadLog.objects.values_list("deployment", "user")) == {(release.pk, editor.pk)}


def test_a_release_that_changes_nothing_is_one_too(cloud: EmulatorServer, dist: Path) -> None:
    """Else the log would not say which commit is live."""
    run(dist, label="v1")
    run(dist, label="v2")
    newest = Deployment.objects.latest("id")
    assert (newest.label, newest.stored, newest.skipped) == ("v2", 0, 3)


def test_the_label_is_the_commit_that_the_ci_names(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_COMMIT_SHA", "0a1b2c3d")
    run(dist)
    assert Deployment.objects.get().label == "0a1b2c3d"


def test_an_unknown_user_is_refused(cloud: EmulatorServer, dist: Path) -> None:
    assert "'nobody'" in fails(dist, code=2, user="nobody")


def test_list_shows_the_newest_releases_first(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, label="v1")
    write(dist, {"logo.svg": b"<svg/>"})
    run(dist, label="v2")
    cloud.journal.clear()
    lines = run(list=True, using="default").splitlines()
    assert lines[0] == f"{ENV}: 2 releases, the newest first"
    assert re.search(r"done +wx_deploy v2: stored 1, unchanged 2, failed 0", lines[1])
    assert "v1: stored 3" in lines[2]
    assert cloud.journal == []


def test_an_older_tree_is_a_rollback(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    write(dist, {"index.html": b"new"})
    run(dist)
    write(dist, TREE)
    run(dist)
    assert bodies(cloud) == TREE


# --- many environments --------------------------------------------------------------------------


def tenants(number: int, cloud: EmulatorServer) -> list[str]:
    envs = [f"tenant-{n:02}" for n in range(number)]
    for env in envs:
        cloud.add_env(env)
    return envs


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each digest that is computed before a file is sent."""
    calls: list[object] = []
    real = sources.digest

    def digest(file: Any, *how: Any) -> str:
        calls.append(file)
        return real(file, *how)

    monkeypatch.setattr(sources, "digest", digest)
    return calls


def test_fifty_environments_get_the_same_tree_and_two_fail_for_reasons_of_their_own(
    cloud: EmulatorServer, dist: Path, counted: list[object], tmp_path: Path
) -> None:
    envs = tenants(50, cloud)
    cloud.script(
        {"on": "staticuploadfile", "env": envs[7], "do": "errcode", "errcode": 85088,
         "times": None},
        {"on": "staticuploadfile", "env": envs[31], "do": "errcode", "errcode": 45009,
         "times": None},
    )  # fmt: skip
    report = tmp_path / "report.json"
    out = fails(dist, code=1, env=envs, json=str(report))
    good = [env for env in envs if env not in (envs[7], envs[31])]
    assert all(bodies(cloud, env) == TREE for env in good)
    assert (bodies(cloud, envs[7]), bodies(cloud, envs[31])) == ({}, {})
    assert len(counted) == len(TREE)
    told = {each["env"]: each for each in json.loads(report.read_text())["environments"]}
    codes = {env: each["failures"][0]["errcode"] for env, each in told.items() if each["failures"]}
    assert codes == {envs[7]: 85088, envs[31]: 45009}
    assert "48 of 50 done" in out


def test_envs_file_names_them_a_line_each(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    (tmp_path / "envs.txt").write_text(f"# ours\n{envs[0]}\n\n{envs[1]}  # the second\n{envs[0]}\n")
    run(dist, envs_file=str(tmp_path / "envs.txt"))
    assert [bodies(cloud, env) for env in envs] == [TREE, TREE]
    assert bodies(cloud) == {}
    assert len(cloud.calls("put_object")) == 2 * len(TREE)


def test_all_means_what_environments_offers(configure: Any, dist: Path) -> None:
    cloud = configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}})
    run(dist, all=True)
    assert bodies(cloud, "tenant-b") == TREE
    assert bodies(cloud) == {}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"all": True}, "has no ENVIRONMENTS"),
        ({"envs_file": "/no/such/file"}, "cannot be read"),
        ({"envs_file": os.devnull}, "names no environment"),
        ({"env": ["not an id"]}, "must be the id of a cloud environment"),
    ],
)
def test_lists_without_an_environment_are_refused(
    cloud: EmulatorServer, dist: Path, options: dict[str, Any], told: str
) -> None:
    assert told in fails(dist, code=2, **options)
    assert sent(cloud) == []


def test_a_canary_that_succeeds_lets_the_others_follow(cloud: EmulatorServer, dist: Path) -> None:
    envs = tenants(3, cloud)
    run(dist, env=envs, canary=1)
    assert [bodies(cloud, env) for env in envs] == [TREE] * 3
    assert {call.env for call in cloud.calls("get_object")} == {envs[0]}, "only it is verified"


def test_the_only_environment_may_be_the_canary(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, canary=1)
    assert bodies(cloud) == TREE


def test_a_canary_that_fails_stops_the_others(cloud: EmulatorServer, dist: Path) -> None:
    """All is stored, and its page is not what was sent."""
    envs = tenants(4, cloud)
    cloud.script({"on": "get_object", "env": envs[1], "do": "html", "times": None})
    out = fails(dist, code=1, env=envs, canary=2)
    assert [bool(bodies(cloud, env)) for env in envs] == [True, True, False, False]
    assert out.count(f"Not begun: the canary {envs[1]} is not right.") == 2


# --- one at a time ------------------------------------------------------------------------------


def test_a_second_deploy_of_the_environment_is_refused_and_wait_waits(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.cache import cache

    from wx_static_store.deploy import locks

    key = f"wx_static_store:deploy:{ENV}"
    cache.set(key, json.dumps({"host": "other-host", "pid": 7, "id": "x"}))
    assert "process 7 on other-host" in fails(dist, code=2)
    assert sent(cloud) == []
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: cache.delete(key))
    run(dist, wait=True)
    assert bodies(cloud) == TREE


@pytest.mark.skipif(not os.environ.get("WX_SLOW"), reason="takes a while: WX_SLOW=1 runs it")
def test_ten_thousand_files(configure: Any, tmp_path: Path) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 32})
    files = {f"{n % 100:02}/{n:05}.txt": b"%d" % n for n in range(10_000)}
    write(tmp_path / "dist", files | {"index.html": b"<p>"})
    assert "stored 10001, unchanged 0" in run(tmp_path / "dist")
    assert len(cloud.objects()) == 10_001
    assert "stored 0, unchanged 10001" in run(tmp_path / "dist")
