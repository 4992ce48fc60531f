"""Who may upload what, where; each rule with the permission that lifts it, and what no one may."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.exceptions import ValidationError

from tests.conftest import ENV
from wx_static_store.conf import resolve
from wx_static_store.conf.options import Options
from wx_static_store.core import naming
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, NameRejected, WeChatThrottled
from wx_static_store.submit import policy
from wx_static_store.submit.policy import PolicyRejected, Target, authorize_upload, generated_name
from wx_static_store.submit.rules import _ACTIVE, _FAMILIES
from wx_static_store.upload.uploader import get_uploader

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
HERE = Target("default", ENV, "default")

UserWith = Callable[..., User]


@pytest.fixture
def user_with() -> UserWith:
    """`user_with("upload", …)`: one who has these permissions and no other."""

    def create(*permissions: str, **fields: Any) -> User:
        user = User.objects.create_user(f"u{User.objects.count()}", **fields)
        found = Permission.objects.filter(
            codename__in=permissions, content_type__app_label="wx_static_store"
        )
        assert len(found) == len(permissions)
        user.user_permissions.set(found)
        return user

    return create


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def ask(user: Any, name: str = "uploads/a.txt", body: bytes = b"text", **more: Any) -> UploadItem:
    return authorize_upload(user, HERE, name, io.BytesIO(body), **({"size": len(body)} | more))


def code(user: Any, *args: Any, **more: Any) -> str:
    """How the policy refuses; empty where it does not."""
    try:
        ask(user, *args, **more)
    except PolicyRejected as error:
        return error.code
    return ""


# --- the item ---------------------------------------------------------------------------------


def test_what_is_admitted_is_what_is_stored(cloud: EmulatorServer, user_with: UserWith) -> None:
    item = ask(user_with("upload"), "uploads/图/a.png", PNG)
    get_uploader().upload(item, UploadContext("admin"))
    stored = cloud.objects()["uploads/图/a.png"]
    assert (stored.body, stored.headers["Content-Type"]) == (PNG, "image/png")


def test_the_file_is_at_its_start_again_and_stays_open(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    file = io.BytesIO(PNG)
    item = authorize_upload(user_with("upload"), HERE, "uploads/a.png", file, size=len(PNG))
    assert file.tell() == 0
    assert item.open() is file
    assert not item.close


@pytest.mark.parametrize("declared", [0, 3, 10**6])
def test_the_size_is_the_counted_one(
    cloud: EmulatorServer, user_with: UserWith, declared: int
) -> None:
    assert ask(user_with("upload"), body=b"12345", size=declared).size == 5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uploads/a.csv", "text/csv; charset=utf-8"),
        ("uploads/a.PNG", "image/png"),
        ("uploads/a.zzz", "application/octet-stream"),
    ],
)
def test_the_content_type_comes_from_our_table(
    cloud: EmulatorServer, user_with: UserWith, name: str, expected: str
) -> None:
    """S20: a browser's word for it is never asked."""
    body = PNG if name.endswith("PNG") else b"x"
    item = ask(user_with("upload", "upload_active_content"), name, body)
    assert item.content_type is None
    assert get_uploader().headers(item).content_type == expected


def test_an_empty_file_is_a_file(cloud: EmulatorServer, user_with: UserWith) -> None:
    """B25; there is nothing in it that could disagree with its name."""
    assert ask(user_with("upload"), "uploads/a.png", b"").size == 0


def test_the_key_can_be_told_before_the_bytes_are_here(configure: Any, user_with: UserWith) -> None:
    cloud = configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 10})
    user, nothing = user_with("upload"), io.BytesIO()
    to = policy.target(user, "staticfiles")
    key = policy.key_for(user, to, "uploads/a.png", nothing, size=10)
    assert key == "static/uploads/a.png"
    for name, size in (("uploads/a.png", 11), ("uploads/a.html", 1), ("a.png", 1)):
        with pytest.raises(PolicyRejected):
            policy.key_for(user, to, name, nothing, size=size)
    assert cloud.calls() == []


