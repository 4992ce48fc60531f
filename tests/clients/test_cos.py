"""One PUT on a signed link: what is sent, and what each answer means."""

from __future__ import annotations

import base64
import hashlib
import io
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.tables import each
from wx_static_store.clients.cos import CosClient, PutReceipt
from wx_static_store.clients.transport import Reply, Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import ContentHeaders, SignedLink, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConnectFailed,
    CosError,
    CosRefused,
    CosThrottled,
    DeadlineExceeded,
    IntegrityError,
    LinkExpired,
    ProtocolError,
    Remedy,
    ResponseLost,
    SourceChanged,
    TlsFailed,
    TransportError,
    WxStaticStoreError,
)
from wx_static_store.upload.sources import opened

from .conftest import (
    LIMIT,
    PLENTY,
    SECURITY,
    SIGN,
    Body,
    Peer,
    ScriptedServer,
    answer,
    leaks,
    signed,
)

ENV = "demo-1a2b3c4d5e6f7g8h"
Serve = Callable[..., ScriptedServer]
CSS = ContentHeaders("text/css; charset=utf-8", "no-cache")
CONTENT = b"body { color: red }"
MD5 = hashlib.md5(CONTENT).hexdigest()
REQUEST_ID = {"x-cos-request-id": "NjU1MzVm"}


def put(transport: Transport, server: ScriptedServer, body: Any = None, **more: Any) -> PutReceipt:
    link = SignedLink("a.css", signed(server), Secret(SECURITY))
    values = {"md5": MD5, "deadline": PLENTY} | more
    body = Body(CONTENT, md5=MD5) if body is None else body
    return CosClient(transport).put_object(link, body, CSS, **values)


def failure(transport: Transport, server: ScriptedServer, **more: Any) -> WxStaticStoreError:
    with pytest.raises(WxStaticStoreError) as caught:
        put(transport, server, **more)
    return caught.value


def stored(etag: str) -> bytes:
    return answer(headers=REQUEST_ID | ({"ETag": etag} if etag else {}))


def xml(status: int, code: str, message: str = "why") -> bytes:
    body = f"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>{code}</Code>\n\t"
    return answer(status, body + f"<Message>{message}</Message>\n</Error>\n", REQUEST_ID)


# --- what is sent ---------------------------------------------------------------------------


def test_the_token_and_the_content_headers_are_sent(serve: Serve, transport: Transport) -> None:
    server = serve(stored(f'"{MD5}"'))
    put(transport, server)
    request = server.requests[0]
    assert request.method == "PUT"
    assert request.body == CONTENT
    assert request.headers["x-cos-security-token"] == SECURITY
    assert request.headers["content-type"] == "text/css; charset=utf-8"
    assert request.headers["cache-control"] == "no-cache"


def test_a_known_md5_is_sent_in_base64(serve: Serve, transport: Transport) -> None:
    server = serve(stored(f'"{MD5}"'))
    put(transport, server)
    expected = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    assert server.requests[0].headers["content-md5"] == expected


def test_an_unknown_md5_is_not_sent_and_compared_all_the_same(
    serve: Serve, transport: Transport
) -> None:
    server = serve(stored(f'"{MD5}"'))
    assert put(transport, server, md5="").verified
    assert "content-md5" not in server.requests[0].headers


def test_an_empty_file_is_stored(transport: Transport, emulator: EmulatorServer) -> None:
    wechat, token = WeChatClient(transport, emulator.api_url), Secret(emulator.access_token)
    link = wechat.upload_link(token, ENV, "empty.txt", deadline=PLENTY)
    with opened(UploadItem("empty.txt", io.BytesIO)) as source:
        receipt = CosClient(transport).put_object(
            link, source, CSS, md5=source.known_md5, deadline=PLENTY
        )
    assert receipt.verified
    assert emulator.objects()["empty.txt"].body == b""
    assert not emulator.calls("put_object")[0].chunked


