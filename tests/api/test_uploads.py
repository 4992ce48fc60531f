"""Uploads through the API: what the other side stores, and what the client gets."""

import io
import re
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import override_settings
from django.test.client import encode_multipart
from django.urls import include, path
from rest_framework.authentication import BasicAuthentication
from rest_framework.test import APIClient

from tests.api.conftest import ALL, PNG, Client, picture, post, put
from tests.conftest import ENV
from wx_static_store.api import urls
from wx_static_store.api.base import View
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload.database import rest

pytestmark = pytest.mark.django_db
BOUNDARY = "wx-boundary"


# --- what is stored -------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [post, put])
def test_an_upload_stores_the_bytes(client: APIClient, cloud: EmulatorServer, send: Any) -> None:
    assert send(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("send", [post, put])
def test_an_upload_tells_what_is_public_now(
    client: APIClient, cloud: EmulatorServer, send: Any
) -> None:
    shown = send(client).json()
    assert shown == {
        "id": UploadLog.objects.get().pk,
        "store": "default",
        "env": ENV,
        "name": "uploads/a.png",
        "key": "uploads/a.png",
        "url": cloud.site_url() + "/uploads/a.png",
        "size": len(PNG),
        "md5": cloud.objects()["uploads/a.png"].md5,
        "content_type": "image/png",
        "status": "stored",
        "errcode": 0,
    }


def test_the_location_is_the_row_of_the_log(client: APIClient) -> None:
    location = put(client)["Location"]
    assert client.get(location).json()["key"] == "uploads/a.png"


def test_the_row_names_the_entry_and_the_user(client: APIClient) -> None:
    put(client)
    row = UploadLog.objects.get()
    assert (row.source, row.user and row.user.username) == ("api", "ann")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (None, "uploads/mine.png"),
        ("uploads/deep/", "uploads/deep/mine.png"),
        ("uploads/other.png", "uploads/other.png"),
        ("uploads/茶.png", "uploads/茶.png"),
    ],
)
def test_the_path_names_the_file_or_its_folder(
    client: APIClient, path: str | None, name: str
) -> None:
    assert post(client, path=path, file=picture("mine.png")).json()["name"] == name  # type: ignore[arg-type]


def test_the_location_of_a_store_comes_before_the_name(
    client: APIClient, cloud: EmulatorServer
) -> None:
    shown = post(client, store="staticfiles").json()
    assert (shown["name"], shown["key"]) == ("uploads/a.png", "static/uploads/a.png")
    assert set(cloud.objects()) == {"static/uploads/a.png"}


def test_a_generated_name_keeps_folder_and_ending(client: APIClient, cloud: EmulatorServer) -> None:
    sent = [post(client, "uploads/tea.png", generate="true") for _ in range(2)]
    names = {response.json()["name"] for response in sent}
    assert len(names) == 2
    assert all(re.fullmatch(r"uploads/[0-9a-f]{32}\.png", name) for name in names)
    assert set(cloud.objects()) == names


@pytest.mark.parametrize("send", [post, put])
def test_an_empty_file_is_stored(client: APIClient, cloud: EmulatorServer, send: Any) -> None:
    sent = {post: lambda: post(client, file=picture(content=b"")), put: lambda: _empty(client)}
    assert sent[send]().status_code == 201
    assert cloud.objects()["uploads/a.png"].body == b""


def _empty(client: APIClient) -> Any:
    return put(client, body=b"", CONTENT_LENGTH="0")


def test_the_type_is_ours_and_not_the_clients(client: APIClient, cloud: EmulatorServer) -> None:
    file = picture()
    file.content_type = "text/html"
    assert post(client, file=file).status_code == 201
    assert cloud.objects()["uploads/a.png"].headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("uploads/x.php.png", 201, None),
        ("uploads/MP_verify_a.png", 201, None),
        ("uploads/a?b.png", 201, None),
        ("elsewhere/a.png", 400, "folder"),
        ("uploads/a.php", 400, "type"),
    ],
)
def test_of_a_generated_name_its_folder_and_its_ending_are_judged(
    client_of: Client, send: Any, name: str, status: int, code: str | None
) -> None:
    """By both entries: the rest of the name that was given goes nowhere."""
    client = client_of("upload")
    if send is post:
        response = post(client, name, generate="true")
    else:
        response = put(client, name.replace("?", "%3F"), query="?generate=true")
    assert (response.status_code, response.json().get("code")) == (status, code)