# --- who --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["uploads/a.txt", "../a", "index.html"])
def test_without_the_permission_nothing_else_is_told(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    """B48."""
    others = ("replace", "replace_protected", "upload_active_content", "retry", "view_uploadlog")
    users = [
        AnonymousUser(),
        user_with(is_staff=True),
        user_with(*others),
        user_with("upload", is_active=False),
        user_with(is_superuser=True, is_active=False),
    ]
    assert [code(user, name) for user in users] == ["forbidden"] * len(users)
    assert cloud.calls() == []


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


@pytest.mark.parametrize(("name", "body", "refused", "permission"), LIFTED)
def test_a_permission_lifts_its_rule(
    cloud: EmulatorServer,
    user_with: UserWith,
    name: str,
    body: bytes,
    refused: str,
    permission: str,
) -> None:
    assert code(user_with("upload"), name, body) == refused
    assert cloud.calls() == []
    assert code(user_with("upload", permission), name, body) == ""


@pytest.mark.parametrize(("name", "body", "refused", "permission"), LIFTED)
def test_no_other_permission_lifts_it(
    cloud: EmulatorServer,
    user_with: UserWith,
    name: str,
    body: bytes,
    refused: str,
    permission: str,
) -> None:
    lifting = {"replace", "replace_protected", "upload_active_content", "retry"} - {permission}
    assert code(user_with("upload", *lifting), name, body, overwrite=True) == refused


@pytest.mark.parametrize("name", ["uploads/INDEX.html", "uploads/404.html"])
def test_a_protected_page_needs_both_permissions(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    assert code(user_with("upload", "upload_active_content"), name) == "protected"
    assert code(user_with("upload", "replace_protected"), name) == "type"
    both = ("upload_active_content", "replace_protected")
    assert code(user_with("upload", *both), name) == ""


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("uploads/a.jpg", JPEG),
        ("uploads/a.jpg", PNG),
        ("uploads/a.webp", b"RIFF\x10\0\0\0WEBPVP8 "),
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
    ],
)
def test_an_ordinary_file_needs_no_more_than_upload(
    cloud: EmulatorServer, user_with: UserWith, name: str, body: bytes
) -> None:
    assert code(user_with("upload"), name, body) == ""


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((f"uploads/a{sign}b.txt", sign) for sign in '%#?:`^"{}[]|<>'),  # B04, B16, B17, B18
        ("uploads/%2e%2e/x.txt", "%"),
        ("uploads/x.html%00.jpg", "%"),
        *(
            (f"uploads/a{sign}b.txt", f"U+{ord(sign):04X}")
            for sign in "\u00ad\u200b\u2060\ufeff"  # B07
        ),
        *(
            (name, "space")
            for name in ("uploads/ a.txt", "uploads/a /b.txt", "uploads/a.txt\u3000")
        ),
        *((name, "dot") for name in ("uploads/a.", "uploads/a./b.txt", "uploads/x.html.")),  # B19
        *(
            (f"uploads/{name}", f"{name.partition('/')[0]} begins")
            for name in (".env", ".git/config", ".htpasswd", ".html", ".well-known")
        ),
        ("uploads/.Well-Known/a.txt", ".Well-Known begins"),
        ("uploads/.👨\u200d👧.txt", ".👨U+200D👧.txt begins"),
        ("uploads/" + "图" * 84 + ".txt", "255 bytes"),  # B10
        ("uploads/" + "a" * 256 + "/a.txt", "255 bytes"),
    ],
)
def test_nobody_may_use_a_name_that_makes_trouble(
    cloud: EmulatorServer, user_with: UserWith, name: str, told: str
) -> None:
    for user in (user_with("upload"), user_with(is_superuser=True)):
        with pytest.raises(PolicyRejected) as caught:
            ask(user, name)
        assert caught.value.code == "name"
        assert told in str(caught.value.message)