@pytest.mark.parametrize(
    "key", ["文档/图 1.png", "a+b&c=d;e,f@g$h.txt", "100%.txt", "a#b?c", "[id].js"]
)
def test_an_object_arrives_under_its_very_key(
    transport: Transport, emulator: EmulatorServer, key: str
) -> None:
    wechat, token = WeChatClient(transport, emulator.api_url), Secret(emulator.access_token)
    link = wechat.upload_link(token, ENV, key, deadline=PLENTY)
    CosClient(transport).put_object(link, Body(CONTENT, md5=MD5), CSS, md5=MD5, deadline=PLENTY)
    assert {key: held.body for key, held in emulator.objects().items()} == {key: CONTENT}


# --- success --------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", [f'"{MD5}"', MD5, MD5.upper()])
def test_our_md5_as_etag_is_a_verified_success(
    serve: Serve, transport: Transport, etag: str
) -> None:
    receipt = put(transport, serve(stored(etag)))
    assert receipt == PutReceipt("NjU1MzVm", MD5, verified=True)


@pytest.mark.parametrize("etag", ["", '""', f'"{MD5}-1"', '"encrypted"', f'"{MD5}00"'])
def test_an_etag_that_is_no_md5_is_an_unverified_success(
    serve: Serve, transport: Transport, etag: str
) -> None:
    assert put(transport, serve(stored(etag))) == PutReceipt("NjU1MzVm", MD5, verified=False)


def test_another_md5_as_etag_means_that_wrong_bytes_are_there(
    serve: Serve, transport: Transport
) -> None:
    error = failure(transport, serve(stored(f'"{"0" * 32}"')))
    assert type(error) is IntegrityError
    assert (error.remedy, error.once, error.maybe_stored) == (Remedy.NEW_LINK, True, True)
    assert (error.stage, error.http_status, error.request_id) == ("verify", 200, "NjU1MzVm")


def test_bytes_lost_on_the_way_are_noticed_by_the_etag(
    transport: Transport, emulator: EmulatorServer
) -> None:
    """COS stores a cut object and answers 200 (measured)."""
    emulator.script({"on": "put_object", "do": "store_truncated", "bytes": 5})
    wechat, token = WeChatClient(transport, emulator.api_url), Secret(emulator.access_token)
    link = wechat.upload_link(token, ENV, "a.css", deadline=PLENTY)
    with pytest.raises(IntegrityError):
        CosClient(transport).put_object(link, Body(CONTENT, md5=MD5), CSS, md5="", deadline=PLENTY)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Fri, 04 Dec 2020 08:56:59 GMT", datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)),
        ("Fri, 04 Dec 2020 16:56:59 +0800", datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)),
        ("Fri, 04 Dec 2020 08:56:59 -0000", datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None),
        ("Wed, 25 Nov 2026 10:00:00 +99999999999999999", None),
    ],
)
def test_a_receipt_has_the_date_of_the_answer(
    serve: Serve, transport: Transport, date: str, moment: datetime | None
) -> None:
    server = serve(answer(headers=REQUEST_ID | {"ETag": f'"{MD5}"', "Date": date}))
    assert put(transport, server).date == moment


def test_an_unverified_receipt_has_the_date_of_the_answer_too(
    serve: Serve, transport: Transport
) -> None:
    server = serve(answer(headers={"ETag": '"encrypted"', "Date": "Fri, 04 Dec 2020 08:56:59 GMT"}))
    moment = datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)
    assert put(transport, server) == PutReceipt("", MD5, verified=False, date=moment)


def test_an_answer_without_a_date_gives_a_receipt_without_a_date(
    serve: Serve, transport: Transport
) -> None:
    assert put(transport, serve(stored(f'"{MD5}"'))).date is None


# --- refusals -------------------------------------------------------------------------------

