"""The tutorial works as it is printed, in an empty folder."""

import re
from pathlib import Path

import requests

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.reader import Reader
from wx_static_store.emulator import EmulatorServer

PAGE = DOCS / "tutorial.rst"
BLOCKS = blocks(PAGE)
# What the page names of the admin, such as *Uploads*.
LABELS = re.findall(
    r"(?<!\*)\*(\w[\w ]*)\*", PAGE.read_text("utf-8").split("\n6. ")[1].split("\n7. ")[0]
)
YOUR_PLATFORM = next(number for number, block in enumerate(BLOCKS) if "WX_ENV" in block.text)

pytestmark = slow


def test_the_tutorial_works_from_the_empty_folder_to_your_platform(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.follow(BLOCKS[:YOUR_PLATFORM])
        look_around(f"http://127.0.0.1:{reader.ports['8000']}", reader.ports["8901"])
        look_at_your_platform(reader)


def look_around(django: str, published_port: str) -> None:
    """Open what the page tells to open in a browser."""
    published = f"http://127.0.0.1:{published_port}"
    with requests.Session() as browser:
        browser.trust_env = False
        assert "<h1>Tea house</h1>" in browser.get(f"{published}/").text
        login = browser.get(f"{django}/admin/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', login)
        assert token
        user = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token[1]}
        index = browser.post(f"{django}/admin/login/?next=/admin/", data=user).text
        log = browser.get(f"{django}/admin/wx_static_store/uploadlog/?q=media/").text
        assert [label for label in LABELS if f">{label}<" not in index + log] == []
        assert "media/leaflets/oolong.txt" in log
        assert "media/uploads/index.html" in log
        style = re.search(rf"{published}/static/admin/css/base\.css", log)
        assert style
        assert browser.get(style[0]).ok


def look_at_your_platform(reader: Reader) -> None:
    """Let an emulator stand for the platform: only its address is added to the settings."""
    settings, *typed = BLOCKS[YOUR_PLATFORM:]
    exported = dict(re.findall(r"^\$ export (\w+)=(.*)$", typed[0].text, re.MULTILINE))
    env, token = exported["WX_ENV"], exported["WX_ACCESS_TOKEN"]
    with EmulatorServer(envs=[env], access_token=token) as platform:
        reader.follow([settings])
        added = f'WX_STATIC_STORE["API_BASE_URL"] = "{platform.api_url}"\n'
        reader.write("config/settings.py", added)
        reader.follow(typed)
        assert platform.calls("staticfilelist")
