"""``wx_deploy --preview``: an address of its own for each name, beside the site, with an end."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.utils import timezone

from tests.deploys import (
    TREE,
    bodies,
    configure_releases,
    configure_storages,
    fails,
    run,
    sent,
    write,
)
from tests.log.conftest import run as execute
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, FolderState, key_digest
from wx_static_store.upload.as_sent import NOINDEX

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    cloud: EmulatorServer = configure(**configure_releases(tmp_path / "kept"))
    return cloud


def preview(dist: Path, *args: object, name: str = "new/menu", **options: Any) -> str:
    """Publish the folder, and return where its keys begin."""
    run(dist, "--preview", name, *args, using="site", **options)
    return Deployment.objects.latest("id").folder


def below(cloud: EmulatorServer, folder: str) -> dict[str, bytes]:
    found = bodies(cloud).items()
    return {key.removeprefix(folder): body for key, body in found if key.startswith(folder)}


class Terminal(StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


# --- the address ------------------------------------------------------------------------------


def test_a_preview_has_an_address_that_nobody_guesses(cloud: EmulatorServer, dist: Path) -> None:
    out = run(dist, preview="new/menu", using="site")
    found = re.search(r"http\S+/(_preview/new-menu-[0-9a-z]{8})/", out)
    assert found
    assert below(cloud, f"{found[1]}/").keys() == TREE.keys()
    assert requests.get(found[0], timeout=5).status_code == 200


def test_a_name_keeps_its_address_and_sends_only_what_changed(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist)
    cloud.journal.clear()
    assert preview(dist) == folder
    assert sent(cloud) == []
    write(dist, {"logo.svg": b"<svg/>"})
    assert preview(dist, strict=True) == folder
    assert sent(cloud) == [f"{folder}logo.svg"]


def test_a_name_that_begins_like_another_has_an_address_of_its_own(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist, name="menu-12345678")
    assert not folder.startswith(preview(dist, name="menu"))


def test_a_dry_run_settles_the_address_and_moves_no_end(cloud: EmulatorServer, dist: Path) -> None:
    out = run(dist, preview="menu", using="site", dry_run=True)
    folder = preview(dist, name="menu")
    assert f"/{folder}" in out
    ends = FolderState.objects.get().ends
    run(dist, "--expires=30d", preview="menu", using="site", dry_run=True)
    assert FolderState.objects.get().ends == ends
    assert sent(cloud)


def test_after_two_first_runs_at_once_the_older_address_counts(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist, name="menu")
    older = FolderState.objects.get()
    late = f"{folder[:-9]}zzzzzzzz/"
    FolderState.objects.create(
        env=older.env, folder=late, folder_digest=key_digest(late), ends=older.ends
    )
    assert preview(dist, name="menu") == folder


def test_the_address_is_the_url_of_the_report_and_of_github(
    cloud: EmulatorServer, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, report = tmp_path / "output", tmp_path / "report.json"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    folder = preview(dist, json=str(report))
    url = f"{cloud.site_url()}/{folder}"
    assert json.loads(report.read_text())["url"] == url
    assert output.read_text() == f"url={url}\n"


def test_a_terminal_shows_the_address_as_a_code(cloud: EmulatorServer, dist: Path) -> None:
    terminal = Terminal()
    call_command("wx_deploy", str(dist), preview="menu", using="site", yes=True, stdout=terminal)
    assert "\u2580" in terminal.getvalue()
    assert "\u2580" not in run(dist, preview="menu", using="site")


def test_a_store_for_previews_takes_them(configure: Any, dist: Path) -> None:
    static = "wx_static_store.staticfiles.WxStaticFilesStorage"
    store = {"BACKEND": static, "OPTIONS": {"location": "drafts"}}
    cloud = configure(STORAGES=configure_storages() | {"previews": store})
    run(dist, preview="menu")
    assert "1 by size only" in run(diff=["live", "cloud"], preview="menu")
    assert all(key.startswith("drafts/_preview/menu-") for key in bodies(cloud))
    run(dist)
    assert bodies(cloud).keys() > TREE.keys(), "without --preview, the site needs no --using"


# --- beside the site --------------------------------------------------------------------------


def test_fifty_previews_leave_the_site_alone(cloud: EmulatorServer, dist: Path) -> None:
    small = dist / "assets"  # one file
    run(dist, using="site")
    site = Deployment.objects.get()
    for number in range(50):
        preview(small, name=f"pr-{number}", verbosity=0)
    assert [row.pk for row in Deployment.objects.with_is_live() if row.is_live] == [site.pk]
    assert "stale" not in run(dist, using="site", blank_stale=True, include_uploads=True)
    assert DELETED not in bodies(cloud).values()
    assert "No difference: 3 files" in run(using="site", diff=["live", "cloud"], folder="/")
    assert FolderState.objects.with_live().get().folder == ""


def test_search_engines_are_kept_out_of_pages_but_the_release_stays(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, using="site")
    folder = preview(dist)
    page = below(cloud, folder)["index.html"]
    assert page.count(NOINDEX) == 1
    assert page.replace(NOINDEX, b"") == TREE["index.html"]
    assert bodies(cloud)["index.html"] == TREE["index.html"]
    assert len({row.release_id for row in Deployment.objects.all()}) == 1


def test_a_preview_is_verified_compared_and_rolled_back(cloud: EmulatorServer, dist: Path) -> None:
    folder = preview(dist, verify=True)
    before = below(cloud, folder)
    write(dist, {"index.html": b"<html><head></head>new"})
    preview(dist, verify=True)
    assert "No difference: 3 files" in run(using="site", preview="new/menu", diff=["live", "cloud"])
    run(using="site", preview="new/menu", rollback=True)
    assert below(cloud, folder) == before
    assert FolderState.objects.get().ends


def test_a_roll_back_of_the_site_does_not_ask_which_preview(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, using="site")
    write(dist, {"index.html": b"new"})
    run(dist, using="site", label="v1")
    preview(dist, label="v1")
    run(using="site", rollback=True)
    assert bodies(cloud)["index.html"] == TREE["index.html"]
    run(using="site", rollback="v1")
    assert bodies(cloud)["index.html"] == b"new"


@pytest.mark.parametrize("mode", [{"rollback": True}, {"list": True}, {"diff": ["live", "cloud"]}])
def test_a_preview_that_was_never_published_is_named(
    cloud: EmulatorServer, mode: dict[str, Any]
) -> None:
    said = fails(preview="menu", using="site", **mode, code=2)
    assert "no preview 'menu'. wx_deploy --list shows all." in said
    assert not FolderState.objects.exists()


def test_the_end_of_a_roll_back_is_no_option(cloud: EmulatorServer, dist: Path) -> None:
    preview(dist)
    said = fails("--expires=7d", preview="new/menu", using="site", rollback=True, code=2)
    assert "--expires belongs to --preview with a DIR." in said


# --- absolute addresses -----------------------------------------------------------------------


def test_absolute_addresses_are_named_with_the_line_that_sets_the_base(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"index.html": b"<script src=/assets/index-BfYjkO2m.js></script>"})
    out = fails(dist, "--preview", "menu", using="site", strict=True, code=1)
    assert sent(cloud) == []
    assert "Nothing was published: --strict." in out
    base = f"/{FolderState.objects.get().folder}"
    _code, said = execute("wx_deploy", str(dist), "--preview=menu", "--using=site", "--dry-run")
    for line in (
        f"Vite: --base={base}.",
        f"Vue CLI: publicPath: '{base}'.",
        f"webpack: output.publicPath: '{base}'.",
        f"Next.js: basePath: '{base.rstrip('/')}'.",
        f"Angular: --base-href {base}.",
        f"Hugo: --baseURL {base}",
    ):
        assert line in said


# --- the end ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "lasts"), [("", 7 * DAY), ("12h", DAY / 2), ("30d", 30 * DAY)], ids=str
)
def test_a_preview_ends_when_it_is_said(
    cloud: EmulatorServer, dist: Path, given: str, lasts: timedelta
) -> None:
    preview(dist, *(["--expires", given] if given else []))
    ends = FolderState.objects.get().ends
    assert ends is not None
    assert abs(ends - timezone.now() - lasts) < timedelta(minutes=1)


@pytest.mark.parametrize("given", ["31d", "0d", "7", "1w"])
def test_an_end_that_is_no_time_or_too_late_is_refused_with_the_fix(
    cloud: EmulatorServer, dist: Path, given: str
) -> None:
    code, said = execute("wx_deploy", str(dist), "--preview=menu", f"--expires={given}", "--yes")
    assert code
    assert f"days or hours, at most 30d, as in 7d or 12h, not '{given}'" in said
    assert sent(cloud) == []


def test_a_new_run_does_not_shorten_what_somebody_keeps(cloud: EmulatorServer, dist: Path) -> None:
    preview(dist, "--expires=30d")
    kept = FolderState.objects.get().ends
    preview(dist)
    assert FolderState.objects.get().ends == kept


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--expires=7d"], "--expires belongs to --preview with a DIR."),
        (["app", "--preview=menu"], "leave PREFIX and --prefix out"),
        (["_preview/menu-1a2b3c4d"], "publish there with --preview NAME"),
        (["--preview=menu", "--env", "tenant-a", "tenant-b"], "one environment"),
        (["--preview=***"], "cannot name a preview"),
        (["--preview="], "is a variable not set?"),
    ],
)
def test_what_no_preview_can_be_is_refused(
    cloud: EmulatorServer, dist: Path, args: list[str], why: str
) -> None:
    assert why in fails(dist, *args, using="site", code=2)
    assert sent(cloud) == []
