"""docs/howto/packages.rst: its settings work, and it names every package of three extras."""

import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from compressor.storage import DefaultStorage
from django.conf import settings as project
from django.core.files.storage import storages
from django.template import Context, Template

from tests.docs.blocks import DOCS, ROOT
from tests.docs.fresh_project import block
from wx_static_store.emulator import EmulatorServer

PAGE = "howto/packages"
COMPRESSED = """{% load compress static %}{% compress css %}
<link rel="stylesheet" href="{% static 'a.css' %}">{% endcompress %}"""


def settings_of(name: str) -> dict[str, Any]:
    """Return the settings of a block, pasted into those of the suite."""
    names: dict[str, Any] = {"STORAGES": {**project.STORAGES}, "INSTALLED_APPS": []}
    exec(block(PAGE, name).text, names)
    return {key: value for key, value in names.items() if key.isupper()}


@pytest.mark.parametrize("extra", ["compat", "observers", "clients"])
def test_the_page_names_every_package_of_the_extra(extra: str) -> None:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = re.findall(r"^([\w-]+)>=", parser["options.extras_require"][extra], re.MULTILINE)
    page = (DOCS / "howto" / "packages.rst").read_text("utf-8")
    sections = page.split("\n\n\n")
    named = [re.findall(r"``([\w@/-]+)``", section) for section in sections]
    assert wanted
    assert any(set(wanted) <= set(names) for names in named)


def test_the_settings_for_filer_are_those_of_its_tests() -> None:
    assert settings_of("filer")["FILER_STORAGES"] == project.FILER_STORAGES


@pytest.mark.django_db
def test_with_the_settings_for_compressor_a_style_sheet_is_stored(
    configure: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud: EmulatorServer = configure(STORAGES=settings_of("compressor")["STORAGES"])
    for name, value in settings_of("compressor").items():
        if name not in ("INSTALLED_APPS", "STORAGES"):
            setattr(settings, name, value)
    settings.STATIC_URL = settings.COMPRESS_URL = f"{cloud.site_url()}/static/"
    settings.COMPRESS_ROOT = str(tmp_path / "static_root")
    settings.STATICFILES_DIRS = [str(tmp_path)]
    monkeypatch.setattr("compressor.storage.default_storage", DefaultStorage())
    (tmp_path / "a.css").write_text("p { color: red }")
    page = Template(COMPRESSED).render(Context())
    ((key, stored),) = cloud.objects().items()
    assert stored.body == b"p{color:red}"
    assert f"{storages['compressor'].base_url}{key.removeprefix('static/')}" in page
