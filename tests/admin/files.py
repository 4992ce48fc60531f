"""What tests of the page *Files in the cloud* have in common."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

from django.test import Client

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer

FILES = "/admin/wx_static_store/uploadlog/files/"
MANY = 100_000


def html_of(client: Client, **query: str) -> str:
    answer = client.get(f"{FILES}?{urlencode(query)}")
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def names(html: str) -> list[str]:
    """Return the folders, then the files, as the page names them."""
    cells = re.findall(r'(?s)class="wx-folder" [^>]*>(.*?)</a>|scope="row">(.*?)</th>', html)
    return [text_of(folder or file) for folder, file in cells]


def lines(html: str) -> list[str]:
    [body] = re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL) or [""]
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    rows = map(text_of, re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL))
    return [re.sub(moment, "WHEN", row) for row in rows]


def fill(cloud: EmulatorServer, *keys: str) -> None:
    for key in keys:
        cloud.put_object(key, b"tea")


def lay_down(cloud: EmulatorServer, folder: str) -> None:
    """Put very many objects into the emulator's state at once."""
    fill(cloud, f"{folder}000000.txt")
    objects = cloud.state.find(ENV).bucket._objects
    one = objects[f"{folder}000000.txt"]
    objects.update({f"{folder}{number:06}.txt": one for number in range(MANY)})
