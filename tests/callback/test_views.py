"""What the one address answers: to pushes, to the question by GET, and to what is neither."""

import http.client
import io
import re
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.crypto import constant_time_compare
from django.utils.translation import override
from django.views.debug import ExceptionReporter

from tests.callback.conftest import BROKEN, DUMMY, Kept, LogLines
from tests.callback.pushes import (
    AES_KEY,
    APPID,
    PATH,
    TICKET,
    TOKEN,
    Push,
    encrypted,
    envelope,
    push,
    question,
    signed,
    ticket,
)
from tests.conftest import lost_table
from tests.tables import each
from wx_static_store import conf
from wx_static_store.callback import crypto, views
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.callback.tickets import newest
from wx_static_store.exceptions import TokenUnavailable

pytestmark = pytest.mark.django_db

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def inside(more: str = "", appid: str | None = APPID) -> Push:
    """Build a genuine push with more in its envelope."""
    encrypt = encrypted(ticket())
    body = envelope(encrypt, appid).replace(b"<xml>", f"<xml>{more}".encode(), 1)
    return signed(encrypt, body)


def longest() -> Push:
    genuine = push()
    return Push(genuine.query, genuine.body.ljust(views.BODY_LIMIT))


ACCEPTED: dict[str, Callable[[], Push]] = {
    "as WeChat sends it": push,
    "without AppId": lambda: inside(appid=None),
    "with white space": lambda: inside("\n  "),
    "with other fields": lambda: inside("<ToUserName>gh_1</ToUserName>"),
    "with 32 elements": lambda: inside("<A></A>" * 29),
    "three deep": lambda: inside("<A><B>1</B></A>"),
    "with a comment": lambda: inside("<!-- 1 -->"),
    "with other parameters": lambda: push(encrypt_type="aes", signature="a" * 40, a=""),
    "with a declaration": lambda: Push(
        (genuine := push()).query, b'<?xml version="1.0" encoding="UTF-8"?>' + genuine.body
    ),
    "64 KiB long": longest,
    "almost five minutes old": lambda: push(age=295),
    "almost five minutes ahead": lambda: push(age=-290),
    "a ticket of 512 bytes": lambda: push(ticket("t" * 512)),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_genuine_push_is_accepted_and_kept(kind: str, kept: Kept) -> None:
    before = kept()
    answer = ACCEPTED[kind]().send()
    assert (answer.status_code, answer.content) == (200, b"success")
    assert kept() != before


def test_a_pushed_ticket_is_the_newest_ticket() -> None:
    push().send()
    assert newest(APPID) == TICKET


def test_answers_are_plain_text_that_no_cache_keeps() -> None:
    for answer in (push().send(), push(nonce=None).send()):
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_push_over_a_socket_is_kept(live_server: Any) -> None:
    caller = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=10)
    genuine = push()
    caller.request("POST", f"{PATH}?{genuine.query}", genuine.body)
    answer = caller.getresponse()
    assert (answer.status, answer.read()) == (200, b"success")
    caller.close()
    assert newest(APPID) == TICKET


def test_a_body_that_is_announced_too_long_is_not_waited_for(live_server: Any) -> None:
    caller = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=10)
    caller.putrequest("POST", f"{PATH}?{push().query}")
    caller.putheader("Content-Length", "65537")
    caller.endheaders()
    assert caller.getresponse().status == 413
    caller.close()


@pytest.mark.parametrize("length", ["", "0", "-1", "none", "9" * 5000])
def test_a_malformed_content_length_is_refused(length: str, kept: Kept) -> None:
    before = kept()
    assert push().send(CONTENT_LENGTH=length).status_code in (403, 413)
    assert kept() == before


def test_a_body_without_a_length_is_read_up_to_the_limit() -> None:
    body = io.BytesIO(b"<xml>" + b"a" * 2**21)
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": []}
    request = ASGIRequest(scope | {"query_string": push().query.encode()}, body)
    assert views.receive(request).status_code == 413
    assert body.tell() == views.BODY_LIMIT + 1