@pytest.mark.parametrize(
    "name", ["", "..", "uploads/../a.txt", "/a.txt", "uploads//a", "a\\b", "uploads/"]
)
def test_what_cannot_be_a_key_is_refused_as_everywhere(
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
    ],
)
def test_other_names_are_free(cloud: EmulatorServer, user_with: UserWith, name: str) -> None:
    """B13, B14, B15."""
    assert ask(user_with("upload"), name).name == name


def test_a_name_is_composed_before_it_is_looked_at(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    """B11."""
    assert ask(user_with("upload"), "uploads/e\u0301.txt").name == "uploads/\u00e9.txt"


def test_a_generated_name_keeps_the_folder_and_the_last_ending() -> None:
    """S18."""
    names = [generated_name("uploads/2024/Photo.php.JPG") for _number in range(2)]
    assert all(re.fullmatch(r"uploads/2024/[0-9a-f]{32}\.jpg", name) for name in names)
    assert names[0] != names[1]


@pytest.mark.parametrize("name", ["README", "a."])
def test_a_generated_name_has_no_ending_where_there_is_none(name: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", generated_name(name))


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "inside"), [("uploads", "uploads/a.txt"), ("a/文", "a/文/a.txt"), ("", "a.txt")]
)
def test_the_folder_is_a_setting(
    configure: Any, user_with: UserWith, location: str, inside: str
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_LOCATION": location})
    assert code(user_with("upload"), inside) == ""
    assert code(user_with("upload"), "elsewhere/a.txt") == ("folder" if location else "")


def test_the_folder_is_below_the_location_of_the_store(configure: Any, user_with: UserWith) -> None:
    cloud = configure()
    user = user_with("upload")
    item = authorize_upload(
        user, policy.target(user, "staticfiles"), "uploads/a.txt", io.BytesIO(), size=0
    )
    get_uploader("staticfiles").upload(item, UploadContext("admin"))
    assert list(cloud.objects()) == ["static/uploads/a.txt"]


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


def test_the_limit_is_told(configure: Any, user_with: UserWith) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 2 * 2**20})
    with pytest.raises(PolicyRejected, match=r"at most 2\.0\xa0MB"):
        ask(user_with("upload"), size=2**22)


