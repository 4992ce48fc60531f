"""What can be said against a file, and the permission that lifts it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.submit.conftest import UserWith, ask, code, refusal
from wx_static_store.conf.options import Options
from wx_static_store.core import naming
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import NameRejected
from wx_static_store.submit.policy import target
from wx_static_store.submit.rules import _ACTIVE, _FAMILIES, endings_of

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 600
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 600
ZIP = b"PK\x03\x04" + b"\0" * 600
PDF = b"%PDF-1.7\n" + b"\0" * 600
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
PROGRAMS = [
    b"MZ\x90\0\x03\0",  # Windows
    b"\x7fELF\x02\x01\x01",  # Linux
    *map(bytes.fromhex, ("cffaedfe", "feedfacf", "cefaedfe", "feedface", "cafebabe")),  # macOS
]


# Name, content, code without and the permission that lifts it.
LIFTED: list[tuple[str, bytes, str, str]] = [
    ("a.txt", b"x", "folder", "replace_protected"),
    ("upload/a.txt", b"x", "folder", "replace_protected"),
    ("Uploads/a.txt", b"x", "folder", "replace_protected"),
    ("uploads2/a.txt", b"x", "folder", "replace_protected"),
    # B22
    ("uploads/MP_verify_AbC123.txt", b"x", "protected", "replace_protected"),
    ("uploads/mp_VERIFY_x.TXT", b"x", "protected", "replace_protected"),
    ("uploads/WW_verify_x.txt", b"x", "protected", "replace_protected"),
    ("uploads/deep/robots.txt", b"x", "protected", "replace_protected"),
    ("uploads/staticfiles.json", b"{}", "protected", "replace_protected"),
    ("uploads/.well-known/a.txt", b"x", "protected", "replace_protected"),
    ("MP_verify_x.txt", b"x", "folder", "replace_protected"),
    (".well-known/a.txt", b"x", "folder", "replace_protected"),
    # B52
    ("uploads/x.php.jpg", JPEG, "type", "upload_active_content"),
    ("uploads/x.html .jpg", JPEG, "type", "upload_active_content"),
    ("uploads/x.jpg.html", b"x", "type", "upload_active_content"),
    ("uploads/X.HTML", b"x", "type", "upload_active_content"),
    ("uploads/x.svgz", b"\x1f\x8b", "type", "upload_active_content"),
    ("uploads/x.svg.png", PNG, "type", "upload_active_content"),
    # B53
    *(
        (f"uploads/x.{ending}", b"x", "type", "upload_active_content")
        for ending in ("html", "htm", "xhtml", "xml", "xsl", "xslt", "svg", "js", "mjs", "wasm")
    ),
    ("uploads/x.exe", b"MZ", "type", "upload_active_content"),
    ("uploads/no-ending", b"x", "type", "upload_active_content"),
    ("uploads/x.png", b"<!DOCTYPE html><p>", "content", "upload_active_content"),
    ("uploads/x.txt", b"\xef\xbb\xbf \n<svg onload=alert(1)>", "content", "upload_active_content"),
    ("uploads/x.txt", "<html>".encode("utf-16"), "content", "upload_active_content"),
    ("uploads/x.txt", "text <script>".encode("utf-16"), "content", "upload_active_content"),
    ("uploads/x.csv", b'<?xml version="1.0"?>', "content", "upload_active_content"),
    ("uploads/x.gif", b"GIF89a/*<script>*/", "content", "upload_active_content"),
    ("uploads/x.md", b"Hello <SCRIPT>alert(1)", "content", "upload_active_content"),
    ("uploads/x.png", ZIP, "content", "upload_active_content"),
    ("uploads/x.jpg", PDF, "content", "upload_active_content"),
    ("uploads/x.pdf", PNG, "content", "upload_active_content"),
    ("uploads/x.docx", b"MZ", "content", "upload_active_content"),
    ("uploads/x.zip", b"Rar!", "content", "upload_active_content"),
    *(
        (f"uploads/x.{ending}", program, "content", "upload_active_content")
        for ending in ("mp4", "woff2", "txt", "doc", "png", "zip", "csv")
        for program in PROGRAMS
    ),
    *(
        (f"uploads/x.{ending}", b"text", "content", "upload_active_content")
        for family, _signature in _FAMILIES
        for ending in family.split()
    ),
]


LIFTING = {"replace_protected", "upload_active_content"}


def test_a_permission_lifts_its_rule(cloud: EmulatorServer, user_with: UserWith) -> None:
    ordinary = user_with("upload")
    refused = [(name, body, code(ordinary, name, body)) for name, body, *_ in LIFTED]
    assert refused == [row[:3] for row in LIFTED]
    assert cloud.calls() == []
    trusted = {permission: user_with("upload", permission) for permission in LIFTING}
    assert [row for row in LIFTED if code(trusted[row[3]], *row[:2])] == []


def test_no_other_permission_lifts_a_rule(cloud: EmulatorServer, user_with: UserWith) -> None:
    others = {
        permission: user_with("upload", "replace", "retry", *(LIFTING - {permission}))
        for permission in LIFTING
    }
    found = [
        (name, body, code(others[permission], name, body, overwrite=True), permission)
        for name, body, _refused, permission in LIFTED
    ]
    assert found == LIFTED


@pytest.mark.parametrize("name", ["uploads/INDEX.html", "uploads/404.html"])
def test_a_protected_page_needs_both_permissions(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    assert code(user_with("upload", "upload_active_content"), name) == "protected"
    assert code(user_with("upload", "replace_protected"), name) == "type"
    both = ("upload_active_content", "replace_protected")
    assert code(user_with("upload", *both), name) == ""


ORDINARY: list[tuple[str, bytes]] = [
    ("uploads/a.jpg", JPEG),
    ("uploads/a.jpg", PNG),
    ("uploads/a.webp", b"RIFF\x10\0\0\0WEBPVP8 "),
    ("uploads/b.webp", b"RIFF\n\0\0\0WEBPVP8 "),
    ("uploads/a.avif", b"\0\0\0\x20ftypavif"),
    ("uploads/a.ico", b"\0\0\1\0\1\0"),
    ("uploads/a.tiff", b"MM\0*"),
    ("uploads/a.pdf", b"\xef\xbb\xbf\n" + PDF),
    ("uploads/a.xlsx", ZIP),
    ("uploads/a.zip", b"PK\x05\x06" + b"\0" * 18),
    ("uploads/a.tar.zip", ZIP),
    ("uploads/v1.2 final.pdf", PDF),
    ("uploads/a.txt", b"1 < 2, <3, a<b"),
    *((f"uploads/a.{ending}", b"\0\0\0\x20ftypisom") for ending in ("mp4", "m4a", "mov")),
    ("uploads/a.mov", b"\0\0\0\x08wide\0\0\0\0mdat"),
    ("uploads/a.webm", b"\x1aE\xdf\xa3"),
    ("uploads/a.weba", b"\x1aE\xdf\xa3"),
    ("uploads/a.ogg", b"OggS"),
    ("uploads/a.opus", b"OggS"),
    ("uploads/a.flac", b"fLaC"),
    ("uploads/a.wav", b"RIFF\x10\0\0\0WAVEfmt "),
    ("uploads/a.avi", b"RIFF\x10\0\0\0AVI LIST"),
    ("uploads/a.mp3", b"ID3\x04"),
    ("uploads/a.mp3", b"\xff\xfb\x90\x64"),
    ("uploads/a.mp3", b"\0" * 100 + b"\xff\xfb"),
    ("uploads/a.aac", b"\xff\xf1\x50\x80"),
    ("uploads/a.mpg", b"\0\0\x01\xba"),
    ("uploads/a.mpeg", (b"G" + b"\0" * 187) * 3),
    ("uploads/a.woff", b"wOFF"),
    ("uploads/a.woff2", b"wOF2"),
    ("uploads/a.ttf", b"\0\x01\0\0\0"),
    ("uploads/a.ttf", b"ttcf"),
    ("uploads/a.otf", b"OTTO"),
    ("uploads/a.eot", b"\0" * 34 + b"LP"),
    *((f"uploads/a.{ending}", OLE) for ending in ("doc", "xls", "ppt")),
    ("uploads/a.docx", OLE),  # with a password
    ("uploads/a.doc", b"{\\rtf1"),
    ("uploads/a.xls", ZIP),
    ("uploads/a.csv", "姓名,手机".encode("gb18030")),
    ("uploads/a.json", b'{"a": "\\u003cscript"}'),
    ("uploads/a.txt", b" " * 512 + b"<script>"),  # behind what is looked at
]


def test_an_ordinary_file_needs_no_more_than_upload(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload")
    assert [(name, body) for name, body in ORDINARY if code(user, name, body)] == []


# --- names ------------------------------------------------------------------------------------


# A name, and what of it the refusal shows.
TROUBLE: list[tuple[str, str]] = [
    *((f"uploads/a{sign}b.txt", sign) for sign in '%#?:`^"{}[]|<>'),  # B04, B16, B17, B18
    ("uploads/%2e%2e/x.txt", "%"),
    ("uploads/x.html%00.jpg", "%"),
    *(
        (f"uploads/a{sign}b.txt", f"U+{ord(sign):04X}")
        for sign in "\u00ad\u200b\u2060\ufeff"  # B07
    ),
    *((name, "space") for name in ("uploads/ a.txt", "uploads/a /b.txt", "uploads/a.txt\u3000")),
    *((name, "dot") for name in ("uploads/a.", "uploads/a./b.txt", "uploads/x.html.")),  # B19
    *(
        (f"uploads/{name}", f"{name.partition('/')[0]} begins")
        for name in (".env", ".git/config", ".htpasswd", ".html", ".well-known")
    ),
    ("uploads/.Well-Known/a.txt", ".Well-Known begins"),
    ("uploads/.👨\u200d👧.txt", ".👨U+200D👧.txt begins"),
    ("uploads/" + "图" * 84 + ".txt", "255 bytes"),  # B10
    ("uploads/" + "a" * 256 + "/a.txt", "255 bytes"),
]


@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_may_use_a_name_that_makes_trouble(
    cloud: EmulatorServer, user_with: UserWith, superuser: bool
) -> None:
    user = user_with("upload", is_superuser=superuser)
    assert {name: code(user, name) for name, _shown in TROUBLE} == {
        name: "name" for name, _shown in TROUBLE
    }


def test_the_refusal_of_a_name_shows_what_is_wrong_with_it(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload")
    messages = {name: str(refusal(user, name).message) for name, _shown in TROUBLE}
    assert [name for name, shown in TROUBLE if shown not in messages[name]] == []


@pytest.mark.parametrize(
    "name", ["", "..", "uploads/../a.txt", "/a.txt", "uploads//a", "a\\b", "uploads/"]
)
def test_a_name_that_cannot_be_a_key_is_refused_as_everywhere(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    with pytest.raises(NameRejected):
        ask(user_with(is_superuser=True), name)


@pytest.mark.parametrize(
    "name",
    [
        "uploads/a b.txt",
        "uploads/a+b&c=d;e,f@g$h!(i)'~*.txt",
        "uploads/👨‍👩‍👧.txt",
        "uploads/a..b.txt",
        "uploads/" + "a" * 251 + ".txt",
    ],
)
def test_a_name_that_no_rule_covers_is_allowed(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    """B13, B14, B15."""
    assert ask(user_with("upload"), name).name == name


def test_a_name_is_composed_before_it_is_looked_at(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    """B11."""
    assert ask(user_with("upload"), "uploads/e\u0301.txt").name == "uploads/\u00e9.txt"


# --- sizes and endings ----------------------------------------------------------------------------


@pytest.mark.parametrize(("counted", "declared"), [(11, 11), (11, 1), (1, 11)])
@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_may_send_more_than_the_largest_size(
    configure: Any, user_with: UserWith, counted: int, declared: int, superuser: bool
) -> None:
    """B28, S19: of what is declared and what is counted, the larger one."""
    cloud = configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 10})
    user = user_with("upload", is_superuser=superuser)
    assert code(user, body=b"x" * counted, size=declared) == "size"
    assert code(user, body=b"x" * 10) == ""
    assert cloud.calls("staticuploadfile") == []


def test_the_message_about_a_large_file_names_the_limit(
    configure: Any, user_with: UserWith
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 2 * 2**20})
    with pytest.raises(PolicyRejected, match=r"at most 2\.0\xa0MB"):
        ask(user_with("upload"), size=2**22)


@pytest.mark.parametrize(
    ("name", "refused"),
    [("uploads/a.PSD", ""), ("uploads/a.txt", "type"), ("uploads/a.svg", "type")],
)
def test_allowed_endings_are_a_setting_and_do_not_make_active_content_harmless(
    configure: Any, user_with: UserWith, name: str, refused: str
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_EXTENSIONS": ["psd", "SVG"]})
    assert code(user_with("upload"), name) == refused


def test_a_file_sent_as_html_xml_or_script_is_active_content() -> None:
    """By the content type of our own table, which the site then says to a browser."""
    runs = re.compile(r"html|[/+]xml|javascript|wasm|flash")
    active = {
        ending.removeprefix(".")
        for ending in naming._TYPES.types_map[True]
        if runs.search(naming.content_type("a" + ending))
    }
    assert {"html", "svg", "xsl"} <= active <= {*_ACTIVE.split()}
    assert not {*_ACTIVE.split()} & {*Options().upload_extensions}


def test_every_known_signature_belongs_to_an_offered_ending() -> None:
    endings = {ending for family, _signature in _FAMILIES for ending in family.split()}
    assert endings <= {*Options().upload_extensions}


# --- the refusal ------------------------------------------------------------------------------


def test_a_superuser_is_refused_for_size_name_and_place_only(
    configure: Any, user_with: UserWith
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 1000})
    user = user_with(is_superuser=True)
    default_storage.save("uploads/a.txt", ContentFile(b"first"))
    assert {code(user, name, body) for name, body, _code, _permission in LIFTED} == {""}
    assert code(user, overwrite=True) == ""
    assert code(user, "uploads/a#b.txt") == "name"
    assert code(user, size=1001) == "size"
    with pytest.raises(PolicyRejected, match="stage policy"):
        target(user, "nowhere")


def test_a_refusal_says_in_words_what_helps(cloud: EmulatorServer, user_with: UserWith) -> None:
    user = user_with("upload")
    for name, body, *_ in LIFTED:
        error = refusal(user, name, body)
        assert error.stage == "policy"
        assert str(error.message).endswith(".")
        assert str(error.hint).endswith(".")
        assert "%(" not in str(error)


def test_a_name_without_a_dot_has_one_empty_ending() -> None:
    assert endings_of("README") == [""]
