"""What the preview says of each file before it is sent."""

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.conftest import ENV
from tests.tables import each
from wx_static_store.admin.upload.page import MOST_PREVIEWED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.database import rest

from ..upload_page import (
    HERE,
    PAGE,
    PREVIEW,
    STORAGES,
    TEA,
    Member,
    ask,
    send_one,
    text,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("permissions", "changes", "state", "blocked"),
    [
        ([], {}, "new", False),
        ([], {"now": b"tea"}, "same", True),
        ([], {"now": b"coffee"}, "changed", True),
        ([], {"now": b"tee"}, "changed", True),
        (["replace"], {"now": b"tea", "clash": "replace"}, "same", False),
        (["replace"], {"now": b"coffee", "clash": "replace"}, "changed", False),
        (["replace"], {"now": b"coffee"}, "changed", True),
        ([], {"now": b"coffee", "clash": "keep"}, "changed", False),
    ],
)
def test_a_file_is_compared_with_what_is_public(
    member: Member, permissions: list[str], changes: dict[str, Any], state: str, blocked: bool
) -> None:
    client = member("upload", *permissions)
    now = changes.pop("now", None)
    if now is not None:
        assert send_one(client, text("a.txt", now))["ok"]
    [file] = ask(client, ("a.txt", 3, TEA), **changes).json()["files"]
    assert (file["key"], file["state"]) == ("uploads/a.txt", state)
    assert file.get("blocked", False) is blocked


def test_a_deleted_file_is_not_public_any_more(member: Member) -> None:
    from django.core.files.storage import default_storage

    client = member("upload")
    send_one(client, text("a.txt"))
    default_storage.delete("uploads/a.txt")
    [file] = ask(client, ("a.txt", 3, "0" * 32)).json()["files"]
    assert (file["state"], file["blocked"]) == ("deleted", False)


def test_a_failed_upload_leaves_the_file_public_in_the_preview(
    member: Member, emulator: EmulatorServer
) -> None:
    """The newest row says that it failed, and the file is public still."""
    client = member("upload", "replace")
    send_one(client, text("a.txt", b"old"))
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert not send_one(client, text("a.txt", b"tea"), clash="replace")["ok"]
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["state"], file["blocked"]) == ("changed", True)


def test_a_file_whose_last_upload_is_unknown_is_not_compared(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    client = member("upload", "replace")
    send_one(client, text("a.txt", b"old"))
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.list_md5 = "multipart"  # settles nothing
    emulator.script({"on": "put_object", "do": "drop_reply", "times": None})
    assert not send_one(client, text("a.txt", b"tea"), clash="replace")["ok"]
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["state"], file["label"]) == ("unknown", "not compared")