# --- the row's address ----------------------------------------------------------------------------


@pytest.mark.parametrize("send", [post, put])
def test_without_a_namespace_the_answer_has_no_location(
    client: APIClient, cloud: EmulatorServer, settings: Any, send: Any
) -> None:
    settings.ROOT_URLCONF = (path("wx/", include(urls.urlpatterns)),)
    response = send(client)
    assert response.status_code == 201
    assert "Location" not in response
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("send", [post, put])
def test_at_a_host_that_is_not_allowed_the_answer_has_no_location(
    client: APIClient, cloud: EmulatorServer, settings: Any, send: Any
) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    response = send(client, HTTP_HOST="example.net")
    assert response.status_code == 201
    assert "Location" not in response
    assert cloud.objects()["uploads/a.png"].body == PNG


# --- B54: fields that are nobody's business -------------------------------------------------------


def test_other_fields_are_refused(client: APIClient, cloud: EmulatorServer) -> None:
    given = {"errcode": "7", "state": "x", "id": "99", "user": "99", "created": "1999"}
    response = post(client, **given)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert set(response.json()["errors"]) == set(given)
    assert cloud.objects() == {}


@pytest.mark.parametrize(("wrong", "nearest"), [("overwrit", "overwrite"), ("stor", "store")])
def test_a_misspelt_field_gets_the_nearest_name(
    client: APIClient, wrong: str, nearest: str
) -> None:
    assert nearest in post(client, **{wrong: "true"}).json()["errors"][wrong][0]


