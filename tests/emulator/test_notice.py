"""The notice that browsers see before the pages of a default domain."""

from __future__ import annotations

import re

import pytest
import requests

from .conftest import Client

BROWSER = {"User-Agent": "Mozilla/5.0", "Accept": "text/html,*/*"}
NAVIGATION = {**BROWSER, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
TEXTS = ("页面访问提示", "风险提醒", "确定访问")


def get(client: Client, headers: dict[str, str], path: str = "/") -> requests.Response:
    return client.get(path, headers=headers, allow_redirects=False)


@pytest.fixture(autouse=True)
def _pages(client: Client) -> None:
    client.server.put_object("index.html", b"the page")
    client.server.put_object("a b.html", b"another")


def test_no_notice_is_shown_by_default(client: Client) -> None:
    answer = get(client, NAVIGATION)
    assert answer.content == b"the page"
    assert "Content-Disposition" not in answer.headers


@pytest.mark.parametrize("headers", [NAVIGATION, BROWSER])
def test_a_browser_is_led_to_the_notice(client: Client, headers: dict[str, str]) -> None:
    client.server.quirks.notice_page = "302"
    answer = get(client, headers)
    assert answer.status_code == 302
    notice = get(client, headers, answer.headers["Location"])
    assert notice.status_code == 200
    assert all(text in notice.content.decode() for text in TEXTS)


def test_a_quirk_shows_the_notice_in_place_of_the_page(client: Client) -> None:
    client.server.quirks.notice_page = "200"
    answer = get(client, NAVIGATION)
    assert (answer.status_code, TEXTS[0] in answer.content.decode()) == (200, True)


@pytest.mark.parametrize("headers", [{}, {**BROWSER, "Sec-Fetch-Mode": "no-cors"}])
def test_other_requests_get_the_file_as_a_download(client: Client, headers: dict[str, str]) -> None:
    client.server.quirks.notice_page = "302"
    answer = get(client, headers)
    assert answer.content == b"the page"
    assert answer.headers["Content-Disposition"] == "attachment"


def test_whoever_confirms_the_notice_sees_the_page_from_then_on(client: Client) -> None:
    client.server.quirks.notice_page = "302"
    notice = client.get("/a%20b.html", headers=NAVIGATION).content.decode()
    link = re.search('href="(.*?)"', notice)
    assert link
    answer = client.get(link[1], headers=NAVIGATION)
    assert answer.content == b"another"
    assert "Content-Disposition" not in answer.headers
    assert get(client, NAVIGATION).content == b"the page"


def test_the_notice_leads_to_no_other_site(client: Client) -> None:
    client.server.quirks.notice_page = "302"
    answer = get(client, NAVIGATION, "/.access-notice/confirmed?to=//evil.example/")
    assert answer.headers["Location"] == "/evil.example/"
