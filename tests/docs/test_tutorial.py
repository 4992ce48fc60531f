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
SEE_WHAT_WAITS, YOUR_PLATFORM = (
    next(number for number, block in enumerate(BLOCKS) if text in block.text)
    for text in ("wx_push", "WX_ENV")
)
PICTURE = b"GIF89a"

pytestmark = slow


def test_the_tutorial_works_from_the_empty_folder_to_your_platform(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader, requests.Session() as browser:
        browser.trust_env = False
        django = f"http://127.0.0.1:{reader.ports['8000']}"
        reader.follow(BLOCKS[:SEE_WHAT_WAITS])
        index = log_in(browser, django)
        address = save_in_an_outage(reader, browser, django)
        reader.follow(BLOCKS[SEE_WHAT_WAITS:YOUR_PLATFORM])
        assert browser.get(address).content == PICTURE
        look_around(browser, index, django, reader.ports["8901"])
        look_at_your_platform(reader)


def open_form(browser: requests.Session, address: str) -> dict[str, str]:
    """Open a page, and return what its form sends unseen."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(address).text)
    assert token
    return {"csrfmiddlewaretoken": token[1]}


def log_in(browser: requests.Session, django: str) -> str:
    """Log in as the page says; return the first page of the admin."""
    login = f"{django}/admin/login/?next=/admin/"
    user = {"username": "demo", "password": "demo", **open_form(browser, login)}
    return browser.post(login, data=user).text


def save_in_an_outage(reader: Reader, browser: requests.Session, django: str) -> str:
    """Switch the emulator off in the middle of a form; return the address of its picture."""
    form = f"{django}/admin/menu/tea/add/"
    tea = {"name": "Pu-erh", "_continue": "", **open_form(browser, form)}
    reader.stop("python -m wx_static_store.emulator")
    saved = browser.post(form, data=tea, files={"leaflet": ("tea.gif", PICTURE)}).text
    address = re.search(r'Currently: <a href="([^"]+)"', saved)
    assert address, saved
    return address[1]


def look_around(browser: requests.Session, index: str, django: str, published_port: str) -> None:
    """Open what the page tells to open in a browser."""
    published = f"http://127.0.0.1:{published_port}"
    assert "<h1>Tea house</h1>" in browser.get(f"{published}/").text
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