@pytest.mark.parametrize("query", ["?overwrit=true", "?Overwrite=true", "?path=x"])
def test_a_misspelt_parameter_uploads_nothing(
    client: APIClient, cloud: EmulatorServer, query: str
) -> None:
    response = put(client, query=query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert cloud.objects() == {}


def test_the_address_of_the_form_takes_no_parameters(client: APIClient) -> None:
    response = client.post("/wx/uploads/?overwrite=true", {"file": picture()})
    assert list(response.json()["errors"]) == ["overwrite"]


def test_the_csrf_token_of_a_page_is_no_unknown_field(client: APIClient) -> None:
    assert post(client, csrfmiddlewaretoken="a" * 32).status_code == 201


# --- a store that nobody named --------------------------------------------------------------------


def test_the_only_store_is_taken_where_none_is_named(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_STORES": ["default"]})
    assert post(client, store=None).json()["store"] == "default"


def test_the_only_environment_of_a_tenant_is_taken(client: APIClient, configure: Any) -> None:
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    configure(WX_STATIC_STORE={"UPLOAD_STORES": ["default"], **offered})
    assert post(client, store=None).json()["env"] == "tenant-b"


def test_of_several_stores_one_must_be_named(client: APIClient) -> None:
    [text] = post(client, store=None).json()["errors"]["store"]
    assert "default, staticfiles" in text


# --- B50: bodies that are no upload ---------------------------------------------------------------


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


@pytest.mark.parametrize(
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
def test_a_body_that_is_no_upload_is_refused(
    client: APIClient, cloud: EmulatorServer, send: Any, status: int, code: str
) -> None:
    response = send(client)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert cloud.journal == []
    assert not UploadLog.objects.exists()


# --- B51: bodies that are too long, or shorter than they say --------------------------------------


def _form(content: bytes = PNG, **fields: str) -> bytes:
    form = {"store": "default", "path": "uploads/a.png", **fields, "file": picture(content=content)}
    return encode_multipart(BOUNDARY, form)


def _send_form(client: APIClient, body: bytes, **extra: Any) -> Any:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return client.generic("POST", "/wx/uploads/", body, content_type=kind, **extra)


@pytest.fixture
def small(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 1000})


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("send", ["post", "put"])
def test_what_is_longer_than_allowed_is_refused(
    client: APIClient, cloud: EmulatorServer, send: str
) -> None:
    long = PNG + bytes(1000)
    response = put(client, body=long) if send == "put" else post(client, file=picture("x", long))
    assert (response.status_code, response.json()["code"]) == (413, "size")
    assert cloud.journal == []


class Counting(io.BytesIO):
    """How much of it is read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("path", ["/wx/uploads/", "/wx/uploads/default/uploads/a.png"])
def test_of_a_body_that_says_it_is_too_long_nothing_is_read(client: APIClient, path: str) -> None:
    body = Counting(bytes(5_000_000))
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
    body = _form()
    cut = {"wsgi.input": io.BytesIO(body[:-missing]), "CONTENT_LENGTH": str(len(body))}
    response = _send_form(client, b"", **cut)
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.objects() == {}
    assert not UploadLog.objects.exists()


class Broken(io.BytesIO):
    """As some servers tell that the client went away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("request data read error")


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
    body = _form()
    cut = {"wsgi.input": io.BytesIO(body[:-missing]), "CONTENT_LENGTH": str(len(body))}
    response = _send_form(client, b"", **cut)
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cloud.journal == []


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("send", [post, put])
def test_a_whole_body_is_stored_where_a_middleware_read_it(
    client: APIClient, cloud: EmulatorServer, send: Any
) -> None:
    assert send(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


class SignedBody(BasicAuthentication):
    """As a scheme that signs the body reads it, and then leaves the answer to others."""

    def authenticate(self, request: Any) -> None:
        assert isinstance(request.body, bytes)


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
def test_base64_counts_as_what_it_unpacks_to(client: APIClient, cloud: EmulatorServer) -> None:
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


# --- B22, B52, B53: names and contents that need more ---------------------------------------------


def _without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in ALL if name not in names)


@pytest.mark.parametrize(
    "name",
    [
        *("MP_verify_abc.txt", "WW_verify_abc.txt", "mp_VERIFY_x.txt", "robots.txt"),
        *("index.html", "404.html", "staticfiles.json", ".well-known/assetlinks.json"),
    ],
)
@pytest.mark.parametrize("send", [post, put])
def test_a_protected_name_needs_its_permission(
    client_of: Client, cloud: EmulatorServer, send: Any, name: str
) -> None:
    plain, more = client_of(*_without("replace_protected")), client_of(*ALL, name="eve")
    content = picture(content=b"{}") if send is post else b"{}"
    response = send(plain, "uploads/" + name, **{"file" if send is post else "body": content})
    assert response.status_code in (400, 403)
    assert response.json()["code"] in ("protected", "name")
    assert cloud.journal == []
    content = picture(content=b"{}") if send is post else b"{}"
    response = send(more, "uploads/" + name, **{"file" if send is post else "body": content})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("x.php.jpg", PNG, "type"),
        ("x.jpg.html", PNG, "type"),
        ("X.HTML", PNG, "type"),
        ("x.html%2500.jpg", PNG, "name"),
        ("%FF.png", PNG, "name"),
        ("x.html.", PNG, "name"),
        ("x%0A.png", PNG, "name"),
        ("x.svgz", PNG, "type"),
        ("x.html", b"<p>", "type"),
        ("x.svg", b"<svg/>", "type"),
        ("x.xhtml", b"<x/>", "type"),
        ("x.xml", b"<x/>", "type"),
        ("x.js", b"1", "type"),
        ("x.png", b"<!doctype html><script>", "content"),
        ("x.png", b"<svg onload='1'/>", "content"),
        ("x.pdf", PNG, "content"),
    ],
)
def test_active_content_needs_its_permission(
    client_of: Client, cloud: EmulatorServer, name: str, body: bytes, code: str
) -> None:
    client = client_of(*_without("upload_active_content"))
    response = put(client, f"uploads/{name}", body)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert cloud.journal == []


def test_who_may_upload_active_content_does(client: APIClient, cloud: EmulatorServer) -> None:
    assert put(client, "uploads/x.html", b"<p>").status_code == 201


def test_a_name_is_refused_before_its_body_is_read(client: APIClient) -> None:
    body = Counting(PNG)
    extra = {"CONTENT_LENGTH": str(len(PNG)), "wsgi.input": body}
    assert put(client, "uploads/a%3Ab.png", b"", **extra).status_code == 400
    assert body.taken == 0


@pytest.mark.parametrize("send", [post, put])
def test_files_go_below_the_folder_for_uploads(client_of: Client, send: Any) -> None:
    response = send(client_of("upload"), "elsewhere/a.png")
    assert (response.status_code, response.json()["code"]) == (400, "folder")


def test_the_message_of_the_projects_own_check_is_returned(
    configure: Any, client: APIClient
) -> None:
    from django.core.exceptions import ValidationError

    def check(user: Any, name: str, file: Any) -> None:
        raise ValidationError("A virus lives in here.")

    configure(WX_STATIC_STORE={"UPLOAD_CHECK": check})
    response = put(client)
    assert (response.status_code, response.json()["detail"]) == (400, "A virus lives in here.")


