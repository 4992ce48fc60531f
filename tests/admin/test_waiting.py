"""The list of waiting files, and what a person does there."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.conftest import Editor
from tests.admin.files import text_of
from tests.conftest import ENV
from tests.upload.conftest import Shop, shop
from wx_static_store.models import WaitingFile
from wx_static_store.submit.policy import Target
from wx_static_store.submit.unpublish import unpublish
from wx_static_store.upload.push import push

__all__ = ["shop"]

pytestmark = pytest.mark.django_db

Make = Callable[..., Shop]
LIST = "/admin/wx_static_store/waitingfile/"
MESSAGE = "Another object is public under this name. Replace it, or save the file again."


@pytest.fixture
def operator(editor: Editor) -> Client:
    return editor("view_uploadlog", "retry", "unpublish")


def parked(here: Shop, name: str = "a.txt", **columns: Any) -> WaitingFile:
    """Let a file wait for a person."""
    here.save_in_outage(b"tea", name)
    why = {"cause": "exists", "message": MESSAGE, "attempts": 1}
    WaitingFile.objects.filter(key=name).update(**{"state": "parked"} | why | columns)
    return WaitingFile.objects.get(key=name)


def page(client: Client, query: str = "", row: WaitingFile | None = None) -> str:
    answer = client.get(f"{LIST}{f'{row.pk}/change/' if row else ''}?{query}")
    assert answer.status_code == 200
    return text_of(answer.content.decode())


def press(client: Client, action: str, *rows: WaitingFile, **more: Any) -> HttpResponse:
    chosen = {"action": action, "index": "0", ACTION_CHECKBOX_NAME: [row.pk for row in rows]}
    answer: HttpResponse = client.post(LIST, chosen | more)
    return answer


def confirm(client: Client, answer: HttpResponse) -> HttpResponse:
    """Press the button of the page that asks."""
    form = answer.content.decode().partition('class="wx-page')[2]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    sent: HttpResponse = client.post(LIST, fields)
    return sent


def told(answer: HttpResponse) -> list[tuple[str, str]]:
    request: Any = answer.wsgi_request  # type: ignore[attr-defined]
    return [(message.level_tag, str(message)) for message in get_messages(request)]


# --- what is shown -------------------------------------------------------------------------------


def test_the_list_says_what_waits_and_why(shop: Make, operator: Client) -> None:
    here = shop()
    parked(here, "b.txt", errcode=45009, cause="45009")
    here.save_in_outage(b"tea", "books/a.txt")
    text = page(operator)
    assert re.search(rf"… waits next attempt [-\d: ]+ books/ a\.txt 3\Wbytes · {ENV} \(de", text)
    assert re.search(r"✗ needs a person 1 attempt b\.txt .* 45009 The quota .* file field", text)


def test_the_list_can_show_what_needs_a_person_alone(shop: Make, operator: Client) -> None:
    here = shop()
    parked(here, "b.txt")
    here.save_in_outage(b"tea", "a.txt")
    text = page(operator, "state=parked")
    assert ("b.txt" in text, "a.txt" in text) == (True, False)


def test_the_list_says_that_another_file_is_public(shop: Make, operator: Client) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.cloud.put_object("a.txt", b"of somebody else")
    push()
    assert "Another file is public under this name" in page(operator)


def test_the_list_says_that_the_file_was_made_unpublic(
    shop: Make, operator: Client, admin_user: User
) -> None:
    here = shop(file_overwrite=True)
    here.save(b"old", "uploads/a.txt")
    here.save_in_outage(b"new", "uploads/a.txt")
    unpublish(admin_user, Target("default", ENV, ""), ["uploads/a.txt"])
    assert "The file was made unpublic after this was saved" in page(operator)


def test_nobody_is_asked_to_upload_what_is_tried_again(shop: Make, operator: Client) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.begin_outage(errcode=-1)
    push()
    text = page(operator, row=WaitingFile.objects.get())
    assert ("Upload it again" in text, "wx_push tries it again" in text) == (False, True)


def test_a_failed_upload_is_shown_as_one(shop: Make, operator: Client) -> None:
    parked(shop(), "b.txt", state="left")
    assert "✗ failed upload" in page(operator, "state=left")


def test_waiting_files_of_other_environments_are_not_shown(
    shop: Make, operator: Client, settings: Any
) -> None:
    row = parked(shop())
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    assert "a.txt" not in page(operator)
    assert operator.get(f"{LIST}{row.pk}/download/").status_code == 404
    press(operator, "send_now", row)
    assert WaitingFile.objects.get().state == "parked"


def test_many_waiting_files_cost_no_more_queries_than_one(shop: Make, operator: Client) -> None:
    row = parked(shop())
    asked = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            page(operator)
        asked.append(len(queries))
        row.pk, row.key_digest = None, str(number)
        row.save()
    assert asked[0] == asked[1]


def test_the_page_of_a_file_says_what_to_do(shop: Make, operator: Client) -> None:
    text = page(operator, row=parked(shop()))
    for part in (MESSAGE, "Send now", "Give up", "Download", "For the site's operator"):
        assert part in text


def test_who_may_only_see_the_log_gets_no_buttons(shop: Make, editor: Editor) -> None:
    row, client = parked(shop()), editor("view_uploadlog")
    text = page(client, row=row)
    assert ("Send now" in text, "Give up" in text, "Download" in text) == (False, False, True)
    for action in ("send_now", "give_up"):
        press(client, action, row)
    assert press(editor("view_uploadlog", "retry"), "give_up", row).status_code == 403
    assert WaitingFile.objects.get().state == "parked"


# --- the bytes -----------------------------------------------------------------------------------


def test_the_waiting_bytes_can_be_downloaded(shop: Make, operator: Client) -> None:
    here = shop()
    here.save_in_outage(b"<script>", "books/茶.html")
    answer: Any = operator.get(f"{LIST}{WaitingFile.objects.get().pk}/download/")
    assert answer.getvalue() == b"<script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''%E8%8C%B6.html"
    assert "no-store" in answer["Cache-Control"]


def test_other_bytes_than_those_of_the_row_are_not_downloaded(shop: Make, operator: Client) -> None:
    here = shop()
    row = parked(here)
    [path] = [path for path in here.folder.rglob("*") if path.is_file()]
    path.chmod(0o600)
    path.write_bytes(b"coffee")
    answer = operator.get(f"{LIST}{row.pk}/download/")
    assert answer["Location"] == f"{LIST}{row.pk}/change/"
    [(level, text)] = told(answer)
    assert (level, "The waiting bytes are not on" in text) == ("error", True)


def test_a_deletion_has_nothing_to_download(shop: Make, operator: Client) -> None:
    here = shop()
    here.save(b"old")
    here.notice_outage()
    here.storage.delete("a.txt")
    assert operator.get(f"{LIST}{WaitingFile.objects.get().pk}/download/").status_code == 404
    assert "delete" in page(operator)


# --- send now ------------------------------------------------------------------------------------


def test_a_parked_file_that_is_sent_now_becomes_public(shop: Make, operator: Client) -> None:
    here = shop()
    answer = press(operator, "send_now", parked(here, attempts=20))
    said = "1 file is due: the next run of wx_push or push_waiting sends it."
    assert told(answer) == [("success", said)]
    push()
    assert (here.public(), here.waiting()) == ({"a.txt": b"tea"}, {})


def test_a_file_that_is_being_sent_stays_as_it_is(shop: Make, operator: Client) -> None:
    row = parked(shop(), leased_until=timezone.now() + timedelta(minutes=1))
    [(level, text)] = told(press(operator, "send_now", row))
    assert (level, text[:25]) == ("warning", "1 file stays as it is: be")
    assert WaitingFile.objects.get().state == "parked"


def test_a_failed_upload_of_which_nobody_knows_where_it_goes_stays_as_it_is(
    shop: Make, operator: Client, settings: Any
) -> None:
    row = parked(shop(), state="left")
    default = settings.STORAGES["default"]
    settings.STORAGES |= {"default": default | {"OPTIONS": {"env": lambda: ENV}}}
    # It fails for a command, which has no user.
    offered = {"ENVIRONMENTS": lambda user: {ENV: user.username}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    assert [level for level, _text in told(press(operator, "send_now", row))] == ["warning"]
    assert WaitingFile.objects.get().state == "left"


def test_to_an_environment_that_is_not_offered_nobody_sends_and_a_superuser_gives_up(
    shop: Make, editor: Editor, settings: Any
) -> None:
    here, client = shop(), editor(is_superuser=True)
    row = parked(here)
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    assert [level for level, _text in told(press(client, "send_now", row))] == ["warning"]
    assert WaitingFile.objects.get().state == "parked"
    assert [level for level, _text in told(confirm(client, press(client, "give_up", row)))] == [
        "success"
    ]
    assert here.waiting() == {}


# --- give up -------------------------------------------------------------------------------------


def test_giving_up_asks_first_and_then_leaves_nothing(shop: Make, operator: Client) -> None:
    here = shop()
    asked = press(operator, "give_up", parked(here, "a.txt"), parked(here, "b.txt"))
    assert "2 waiting files will not be sent, and their bytes are lost." in text_of(
        asked.content.decode()
    )
    assert here.waiting() == {"a.txt": "save", "b.txt": "save"}
    assert told(confirm(operator, asked)) == [("success", "2 files are given up.")]
    assert (here.waiting(), here.kept(), here.public()) == ({}, [], {})


def test_what_was_saved_since_the_question_is_not_given_up(shop: Make, operator: Client) -> None:
    here = shop(file_overwrite=True)
    asked = press(operator, "give_up", parked(here))
    here.save_in_outage(b"newer")
    [(level, _text)] = told(confirm(operator, asked))
    assert (level, here.kept()) == ("warning", [b"newer"])
