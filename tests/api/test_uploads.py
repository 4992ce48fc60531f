"""Uploads through the API: what the other side stores, and what the client gets."""

import re
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import override_settings
from rest_framework.test import APIClient

from tests.api.conftest import ALL, PNG, Client, picture, post, put
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload.database import rest

pytestmark = pytest.mark.django_db


# --- what is stored -------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [post, put])
def test_an_upload_stores_the_bytes(client: APIClient, cloud: EmulatorServer, send: Any) -> None:
    assert send(client).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.parametrize("send", [post, put])
def test_an_upload_is_answered_with_the_public_file(
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


def test_the_content_type_is_ours_and_not_the_client_s(
    client: APIClient, cloud: EmulatorServer
) -> None:
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
def test_a_generated_name_is_judged_by_folder_and_ending(
    client_of: Client, send: Any, name: str, status: int, code: str | None
) -> None:
    """By both entries: the rest of the name that was given goes nowhere."""
    client = client_of("upload")
    if send is post:
        response = post(client, name, generate="true")
    else:
        response = put(client, name.replace("?", "%3F"), query="?generate=true")
    assert (response.status_code, response.json().get("code")) == (status, code)


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


def test_active_content_is_stored_for_those_with_its_permission(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert put(client, "uploads/x.html", b"<p>").status_code == 201


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


def test_the_name_of_a_deleted_file_can_be_uploaded_to(
    client_of: Client, cloud: EmulatorServer
) -> None:
    default_storage.delete(default_storage.save("uploads/a.png", ContentFile(b"x")))
    assert put(client_of("upload")).status_code == 201


# --- the log --------------------------------------------------------------------------------------


def test_an_upload_without_a_log_is_stored(client: APIClient, cloud: EmulatorServer) -> None:
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
