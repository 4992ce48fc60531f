"""The release storage: what the system checks, and a run without checks, find wrong with it."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from wx_static_store.conf.release_checks import refuse_releases_in, require_private
from wx_static_store.exceptions import ConfigurationError

from .conftest import WX, ids, messages

LOCAL = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def releases(project: Any, settings: Any, tmp_path: Path) -> Any:
    """`releases(**storage)`: a sound project, with this storage for its releases."""

    def make(alias: str = "releases", *, root: Any = "", dirs: Any = (), **storage: Any) -> None:
        project(RELEASE_STORAGE=alias, STATIC_ROOT=str(tmp_path / "static"))
        settings.MEDIA_ROOT = root
        settings.STATICFILES_DIRS = dirs
        if storage:
            settings.STORAGES = {**settings.STORAGES, "releases": storage}

    return make


def located(folder: Path) -> dict[str, Any]:
    return {
        "BACKEND": LOCAL,
        "OPTIONS": {"location": str(folder), "file_permissions_mode": 0o600},
    }


def test_a_folder_of_its_own_is_sound(releases: Any, tmp_path: Path) -> None:
    releases(root=tmp_path / "media", dirs=[tmp_path / "assets"], **located(tmp_path / "releases"))
    assert messages() == []
    require_private("releases")


def test_a_storage_of_another_place_is_sound(releases: Any) -> None:
    releases(BACKEND="tests.doubles.ObjectStore")
    assert messages() == []


def test_an_alias_that_is_not_there_is_named_with_the_nearest(
    releases: Any, tmp_path: Path
) -> None:
    releases("release", **located(tmp_path / "releases"))
    [found] = messages()
    assert found.id == "wx_static_store.E026"
    assert str(found.msg) == "RELEASE_STORAGE names 'release', which is not in STORAGES."
    assert str(found.hint).startswith("Did you mean releases?")


def test_the_storage_of_waiting_files_is_held_to_the_same(project: Any, tmp_path: Path) -> None:
    project(WAITING_STORAGE="default", STATIC_ROOT=str(tmp_path / "static"))
    [found] = messages()
    assert found.id == "wx_static_store.E027"
    assert str(found.msg).startswith("WAITING_STORAGE names 'default', which is public")


@pytest.mark.parametrize(
    ("debug", "storage", "found"),
    [(False, "local", ["W033"]), (True, "local", []), (False, "bucket", [])],
)
def test_a_folder_of_one_machine_for_waiting_files_is_reported(
    project: Any, settings: Any, tmp_path: Path, debug: bool, storage: str, found: list[str]
) -> None:
    project(WAITING_STORAGE="kept", STATIC_ROOT=str(tmp_path / "static"))
    kinds = {
        "local": located(tmp_path / "kept"),
        "bucket": {"BACKEND": "tests.doubles.ObjectStore"},
    }
    settings.STORAGES = {**settings.STORAGES, "kept": kinds[storage]}
    settings.DEBUG = debug
    assert [str(id).rpartition(".")[2] for id in ids()] == found


def test_without_any_alias_that_fits_the_hint_says_what_to_add(releases: Any) -> None:
    releases("release")
    [found] = messages()
    assert str(found.hint).startswith("Name a separate alias of STORAGES")


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("default", "it is a store of wx_static_store"),
        ("staticfiles", "it is a store of wx_static_store"),
    ],
)
def test_a_store_of_ours_is_public(releases: Any, alias: str, why: str) -> None:
    releases(alias)
    [found] = messages()
    assert found.id == "wx_static_store.E027"
    assert str(found.msg) == f"RELEASE_STORAGE names {alias!r}, which is public: {why}."


def test_the_storage_of_static_files_is_public_whatever_it_is(
    releases: Any, settings: Any, tmp_path: Path
) -> None:
    releases("staticfiles")
    settings.STORAGES = {
        "default": {"BACKEND": WX, "OPTIONS": {"location": "media"}},
        "staticfiles": located(tmp_path / "static"),
    }
    assert ids() == ["wx_static_store.E027"]


@pytest.mark.parametrize("below", [".", "releases/of/all"])
@pytest.mark.parametrize(
    ("setting", "folder"),
    [("MEDIA_ROOT", "media"), ("STATIC_ROOT", "static"), ("STATICFILES_DIRS", "assets")],
)
def test_a_folder_that_is_served_is_public(
    releases: Any, tmp_path: Path, setting: str, folder: str, below: str
) -> None:
    dirs = [("prefix", tmp_path / "assets")]
    releases(root=tmp_path / "media", dirs=dirs, **located(tmp_path / folder / below))
    [found] = messages()
    assert str(found.msg).endswith(f"which is public: its location is in {setting}.")


def test_a_link_into_a_served_folder_is_public(releases: Any, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "media")
    releases(root=tmp_path / "media", **located(tmp_path / "link" / "releases"))
    assert ids() == ["wx_static_store.E027"]


def test_a_folder_beside_a_served_one_whose_name_begins_alike_is_sound(
    releases: Any, tmp_path: Path
) -> None:
    releases(root=tmp_path / "media", **located(tmp_path / "media-releases"))
    assert messages() == []


def test_a_local_storage_without_location_is_public(releases: Any, tmp_path: Path) -> None:
    """Django puts it into MEDIA_ROOT, or into the folder in which the process began."""
    releases(BACKEND=LOCAL)
    [found] = messages()
    assert str(found.msg).endswith("which is public: it has no location.")
    releases(root=tmp_path, BACKEND=LOCAL)
    [found] = messages()
    assert str(found.msg).endswith("which is public: its location is in MEDIA_ROOT.")


@pytest.mark.parametrize(
    ("storage", "why"),
    [
        ({"BACKEND": "no.such.Storage"}, "No module named 'no'"),
        ({"BACKEND": LOCAL, "OPTIONS": {"place": "planted"}}, "TypeError"),
    ],
)
def test_a_storage_that_cannot_be_made_is_named_without_its_options(
    releases: Any, storage: dict[str, Any], why: str
) -> None:
    releases(**storage)
    [found] = messages()
    assert found.id == "wx_static_store.E028"
    assert str(found.msg) == f"RELEASE_STORAGE names 'releases', which cannot be used ({why})."


def test_a_run_without_checks_refuses_what_is_public(releases: Any, tmp_path: Path) -> None:
    releases(root=tmp_path, **located(tmp_path / "releases"))
    with pytest.raises(ConfigurationError, match="is public: its location is in MEDIA_ROOT"):
        require_private("releases")


def test_the_folder_that_is_published_may_not_hold_the_releases(
    releases: Any, tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    releases(**located(dist / "releases"))
    refuse_releases_in(tmp_path / "other")
    with pytest.raises(
        ConfigurationError, match=f"its location is in {dist}. Name a separate alias"
    ):
        refuse_releases_in(dist)


@pytest.mark.parametrize("command", ["collectstatic", "wx_deploy"])
def test_a_command_that_keeps_releases_stops_before_it_writes(
    releases: Any, tmp_path: Path, command: str
) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "a.js").write_bytes(b"1")
    releases(root=tmp_path, **located(tmp_path / "releases"))
    arguments = [str(dist), "--using=staticfiles"] if command == "wx_deploy" else ["--no-input"]
    with pytest.raises(CommandError, match="E027"):
        call_command(command, *arguments, skip_checks=False)
    assert not (tmp_path / "static").exists()
    assert not (tmp_path / "releases").exists()
