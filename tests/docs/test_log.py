"""docs/howto/log.rst: its blocks are run as they are printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.bookshop.models import Book
from tests.conftest import ENV, slow
from tests.docs.blocks import matches
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.storage import WxStorage

PAGE = "howto/log"
FAULT = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088}
SETTINGS = """
INSTALLED_APPS += ["wx_static_store"]
STORAGES = {{
    "default": {{"BACKEND": "wx_static_store.storage.WxStorage"}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}
WX_STATIC_STORE = {{"ENV": "{}", "API_BASE_URL": "{}", "ACCESS_TOKEN": "{}"}}
"""
SAVE = """python manage.py shell -v0 -c '
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
default_storage.save("tea.txt", ContentFile(b"tea"))
'"""


def run(name: str, **names: Any) -> dict[str, Any]:
    """Run a block of Python; return its names."""
    exec(compile(block(PAGE, name).text, f"docs/{PAGE}.rst, {name}", "exec"), names)
    return names


@pytest.mark.django_db
def test_the_query_shows_the_failed_uploads(
    configure: Any, emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    emulator.script(FAULT)
    with pytest.raises(OSError, match="85088"):
        WxStorage().save("media/tea.png", ContentFile(b"tea"))
    UploadLog.objects.update(source="collectstatic", env="prod-1a2b3c")
    newest = run("query")["newest"]
    assert "media/tea.png link 85088" in capsys.readouterr().out
    assert [*newest] == ["media/tea.png"]


@pytest.mark.django_db
def test_a_failed_save_is_caught(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    save_report = run("catch")["save_report"]
    emulator.script(FAULT)
    assert "85088" in save_report(Book(), ContentFile(b"tea"))


@slow
def test_json_lines_are_written_without_a_database_and_rows_are_pruned(
    tmp_path: Path, emulator: EmulatorServer
) -> None:
    project = FreshProject(tmp_path)
    project.append(
        "config/settings.py", SETTINGS.format(ENV, emulator.api_url, emulator.access_token)
    )
    project.paste(block(PAGE, "json-lines"))
    project.run(SAVE)  # there is no table
    project.run("python manage.py migrate -v0")
    assert "stored" in (tmp_path / "uploads.jsonl").read_text("utf-8")
    for command, shown in block(PAGE, "prune").commands:
        assert matches(shown or "…", project.run(f"{command} --yes"))
