"""The body of a request: what is no upload, what is too long, what ends early."""

import io
import re
from typing import Any

import pytest
from django.test.client import encode_multipart
from rest_framework.authentication import BasicAuthentication
from rest_framework.test import APIClient

from tests.api.conftest import PNG, Client, picture, post, put
from tests.conftest import ENV
from tests.doubles import CountingFile
from tests.tables import each
from wx_static_store.api.base import View
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


BOUNDARY = "wx-boundary"


class Broken(io.BytesIO):
    """As some servers tell that the client went away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("request data read error")


def _no_file(client: APIClient) -> Any:
    return post(client, file=None)


def _json(client: APIClient) -> Any:
    return client.post("/wx/uploads/", {"store": "default"}, format="json")


def _wrong_field(client: APIClient) -> Any:
    return post(client, file=None, document=picture())


def _two_files(client: APIClient) -> Any:
    return post(client, file=[picture(), picture("b.png")])


def _two_fields(client: APIClient) -> Any:
    return post(client, other=picture("b.png"))


def _no_boundary(client: APIClient) -> Any:
    return client.post("/wx/uploads/", b"--x\r\n\r\n--x--", content_type="multipart/form-data")


def _no_store(client: APIClient) -> Any:
    return post(client, store=None)


def _form_as_file(client: APIClient) -> Any:
    body = encode_multipart(BOUNDARY, {"file": picture()})
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return client.put("/wx/uploads/default/uploads/a.png", body, content_type=kind)


def _part_of_a_file(client: APIClient) -> Any:
    return put(client, HTTP_CONTENT_RANGE="bytes 0-5/10")


def _packed(client: APIClient) -> Any:
    return put(client, HTTP_CONTENT_ENCODING="gzip")


def _in_chunks(client: APIClient) -> Any:
    return put(client, CONTENT_LENGTH="")


def _form_in_chunks(client: APIClient) -> Any:
    return post(client, CONTENT_LENGTH="")


@each(
    ("send", "status", "code"),
    [
        (_no_file, 400, "invalid"),
        (_json, 415, "unsupported_media_type"),
        (_wrong_field, 400, "invalid"),
        (_two_files, 400, "invalid"),
        (_two_fields, 400, "invalid"),
        (_no_boundary, 400, "parse_error"),
        (_no_store, 400, "invalid"),
        (_form_as_file, 415, "unsupported_media_type"),
        (_part_of_a_file, 400, "parse_error"),
        (_packed, 400, "parse_error"),
        (_in_chunks, 411, "length_required"),
        (_form_in_chunks, 411, "length_required"),
    ],
)
def test_a_body_that_is_not_an_upload_is_refused(
    client: APIClient, cloud: EmulatorServer, send: Any, status: int, code: str
) -> None:
    response = send(client)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert cloud.journal == []
    assert not UploadLog.objects.exists()


def _form(content: bytes = PNG, **fields: str) -> bytes:
    form = {"store": "default", "path": "uploads/a.png", **fields, "file": picture(content=content)}
    return encode_multipart(BOUNDARY, form)


def _send_form(client: APIClient, body: bytes, **extra: Any) -> Any:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return client.generic("POST", "/wx/uploads/", body, content_type=kind, **extra)


def _send_cut_form(client: APIClient, missing: int) -> Any:
    """Send a form whose last bytes never come."""
    body = _form()
    cut = {"wsgi.input": io.BytesIO(body[:-missing]), "CONTENT_LENGTH": str(len(body))}
    return _send_form(client, b"", **cut)


@pytest.fixture
def small(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 1000})


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("send", ["post", "put"])
def test_a_body_longer_than_allowed_is_refused(
    client: APIClient, cloud: EmulatorServer, send: str
) -> None:
    long = PNG + bytes(1000)
    response = put(client, body=long) if send == "put" else post(client, file=picture("x", long))
    assert (response.status_code, response.json()["code"]) == (413, "size")
    assert cloud.journal == []


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("path", ["/wx/uploads/", "/wx/uploads/default/uploads/a.png"])
def test_of_a_body_that_says_it_is_too_long_nothing_is_read(client: APIClient, path: str) -> None:
    body = CountingFile(bytes(5_000_000))
    kind = f"multipart/form-data; boundary={BOUNDARY}" if path == "/wx/uploads/" else "image/png"
    method = "POST" if path == "/wx/uploads/" else "PUT"
    response = client.generic(
        method, path, b"", content_type=kind, CONTENT_LENGTH="5000000", **{"wsgi.input": body}
    )
    assert response.status_code == 413
    assert body.taken == 0


@pytest.mark.parametrize("missing", [1, 20, len(PNG) + 40])
def test_a_form_that_ends_early_stores_nothing(
    client: APIClient, cloud: EmulatorServer, missing: int
) -> None:
    """Django's parser would take a part of the file for the whole."""
    response = _send_cut_form(client, missing)
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.objects() == {}
    assert not UploadLog.objects.exists()