# --- B60: what is there already -------------------------------------------------------------------


@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize(
    ("permissions", "flag", "status"),
    [
        (("upload",), False, 409),
        (("upload",), True, 409),
        (("upload", "replace"), False, 409),
        (("upload", "replace"), True, 201),
    ],
)
def test_replacing_needs_the_permission_and_the_flag(
    client_of: Client,
    cloud: EmulatorServer,
    send: Any,
    permissions: tuple[str, ...],
    flag: bool,
    status: int,
) -> None:
    """Of what only the cloud knows, too."""
    cloud.put_object("uploads/a.png", b"old")
    value = str(flag).lower()
    shown = {"overwrite": value} if send is post else {"query": f"?overwrite={value}"}
    response = send(client_of(*permissions), **shown)
    assert response.status_code == status
    assert cloud.objects()["uploads/a.png"].body == (PNG if status == 201 else b"old")
    if status == 409:
        assert response.json()["code"] == "exists"


def test_a_deleted_file_is_not_there(client_of: Client, cloud: EmulatorServer) -> None:
    default_storage.delete(default_storage.save("uploads/a.png", ContentFile(b"x")))
    assert put(client_of("upload")).status_code == 201


# --- environments ---------------------------------------------------------------------------------


@pytest.fixture
def tenants(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})