def test_a_caller_who_hangs_up_is_refused() -> None:
    class Torn(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            raise ConnectionResetError

    request = RequestFactory().post(PATH, b"a", content_type="text/xml")
    request._stream.read = Torn().read  # type: ignore[attr-defined]
    assert views.receive(request).status_code == 400


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_a_method_other_than_get_and_post_is_refused(method: str, kept: Kept) -> None:
    before, genuine = kept(), push()
    answer = Client().generic(method, f"{PATH}?{genuine.query}", genuine.body)
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer["Allow"] == "GET, POST"
    assert kept() == before


# --- the same push again, and pushes out of order (B70, B71) ----------------------------------


def test_a_replay_changes_nothing(kept: Kept) -> None:
    genuine = push()
    genuine.send()
    before = kept()
    assert genuine.send().content == b"success"
    assert kept() == before


@pytest.mark.parametrize("created", [0, -1, -40_000], ids=["equal", "older", "much older"])
def test_a_ticket_that_is_not_newer_changes_nothing(created: int, kept: Kept) -> None:
    before = kept()
    late = ticket("late", CreateTime=VerifyTicket.objects.get().created + created)
    assert push(late).send().content == b"success"
    assert kept() == before


# --- the window (B69) -------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "status"), [(50, 200), (-50, 200), (70, 403), (-70, 403)])
def test_callback_window_limits_the_age_of_a_push(age: int, status: int, settings: Any) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"CALLBACK_WINDOW": 60}
    assert push(age=age).send().status_code == status


# --- rotation (S15) ---------------------------------------------------------------------------

NEW_TOKEN, NEW_KEY = "planted-callback-token-2", "planted0callback0key2".ljust(43, "B")


@pytest.mark.parametrize("key", [AES_KEY, NEW_KEY])
@pytest.mark.parametrize("token", [TOKEN, NEW_TOKEN])
@pytest.mark.parametrize("kind", [list, tuple])
def test_each_listed_token_and_key_is_accepted(
    kind: Any, token: str, key: str, settings: Any
) -> None:
    lists = {
        "CALLBACK_TOKEN": kind([NEW_TOKEN, TOKEN]),
        "CALLBACK_AES_KEY": kind([NEW_KEY, AES_KEY]),
    }
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | lists
    assert signed(encrypted(ticket(), key=key), token=token).send().content == b"success"


@pytest.mark.parametrize("change", [{"CALLBACK_TOKEN": NEW_TOKEN}, {"CALLBACK_AES_KEY": [NEW_KEY]}])
def test_a_token_or_key_that_is_no_longer_listed_is_refused(change: Any, settings: Any) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | change
    assert push().send().status_code == 403


# --- the question by GET (B78) ----------------------------------------------------------------


def ask(text: str = "4567890123", *, covered: bool = False, **changes: str | None) -> Any:
    return Client().get(f"{PATH}?{question(text, covered=covered, **changes)}")


@pytest.mark.parametrize("covered", [False, True])
def test_a_signed_echostr_is_returned_as_plain_text(covered: bool) -> None:
    answer = ask(covered=covered)
    assert (answer.status_code, answer.content) == (200, b"4567890123")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"


@each("covered", [False, True])
@each("echostr", ["<script>alert(1)</script>", "", "a" * 129, "a b", "a\nb", "汉", "a&b", '"'])
def test_an_echostr_with_other_characters_is_refused(echostr: str, covered: bool) -> None:
    answer = ask(echostr, covered=covered)
    assert (answer.status_code, answer.content) == (403, b"")


@each(
    "changes",
    [
        {"signature": None},
        {"signature": "0" * 40},
        {"signature": ""},
        {"signature": "汉"},
        {"signature": None, "msg_signature": "0" * 40},
        {"nonce": "m"},
        {"nonce": None},
        {"timestamp": None},
        {"timestamp": "0"},
        {"echostr": None},
    ],
)
def test_an_echostr_without_a_right_signature_is_refused(changes: Any) -> None:
    answer = ask(**changes)
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_signature_that_covers_another_echostr_is_refused() -> None:
    assert ask("a", covered=True, echostr="b").status_code == 403


# --- nothing keeps it (B79) -------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("caches", [BROKEN, DUMMY], ids=["broken", "dummy"])
def test_a_ticket_that_cannot_be_kept_is_answered_with_500(
    caches: Any, settings: Any, logged: LogLines
) -> None:
    settings.CACHES = caches
    with lost_table(VerifyTicket), override("zh-hans"):
        answer = push().send()
    assert (answer.status_code, answer.content) == (500, b"")
    assert logged.tokens[-1].startswith("ERROR A push is lost: No place keeps the verify ticket.")
    assert logged.secrets == []


@pytest.mark.django_db(transaction=True)
def test_a_ticket_is_kept_if_only_the_cache_fails(settings: Any, logged: LogLines) -> None:
    settings.CACHES = BROKEN
    assert push().send().content == b"success"
    assert newest(APPID) == TICKET
    assert logged.tokens[0] == (
        "WARNING The cache fails to keep or give the verify ticket (ConnectionError)"
    )
    assert logged.secrets == []