# Transcribed from the table of reference/wechat-cos.md, section 5.3.
# The remedy; whether it may be tried once more; whether every other file would meet the same.
Action = tuple[Remedy, bool, bool]
AGAIN, ONCE = (Remedy.NEW_LINK, False, False), (Remedy.NEW_LINK, True, False)
FAIL, DENIED = (Remedy.CHANGE, False, False), (Remedy.CHANGE, True, False)
WAIT, STOP = (Remedy.WAIT, False, False), (Remedy.CHANGE, False, True)
REFUSALS: list[tuple[str, int, type[WxStaticStoreError], Action]] = [
    ("RequestTimeTooSkewed", 403, CosRefused, ONCE),
    ("ExpiredToken", 400, LinkExpired, AGAIN),
    ("SignatureDoesNotMatch", 403, CosRefused, DENIED),
    ("AccessDenied", 403, CosRefused, DENIED),
    ("AccessForbidden", 403, CosRefused, DENIED),
    ("InvalidAccessKeyId", 403, LinkExpired, ONCE),
    ("BadDigest", 400, IntegrityError, ONCE),
    ("InvalidDigest", 400, IntegrityError, ONCE),
    ("IncompleteBody", 400, CosError, WAIT),
    ("EntitySizeNotMatch", 400, CosError, WAIT),
    ("RequestTimeout", 400, CosError, WAIT),
    ("UserNetworkTooSlow", 400, CosError, WAIT),
    ("EntityTooLarge", 400, CosRefused, FAIL),
    ("InvalidURI", 400, CosRefused, FAIL),
    ("KeyTooLong", 400, CosRefused, FAIL),
    ("InvalidArgument", 400, CosRefused, FAIL),
    ("InvalidRequest", 400, CosRefused, FAIL),
    ("InvalidObjectName", 400, CosRefused, FAIL),
    ("UnexpectedContent", 400, CosRefused, FAIL),
    ("PaymentRequired", 402, CosRefused, STOP),
    ("NoSuchBucket", 404, CosRefused, STOP),
    ("MethodNotAllowed", 405, CosRefused, FAIL),
    ("FileAlreadyExists", 409, CosRefused, FAIL),
    ("ObjectLocked", 409, CosRefused, FAIL),
    ("BucketLocked", 409, CosRefused, FAIL),
    ("PathConflict", 409, CosRefused, FAIL),
    ("UploadConflict", 409, CosRefused, FAIL),
    ("MissingContentLength", 411, CosRefused, FAIL),
    ("PreconditionFailed", 412, CosRefused, FAIL),
    ("UnavailableForLegalReasons", 451, CosRefused, STOP),
    ("DomainAuditFailed", 451, CosRefused, STOP),
    ("InternalError", 500, CosError, WAIT),
    ("NotImplemented", 501, CosRefused, FAIL),
    ("ServiceUnavailable", 503, CosThrottled, WAIT),
    ("SlowDown", 503, CosThrottled, WAIT),
    ("NeverHeardOf", 400, CosRefused, FAIL),
    ("NeverHeardOf", 402, CosRefused, STOP),
    ("NeverHeardOf", 404, CosRefused, STOP),
    ("NeverHeardOf", 451, CosRefused, STOP),
    ("NeverHeardOf", 429, CosThrottled, WAIT),
    ("NeverHeardOf", 500, CosError, WAIT),
    ("NeverHeardOf", 503, CosThrottled, WAIT),
    ("NeverHeardOf", 504, CosError, WAIT),
    # Codes of the table of causes, but not of COS.
    ("PolicyRejected", 400, CosRefused, FAIL),
    ("85088", 403, CosRefused, DENIED),
]


@each(("code", "status", "expected", "action"), REFUSALS)
def test_each_code_has_its_class_and_its_remedy(
    serve: Serve,
    transport: Transport,
    code: str,
    status: int,
    expected: type[WxStaticStoreError],
    action: Action,
) -> None:
    error = failure(transport, serve(xml(status, code)))
    assert type(error) is expected
    assert (error.remedy, error.once, error.stops_batch) == action
    assert (error.cos_code, error.http_status, error.request_id) == (code, status, "NjU1MzVm")
    assert not error.maybe_stored, "COS said no"
    assert error.stage == "put"


def test_an_expired_link_is_recognised_by_its_message(serve: Serve, transport: Transport) -> None:
    """The code is AccessDenied, as for every other lack of rights (a real reply)."""
    error = failure(transport, serve(xml(403, "AccessDenied", "Request has expired")))
    assert type(error) is LinkExpired
    assert (error.remedy, error.once, error.cause) == (Remedy.NEW_LINK, False, "ExpiredToken")


