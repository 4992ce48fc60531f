"""``wx_deploy --rollback`` and ``--repair``: which release goes where, and what is sent for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import ENV, lost_table, slow_but
from tests.deploys import (
    CONTEXT,
    TREE,
    bodies,
    configure_releases,
    fails,
    lists,
    run,
    sent,
    tenants,
    write,
)
from wx_static_store.core.types import DELETED, deletion
from wx_static_store.deploy.state import live
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, KeptFile, Release
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db(transaction=True)

A = TREE
B = {"index.html": b"<img src=logo.svg>", "logo.svg": b"<svg/>", "new.js": b"new"}


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    cloud: EmulatorServer = configure(**configure_releases(tmp_path / "releases"))
    return cloud


def deploy(folder: Path, files: dict[str, bytes], *args: str, **options: Any) -> Deployment:
    """Publish exactly these files, and forget the calls."""
    for path in [*folder.rglob("*")]:
        if path.is_file():
            path.unlink()
    write(folder, files)
    run(folder, *args, **{"using": "site"} | options)
    return Deployment.objects.latest("pk")


def back(name: str | bool = True, **options: Any) -> str:
    return run(rollback=name, **options)


@pytest.fixture
def two(cloud: EmulatorServer, tmp_path: Path) -> EmulatorServer:
    """Publish A, then B."""
    deploy(tmp_path / "site", A, label="v1")
    deploy(tmp_path / "site", B, label="v2")
    cloud.journal.clear()
    return cloud


# --- to which release -------------------------------------------------------------------------


def test_the_release_before_comes_back(two: EmulatorServer) -> None:
    back()
    assert {name: bodies(two)[name] for name in A} == A
    newest, _second, first = Deployment.objects.all()
    assert newest.release == first.release
    assert (newest.label, newest.using) == ("roll back from v2 to v1", "site")


def test_two_roll_backs_come_back(two: EmulatorServer) -> None:
    back()
    back()
    assert {name: bodies(two)[name] for name in B} == B
    assert Deployment.objects.latest("pk").label == "roll back from v1 to v2"


def test_after_a_deploy_that_failed_the_last_good_release_comes_back(
    two: EmulatorServer, tmp_path: Path
) -> None:
    two.script({"on": "put_object", "key": "index.html", "do": "cos_error", "status": 403,
                "code": "AccessDenied", "times": None})  # fmt: skip
    write(tmp_path / "site", {"index.html": b"third", "logo.svg": b"third"})
    fails(tmp_path / "site", using="site", label="v3", code=1)
    two.state.script.clear()
    back()
    assert {name: bodies(two)[name] for name in B} == B
    assert Deployment.objects.latest("pk").label == "roll back from v3 to v2"


@pytest.mark.parametrize("name", ["v1", "id", "digest", "v1-beg"])
def test_a_release_is_named(two: EmulatorServer, tmp_path: Path, name: str) -> None:
    first = Deployment.objects.earliest("pk")
    assert first.release
    deploy(tmp_path / "site", {"index.html": b"third"}, label="v3")
    if name == "v1-beg":
        Deployment.objects.filter(pk=first.pk).update(label="v1-beginning")
    back({"id": str(first.pk), "digest": first.release.digest[:4]}.get(name, name))
    assert bodies(two)["index.html"] == A["index.html"]


@pytest.mark.parametrize(("name", "said"), [("v", "names several"), ("v3", "Did you mean")])
def test_a_name_that_is_not_one_release_is_refused(
    two: EmulatorServer, name: str, said: str
) -> None:
    assert said in fails(rollback=name, code=2)
    assert two.journal == []


def test_without_a_release_before_nothing_is_sent_anywhere(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    deploy(tmp_path / "site", A, env=envs)
    deploy(tmp_path / "site", B, env=envs[:1])
    cloud.journal.clear()
    said = fails(rollback=True, env=envs, code=2)
    assert f"There is no release before the newest of / in {envs[1]}" in said
    assert cloud.journal == []


def test_each_environment_goes_to_its_own_release(cloud: EmulatorServer, tmp_path: Path) -> None:
    envs = tenants(2, cloud)
    deploy(tmp_path / "site", A, env=envs[:1], label="v1")
    deploy(tmp_path / "site", B, env=envs[1:], label="v2")
    deploy(tmp_path / "site", {"index.html": b"third"}, env=envs, label="v3")
    report = tmp_path / "report.json"
    said = back(env=envs, json=str(report))
    assert [bodies(cloud, env)["index.html"] for env in envs] == [A["index.html"], B["index.html"]]
    assert f"{envs[0]}: roll back from v3" in said
    assert {row.label for row in Deployment.objects.all()[:2]} == {
        "roll back from v3 to v1",
        "roll back from v3 to v2",
    }
    digests = [each["release"] for each in json.loads(report.read_text())["environments"]]
    assert len({*digests} & {*Release.objects.values_list("digest", flat=True)}) == 2


def test_a_label_means_the_release_that_each_environment_has_under_it(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    deploy(tmp_path / "site", A, env=envs[:1], label="v1")
    deploy(tmp_path / "site", B, env=envs[1:], label="v1")
    deploy(tmp_path / "site", {"index.html": b"third"}, env=envs, label="v3")
    back("v1", env=envs)
    assert [bodies(cloud, env)["index.html"] for env in envs] == [A["index.html"], B["index.html"]]


# --- in which folder, of which store ------------------------------------------------------------


@pytest.fixture
def folders(two: EmulatorServer, tmp_path: Path) -> EmulatorServer:
    """Publish twice into a folder beside the site, too."""
    deploy(tmp_path / "docs", {"index.html": b"docs 1"}, "docs", label="d1")
    deploy(tmp_path / "docs", {"index.html": b"docs 2"}, "docs", label="d2")
    two.journal.clear()
    return two


def test_of_several_folders_one_must_be_named(folders: EmulatorServer) -> None:
    assert "Name one: --prefix /, --prefix docs/." in fails(rollback=True, code=2)
    assert folders.journal == []


@pytest.mark.parametrize(("folder", "key"), [("/", "index.html"), ("docs", "docs/index.html")])
def test_the_folder_is_named(folders: EmulatorServer, folder: str, key: str) -> None:
    before = bodies(folders)
    back(folder=folder)
    changed = {name for name, body in bodies(folders).items() if before.get(name) != body}
    assert key in changed
    assert all(name.startswith("docs/") == (folder == "docs") for name in changed)


def test_a_named_release_goes_to_the_folder_it_was_in(folders: EmulatorServer) -> None:
    back("d1")
    assert bodies(folders)["docs/index.html"] == b"docs 1"
    assert bodies(folders)["index.html"] == B["index.html"]


def test_a_location_that_changed_is_reported(
    two: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    settings = configure_releases(tmp_path / "releases")
    settings["STORAGES"]["site"]["OPTIONS"] = {"location": "www"}
    configure(**settings)
    said = fails(rollback="v1", code=2)
    assert "The location of 'site' is /www/, and its releases were deployed to /" in said


def test_of_several_stores_with_releases_one_must_be_named(
    two: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    settings = configure_releases(tmp_path / "releases")
    site = settings["STORAGES"]["site"]
    settings["STORAGES"]["other"] = {**site, "OPTIONS": {"location": "other"}}
    configure(**settings)
    deploy(tmp_path / "site", A, using="other")
    assert "several stores: other, site. Name one with --using" in fails(rollback=True, code=2)
    back("v1")
    assert bodies(two)["index.html"] == A["index.html"]
    back(using="site")
    assert bodies(two)["index.html"] == B["index.html"]


# --- what is sent -----------------------------------------------------------------------------


def test_only_what_differs_by_the_log_is_sent_and_no_list_is_asked_for(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    first = {f"{n}.txt": b"%d" % n for n in range(50)}
    deploy(tmp_path / "site", first)
    deploy(tmp_path / "site", first | {f"{n}.txt": b"new %d" % n for n in range(10)})
    cloud.journal.clear()
    back()
    names = [call.name for call in cloud.calls()]
    assert len(names) == 20
    assert {*names} == {"staticuploadfile", "put_object"}
    assert bodies(cloud) == first


@pytest.mark.usefixtures("no_last_put")
def test_after_an_unfinished_deployment_the_list_is_asked_for(two: EmulatorServer) -> None:
    Deployment.objects.create(env=ENV, outcome="running")
    two.put_object("logo.svg", b"of the killed run")
    back()
    assert lists(two)
    assert {name: bodies(two)[name] for name in A} == A


def test_assets_come_before_pages_as_in_any_deploy(two: EmulatorServer) -> None:
    back()
    assert sent(two) == ["logo.svg", "index.html"]


def test_what_pages_load_and_the_roll_back_changes_in_place_is_named(
    two: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    back()
    assert "logo.svg changes under a name that pages keep" in capsys.readouterr().err


def test_strict_refuses_a_roll_back_that_changes_a_file_in_place(two: EmulatorServer) -> None:
    assert "Nothing was published: --strict." in fails(rollback=True, strict=True, code=1)
    assert sent(two) == []


STYLED = {"index.html": b"<link rel=stylesheet href=a.css>", "a.css": b"1"}
PLAIN = {"index.html": b"<p>", "a.css": b"2"}


def test_what_only_pages_of_the_live_release_load_is_named_before_a_deploy(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    deploy(tmp_path / "site", STYLED)
    write(tmp_path / "site", PLAIN)
    said = fails(tmp_path / "site", using="site", strict=True, code=1)
    assert "--strict" in said
    assert bodies(cloud)["a.css"] == b"1"


def test_what_only_pages_of_the_newest_release_load_is_named_before_a_roll_back(
    cloud: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tmp_path / "site", PLAIN)
    deploy(tmp_path / "site", STYLED)
    capsys.readouterr()
    back()
    assert "a.css changes under a name that pages keep" in capsys.readouterr().err


def test_new_files_and_pages_change_nothing_in_place(
    cloud: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tmp_path / "site", {"index.html": b"<script src=a.js></script>", "a.js": b"1"})
    deploy(tmp_path / "site", {"index.html": b"<script src=b.js></script>", "b.js": b"2"})
    back(strict=True)
    assert "Warning" not in capsys.readouterr().err


def test_a_repair_changes_nothing_in_place(two: EmulatorServer) -> None:
    two.put_object("logo.svg", b"somebody else")
    run(repair=True, strict=True)
    assert bodies(two)["logo.svg"] == B["logo.svg"]


def test_what_the_newer_release_added_is_reported_and_left_alone(
    two: EmulatorServer, tmp_path: Path
) -> None:
    two.put_object("somebody.txt", b"nobody asks the list")
    said = back(json=str(tmp_path / "report.json"))
    assert "  new.js: stale\n" in said
    assert bodies(two)["new.js"] == b"new"
    (environment,) = json.loads((tmp_path / "report.json").read_text())["environments"]
    assert environment["stale"] == ["new.js"]
    assert lists(two) == 0


def test_it_is_blanked_if_that_is_asked_for(two: EmulatorServer) -> None:
    two.put_object("somebody.txt", b"not of a release")
    back(blank_stale=True)
    assert two.objects()["new.js"].body == DELETED
    assert bodies(two)["somebody.txt"] == b"not of a release"
    assert lists(two) == 1


def test_pages_that_older_releases_left_are_blanked_with_what_they_name(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    """Neither the newest release had the page, nor the one that comes back."""
    news = {"news.html": b"<script src=new.js></script>", "new.js": b"new"}
    for files in (A | news, A, B):
        deploy(tmp_path / "site", files)
    back(blank_stale=True)
    assert {bodies(cloud)[name] for name in news} == {DELETED}


def test_what_is_blanked_is_as_the_list_says_and_not_the_log(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    """A killed run has sent the page again, and its row is missing."""
    page = b"<script src=new.js></script>"
    deploy(tmp_path / "site", A)
    deploy(tmp_path / "site", B | {"news.html": page})
    get_uploader("site").upload(deletion("news.html"), CONTEXT)
    cloud.put_object("news.html", page)
    back(blank_stale=True)
    assert {bodies(cloud)[name] for name in ("news.html", "new.js")} == {DELETED}


def test_what_is_live_in_a_folder_below_is_neither_stale_nor_blanked(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    page, below = {"index.html": b"<p>"}, {"sub/index.html": b"old", "sub/a.txt": b"old"}
    deploy(tmp_path / "own", page | below, "own", label="o1")
    deploy(tmp_path / "own", page | {"b.txt": b"2"}, "own", label="o2")
    deploy(tmp_path / "sub", {"index.html": b"another site"}, "own/sub")
    deploy(tmp_path / "own", page, "own", label="o3")
    assert "sub/" not in back("o2")
    said = back("o3", blank_stale=True)
    assert "own/sub/index.html" not in said
    assert bodies(cloud)["own/sub/index.html"] == b"another site"
    assert {bodies(cloud)[f"own/{name}"] for name in ("b.txt", "sub/a.txt")} == {DELETED}


def test_a_roll_back_is_verified_as_any_deploy(two: EmulatorServer) -> None:
    said = back(verify=True, canary=1)
    assert "verified: 3 files by the cloud's list, 1 page by the public site" in said
    assert "canary: it is right" in said


def test_what_fails_ends_with_1_and_says_how_to_go_on(
    two: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    two.script({"on": "put_object", "key": "logo.svg", "do": "cos_error", "status": 403,
                "code": "AccessDenied", "times": None})  # fmt: skip
    fails(rollback=True, code=1)
    two.state.script.clear()
    digest = str(Deployment.objects.earliest("pk").release)
    assert f"name the release: --rollback {digest}" in capsys.readouterr().err
    back(digest)
    assert {name: bodies(two)[name] for name in A} == A


def test_label_and_user_are_those_of_the_command_line(two: EmulatorServer) -> None:
    User.objects.create_user("editor")
    back(label="emergency", user="editor")
    newest = Deployment.objects.latest("pk")
    assert (newest.label, str(newest.user)) == ("emergency", "editor")


def test_the_label_of_a_ci_system_is_not_that_of_a_roll_back(
    two: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SHA", "4f2a9c1")
    back()
    assert Deployment.objects.latest("pk").label == "roll back from v2 to v1"


# --- the bytes --------------------------------------------------------------------------------


def test_without_a_release_storage_the_settings_are_shown(
    configure: Any, stores: EmulatorServer
) -> None:
    said = fails(rollback=True, code=2)
    assert "RELEASE_STORAGE is not set" in said
    code = [line for line in said.splitlines() if line.startswith("    ")]
    assert 'location": BASE_DIR / "releases", "file_permissions_mode": 0o600}}' in code[0]
    assert code[1] == '    WX_STATIC_STORE["RELEASE_STORAGE"] = "releases"'


def test_a_release_that_was_not_kept_is_refused_with_its_files(
    configure: Any, stores: EmulatorServer, tmp_path: Path
) -> None:
    deploy(tmp_path / "site", A, label="v1")
    configure(**configure_releases(tmp_path / "releases"))
    deploy(tmp_path / "site", B, label="v2")
    stores.journal.clear()
    said = fails(rollback="v1", code=2)
    assert "3 files of release" in said
    assert "index.html, logo.svg" in said
    assert "this keeps them, with --force also bytes that were lost" in said
    assert stores.journal == []
    deploy(tmp_path / "site", A)
    deploy(tmp_path / "site", B)
    back("v1")
    assert bodies(stores)["index.html"] == A["index.html"]


def test_bytes_that_are_gone_are_noticed_before_anything_is_sent(
    two: EmulatorServer, tmp_path: Path
) -> None:
    sha256 = next(
        file.sha256 for file in Release.objects.earliest("pk").contents() if file.name == "logo.svg"
    )
    (tmp_path / "releases" / sha256[:2] / sha256[2:]).unlink()
    assert KeptFile.objects.filter(sha256=sha256).exists()
    assert "1 file of release" in fails(rollback=True, code=2)
    assert two.journal == []


@pytest.mark.parametrize(
    "damage", slow_but(["truncated", "empty", "same size", "folder"], "truncated", "same size")
)
@pytest.mark.parametrize("name", slow_but(["index.html", "logo.svg"], "logo.svg"))
def test_damaged_bytes_are_noticed_before_anything_is_sent(
    two: EmulatorServer, tmp_path: Path, name: str, damage: str
) -> None:
    files = Release.objects.earliest("pk").contents()
    sha256 = next(file.sha256 for file in files if file.name == name)
    path = tmp_path / "releases" / sha256[:2] / sha256[2:]
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"truncated": whole[:-1], "empty": b""}.get(damage, whole[::-1]))
    assert f"is missing or damaged in the release storage: {name}" in fails(rollback=True, code=2)
    assert two.journal == []
    assert Deployment.objects.count() == 2


# --- before it begins -------------------------------------------------------------------------


def test_a_roll_back_says_from_where_to_where_and_asks(
    two: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    said = back(yes=False)
    second, first = Deployment.objects.all()
    assert f"{ENV}: roll back from v2 ({second.pk}, {second.release}, " in said
    assert f" to v1 ({first.pk}, {first.release}, " in said
    assert "2 files to send, 105 bytes, 1 unchanged" in said
    assert (sent(two), Deployment.objects.count()) == ([], 2)


def test_a_dry_run_lists_the_files_and_sends_nothing(two: EmulatorServer) -> None:
    said = back(dry_run=True)
    assert "changed              41  logo.svg" in said
    assert "stale                 3  new.js" in said
    assert two.journal == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rollback": ""}, "--rollback is empty"),
        ({"rollback": True, "folder": ""}, "--prefix is empty"),
        ({"rollback": True, "map": ["*=no-cache"]}, "belong to a DIR"),
        ({"rollback": True, "write_manifest": True}, "has no manifest"),
        ({"repair": True, "trust_log": True}, "leave --trust-log out"),
        ({"repair": True, "write_manifest": True}, "belongs to --rollback"),
        ({"folder": "docs"}, "belongs to --rollback, --repair and --diff"),
    ],
    ids=str,
)
def test_an_option_that_does_not_fit_is_refused(
    two: EmulatorServer, options: dict[str, Any], said: str
) -> None:
    assert said in fails(code=2, **options)
    assert two.journal == []


def test_a_folder_beside_rollback_is_refused(two: EmulatorServer, tmp_path: Path) -> None:
    said = fails(tmp_path / "site", rollback=True, code=2)
    assert "A release is named right after --rollback" in said


def test_a_roll_back_without_a_log_says_what_to_do(two: EmulatorServer) -> None:
    with lost_table(Deployment):
        assert "manage.py migrate" in fails(rollback=True, code=2)


# --- repair -----------------------------------------------------------------------------------


def test_repair_sends_again_what_the_cloud_has_otherwise(
    two: EmulatorServer, tmp_path: Path
) -> None:
    two.delete_object("logo.svg")
    two.put_object("new.js", DELETED)
    two.put_object("index.html", b"somebody else's")
    two.journal.clear()
    said = run(repair=True)
    assert sorted(sent(two)) == sorted(B)
    assert {name: bodies(two)[name] for name in B} == B
    assert Deployment.objects.latest("pk").label == "repair of v2"
    assert f"{ENV}: repair of v2" in said


def test_repair_may_blank_what_is_stale_by_the_list(two: EmulatorServer) -> None:
    run(repair=True, blank_stale=True)
    assert two.objects()["assets/index-BfYjkO2m.js"].body == DELETED


def test_repair_of_what_is_right_sends_nothing(two: EmulatorServer) -> None:
    assert "stored 0, unchanged 3" in run(repair=True)
    assert sent(two) == []
    assert lists(two)


def test_repair_asks_for_the_list_even_where_the_store_trusts_its_log(
    two: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    settings = configure_releases(tmp_path / "releases")
    settings["STORAGES"]["site"]["OPTIONS"] = {"trust_log": True}
    configure(**settings)
    two.delete_object("logo.svg")
    run(repair=True)
    assert {name: bodies(two)[name] for name in B} == B


def test_a_roll_back_that_found_a_foreign_byte_is_live_and_mismatched(two: EmulatorServer) -> None:
    roll_back_beside_a_stranger(two)
    newest = Deployment.objects.latest("pk")
    assert (newest.outcome, newest.checked) == ("done", "mismatched")
    assert live(ENV, "") == newest


def test_a_repair_completes_a_roll_back_that_found_a_foreign_byte(two: EmulatorServer) -> None:
    roll_back_beside_a_stranger(two)
    assert f"{ENV}: repair of v1" in run(repair=True)
    assert {name: bodies(two)[name] for name in A} == A


def test_the_printed_command_completes_a_roll_back_that_found_a_foreign_byte(
    two: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its log is proved wrong, so it asks the list."""
    roll_back_beside_a_stranger(two)
    command = capsys.readouterr().err.partition("name the release: ")[2].split()
    back(command[1], verify=True)
    assert {name: bodies(two)[name] for name in A} == A
    assert Deployment.objects.latest("pk").checked == "ok"


