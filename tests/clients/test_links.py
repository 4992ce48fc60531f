"""Which addresses may be used, and which may not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given, strategies as st
from urllib3.util import parse_url

from tests.conftest import examples
from tests.tables import each
from wx_static_store.clients import links
from wx_static_store.clients.links import check_address, check_link, is_loopback

from .conftest import HOST

HOSTS = (".myqcloud.com", ".tencentcos.cn")
QUERY = "?sign=q-sign-algorithm%3Dsha1%26q-signature%3Dabc"


def fault(
    url: str, key: str = "a.css", hosts: tuple[str, ...] = HOSTS, *, loopback: bool = False
) -> str:
    return check_link(url, key=key, upload_hosts=hosts, loopback=loopback)


@each(
    ("url", "key"),
    [
        (f"https://{HOST}/a.css{QUERY}", "a.css"),
        (f"https://{HOST}:443/a.css{QUERY}", "a.css"),
        (f"https://{HOST}/a.css", "a.css"),
        (f"https://bucket-1300000000.cos.ap-guangzhou.tencentcos.cn/a.css{QUERY}", "a.css"),
        (f"https://{HOST}/%E6%96%87%E6%A1%A3/%E5%9B%BE%201.png{QUERY}", "文档/图 1.png"),
        (f"https://{HOST}/a%2Bb.css{QUERY}", "a+b.css"),
        (f"https://{HOST}/a+b.css{QUERY}", "a+b.css"),
        (f"https://{HOST}/100%25.txt{QUERY}", "100%.txt"),
        (f"https://{HOST}/a%23b%3Fc{QUERY}", "a#b?c"),
        (f"https://{HOST}/.env{QUERY}", ".env"),
    ],
)
def test_a_link_to_the_bucket_and_the_key_may_be_used(url: str, key: str) -> None:
    assert fault(url, key) == ""


@each(
    "host",
    [
        "evil.example",
        "evil-myqcloud.com",
        "bucket.cos.ap-shanghai.evil-myqcloud.com",
        "bucket.cos.ap-shanghai.myqcloud.com.evil",
        "bucket.cos.ap-shanghai.myqcloud.com.",
        "myqcloud.com",
        "cos.ap-shanghai.myqcloud.com",
        "bucket.oss.ap-shanghai.myqcloud.com",
        "a.bucket.cos.ap-shanghai.myqcloud.com",
        "bucket.cos.ap-shanghai.tencentcos.com",
        "10.0.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "",
    ],
)
def test_a_link_to_another_host_is_refused(host: str) -> None:
    assert fault(f"https://{host}/a.css{QUERY}")


@each(
    "url",
    [
        f"http://{HOST}/a.css{QUERY}",
        f"ftp://{HOST}/a.css{QUERY}",
        f"//{HOST}/a.css{QUERY}",
        f"{HOST}/a.css{QUERY}",
        "/a.css",
        "",
        "file:///a.css",
    ],
)
def test_a_link_that_is_not_https_is_refused(url: str) -> None:
    assert fault(url) == "it is not https"


@pytest.mark.parametrize("port", ["80", "8443", "22", "0", "65536"])
def test_a_link_with_another_port_is_refused(port: str) -> None:
    assert fault(f"https://{HOST}:{port}/a.css{QUERY}")


@each(
    "url",
    [
        rf"https://evil.example\@{HOST}/a.css",
        rf"https://{HOST}\.evil.example/a.css",
        f"https://{HOST}\t/a.css",
        f"https://{HOST}/a.css\r\nX-Evil: 1",
        f"https://{HOST}/a b.css",
        f"https:// {HOST}/a.css",
        f"https://{HOST}/a.css#fragment",
        f"https://{HOST.replace('.', chr(0xFF0E))}/a.css",
        f"https://{HOST}/文.css",
        f"https://{HOST}/a.css\x00",
        f"https://{HOST}/\ud800",
    ],
)
def test_characters_that_parsers_read_differently_are_refused(url: str) -> None:
    assert fault(url) == "it has characters that parsers read differently"


@pytest.mark.parametrize(
    "authority",
    [
        f"user@{HOST}",
        f"user:password@{HOST}",
        f"{HOST}@evil.example",
        f"@{HOST}",
        f"evil.example%2f@{HOST}",
    ],
)
def test_a_link_that_names_a_user_is_refused(authority: str) -> None:
    assert fault(f"https://{authority}/a.css{QUERY}")


@pytest.mark.parametrize("host", [HOST.replace(".", "%2e"), HOST + "%00.evil", "%31" + HOST])
def test_a_link_whose_host_is_quoted_is_refused(host: str) -> None:
    assert fault(f"https://{host}/a.css{QUERY}")


@each(
    "path",
    [
        "/b.css",
        "/static/a.css",
        "/a.css/",
        "//a.css",
        "/A.css",
        "/a.css%20",
        "/a%252Ecss",
        "/x/../b.css",
        "/a.css;x",
        "/%FF",
        "/",
        "",
    ],
)
def test_a_link_to_another_key_is_refused(path: str) -> None:
    assert fault(f"https://{HOST}{path}{QUERY}") == "its path is not the key that was asked for"


def test_a_key_is_decoded_once_only() -> None:
    assert fault(f"https://{HOST}/a%2520b{QUERY}", "a%20b") == ""
    assert fault(f"https://{HOST}/a%2520b{QUERY}", "a b")


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8901", "https://127.9.9.9:1", "http://[::1]:80", "http://localhost"]
)
def test_this_machine_is_allowed_only_with_loopback(base: str) -> None:
    assert fault(f"{base}/a.css{QUERY}", loopback=True) == ""
    assert fault(f"{base}/a.css{QUERY}")


@each(
    "url",
    [
        f"http://{HOST}/a.css",
        "https://evil.example/a.css",
        "http://127.0.0.1@evil.example/a.css",
        "http://user@127.0.0.1/a.css",
        "ftp://127.0.0.1/a.css",
        "http://127.0.0.1:1/b.css",
    ],
)
def test_loopback_opens_nothing_else(url: str) -> None:
    assert fault(url, loopback=True)


@pytest.mark.parametrize(
    ("allowed", "host", "fits"),
    [
        (".example.com", "bucket.cos.region.example.com", True),
        (".example.com", "cdn.example.com", False),
        ("cdn.example.com", "cdn.example.com", True),
        ("cdn.example.com", "a.cdn.example.com", False),
        ("cdn.example.com", "cdnxexample.com", False),
    ],
)
def test_a_leading_dot_allows_buckets_and_a_bare_host_only_itself(
    allowed: str, host: str, fits: bool
) -> None:
    assert (fault(f"https://{host}/a.css", hosts=(allowed,)) == "") is fits


@each(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8900", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:8900", True),
        ("http://localhost:8900", True),
        ("HTTP://LOCALHOST/", True),
        ("http://127.0.0.1?x", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("https://api.weixin.qq.com", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://evil.example\\@127.0.0.1", False),
        ("http://127.0.0.1\\.evil.example", False),
        ("http://127.0.0.1%2eevil.example", False),
        ("http://[::1]evil.example", False),
        ("http://[::1%25lo]", False),
        ("http://127.0.0.1:80@evil.example", False),
        ("http://127.0.0.1:evil.example", False),
        ("http:127.0.0.1", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


_PIECES = st.sampled_from(
    f"{HOST} evil.example 127.0.0.1 [::1] .myqcloud.com x @ \\ %2e %2F :443 :80 / // .. ; ? # ．"
    " a.css https:// http://".split(" ")
)
_JUNK = st.lists(_PIECES, max_size=2).map("".join)


@examples(300)
@given(_JUNK, st.sampled_from(["127.0.0.1", "localhost", "[::1]"]), _JUNK)
def test_an_address_that_is_called_loopback_is_called_there(
    before: str, middle: str, after: str
) -> None:
    url = f"http://{before}{middle}{after}"
    if is_loopback(url):
        called = requests.Request("GET", url).prepare().url or ""
        assert (parse_url(called).host or "") in {"127.0.0.1", "localhost", "[::1]"}


@examples(300)
@given(_JUNK, st.sampled_from([HOST, "127.0.0.1"]), _JUNK, _JUNK, st.booleans())
def test_an_accepted_link_goes_to_an_allowed_host_and_to_the_key(
    before: str, middle: str, after: str, end: str, loopback: bool
) -> None:
    """H10: judged by what the HTTP library would really call."""
    url = f"https://{before}{middle}{after}/a.css{end}"
    if fault(url, loopback=loopback):
        return
    called = requests.Request("PUT", url).prepare().url or ""
    host = parse_url(called).host or ""
    bucket = r"[a-z0-9-]+\.cos\.ap-shanghai\.myqcloud\.com"
    assert re.fullmatch(bucket, host) or (loopback and is_loopback(called))
    assert requests.utils.urlparse(called).path == "/a.css"


@examples(100)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_a_link_quoted_once_is_accepted_for_its_own_key_only(key: str) -> None:
    if {".", ".."} & set(key.split("/")) or key.startswith("/"):
        return
    url = f"https://{HOST}/{quote(key)}{QUERY}"
    assert fault(url, key) == ""
    assert fault(url, key + "x")


def test_an_address_that_the_http_library_would_change_is_refused() -> None:
    assert check_address("https://api.weixin.qq.com/wxa/a?b=c") == ""
    assert check_address("https://API.weixin.qq.com/wxa/../a")
    assert check_address("https://[")


def test_a_link_and_the_address_of_a_call_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, parse = list[str](), links._parse

    def counted(url: str) -> Any:
        parsed.append(url)
        return parse(url)

    monkeypatch.setattr(links, "_parse", counted)
    assert fault(f"https://{HOST}/a.css{QUERY}") == ""
    for token in ("one", "two"):
        assert check_address(f"https://call.example/once?access_token={token}") == ""
    assert parsed == [f"https://{HOST}/a.css", "https://call.example/once"]


@pytest.mark.parametrize("odd", ["\r\nX-Evil: 1", " ", "#a", "文"])
def test_a_query_that_could_end_its_line_is_refused(odd: str) -> None:
    assert check_address(f"https://api.weixin.qq.com/a?access_token=b{odd}")


def test_a_path_that_is_not_utf_8_is_no_key() -> None:
    assert fault(f"https://{HOST}/%FF{QUERY}", "\ufffd")
