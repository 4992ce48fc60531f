"""README.rst and README.zh.rst: short, shown by a package index, and their blocks work."""

import re
from pathlib import Path

import polib
import pytest
from docutils import nodes
from docutils.core import publish_doctree

from tests.conftest import slow
from tests.docs.blocks import DOCS, ROOT, blocks
from tests.docs.reader import Reader
from wx_static_store.emulator import EmulatorServer

README, CHINESE = ROOT / "README.rst", ROOT / "README.zh.rst"
BLOCKS = blocks(README)
YOUR_PLATFORM = next(number for number, block in enumerate(BLOCKS) if "WX_ENV" in block.text)
SETTINGS = "mysite/settings.py"
both = pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
# As a package index renders it; a warning ends it.
STRICT = {"file_insertion_enabled": False, "raw_enabled": False, "halt_level": 2}


@slow
def test_the_blocks_of_the_readme_work_as_printed(tmp_path: Path) -> None:
    """An emulator stands for the reader's platform: only its address is added to the settings."""
    exported = dict(re.findall(r"(WX_\w+)=(\S+)", BLOCKS[-1].text))
    env, token = exported["WX_ENV"], exported["WX_ACCESS_TOKEN"]
    with Reader(tmp_path) as reader, EmulatorServer(envs=[env], access_token=token) as platform:
        reader.follow(BLOCKS[: YOUR_PLATFORM + 1], SETTINGS)
        reader.write(SETTINGS, f'WX_STATIC_STORE["API_BASE_URL"] = "{platform.api_url}"\n')
        reader.follow(BLOCKS[-1:])
        assert "static/admin/css/base.css" in platform.objects()


@both
def test_a_readme_has_at_most_150_lines(page: Path) -> None:
    assert len(page.read_text("utf-8").splitlines()) <= 150


def doctree(page: Path) -> nodes.document:
    return publish_doctree(page.read_text("utf-8"), settings_overrides=STRICT)


@both
def test_a_package_index_can_show_the_readme(page: Path) -> None:
    relative = [
        str(node)
        for node in doctree(page).findall(
            lambda node: isinstance(node, nodes.reference | nodes.image)
        )
        if not re.match(r"https?://", node.get("refuri", node.get("uri", "")))
    ]
    assert relative == []


def test_the_chinese_readme_has_the_blocks_of_the_english_one() -> None:
    assert [block.text for block in blocks(CHINESE)] == [block.text for block in BLOCKS]


def test_the_tutorial_installs_the_app_as_the_readme_does() -> None:
    """tests/test_packaging.py runs these lines as they are printed."""
    tutorial = blocks(DOCS / "tutorial.rst")[0].commands
    readme = BLOCKS[0].text.replace(" && ", "\n").splitlines()
    assert [typed for typed, _printed in tutorial] == readme[:-1]


def test_the_readme_names_pages_of_the_documentation_by_their_titles() -> None:
    pages = [page.read_text("utf-8") for page in DOCS.rglob("*.rst")]
    titles = {title for page in pages for title in re.findall(r"^=+\n(.+)\n=+$", page, re.M)}
    assert {node.astext() for node in doctree(README).findall(nodes.emphasis)} <= titles


def test_the_chinese_readme_names_pages_by_their_chinese_titles() -> None:
    titles = [polib.pofile(str(path))[0] for path in (DOCS / "locale").rglob("*.po")]
    chinese = {title.msgid: title.msgstr for title in titles}
    named, shown = (
        [node.astext() for node in doctree(page).findall(nodes.emphasis)]
        for page in (README, CHINESE)
    )
    assert len(named) == len(shown)
    pairs = dict(zip(named, shown, strict=True))
    assert pairs == {title: chinese.get(title, pairs[title]) for title in named}