def test_a_slow_down_error_has_a_pause(serve: Serve, transport: Transport) -> None:
    assert failure(transport, serve(xml(503, "SlowDown"))).pause >= 2


def test_a_throttle_pauses_as_long_as_cos_asks(serve: Serve, transport: Transport) -> None:
    server = serve(answer(503, headers=REQUEST_ID | {"Retry-After": "7"}))
    assert failure(transport, server).pause == 7


def test_the_code_and_message_of_cos_are_in_the_error(serve: Serve, transport: Transport) -> None:
    says = answer(400, b"<Code>Odd</Code><Message>the \xff key is odd</Message>", REQUEST_ID)
    error = failure(transport, serve(says))
    assert (error.cos_code, str(error.message)) == (
        "Odd",
        "COS refused the upload: the \ufffd key is odd",
    )


def test_an_error_without_a_body_has_no_code(serve: Serve, transport: Transport) -> None:
    error = failure(transport, serve(answer(400, "", REQUEST_ID)))
    assert (error.cos_code, str(error.message)) == ("", "COS refused the upload")


def test_a_403_hints_at_what_rewrites_the_link(serve: Serve, transport: Transport) -> None:
    assert "A proxy may change the link" in str(failure(transport, serve(xml(403, "AccessDenied"))))


@pytest.mark.parametrize(("status", "remedy"), [(502, Remedy.WAIT), (400, Remedy.CHANGE)])
def test_without_a_request_id_it_was_not_cos_and_the_status_decides(
    serve: Serve, transport: Transport, status: int, remedy: Remedy
) -> None:
    body = "<Error><Code>SlowDown</Code><Message>of a proxy</Message></Error>"
    error = failure(transport, serve(answer(status, body)))
    assert (error.cos_code, error.request_id, error.remedy) == ("", "", remedy)
    assert "not COS itself" in str(error)


@pytest.mark.parametrize("status", [400, 502])
@pytest.mark.parametrize("blocks", [(CONTENT,), ()], ids=["full", "empty"])
def test_a_gateway_that_had_the_whole_body_leaves_the_outcome_unknown(
    serve: Serve, transport: Transport, status: int, blocks: tuple[bytes, ...]
) -> None:
    assert failure(transport, serve(answer(status)), body=Body(*blocks)).maybe_stored


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308])
def test_a_redirect_may_be_tried_once_with_a_new_link(
    serve: Serve, transport: Transport, status: int
) -> None:
    other = serve()
    error = failure(transport, serve(answer(status, headers={"Location": other.url})))
    assert type(error) is ProtocolError
    assert (error.remedy, error.once, error.maybe_stored) == (Remedy.CHANGE, True, False)
    assert "COS wants the upload at 127.0.0.1" in str(error)
    assert other.connections == 0


@pytest.mark.parametrize("headers", [{}, {"Location": "/b.css"}, {"Location": "http://[::"}])
def test_a_redirect_to_no_host_is_one_to_another_address(
    serve: Serve, transport: Transport, headers: dict[str, str]
) -> None:
    error = failure(transport, serve(answer(302, headers=headers)))
    assert "COS wants the upload at another address" in str(error)


def test_a_200_with_a_body_leaves_the_outcome_unknown(serve: Serve, transport: Transport) -> None:
    error = failure(transport, serve(answer(200, "<Error><Code>InternalError</Code></Error>")))
    assert type(error) is ProtocolError
    assert (error.remedy, error.once, error.maybe_stored) == (Remedy.NEW_LINK, True, True)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_success_other_than_200_leaves_the_outcome_unknown(
    serve: Serve, transport: Transport, status: int
) -> None:
    error = failure(transport, serve(answer(status)))
    assert type(error) is ProtocolError
    assert (error.remedy, error.once, error.maybe_stored) == (Remedy.CHANGE, False, True)


def test_an_interim_answer_leaves_the_outcome_unknown(serve: Serve, transport: Transport) -> None:
    error = failure(transport, serve(b"HTTP/1.1 103 Early Hints\r\n\r\n"))
    assert type(error) is ProtocolError
    assert error.maybe_stored