@pytest.mark.parametrize(
    ("name", "refused"),
    [("uploads/a.PSD", ""), ("uploads/a.txt", "type"), ("uploads/a.svg", "type")],
)
def test_the_endings_are_a_setting_and_do_not_make_active_content_harmless(
    configure: Any, user_with: UserWith, name: str, refused: str
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_EXTENSIONS": ["psd", "SVG"]})
    assert code(user_with("upload"), name) == refused


def test_whatever_we_send_as_html_xml_or_a_script_is_active_content() -> None:
    """By the content type of our own table, which the site then says to a browser."""
    runs = re.compile(r"html|[/+]xml|javascript|wasm|flash")
    active = {
        ending.removeprefix(".")
        for ending in naming._TYPES.types_map[True]
        if runs.search(naming.content_type("a" + ending))
    }
    assert {"html", "svg", "xsl"} <= active <= {*_ACTIVE.split()}
    assert not {*_ACTIVE.split()} & {*Options().upload_extensions}


def test_a_known_signature_is_of_an_ending_that_is_offered() -> None:
    endings = {ending for family, _signature in _FAMILIES for ending in family.split()}
    assert endings <= {*Options().upload_extensions}


def test_one_put_of_five_gigabytes_is_the_most_that_may_be_set(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENV": "demo", "UPLOAD_MAX_SIZE": 5 * 2**30}
    assert resolve("media").upload_max_size == 5 * 2**30


# --- the project's own check ------------------------------------------------------------------


def refuse_eicar(user: Any, name: str, file: Any) -> None:
    assert user.has_perm("wx_static_store.upload")
    if b"EICAR" in file.read():
        raise ValidationError("%(name)s has a virus.", params={"name": name})


@pytest.mark.parametrize("check", [refuse_eicar, "tests.submit.test_policy.refuse_eicar"])
def test_the_project_s_own_check_binds_everybody(
    configure: Any, user_with: UserWith, check: Any
) -> None:
    cloud = configure(WX_STATIC_STORE={"UPLOAD_CHECK": check})
    user = user_with(is_superuser=True)
    with pytest.raises(PolicyRejected, match=r"uploads/a\.txt has a virus") as caught:
        ask(user, body=b"x" * 600 + b"EICAR")
    assert caught.value.code == "content"
    assert cloud.calls() == []


def test_a_file_that_passes_the_check_is_at_its_start_again(
    configure: Any, user_with: UserWith
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_CHECK": refuse_eicar})
    assert ask(user_with("upload"), body=b"good").open().read() == b"good"


def test_nothing_is_uploaded_while_the_check_fails(configure: Any, user_with: UserWith) -> None:
    def broken(user: Any, name: str, file: Any) -> None:
        raise OSError("the scanner is down")

    configure(WX_STATIC_STORE={"UPLOAD_CHECK": broken})
    with pytest.raises(ConfigurationError, match=r"UPLOAD_CHECK failed \(OSError: the scanner"):
        ask(user_with(is_superuser=True))


# --- what is there already --------------------------------------------------------------------


def put(name: str, body: bytes = b"first") -> None:
    """Past the policy, and past the log: somebody else's upload."""
    item = UploadItem(name, open=lambda: io.BytesIO(body))
    assert get_uploader().transfer(item).error is None


@pytest.mark.parametrize(
    ("permissions", "overwrite", "refused"),
    [
        ((), False, "exists"),
        ((), True, "exists"),
        (("replace",), False, "exists"),
        (("replace",), True, ""),
        (("replace_protected", "upload_active_content"), True, "exists"),
    ],
)
def test_overwriting_needs_the_wish_and_the_permission(
    cloud: EmulatorServer,
    user_with: UserWith,
    permissions: tuple[str, ...],
    overwrite: bool,
    refused: str,
) -> None:
    """B60."""
    put("uploads/a.txt")
    user = user_with("upload", *permissions)
    assert code(user, body=b"other", overwrite=overwrite) == refused


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_same_bytes_replace_nothing(
    cloud: EmulatorServer, user_with: UserWith, overwrite: bool
) -> None:
    put("uploads/a.txt", b"first")
    assert code(user_with("upload"), body=b"first", overwrite=overwrite) == ""


def test_a_deleted_file_is_not_there(cloud: EmulatorServer, user_with: UserWith) -> None:
    from django.core.files.storage import default_storage

    put("uploads/a.txt")
    default_storage.delete("uploads/a.txt")
    assert code(user_with("upload")) == ""


def test_a_key_that_only_begins_alike_is_another(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    put("uploads/a.txt.zip")
    assert code(user_with("upload")) == ""


def test_where_it_may_be_overwritten_the_cloud_is_not_asked(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    ask(user_with("upload", "replace"), overwrite=True)
    assert cloud.calls() == []


def test_nothing_is_admitted_while_the_cloud_does_not_tell(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with pytest.raises(WeChatThrottled):
        ask(user_with("upload"))


# --- the refusal ------------------------------------------------------------------------------


def test_a_superuser_is_refused_for_size_name_and_place_only(
    configure: Any, user_with: UserWith
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 1000})
    user = user_with(is_superuser=True)
    put("uploads/a.txt")
    assert {code(user, name, body) for name, body, _code, _permission in LIFTED} == {""}
    assert code(user, overwrite=True) == ""
    assert code(user, "uploads/a#b.txt") == "name"
    assert code(user, size=1001) == "size"
    with pytest.raises(PolicyRejected, match="stage policy"):
        policy.target(user, "nowhere")


@pytest.mark.parametrize(("name", "body", "refused", "permission"), LIFTED[::4])
def test_a_refusal_says_in_words_what_helps(
    cloud: EmulatorServer,
    user_with: UserWith,
    name: str,
    body: bytes,
    refused: str,
    permission: str,
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        ask(user_with("upload"), name, body)
    error = caught.value
    assert error.stage == "policy"
    assert str(error.message).endswith(".")
    assert str(error.hint).endswith(".")
    assert "%(" not in str(error)


# --- where ------------------------------------------------------------------------------------


def offers(user: Any) -> dict[str, str]:
    """Each user what the first name says."""
    return {env: env.title() for env in user.first_name.split()}


@pytest.fixture
def tenants(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"ENVIRONMENTS": offers})
    return server


def test_each_alias_is_offered_at_its_own_environment(configure: Any, user_with: UserWith) -> None:
    storage = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(
        STORAGES={
            "default": storage,
            "shop": storage | {"OPTIONS": {"env": "tenant-b"}},
            "local": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }
    )
    user = user_with("upload")
    assert policy.stores_for(user) == [
        Target("default", ENV, f"default: {ENV}"),
        Target("shop", "tenant-b", "shop: tenant-b"),
    ]
    assert policy.target(user, "shop").env == "tenant-b"
    assert policy.visible_environments(user) is None


def test_environments_offer_each_user_his_own(tenants: EmulatorServer, user_with: UserWith) -> None:
    user = user_with("upload", first_name=f"tenant-b {ENV}")
    assert [(one.using, one.env) for one in policy.stores_for(user)] == [
        ("default", "tenant-b"),
        ("default", ENV),
        ("staticfiles", "tenant-b"),
        ("staticfiles", ENV),
    ]
    assert policy.stores_for(user)[0].label == "default: Tenant-B"
    assert policy.visible_environments(user) == {"tenant-b": "Tenant-B", ENV: ENV.title()}


@pytest.mark.parametrize(
    ("offered", "env", "found"),
    [
        (f"tenant-b {ENV}", None, ENV),
        (f"tenant-b {ENV}", "tenant-b", "tenant-b"),
        ("tenant-b", None, ""),
        ("tenant-b", ENV, ""),
        ("tenant-b", "", ""),
        ("", None, ""),
        ("", "tenant-b", ""),
    ],
)
@pytest.mark.parametrize("superuser", [False, True])
def test_only_what_is_offered_can_be_meant(
    tenants: EmulatorServer,
    user_with: UserWith,
    offered: str,
    env: str | None,
    found: str,
    superuser: bool,
) -> None:
    """The store's own environment, too, and for a superuser, too."""
    user = user_with("upload", first_name=offered, is_superuser=superuser)
    if found:
        assert policy.target(user, "default", env).env == found
        return
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user, "default", env)
    assert caught.value.code == "store"
    assert env or ENV not in str(caught.value)


@pytest.mark.parametrize("offered", ["tenant-b", ""])
@pytest.mark.parametrize(
    ("env", "told"),
    [
        (None, "The environment of the store default itself is not offered to you."),
        ("tenant-c", "The environment tenant-c is not offered to you."),
    ],
)
def test_an_environment_that_is_not_offered_is_named_as_what_it_is(
    tenants: EmulatorServer, user_with: UserWith, offered: str, env: str | None, told: str
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with("upload", first_name=offered), "default", env)
    assert (caught.value.message, caught.value.code) == (told, "store")


@pytest.mark.parametrize(
    ("using", "env"), [("nowhere", None), ("default", "tenant-b"), ("default", ""), ("", None)]
)
def test_without_environments_only_the_store_s_own_can_be_meant(
    cloud: EmulatorServer, user_with: UserWith, using: str, env: str | None
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with(is_superuser=True), using, env)
    assert caught.value.code == "store"


@pytest.fixture
def closed(configure: Any) -> EmulatorServer:
    """One store of two, and two environments."""
    changes = {"UPLOAD_STORES": ["default"], "ENVIRONMENTS": offers}
    server: EmulatorServer = configure(WX_STATIC_STORE=changes)
    return server


@pytest.mark.parametrize("superuser", [False, True])
def test_a_store_that_is_closed_for_uploads_is_not_offered(
    closed: EmulatorServer, user_with: UserWith, superuser: bool
) -> None:
    user = user_with("upload", first_name=f"{ENV} tenant-b", is_superuser=superuser)
    assert [(one.using, one.env) for one in policy.stores_for(user)] == [
        ("default", ENV),
        ("default", "tenant-b"),
    ]


@pytest.mark.parametrize("env", [None, ENV, "tenant-b", "unheard-of"])
def test_a_store_that_is_closed_for_uploads_is_refused_as_one_that_is_none(
    closed: EmulatorServer, user_with: UserWith, env: str | None
) -> None:
    user = user_with("upload", first_name=f"{ENV} tenant-b")
    told = []
    for using in ("staticfiles", "nowhere"):
        with pytest.raises(PolicyRejected) as caught:
            policy.target(user, using, env)
        told.append((caught.value.code, str(caught.value).replace(using, "…")))
    assert told[0] == told[1]
    assert told[0][0] == "store"


def test_a_list_without_a_store_closes_all(configure: Any, user_with: UserWith) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_STORES": []})
    assert policy.stores_for(user_with(is_superuser=True)) == []


def test_what_is_in_a_closed_store_is_still_in_reach(
    closed: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload", first_name="tenant-b")
    to = policy.resolve_target(user, "staticfiles", "tenant-b")
    assert to == Target("staticfiles", "tenant-b", "staticfiles: Tenant-B")
    for using, env in (("staticfiles", ENV), ("staticfiles", None), ("nowhere", "tenant-b")):
        with pytest.raises(PolicyRejected) as caught:
            policy.resolve_target(user, using, env)
        assert caught.value.code == "store"


def broken() -> str:
    raise LookupError("no tenant here")


@pytest.mark.parametrize(
    "options", [{"max_workers": "4"}, {"env": "not an id"}, {"env": broken}, {"nonsense": 1}]
)
def test_a_misconfigured_store_is_left_out(
    configure: Any, user_with: UserWith, caplog: Any, options: dict[str, Any]
) -> None:
    storage = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(STORAGES={"default": storage, "other": storage | {"OPTIONS": options}})
    user = user_with("upload")
    assert [one.using for one in policy.stores_for(user)] == ["default"]
    assert "other is left out" in caplog.text
    with pytest.raises(PolicyRejected):
        policy.target(user, "other")


@pytest.mark.parametrize("answer", [None, {"not an id": "x"}])
def test_while_environments_fails_nothing_is_offered_and_the_log_says_why(
    configure: Any, user_with: UserWith, caplog: Any, answer: Any
) -> None:
    def failing(user: Any) -> Any:
        if answer is None:
            raise LookupError("the table of tenants is gone")
        return answer

    configure(WX_STATIC_STORE={"ENVIRONMENTS": failing})
    user = user_with(is_superuser=True)
    assert policy.visible_environments(user) == {}
    assert policy.stores_for(user) == []
    with pytest.raises(PolicyRejected):
        policy.target(user, "default")
    (level, text), *_again = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert (level, "not an id" in text or "the table of tenants is gone" in text) == ("ERROR", True)


def test_a_callable_environment_is_asked_once(configure: Any, user_with: UserWith) -> None:
    asked = []

    def current() -> str:
        asked.append(1)
        return "tenant-b"

    configure(
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"env": current},
            }
        }
    )
    user = user_with("upload")
    assert [one.env for one in policy.stores_for(user)] == ["tenant-b"]
    assert len(asked) == 1
    to = policy.target(user, "default")
    assert len(asked) == 2
    authorize_upload(user, to, "uploads/a.txt", io.BytesIO(), size=0)
    assert len(asked) == 2
