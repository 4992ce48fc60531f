"""``wx_deploy``: every option, by what the emulator stores and what the user sees."""

from __future__ import annotations

import json
import sys
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils.translation import override

from tests.conftest import ENV, slow
from tests.deploys import (
    TREE,
    bodies,
    configure_storages,
    count_hashes,
    fails,
    run,
    sent,
    tenants,
    write,
)
from tests.notes import plant, uproot
from wx_static_store.deploy.link_check import OWN_SECONDS
from wx_static_store.deploy.verify import sweep
from wx_static_store.emulator import EmulatorServer
from wx_static_store.management.commands.wx_deploy import Command
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


# --- the main way -----------------------------------------------------------------------------


def test_a_folder_is_published_with_all_its_files(cloud: EmulatorServer, dist: Path) -> None:
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
    assert f"{ENV}：已完成，用时" in out
    assert "已上传 3，未变化 0，失败 0，未知 0，暂未上传 0，未处理 0；" in out
    assert path.read_text().isascii()


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
    run(dist)
    headers = {key: found.headers["Cache-Control"] for key, found in cloud.objects().items()}
    assert headers["index.html"] == "no-cache"
    assert "immutable" in headers["assets/index-BfYjkO2m.js"]
    assert headers["logo.svg"] == "public, max-age=300"


def test_the_option_using_names_the_store(configure: Any, dist: Path) -> None:
    shop = {**configure_storages()["site"], "OPTIONS": {"location": "shop"}}
    cloud = configure(STORAGES=configure_storages() | {"shop": shop})
    run(dist, using="shop")
    assert set(bodies(cloud)) == {f"shop/{name}" for name in TREE}


