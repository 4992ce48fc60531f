"""The form of the upload page: where files may go, and their names."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.utils import translation

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

from ..upload_page import (
    HERE,
    PAGE,
    TEA,
    Member,
    ask,
    offer,
    send,
    send_one,
    text,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("permissions", "offered"), [(["replace"], True), ([], False)])
def test_overwriting_is_offered_to_those_who_may_replace(
    member: Member, permissions: list[str], offered: bool
) -> None:
    page = member("upload", *permissions).get(PAGE).content.decode()
    [choice] = re.findall(r'(?s)<select name="clash".*?</select>', page)
    assert ('value="replace"' in choice) is offered


def test_the_form_offers_the_stores_of_the_policy(member: Member) -> None:
    page = member("upload").get(PAGE).content.decode()
    assert re.findall(r'<option value="([^"]+@[^"]+)"', page) == [HERE, f"staticfiles@{ENV}"]


@pytest.mark.usefixtures("closed")
def test_a_closed_store_is_not_offered(member: Member) -> None:
    page = member("upload").get(PAGE).content.decode()
    assert re.findall(r'<option value="([^"]+@[^"]+)"', page) == [f"staticfiles@{ENV}"]


@pytest.mark.usefixtures("closed")
def test_a_forged_choice_of_a_closed_store_sends_nothing(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    assert "Select a valid choice" in send(client, text("a.txt")).content.decode()
    assert not send_one(client, text("a.txt"))["ok"]
    assert ask(client, ("a.txt", 3, TEA)).status_code == 400
    assert emulator.journal == []
    assert not UploadLog.objects.exists()


@pytest.mark.usefixtures("closed")
def test_an_open_store_takes_uploads(member: Member, emulator: EmulatorServer) -> None:
    send(member("upload"), text("a.txt"), store=f"staticfiles@{ENV}")
    assert set(emulator.objects(ENV)) == {"static/uploads/a.txt"}


def test_without_a_store_there_is_no_form(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    offer(configure, emulator, {})
    page = member("upload").get(PAGE).content.decode()
    assert "no store" in page
    assert "<input type=file" not in page.replace('"', "")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"file": []}, "This field is required"),
        ({"store": "default@somebody-elses"}, "Select a valid choice"),
        ({"form_id": "1"}, "Enter a valid UUID"),
    ],
)
def test_an_incomplete_form_sends_nothing_and_says_why(
    member: Member, emulator: EmulatorServer, changes: dict[str, Any], shown: str
) -> None:
    page = send(member("upload"), text("a.txt"), **changes)
    assert shown in page.content.decode()
    assert emulator.journal == []


def test_an_environment_that_is_not_offered_is_no_choice(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    offer(configure, emulator, {"tenant-b": "Tea & Co"})
    client = member("upload")
    assert "Select a valid choice" in send(client, text("a.txt")).content.decode()
    send(client, text("a.txt"), store="default@tenant-b")
    assert set(emulator.objects("tenant-b")) == {"uploads/a.txt"}


@pytest.mark.parametrize("folder", ["uploads/teas", "uploads/teas/", " uploads/teas "])
def test_the_folder_comes_before_the_name(
    member: Member, emulator: EmulatorServer, folder: str
) -> None:
    send(member("upload"), text("a.txt"), folder=folder)
    assert set(emulator.objects(ENV)) == {"uploads/teas/a.txt"}


def test_a_file_of_a_folder_keeps_its_path(member: Member, emulator: EmulatorServer) -> None:
    answer = send_one(member("upload"), text("a.txt"), path="teas/green/a.txt")
    assert answer["ok"]
    assert set(emulator.objects(ENV)) == {"uploads/teas/green/a.txt"}


def test_a_repeated_upload_is_another_submission(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    client, form_id = member("upload"), str(uuid4())
    assert not send_one(client, text("a.txt"), form_id=form_id, attempt=1)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, attempt=2)["ok"]
    assert set(emulator.objects(ENV)) == {"uploads/a.txt"}


def test_an_upload_with_other_bytes_is_another_submission(
    member: Member, emulator: EmulatorServer
) -> None:
    """Whoever goes back to the form and chooses another file of the same name."""
    client, form_id = member("upload", "replace"), str(uuid4())
    send(client, text("a.txt", b"tea"), form_id=form_id, clash="replace")
    send(client, text("a.txt", b"tee"), form_id=form_id, clash="replace")
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tee"


def test_an_upload_with_another_choice_for_a_taken_name_is_another_submission(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    client, form_id = member("upload", "replace"), str(uuid4())
    assert not send_one(client, text("a.txt"), form_id=form_id)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, clash="replace")["ok"]


@pytest.mark.parametrize(
    ("language", "shown"), [("en", ["3 bytes", "1.5 KB"]), ("fr", ["3 octets", "1,5 Kio"])]
)
def test_a_file_size_is_in_the_language_of_the_page(
    member: Member, language: str, shown: list[str]
) -> None:
    """Those of the server, and the examples that the script fills in."""
    client = member("upload")
    with translation.override(language):
        found = ask(client, ("a.txt", 3, ""), ("b.txt", 1536, "")).json()["files"]
        page = client.get(PAGE).content.decode()
    assert [file["size"].replace("\xa0", " ") for file in found] == shown
    [data] = re.findall(r'<script id="wx-texts" type="application/json">(.*?)</script>', page)
    sizes = [size.replace("\xa0", " ") for size in json.loads(data)["sizes"]]
    assert len(sizes) == 6
    assert [size.split()[1] for size in sizes[1:3]] == [text.split()[1] for text in shown]