def _cut(client: APIClient, body: io.BytesIO, query: str = "", **extra: Any) -> Any:
    length = {"CONTENT_LENGTH": str(len(PNG)), "wsgi.input": body}
    return put(client, body=b"", query=query, **length, **extra)


@pytest.mark.parametrize("body", [io.BytesIO, Broken])
def test_a_body_that_ends_early_stores_nothing(
    client: APIClient, cloud: EmulatorServer, body: type[io.BytesIO]
) -> None:
    response = _cut(client, body(PNG[:-1]))
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.journal == []


@pytest.mark.parametrize("body", [io.BytesIO, Broken])
def test_a_body_that_ends_early_leaves_a_failed_row(
    client: APIClient, body: type[io.BytesIO]
) -> None:
    _cut(client, body(PNG[:-1]))
    row = UploadLog.objects.get()
    assert (row.env, row.key, row.name) == (ENV, "uploads/a.png", "uploads/a.png")
    assert (row.source, row.user and row.user.username) == ("api", "ann")
    assert (row.status, row.stage, row.errcode) == ("failed", "source", None)
    assert (row.attempts, row.size, row.md5) == (0, None, "")
    assert row.message == "The client's body ended before its Content-Length"


def test_the_row_of_a_body_that_ends_early_has_the_generated_name(client: APIClient) -> None:
    """The file of the name that was asked for is another one."""
    _cut(client, io.BytesIO(), "?generate=true")
    assert re.fullmatch(r"uploads/[0-9a-f]{32}\.png", UploadLog.objects.get().key)


def test_a_body_that_ended_early_may_be_sent_again_with_the_same_key(client: APIClient) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    assert _cut(client, io.BytesIO(PNG[:-1]), **key).status_code == 400
    assert put(client, **key).status_code == 201


def test_a_body_that_is_refused_leaves_no_row_when_it_ends_early(client_of: Client) -> None:
    length = {"CONTENT_LENGTH": "9", "wsgi.input": io.BytesIO()}
    assert put(client_of("upload"), "elsewhere.png", b"", **length).json()["code"] == "folder"
    assert not UploadLog.objects.exists()


def test_the_answer_to_a_body_that_ends_early_names_its_row(client: APIClient) -> None:
    shown = _cut(client, io.BytesIO(PNG[:-1])).json()
    assert shown["upload_id"] == UploadLog.objects.get().pk


def reads_the_body(get_response: Any) -> Any:
    """Read the body in a middleware, as those that log requests do."""

    def middleware(request: Any) -> Any:
        assert isinstance(request.body, bytes)
        return get_response(request)

    return middleware


def reads_the_form(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.POST.get("store")
        return get_response(request)

    return middleware


READERS = ["reads_the_body", "reads_the_form"]


@pytest.fixture(params=READERS)
def reader(request: Any, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{request.param}"]


@pytest.mark.usefixtures("reader")
def test_a_body_that_ends_early_stores_nothing_where_a_middleware_read_it(
    client: APIClient, cloud: EmulatorServer
) -> None:
    response = _cut(client, io.BytesIO(PNG[:-1]))
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.journal == []
    assert UploadLog.objects.get().stage == "source"


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("missing", [1, 20, len(PNG) + 40])
def test_a_form_that_ends_early_stores_nothing_where_a_middleware_read_it(
    client: APIClient, cloud: EmulatorServer, missing: int
) -> None:
    response = _send_cut_form(client, missing)
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.journal == []


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("send", [post, put])
def test_a_whole_body_is_stored_where_a_middleware_read_it(
    client: APIClient, cloud: EmulatorServer, send: Any
) -> None:
    assert send(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("send", [post, put])
def test_a_whole_body_is_stored_where_the_authentication_read_it(
    client: APIClient, cloud: EmulatorServer, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [SignedBody, *View.authentication_classes]
    monkeypatch.setattr(View, "authentication_classes", known)
    assert send(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


def test_a_body_that_is_longer_than_it_says_ends_where_it_said(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert put(client, CONTENT_LENGTH=str(len(PNG) - 3)).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG[:-3]


@pytest.mark.usefixtures("small")
def test_a_base64_file_counts_with_its_decoded_size(
    client: APIClient, cloud: EmulatorServer
) -> None:
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"store": "default", "path": "uploads/a.png"}.items()
    )
    head += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    body = head.encode() + b"iVBO" * 600 + f"\r\n--{BOUNDARY}--\r\n".encode()
    assert _send_form(client, body).status_code == 413
    assert cloud.journal == []


class SignedBody(BasicAuthentication):
    """As a scheme that signs the body reads it, and then leaves the answer to others."""

    def authenticate(self, request: Any) -> None:
        assert isinstance(request.body, bytes)


def test_a_name_is_refused_before_its_body_is_read(client: APIClient) -> None:
    body = CountingFile(PNG)
    extra = {"CONTENT_LENGTH": str(len(PNG)), "wsgi.input": body}
    assert put(client, "uploads/a%3Ab.png", b"", **extra).status_code == 400
    assert body.taken == 0