def test_ctrl_d_at_a_question_means_no(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", end)
    assert "Nothing was published" in run(dist, yes=False)


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


def test_a_deploy_does_not_ask_where_nothing_changed(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    assert "unchanged 3" in run(dist, yes=False)


def test_without_a_terminal_a_deploy_requires_yes(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())
    assert "--yes" in fails(dist, code=2, yes=False)
    assert sent(cloud) == []


@pytest.mark.parametrize("option", ["--yes", "-y", "--no-input", "--noinput"])
def test_a_deploy_does_not_ask_if_it_is_told_so(
    cloud: EmulatorServer, dist: Path, option: str
) -> None:
    call_command("wx_deploy", str(dist), option, verbosity=0)
    assert bodies(cloud) == TREE


def test_ignored_files_are_not_sent(cloud: EmulatorServer, dist: Path) -> None:
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


def test_the_option_force_sends_unchanged_files(cloud: EmulatorServer, dist: Path) -> None:
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


def test_the_pages_of_one_s_own_folder_have_more_time(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of 2 s is for requests, whose archives may be anybody's."""
    monkeypatch.setattr("wx_static_store.management.commands.wx_deploy.OWN_SECONDS", -1.0)
    run(dist, stderr=(err := StringIO()))
    assert "Not all pages were looked at" in err.getvalue()
    assert OWN_SECONDS == 30


def test_a_file_that_changes_in_place_is_a_warning_and_with_strict_the_end(
    cloud: EmulatorServer, dist: Path
) -> None:
    """The log knows it: WeChat is not asked."""
    run(dist)
    write(dist, {"logo.svg": b"<svg/>"})
    cloud.journal.clear()
    err = StringIO()
    fails(dist, code=1, strict=True, stderr=err)
    assert "logo.svg changes under a name that pages keep" in err.getvalue()
    assert cloud.journal == []
    run(dist, stderr=err)
    assert err.getvalue().count("logo.svg") == 2
    assert bodies(cloud)["logo.svg"] == b"<svg/>"


def test_the_help_says_how_strict_ends() -> None:
    text = Command().create_parser("manage.py", "wx_deploy").description
    assert text is not None
    assert "1: something failed, or --strict stopped it before anything was sent" in text


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
    assert ending() == ("done", "mismatched")
    cloud.journal.clear()
    run(dist, verify=True)
    assert sent(cloud) == ["logo.svg"]
    assert bodies(cloud) == TREE


def ending() -> tuple[str, str]:
    """Return how the only deployment ended, and what its verification found."""
    row = Deployment.objects.get()
    return row.outcome, row.checked


def test_verify_says_what_was_compared_if_all_is_well(cloud: EmulatorServer, dist: Path) -> None:
    line = "verified: 3 files by the cloud's list, 1 page by the public site"
    assert line in run(dist, verify=True)
    assert ending() == ("done", "ok")
    assert "verified" not in run(dist)


@pytest.mark.parametrize("number", [1, 2], ids=["one", "two"])
def test_a_file_that_changed_while_it_was_sent_is_found(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What was published then is not what was planned, nor what a canary showed."""
    from wx_static_store.deploy import records

    make_plan = records.make_plan

    def then_changed(*args: Any, **kwargs: Any) -> Any:
        plan = make_plan(*args, **kwargs)
        write(dist, {"logo.svg": b"<svg>another</svg>"})
        return plan

    monkeypatch.setattr(records, "make_plan", then_changed)
    shown = fails(dist, code=1, env=tenants(number, cloud))
    assert shown.count("logo.svg: the file here changed while it was sent") == 1
    assert Deployment.objects.filter(not_attempted=1).count() == number, "the page is held back"


def test_a_list_that_fails_after_the_publishing_fails_the_run_and_not_the_deployment(
    cloud: EmulatorServer, dist: Path
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    fails(dist, code=1, verify=True)
    assert ending() == ("done", "not_compared")


# --- reports ------------------------------------------------------------------------------------


def test_the_json_report_says_what_was_done(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    run(dist, json=str(tmp_path / "report.json"), label="v1")
    shown = json.loads((tmp_path / "report.json").read_text())
    (environment,) = shown["environments"]
    assert (shown["using"], shown["source"]) == ("site", "v1")
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


@pytest.mark.usefixtures("no_pauses")
def test_a_mismatch_that_verify_finds_fails_the_run_and_not_the_deployment(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    cloud.script({"on": "get_object", "do": "html", "times": None})
    fails(dist, code=1, verify=True, json=str(tmp_path / "report.json"))
    (shown,) = json.loads((tmp_path / "report.json").read_text())["environments"]
    assert (shown["outcome"], bool(shown["findings"])) == ("failed", True)
    assert ending() == ("done", "mismatched")


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


def test_an_older_tree_is_a_rollback(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    write(dist, {"index.html": b"new"})
    run(dist)
    write(dist, TREE)
    run(dist)
    assert bodies(cloud) == TREE


# --- many environments --------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each file that is hashed before it is sent."""
    paths: list[str] = []
    count_hashes(monkeypatch, paths.append)
    return paths


def test_fifty_environments_get_the_same_tree_and_two_fail_for_reasons_of_their_own(
    cloud: EmulatorServer, dist: Path, counted: list[str], tmp_path: Path
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
    shown = {each["env"]: each for each in json.loads(report.read_text())["environments"]}
    codes = {env: each["failures"][0]["errcode"] for env, each in shown.items() if each["failures"]}
    assert codes == {envs[7]: 85088, envs[31]: 45009}
    assert "48 of 50 done" in out


def test_a_canary_that_succeeds_lets_the_others_follow(cloud: EmulatorServer, dist: Path) -> None:
    envs = tenants(3, cloud)
    run(dist, env=envs, canary=1)
    assert [bodies(cloud, env) for env in envs] == [TREE] * 3
    assert {call.env for call in cloud.calls("get_object")} == {envs[0]}, "only it is verified"


def test_a_run_with_canaries_says_which_they_were_and_what_was_verified(
    cloud: EmulatorServer, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    envs, page, report = tenants(3, cloud), tmp_path / "summary.md", tmp_path / "report.json"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    out = run(dist, env=envs, canary=2, json=str(report))
    amount = "verified: 6 files by the cloud's list, 2 pages by the public site"
    for text in (out, page.read_text()):
        assert amount in text
        assert f"2 environments ({envs[0]}, {envs[1]}): canary: it is right" in text
    shown = json.loads(report.read_text())["environments"]
    assert [each["canary"] for each in shown] == [True, True, False]
    assert [each["verified"] for each in shown] == [{"files": 3, "pages": 1}] * 2 + [None]


def test_the_only_environment_may_be_the_canary(cloud: EmulatorServer, dist: Path) -> None:
    assert "canary: it is right" in run(dist, canary=1)
    assert bodies(cloud) == TREE


@pytest.mark.usefixtures("no_pauses")
def test_a_canary_that_fails_stops_the_others(cloud: EmulatorServer, dist: Path) -> None:
    """All is stored, and its page is not what was sent."""
    envs = tenants(4, cloud)
    cloud.script({"on": "get_object", "env": envs[1], "do": "html", "times": None})
    out = fails(dist, code=1, env=envs, canary=2)
    assert [bool(bodies(cloud, env)) for env in envs] == [True, True, False, False]
    text = f"2 environments ({envs[2]}, {envs[3]}): Not begun: the canary {envs[1]} is not right."
    assert text in out


# --- one at a time ------------------------------------------------------------------------------


def test_a_second_deploy_of_the_environment_is_refused_and_wait_waits(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wx_static_store.deploy import locks

    plant("deploy", "holder", {"host": "other-host", "pid": 7, "id": "x"}, about=ENV)
    assert "process 7 on other-host" in fails(dist, code=2)
    assert sent(cloud) == []
    ends = partial(uproot, "deploy", "holder", about=ENV)
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: ends())
    run(dist, wait=True)
    assert bodies(cloud) == TREE


@slow
def test_ten_thousand_files_are_deployed(configure: Any, tmp_path: Path) -> None:
    cloud = configure(STORAGES=configure_storages(), WX_STATIC_STORE={"MAX_WORKERS": 32})
    files = {f"{n % 100:02}/{n:05}.txt": b"%d" % n for n in range(10_000)}
    write(tmp_path / "dist", files | {"index.html": b"<p>"})
    assert "stored 10001, unchanged 0" in run(tmp_path / "dist")
    assert len(cloud.objects()) == 10_001
    assert "stored 0, unchanged 10001" in run(tmp_path / "dist")