def test_a_file_that_the_log_does_not_know_is_not_called_new(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    emulator.put_object("uploads/a.txt", b"old", env=ENV)
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert file["label"] == "not in the log"
    assert "Compared with the log of this site" in client.get(PAGE).content.decode()


def test_a_preview_without_a_log_compares_nothing(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    send_one(client, text("a.txt", b"old"))
    rest(60)
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["label"], file["blocked"]) == ("not compared", False)


@pytest.mark.parametrize(
    ("path", "size", "state"),
    [
        ("a.txt", 3, "unread"),
        ("a.txt", 4, "changed"),
        ("b.txt", 3, "new"),
        ("a.html", 3, "refused"),
    ],
)
def test_the_md5_is_asked_for_only_where_it_decides(
    member: Member, path: str, size: int, state: str
) -> None:
    """A file is named first, and read in the browser if one of its size is in the log."""
    client = member("upload")
    send_one(client, text("a.txt"))
    files = [{"path": path, "size": size}]
    data = {"store": HERE, "folder": "uploads/", "files": files}
    [file] = client.post(PREVIEW, data, content_type="application/json").json()["files"]
    assert file["state"] == state


@pytest.mark.parametrize(
    ("path", "size", "reason"),
    [
        ("../a.txt", 3, "'..'"),
        ("a.html", 3, "active content"),
        ("robots.txt", 3, "protected"),
        ("big.txt", 2**40, "too large"),
    ],
)
def test_the_preview_shows_what_will_be_refused(
    member: Member, path: str, size: int, reason: str
) -> None:
    [file] = ask(member("upload"), (path, size, "0" * 32)).json()["files"]
    assert (file["state"], file["blocked"]) == ("refused", True)
    assert reason in " ".join(file["reasons"])


@each(
    ("path", "head", "size", "reason"),
    [
        ("photo.jpg", b"<html>", 6, "holds HTML"),
        ("tool.exe", b"", 3, "holds a program"),
        ("photo.jpg", b"MZ\x90", 3, "holds a program"),
        ("photo.jpg", b"\x7fELF", 4, "holds a program"),
        ("a.txt", b"", 0, "is empty"),
        ("page.html", b"<html>", 6, ""),
        ("a.txt", b"tea", 3, ""),
    ],
)
def test_who_may_publish_anything_is_asked_about_what_looks_wrong(
    member: Member, path: str, head: bytes, size: int, reason: str
) -> None:
    client = member("upload", "upload_active_content")
    files = [{"path": path, "size": size, "head": b64encode(head).decode()}]
    [file] = ask(client, files=files).json()["files"]
    assert (file["state"], file.get("asks", False)) == (("ask", True) if reason else ("new", False))
    assert (reason in "".join(file["reasons"]), file["blocked"]) == (True, False)


def test_the_head_of_a_file_that_is_not_allowed_refuses_it(member: Member) -> None:
    files = [{"path": "photo.jpg", "size": 6, "head": b64encode(b"<html>").decode()}]
    [file] = ask(member("upload"), files=files).json()["files"]
    assert (file["state"], file["blocked"]) == ("refused", True)


@each(
    ("folder", "paths", "told"),
    [
        ("elsewhere", ["a.txt", "b.txt"], "into the folder uploads/ only"),
        ("", ["a.txt"], "into the folder uploads/ only"),
        ("uploads/bad?/", ["a.txt"], "?"),
        ("../", ["a.txt"], "'..'"),
        ("", ["uploads/a.txt"], ""),
        ("uploads/", ["../a.txt"], ""),
    ],
)
def test_a_wrong_folder_is_told_once(
    member: Member, folder: str, paths: list[str], told: str
) -> None:
    files = [(path, 3, "") for path in paths]
    answer = ask(member("upload"), *files, folder=folder).json()
    assert (bool(answer["folder"]), told in " ".join(answer["folder"])) == (bool(told), True)
    if told:
        assert [file["reasons"] for file in answer["files"]] == [["See the target folder."]] * len(
            paths
        )


@pytest.mark.parametrize(
    ("permissions", "choices"),
    [(["replace"], ["skip", "replace", "keep"]), ([], ["skip", "keep"])],
)
def test_a_name_that_is_taken_offers_what_the_user_may_do(
    member: Member, emulator: EmulatorServer, permissions: list[str], choices: list[str]
) -> None:
    client = member("upload", *permissions)
    send_one(client, text("a.txt", b"coffee"))
    send_one(client, text("a-2.txt", b"coffee"))
    [file] = ask(client, ("a.txt", 3, "")).json()["files"]
    assert file["choices"] == choices
    assert file["other"] == {"path": "a-3.txt", "key": "uploads/a-3.txt"}
    assert file["old"]["size"].replace("\xa0", " ") == "6 bytes"
    assert file["old"]["url"] == f"{emulator.site_url(ENV)}/uploads/a.txt"


def test_a_name_that_the_policy_refuses_is_not_offered(member: Member) -> None:
    client, name = member("upload"), "a" * 251 + ".txt"  # the longest
    assert send_one(client, text("a.txt", b"coffee"), path=name)["ok"]
    [file] = ask(client, (name, 3, "")).json()["files"]
    assert (file["choices"], file["other"]) == (["skip"], None)


def test_the_same_bytes_show_their_address(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    send_one(client, text("a.txt"))
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert file["old"]["url"] == f"{emulator.site_url(ENV)}/uploads/a.txt"
    assert "choices" not in file


def test_a_preview_makes_no_call_to_the_cloud(member: Member, emulator: EmulatorServer) -> None:
    files = [(f"teas/{number}.txt", number, "0" * 32) for number in range(300)]
    assert len(ask(member("upload"), *files).json()["files"]) == 300
    assert emulator.journal == []


@each(
    "body",
    [
        "",
        "{",
        "[]",
        '"a"',
        '{"files": 1}',
        '{"files": [1]}',
        '{"files": [{"path": "a", "size": "x", "md5": ""}]}',
        '{"files": [{"path": "a", "size": 1e400, "md5": ""}]}',
        '{"files": [{"path": "a", "size": NaN, "md5": ""}]}',
        json.dumps({"store": HERE, "files": [{"path": "a.txt", "size": 10**400}]}),
        json.dumps({"store": HERE, "files": [{"path": "a.txt", "size": -1}]}),
        "[" * 100_000,
        json.dumps({"store": "other", "files": []}),
        json.dumps({"store": HERE, "files": [{"path": "a", "size": 1, "md5": ""}] * 1001}),
    ],
)
def test_a_preview_of_nonsense_is_a_400(member: Member, body: str) -> None:
    assert MOST_PREVIEWED == 1000
    answer = member("upload").post(PREVIEW, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]