@pytest.mark.parametrize(
    "body",
    [
        "<Error><Code>" + "x" * 60_000 + "</Code></Error>",
        "<Error>" * 9_000,
        "<Code></Code>",
        "<Code>" * 10_000,
        '<!DOCTYPE a [<!ENTITY b "c">]><Error><Code>&b;</Code></Error>',
        b"\xff\xfe<Error/>".decode("latin-1"),
        "not XML at all",
        "",
    ],
    ids=range(8),
)
def test_a_hostile_error_body_leaves_the_status_to_decide(
    serve: Serve, transport: Transport, body: str
) -> None:
    error = failure(transport, serve(answer(503, body, REQUEST_ID)))
    assert type(error) is CosThrottled
    assert len(str(error)) < 1_000


def test_an_error_body_over_the_limit_leaves_the_status_to_decide(
    serve: Serve, transport: Transport
) -> None:
    error = failure(transport, serve(answer(403, "x" * (LIMIT + 1), REQUEST_ID)))
    assert type(error) is CosRefused
    assert not error.maybe_stored, "COS said no"


class Answering:
    """In place of a transport: hundreds of exchanges over sockets would take seconds."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def exchange(self, *args: Any, **kwargs: Any) -> Reply:
        return self.reply


@examples(200)
@given(
    st.integers(200, 599),
    st.binary(max_size=60)
    | st.text(max_size=30).map(lambda text: f"<Code>{text}</Code>".encode("utf-8", "replace")),
    st.dictionaries(st.sampled_from(["ETag", "x-cos-request-id"]), st.text(max_size=40)),
)
def test_any_answer_is_a_receipt_or_an_error_of_ours(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    """H9."""
    cos = CosClient(Answering(Reply(status, headers, body)))  # type: ignore[arg-type]
    link = SignedLink("a.css", Secret("https://x/a.css"), Secret("t"))
    try:
        receipt = cos.put_object(link, Body(CONTENT, md5=MD5), CSS, md5=MD5, deadline=PLENTY)
    except WxStaticStoreError as error:
        outcome: object = error
    else:
        outcome = receipt
        assert status == 200
        assert body == b""
    assert isinstance(outcome, PutReceipt | WxStaticStoreError)


# --- is it stored or not? -------------------------------------------------------------------


def test_a_lost_answer_after_the_whole_body_leaves_the_outcome_unknown(
    transport: Transport, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "put_object", "do": "drop_reply"})
    wechat, token = WeChatClient(transport, emulator.api_url), Secret(emulator.access_token)
    link = wechat.upload_link(token, ENV, "a.css", deadline=PLENTY)
    with pytest.raises(ResponseLost) as caught:
        CosClient(transport).put_object(link, Body(CONTENT, md5=MD5), CSS, md5=MD5, deadline=PLENTY)
    assert caught.value.maybe_stored
    assert "a.css" in emulator.objects()


@pytest.mark.parametrize("content", [CONTENT, b""])
def test_a_deadline_after_the_whole_body_leaves_the_outcome_unknown(
    serve: Serve, transport: Transport, content: bytes
) -> None:
    body = Body(content) if content else Body()
    error = failure(transport, serve(Peer.wait), body=body, md5="", deadline=Deadline.after(0.2))
    assert type(error) is DeadlineExceeded
    assert error.maybe_stored


def test_a_connection_that_breaks_within_the_body_is_a_plain_failure(
    serve: Serve, make_transport: Callable[..., Transport]
) -> None:
    def stop_reading(peer: Peer) -> None:
        peer.over.wait(10)

    body = Body(*[b"x" * 1024 * 1024] * 64)
    server = serve(stop_reading, read_body=False)
    short = make_transport(connect_timeout=0.3, read_timeout=0.6)
    error = failure(short, server, body=body, md5="")
    assert isinstance(error, TransportError)
    assert not error.maybe_stored


@pytest.mark.parametrize("blocks", [(CONTENT,), ()], ids=["full", "empty"])
def test_a_refused_connection_is_a_plain_failure(
    serve: Serve, transport: Transport, blocks: tuple[bytes, ...]
) -> None:
    """The first block is read before, and it may be the last."""
    server = serve()
    link = SignedLink("a.css", signed(server), Secret(SECURITY))
    server.stop()
    with pytest.raises(ConnectFailed) as caught:
        CosClient(transport).put_object(link, Body(*blocks), CSS, md5="", deadline=PLENTY)
    assert not caught.value.maybe_stored


@pytest.mark.parametrize("blocks", [(CONTENT,), ()], ids=["full", "empty"])
def test_a_bad_certificate_is_a_plain_failure(
    serve: Serve, transport: Transport, tls: ssl.SSLContext, blocks: tuple[bytes, ...]
) -> None:
    error = failure(transport, serve(tls=tls), body=Body(*blocks))
    assert isinstance(error, TlsFailed)
    assert not error.maybe_stored


def test_a_refused_link_is_a_plain_failure(transport: Transport) -> None:
    link = SignedLink("a.css", Secret("http://127.0.0.1:1/b.css"), Secret(SECURITY))
    with pytest.raises(ProtocolError) as caught:
        CosClient(transport).put_object(link, Body(), CSS, md5="", deadline=PLENTY)
    assert (caught.value.stage, caught.value.maybe_stored) == ("link", False)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (xml(403, "AccessDenied", "Request has expired"), LinkExpired),
        (xml(503, "SlowDown"), CosThrottled),
        (answer(413), CosRefused),  # of a gateway
    ],
)
def test_a_refusal_before_the_end_of_the_body_is_not_taken_for_a_changed_file(
    serve: Serve, transport: Transport, tmp_path: Path, says: bytes, expected: type[Exception]
) -> None:
    """An expired link is refused at once: the rest of the file is never read."""

    def refuse(peer: Peer) -> None:
        peer.send(says)
        peer.sock.shutdown(2)

    path = tmp_path / "large"
    path.write_bytes(b"x" * 7 * 1024 * 1024)
    server = serve(refuse, read_body=False)
    with opened(UploadItem("a.css", lambda: path.open("rb"))) as source:
        error = failure(transport, server, body=source, md5=source.known_md5)
        assert not source.handed_over
    assert type(error) is expected
    assert not error.maybe_stored


@pytest.mark.parametrize("megabytes", [7, 20], ids=["hashed before", "hashed on its way"])
def test_a_200_before_the_end_of_the_body_is_not_a_success(
    serve: Serve, transport: Transport, tmp_path: Path, megabytes: int
) -> None:
    """With an ETag that is no MD5 nothing else would show that a part of the file is missing."""

    def agree(peer: Peer) -> None:
        peer.send(stored('"encrypted"'))
        peer.sock.shutdown(2)

    path = tmp_path / "large"
    path.write_bytes(b"x" * megabytes * 1024 * 1024)
    server = serve(agree, read_body=False)
    with opened(UploadItem("a.css", lambda: path.open("rb"))) as source:
        error = failure(transport, server, body=source, md5=source.known_md5)
        assert not source.handed_over
    assert type(error) is ProtocolError
    assert (error.remedy, error.once, error.maybe_stored) == (Remedy.NEW_LINK, True, True)


def test_a_file_that_changed_while_it_was_sent_is_found_out_although_cos_is_content(
    serve: Serve, transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)

    def change_and_store(peer: Peer) -> None:
        path.write_bytes(CONTENT + b"/* later */")
        peer.send(stored(f'"{MD5}"'))

    with opened(UploadItem("a.css", lambda: path.open("rb"))) as source:
        error = failure(transport, serve(change_and_store), body=source)
    assert type(error) is SourceChanged
    assert error.maybe_stored
    assert error.remedy is Remedy.NEW_LINK


# --- nothing leaks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "says",
    [
        xml(403, "SignatureDoesNotMatch", f"you sent sign={SIGN}"),
        xml(403, "AccessDenied", f"x-cos-security-token: {SECURITY} is bad"),
        xml(400, "BadDigest"),
        stored('"00000000000000000000000000000000"'),
        answer(302, headers={"Location": f"http://127.0.0.1/?sign={SIGN}"}),
        Peer.reset,
    ],
    ids=range(6),
)
def test_no_error_shows_the_link_or_its_token(
    serve: Serve, transport: Transport, says: Any
) -> None:
    assert leaks(failure(transport, serve(says))) == []
