"""django-compressor over `WxStorage`: the sources lie here, what it makes of them is stored."""

import re
from pathlib import Path
from typing import Any

import pytest
from compressor.exceptions import UncompressableFileError
from compressor.storage import DefaultStorage
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.template import Context, Template

from tests.compat.conftest import Place

CSS = {"a.css": "p { color: red }", "b.css": "p { background: url(../x.png) }"}
JS = {"a.js": "var a = 1 ;", "b.js": "var b = a ;"}


@pytest.fixture(autouse=True)
def sources(place: Place, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the project's files; the package takes its storage and STATIC_URL at its import."""
    settings.STORAGES = settings.STORAGES | {"compressor": settings.STORAGES["default"]}
    settings.STATIC_URL = settings.COMPRESS_URL = default_storage.base_url
    settings.COMPRESS_ROOT = str(tmp_path / "static_root")
    settings.STATICFILES_DIRS = [str(tmp_path / "sources")]
    monkeypatch.setattr("compressor.storage.default_storage", DefaultStorage())
    root = tmp_path / "sources"
    for name, content in (CSS | JS).items():
        path = root / name.rpartition(".")[2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def block(kind: str, elements: str) -> str:
    """Return the address in a page with these elements in one block, rendered anew."""
    cache.clear()
    page = "{% load compress static %}{% compress " + kind + " %}" + elements + "{% endcompress %}"
    (url,) = re.findall('(?:href|src)="(.*?)"', Template(page).render(Context()))
    return str(url)


def css() -> str:
    sheet = """<link rel="stylesheet" href="{%% static 'css/%s' %%}">"""
    return block("css", "".join(sheet % name for name in CSS))


def js() -> str:
    script = """<script src="{%% static 'js/%s' %%}"></script>"""
    return block("js", "".join(script % name for name in JS))


def test_style_sheets_are_stored_as_one_file_and_shown(place: Place) -> None:
    url = css()
    assert place.get(url).startswith(b"p{color:red}p{background:url(")
    assert list(place.files().values()) == [place.get(url)]


def test_scripts_are_stored_as_one_file_and_shown(place: Place) -> None:
    url = js()
    assert place.get(url) == b"var a=1;;var b=a;;"
    assert list(place.files().values()) == [place.get(url)]


def test_a_file_that_a_style_sheet_names_is_looked_for_in_the_storage(place: Place) -> None:
    assert f"url({default_storage.url('x.png')})".encode() in place.get(css())


def test_a_compressed_file_is_not_stored_twice(place: Place) -> None:
    assert css() == css()
    assert len(place.files()) == 1


def test_a_changed_source_is_stored_beside_the_old_file(place: Place, sources: Path) -> None:
    old = css()
    (sources / "css" / "a.css").write_text("p { color: blue }")
    new = css()
    assert new != old
    assert place.get(old).startswith(b"p{color:red}")
    assert place.get(new).startswith(b"p{color:blue}")


def test_a_sheet_of_another_address_is_refused(place: Place) -> None:
    with pytest.raises(UncompressableFileError):
        block("css", '<link rel="stylesheet" href="https://example.com/a.css">')
    assert place.files() == {}
