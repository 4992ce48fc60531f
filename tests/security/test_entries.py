"""What we promise about what comes in: callback, API, admin, forms, the emulator's control."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.submit.conftest import UserWith, code
from wx_static_store.alerts import Alert
from wx_static_store.alerts.alert import send
from wx_static_store.api.parameters import LogQuery
from wx_static_store.clients.links import is_site
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ProtocolError
from wx_static_store.log import prune as pruning
from wx_static_store.log.import_lines import import_lines
from wx_static_store.upload.store import get_store

# Answers of WeChat

API = "https://api.weixin.qq.com"
FOREIGN = [
    "internal.example:8443/admin?x=",
    "user@evil.example",
    "evil.example/#",
    "evil.example\\@good.example",
    "169.254.169.254",
    "2130706433",
    "0x7f.1",
    "[::1]",
    "127.0.0.1",
    "localhost",
    "metadata.google.internal",
    "printer.local",
    "intranet",
    "-a.example.com",
    "a..example.com",
    "a.example.com.",
    "a b.example.com",
    "a.example.com\n",
    "\u212aeys.example.com",
    "a" * 64 + ".example.com",
    "a." * 130 + "com",
]


@pytest.mark.parametrize("domain", FOREIGN)
def test_a_domain_is_a_public_host_name(domain: str) -> None:
    assert not is_site(f"https://{domain}/", API)


@pytest.mark.parametrize("domain", ["env-1-12.tcloudbaseapp.com", "www.xn--fiqs8s.xn--fiqs8s"])
def test_each_public_host_name_is_taken(domain: str) -> None:
    assert is_site(f"https://{domain}/", API)


def test_an_emulator_names_this_machine() -> None:
    assert is_site("http://127.0.0.1:8000/", "http://127.0.0.1:9000")
    assert not is_site("http://127.0.0.1:8000/", API)


def test_a_false_domain_of_wechat_is_refused_and_not_kept(configure: Any) -> None:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    stores = {"Data": [{"domain": FOREIGN[0], "bucket": "b", "status": "online"}]}
    cloud.script({"on": "describestaticstore", "do": "merge", "json": stores})
    with pytest.raises(ProtocolError, match=r"no public host name.*Set base_url"):
        get_store().url("a.txt")
    assert get_store()._hostings.get(get_store().env).root == ""


def test_a_false_address_in_the_cache_is_no_address(configure: Any) -> None:
    from django.core.cache import cache

    configure()
    store = get_store()
    store.root()
    [key] = [each for each in cache._cache if "hosting" in each]  # type: ignore[attr-defined]
    cache.set(key.removeprefix(":1:"), ["https://169.254.169.254/", "online", 1.0])
    assert store._hostings.get(store.env).root == ""


# Names and content of uploads


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "body", "refused"),
    [
        ("uploads/x.html;.txt", b"x", "type"),
        ("uploads/x.jsp ;a=1.txt", b"x", "type"),
        ("uploads/x.html;a/b.txt", b"x", ""),
        ("uploads/a;b.txt", b"x", ""),
        ("uploads/con.txt", b"x", "name"),
        ("uploads/Aux/a.txt", b"x", "name"),
        ("uploads/LPT1 .txt", b"x", "name"),
        ("uploads/com².tar.zip", b"PK\x05\x06", "name"),
        ("uploads/contact.txt", b"x", ""),
        ("uploads/x.txt", b'<_:html xmlns:_="http://www.w3.org/1999/xhtml">', "content"),
        ("uploads/x.txt", "<一:html>".encode(), "content"),
        ("uploads/x.txt", "<丱:html>".encode("utf-16"), "content"),
        ("uploads/x.txt", b"<3", ""),
    ],
)
def test_a_name_or_content_in_disguise_is_refused(
    configure: Any, user_with: UserWith, name: str, body: bytes, refused: str
) -> None:
    configure()
    assert code(user_with("upload"), name, body) == refused


# Lines, messages, parameters


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"key": ["a"]}, {"key": {"a": 1}}, {"key": 5}, {"key": "a\0b"}])
def test_a_line_whose_key_is_no_text_becomes_no_row(wrong: dict[str, Any]) -> None:
    facts = {"time": 1.7e9, "status": "stored", "env": "env-1", "name": "a", "source": "test"}
    broken: list[str] = []
    line = json.dumps(facts | wrong).encode()
    counts = list(import_lines([line], lambda _number, why: broken.append(why)))
    assert [+each for each in counts] == [{"broken": 1}]
    assert broken == ["not the line of an upload (key)"]


def test_a_title_with_line_breaks_is_mailed_in_one_line(configure: Any, mailoutbox: Any) -> None:
    mailer = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    configure(
        MAILERS={"default": mailer},
        WX_STATIC_STORE={
            "ALERTS": ["wx_static_store.alerts.send_mail"],
            "ALERT_EMAILS": ["ops@example.com"],
        },
    )
    assert send(Alert("a", "It failed\r\nBcc: evil@example.com", "Why."))
    [mail] = mailoutbox
    assert mail.subject == "It failed Bcc: evil@example.com"
    assert mail.recipients() == ["ops@example.com"]


@pytest.mark.django_db
def test_a_message_to_prune_takes_away_no_more_than_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.log.conftest import row
    from wx_static_store import tasks
    from wx_static_store.models import UploadLog

    for days in (40, 20, 2):
        row("a.txt", days=days)
    counts: list[int] = []
    monkeypatch.setattr(
        pruning, "retained", lambda n, known=pruning.retained: counts.append(n) or known(n)
    )
    tasks.prune.run(days=1, releases=0)
    assert UploadLog.objects.count() == 2
    assert {*counts} == {10}


@pytest.mark.parametrize("name", ["page_size", "errcode", "deployment"])
def test_a_number_has_ascii_digits(name: str) -> None:
    assert LogQuery(data={name: "1"}).is_valid()
    assert not LogQuery(data={name: "\uff11"}).is_valid()