@pytest.mark.django_db(transaction=True)
def test_a_ticket_is_kept_if_only_the_database_fails(logged: LogLines) -> None:
    with lost_table(VerifyTicket):
        assert push().send().content == b"success"
        assert newest(APPID) == TICKET
    assert not VerifyTicket.objects.exists()
    assert [line for line in logged.tokens if line.startswith("WARNING The database fails")]


# --- it is cheap, and leaves nothing open (B80, S12-S16) --------------------------------------


def test_a_thousand_forged_pushes_take_less_than_a_second() -> None:
    forged = push(msg_signature="0" * 40)
    requests = [
        RequestFactory().post(f"{PATH}?{forged.query}", forged.body, content_type="text/xml")
        for _ in range(1000)
    ]
    started = time.thread_time()
    assert {views.receive(request).status_code for request in requests} == {403}
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_forged_push_makes_no_query(everywhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", everywhere)
    with CaptureQueriesContext(connection) as queries:
        push(msg_signature="0" * 40).send()
    assert list(queries) == []


def test_a_push_asks_the_table_of_tickets_only() -> None:
    push().send()
    with CaptureQueriesContext(connection) as queries:
        push(ticket(age=-1)).send()
    assert [VerifyTicket._meta.db_table in query["sql"] for query in queries] == [True, True]


def test_a_push_needs_neither_csrf_token_nor_login(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, CSRF, LOGIN]
    assert push().send(Client(enforce_csrf_checks=True)).content == b"success"


def test_a_push_reads_no_session_and_sets_no_cookie() -> None:
    client = Client()
    client.cookies["sessionid"] = "a" * 32
    with CaptureQueriesContext(connection) as queries:
        answer = push().send(client)
    assert "Vary" not in answer
    assert not answer.cookies
    assert not [query for query in queries if "session" in query["sql"]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect what is compared in constant time: the second of each two."""
    asked: list[Any] = []

    def compare(given: Any, right: Any) -> bool:
        asked.append(right)
        return constant_time_compare(given, right)

    for module in (views, crypto):
        monkeypatch.setattr(module, "constant_time_compare", compare)
    return asked


def test_all_tokens_are_compared_in_constant_time(settings: Any, compared: list[Any]) -> None:
    """Both of them, also when the first fits already."""
    lists = {"CALLBACK_TOKEN": [TOKEN, NEW_TOKEN]}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | lists
    assert push().send().content == b"success"
    assert [len(right) for right in compared] == [40, 40, *[len(APPID)] * 2]


@pytest.mark.parametrize("appid", [APPID, "wx-another"])
def test_the_appid_is_compared_in_constant_time_with_each_key(
    appid: str, settings: Any, compared: list[Any]
) -> None:
    """After both, also when the first fits already, or a padding is wrong; and in the envelope."""
    lists = {"CALLBACK_AES_KEY": [AES_KEY, NEW_KEY]}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | lists
    signed(encrypted(ticket(), appid)).send()
    assert compared[1:] == [APPID] * 3


# --- secrets (S3) -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_traceback_shows_a_ticket_that_cannot_be_kept(settings: Any) -> None:
    settings.CACHES = BROKEN
    genuine = push()
    request = RequestFactory().post(f"{PATH}?{genuine.query}", genuine.body, "text/xml")
    with lost_table(VerifyTicket), pytest.raises(TokenUnavailable) as caught:
        views._answer(request, conf.platform_options())
    report = ExceptionReporter(request, type(caught.value), caught.value, caught.tb)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if "/callback/tickets.py" in frame.filename]
    assert ours
    for text in (report.get_traceback_text(), "".join(frames.format())):
        assert "views.py" in text
        assert not {secret for secret in ("planted-ticket", TOKEN, AES_KEY) if secret in text}


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["COMPONENT_APPID", "CALLBACK_TOKEN", "CALLBACK_AES_KEY"])
def test_a_push_without_a_needed_setting_is_logged_with_its_name(
    missing: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """And a stranger's call makes no traceback for the administrators' mail."""
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {missing: None}
    assert push().send().status_code == 500
    assert re.search(f"Set .*{missing}", caplog.text)
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_push_without_an_appid_is_refused_where_component_appid_is_not_set(settings: Any) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"COMPONENT_APPID": None}
    e = encrypted(ticket(), "")
    assert signed(e, envelope(e, "")).send().status_code == 500