@pytest.mark.usefixtures("tenants")
def test_an_upload_goes_to_the_environment_that_is_asked_for(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert put(client, query="?env=tenant-b").status_code == 201
    assert set(cloud.objects("tenant-b")) == {"uploads/a.png"}


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize("query", ["", f"?env={ENV}", "?env=unheard-of"])
def test_no_other_environment_can_be_reached(client: APIClient, query: str) -> None:
    response = put(client, query=query)
    assert (response.status_code, response.json()["code"]) == (404, "store")


def test_a_blank_environment_is_the_store_s_own(client: APIClient, cloud: EmulatorServer) -> None:
    """Swagger's page sends a field that nobody filled in."""
    assert put(client, "uploads/a.png", query="?env=").status_code == 201
    assert post(client, "uploads/b.png", env="").status_code == 201
    assert client.get("/wx/stores/default/files/?env=").status_code == 200
    assert set(cloud.objects()) == {"uploads/a.png", "uploads/b.png"}


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_a_blank_path_is_the_folder_for_uploads(
    client: APIClient, cloud: EmulatorServer, blank: str
) -> None:
    assert post(client, blank).status_code == 201
    assert set(cloud.objects()) == {"uploads/a.png"}


def test_an_alias_that_is_not_ours_is_no_store(client: APIClient) -> None:
    assert post(client, store="nowhere").json()["code"] == "store"


def test_a_reader_and_an_uploader_get_the_same_message_for_an_unknown_store(
    client: APIClient,
) -> None:
    shown = client.get("/wx/stores/nowhere/files/").json()["detail"]
    assert shown == "nowhere is no store that you may use."
    assert post(client, store="nowhere").json()["detail"] == shown


@pytest.mark.parametrize(("name", "found"), [("%ff.png", "%FF"), ("%25E5%259B%25BE.png", "%E5")])
def test_a_name_that_is_not_utf_8_is_refused_as_such(
    client: APIClient, cloud: EmulatorServer, name: str, found: str
) -> None:
    shown = put(client, f"uploads/{name}").json()
    wanted = f"The name is not UTF-8, or it was percent-encoded twice: it has {found}."
    assert (shown["code"], shown["detail"]) == ("name", wanted)


# --- a store that is closed for uploads -----------------------------------------------------------


@pytest.fixture
def closed(configure: Any, cloud: EmulatorServer) -> Any:
    """Return `closed()`, after which nobody may upload to `default`."""
    return lambda: configure(WX_STATIC_STORE={"UPLOAD_STORES": ["staticfiles"]})


@pytest.mark.parametrize("send", [post, put])
def test_a_closed_store_is_no_store_for_uploads(
    client_of: Client, cloud: EmulatorServer, closed: Any, send: Any
) -> None:
    closed()
    response = send(client_of(is_superuser=True))
    assert (response.status_code, response.json()["code"]) == (404, "store")
    assert cloud.journal == []
    assert not UploadLog.objects.exists()


def test_an_open_store_beside_a_closed_one_takes_uploads(
    client: APIClient, cloud: EmulatorServer, closed: Any
) -> None:
    closed()
    assert post(client, store="staticfiles").status_code == 201
    assert set(cloud.objects()) == {"static/uploads/a.png"}


def test_a_closed_store_is_not_among_the_stores(client: APIClient, closed: Any) -> None:
    closed()
    shown = client.get("/wx/stores/").json()["results"]
    assert [one["store"] for one in shown] == ["staticfiles"]


def test_the_files_of_a_closed_store_are_listed(client: APIClient, closed: Any) -> None:
    put(client)
    closed()
    shown = client.get("/wx/stores/default/files/").json()["results"]
    assert [one["key"] for one in shown] == ["uploads/a.png"]


def test_a_row_of_a_closed_store_is_sent_again(
    client: APIClient, cloud: EmulatorServer, closed: Any
) -> None:
    first = put(client).json()["id"]
    closed()
    assert client.post(f"/wx/uploads/{first}/retry/").status_code == 201
    assert len(cloud.calls("put_object", key="uploads/a.png")) == 2


def test_a_closed_store_is_seen_in_the_environments_that_are_offered_only(
    client: APIClient, configure: Any
) -> None:
    first = put(client).json()["id"]
    changes = {"UPLOAD_STORES": [], "ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    configure(WX_STATIC_STORE=changes)
    assert client.get(f"/wx/stores/default/files/?env={ENV}").json()["code"] == "store"
    assert client.get("/wx/stores/default/files/?env=tenant-b").status_code == 200
    assert client.post(f"/wx/uploads/{first}/retry/").json()["code"] == "not_found"


# --- the log --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/wx/uploads/default/uploads/a.png", "/wx/uploads/1/retry/"])
def test_the_row_of_an_upload_is_in_no_transaction_of_its_request(
    client: APIClient,
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    """M22: with ATOMIC_REQUESTS the row of a failed upload would go when the request fails."""
    put(client)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    caplog.set_level("INFO", "wx_static_store.uploads")
    path = path.replace("/1/", f"/{UploadLog.objects.get().pk}/")
    retry = path.endswith("/retry/")
    send, query = (client.post, "") if retry else (client.put, "?overwrite=true")
    response = send(path + query, PNG, content_type="image/png")
    assert response.status_code == 201
    assert caplog.records[-1].upload["in_atomic"] is False  # type: ignore[attr-defined]


def test_without_a_log_the_upload_counts(client: APIClient, cloud: EmulatorServer) -> None:
    rest(60)
    response = put(client)
    assert (response.status_code, response.json()["id"]) == (201, None)
    assert "Location" not in response
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("handler", ["MemoryFileUploadHandler", "TemporaryFileUploadHandler"])
def test_a_form_is_read_as_we_say_whatever_the_projects_handlers(
    client: APIClient, cloud: EmulatorServer, handler: str
) -> None:
    wanted = [f"django.core.files.uploadhandler.{handler}"]
    with override_settings(FILE_UPLOAD_HANDLERS=wanted):
        assert post(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


# --- addresses ------------------------------------------------------------------------------------


def test_a_form_is_taken_without_the_last_slash(client: APIClient, cloud: EmulatorServer) -> None:
    form = {"store": "default", "file": picture(), "path": "uploads/a.png"}
    response = client.post("/wx/uploads", form, format="multipart")
    assert response.status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


def test_a_retry_is_taken_without_the_last_slash(client: APIClient) -> None:
    row = put(client).json()["id"]
    assert client.post(f"/wx/uploads/{row}/retry").status_code == 201


@pytest.mark.parametrize("address", ["uploads", "uploads/{row}", "stores", "stores/default/files"])
def test_an_address_answers_alike_without_the_last_slash(client: APIClient, address: str) -> None:
    url = "/wx/" + address.format(row=put(client).json()["id"])
    with_slash, without = client.get(url + "/"), client.get(url)
    assert (without.status_code, without.content) == (200, with_slash.content)


def test_a_file_named_retry_has_its_address(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_LOCATION": "", "UPLOAD_EXTENSIONS": None})
    response = put(client, "retry")
    assert (response.status_code, list(cloud.objects())) == (201, ["retry"])


def test_the_location_has_the_last_slash(client: APIClient) -> None:
    form = {"store": "default", "file": picture(), "path": "uploads/a.png"}
    response = client.post("/wx/uploads", form, format="multipart")
    assert response["Location"].endswith(f"/uploads/{response.json()['id']}/")