def test_the_release_before_comes_back_after_a_roll_back_that_found_a_foreign_byte(
    two: EmulatorServer,
) -> None:
    two.put_object("logo.svg", b"somebody else's")
    fails(rollback="v2", verify=True, code=1)
    back()
    assert {name: bodies(two)[name] for name in A} == A


def no_lists(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})


def test_a_repair_that_can_compare_nothing_sends_nothing_and_exits_2(
    two: EmulatorServer, tmp_path: Path
) -> None:
    two.delete_object("logo.svg")
    no_lists(two)
    rows = Deployment.objects.count()
    said = fails(repair=True, json=str(tmp_path / "report.json"), code=2)
    assert "Nothing was repaired, as the cloud could not be compared" in said
    assert (sent(two), Deployment.objects.count()) == ([], rows)
    (environment,) = json.loads((tmp_path / "report.json").read_text())["environments"]
    assert (environment["outcome"], "45009" in environment["error"]) == ("skipped", True)


def test_a_dry_run_of_a_repair_that_can_compare_nothing_fails(two: EmulatorServer) -> None:
    no_lists(two)
    assert "or looked at" in fails(repair=True, dry_run=True, code=1)


def test_a_repair_of_many_exits_1_where_one_could_not_be_compared(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    deploy(tmp_path / "site", A, env=envs)
    cloud.delete_object("logo.svg", env=envs[1])
    cloud.state.find(envs[0]).status = "none"
    said = fails(repair=True, using="site", env=envs, code=1)
    assert f"{envs[0]}: skipped" in said
    assert bodies(cloud, envs[1]) == A


def test_a_roll_back_says_that_the_log_alone_found_its_files_unchanged(
    two: EmulatorServer, tmp_path: Path
) -> None:
    """The log may be behind the cloud: restored from a backup, say."""
    report = tmp_path / "report.json"
    said = back("v2", json=str(report))
    note = "The log alone says what is unchanged: the cloud's list was not read."
    assert "unchanged 3, failed 0, unknown 0, held back 0, not attempted 0; 0 bytes\n" in said
    assert note in said
    assert json.loads(report.read_text())["environments"][0]["notes"] == [note]
    assert Deployment.objects.latest("pk").checked == "not_compared"
    back("v2", verify=True)
    assert Deployment.objects.latest("pk").checked == "ok"


def test_a_deploy_whose_list_could_not_be_read_is_not_compared(
    two: EmulatorServer, tmp_path: Path
) -> None:
    no_lists(two)
    assert deploy(tmp_path / "site", B).checked == "not_compared"


def roll_back_beside_a_stranger(two: EmulatorServer) -> None:
    """Go back to A, while the script that v1 and the log know has been overwritten."""
    name = "assets/index-BfYjkO2m.js"
    two.put_object(name, b"somebody else's")
    assert name in fails(rollback="v1", verify=True, code=1)


def fail_to_deploy(cloud: EmulatorServer, folder: Path, label: str) -> Deployment:
    """Publish a third release in vain: its page is refused."""
    cloud.script({"on": "put_object", "key": "index.html", "do": "cos_error", "status": 403,
                  "code": "AccessDenied", "times": None})  # fmt: skip
    write(folder, {"index.html": b"third", "logo.svg": b"third"})
    fails(folder, using="site", label=label, code=1)
    cloud.state.script.clear()
    return Deployment.objects.latest("pk")


def test_a_repair_does_not_guess_after_a_deploy_that_failed(
    two: EmulatorServer, tmp_path: Path
) -> None:
    live = Deployment.objects.latest("pk")
    failed = fail_to_deploy(two, tmp_path / "site", "v3")
    two.journal.clear()
    said = fails(repair=True, code=2)
    assert f"The newest release of / in {ENV} did not end well" in said
    for row in (failed, live):
        assert f"wx_deploy --rollback {row.pk} --using site --env {ENV}" in said
    assert two.journal == []
    back(str(failed.pk))
    assert bodies(two)["index.html"] == b"third"


def test_a_repair_of_a_first_deploy_that_failed_names_the_command_that_completes_it(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    failed = fail_to_deploy(cloud, tmp_path / "site", "v1")
    said = fails(repair=True, using="site", code=2)
    assert f"The newest release of / in {ENV} did not end well" in said
    assert f"wx_deploy --rollback {failed.pk} --using site --env {ENV}" in said
    back(str(failed.pk))
    assert bodies(cloud)["index.html"] == b"third"


def test_a_repair_of_many_leaves_out_where_a_deploy_failed_and_exits_1(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    deploy(tmp_path / "site", A, env=envs)
    write(tmp_path / "site", B)
    cloud.state.find(envs[0]).status = "none"
    fails(tmp_path / "site", using="site", env=[envs[0]], code=1)
    cloud.delete_object("logo.svg", env=envs[1])
    said = fails(repair=True, using="site", env=envs, code=1)
    assert f"{envs[0]}: left out: its newest release did not end well" in said
    assert f"The newest release of / in {envs[0]} did not end well" in said
    assert bodies(cloud, envs[1]) == A


def test_a_repair_that_failed_is_repeated(two: EmulatorServer) -> None:
    two.delete_object("logo.svg")
    two.script({"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied",
                "times": None})  # fmt: skip
    fails(repair=True, code=1)
    two.state.script.clear()
    run(repair=True)
    assert {name: bodies(two)[name] for name in B} == B


def test_repair_without_a_live_release_is_refused(cloud: EmulatorServer) -> None:
    said = fails(repair=True, using="site", code=2)
    assert f"There is no release that ended well of / in {ENV}" in said


def test_repair_leaves_out_an_environment_without_a_live_release(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(3, cloud)
    deploy(tmp_path / "site", A, env=envs[1:])
    cloud.delete_object("logo.svg", env=envs[2])
    said = run(repair=True, using="site", env=envs)
    assert f"{envs[0]}: left out: nothing is live in /\n" in said
    assert bodies(cloud, envs[2]) == A
    assert [row.env for row in Deployment.objects.all()[:2]] == envs[:0:-1]


def test_repair_is_refused_where_no_environment_has_a_live_release(cloud: EmulatorServer) -> None:
    said = fails(repair=True, using="site", env=tenants(2, cloud), code=2)
    assert "There is no release that ended well of / in tenant-00, tenant-01" in said
    assert "Name another folder with --prefix, or other environments with --env." in said


def test_a_deploy_without_release_storage_says_once_that_no_bytes_are_kept(
    stores: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    said = run(dist, using="site", env=tenants(2, stores))
    digest = Release.objects.get().digest
    assert said.count(f": release {digest[:10]}\n") == 1
    assert said.count("RELEASE_STORAGE is not set: no bytes are kept to roll back to.") == 1


def test_a_deploy_whose_bytes_are_kept_does_not_say_so(cloud: EmulatorServer, dist: Path) -> None:
    assert "RELEASE_STORAGE" not in run(dist, using="site")
