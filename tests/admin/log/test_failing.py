"""The page *Still failing*, as an editor presses its buttons."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.conftest import Editor, Rows, keys
from tests.admin.log.test_actions import (
    FAILING,
    LOG,
    cloud,
    failed,
    gone,
    newest,
    operator,
    plain_rows,
    shown,
)
from tests.conftest import ENV
from wx_static_store.admin.causes import SHOWN
from wx_static_store.admin.log import failing as page
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Dismissal, UploadLog, WaitingFile

__all__ = ["cloud", "operator"]

pytestmark = pytest.mark.django_db


def send(client: Client, button: str, value: object) -> HttpResponse:
    """Press a button, then that of the page which it opens."""
    page = client.post(FAILING, {button: value})
    [rows] = re.findall(r'name="rows" value="([\d,]*)"', page.content.decode())
    answer: HttpResponse = client.post(f"{LOG}upload-again/", {"rows": rows})
    return answer


def text_of(client: Client) -> str:
    html = client.get(FAILING).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def values(client: Client, name: str) -> list[str]:
    """Return the values of the buttons of a name."""
    html = client.get(FAILING).content.decode()
    return re.findall(rf'<button[^>]* name="{name}" value="([^"]*)"', html)


def test_failures_of_many_environments_cost_no_more_queries_than_one(
    operator: Client, cloud: EmulatorServer, rows: Rows
) -> None:
    asked = []
    for number in range(8):
        why = {"status": "failed", "errcode": 40001, "md5": "0" * 32}
        rows("a", "b", env=f"tenant-{number}", source=("admin", "retry")[number % 2], **why)
        with CaptureQueriesContext(connection) as queries:
            operator.get(FAILING)
        asked.append(len(queries))
    assert asked[1] == asked[-1]


def test_uploads_that_failed_alike_are_one_card(operator: Client, cloud: EmulatorServer) -> None:
    plain_rows(12, status="failed", errcode=40001, source="admin")
    html, text = operator.get(FAILING).content.decode(), text_of(operator)
    assert re.findall(r"40001 · (.*?) 12 files", text) == ["The token is refused"]
    assert html.count("choose the file again") == 0
    [query] = re.findall(r'href="[^"]*/uploadlog/\?([^"]*)">and 2 more<', html)
    assert len(keys(operator, unescape(query))) == 12


def test_what_was_mended_is_not_on_the_page(operator: Client, cloud: EmulatorServer) -> None:
    plain_rows(1, status="failed")
    plain_rows(1)
    assert "Nothing fails any more" in text_of(operator)


def test_a_file_of_which_the_bytes_are_gone_can_be_chosen_again(
    cloud: EmulatorServer, editor: Editor
) -> None:
    gone(cloud, "spring/a b.txt")
    client = editor("view_uploadlog", "retry", "upload")
    html = client.get(FAILING).content.decode()
    assert "The bytes came from a program that has ended" in html
    assert values(client, "retry") == []
    [link] = re.findall(r'href="([^"]*/upload/\?[^"]*)"', html)
    upload = client.get(unescape(link)).content.decode()
    query = QueryDict(unescape(link).partition("?")[2])
    assert f'<option value="{query["store"]}" selected>' in upload
    assert re.search(r'name="folder" value="spring/"', upload)
    assert "Choose the file a b.txt again." in upload


def test_a_button_sends_its_file(cloud: EmulatorServer, operator: Client) -> None:
    row, other = failed(cloud, "a.txt"), failed(cloud, "b.txt")
    assert values(operator, "retry") == [str(other.pk), str(row.pk)]
    assert "1 file was uploaded again." in send(operator, "retry", row.pk).content.decode()
    assert newest("a.txt").status == "stored"
    assert newest("b.txt") == other


def test_the_button_of_a_card_sends_what_the_page_showed_of_it(
    cloud: EmulatorServer, operator: Client
) -> None:
    for name in ("a.txt", "b.txt"):
        failed(cloud, name)
    UploadLog.objects.create(**vars_of(newest("a.txt")), errcode=85088, cause="85088")
    failed(cloud, "c.txt")
    [value] = values(operator, "retry_all")[1:]
    failed(cloud, "later.txt")
    send(operator, "retry_all", value)
    statuses = {key: newest(f"{key}.txt").status for key in ("a", "b", "c", "later")}
    assert statuses == {"a": "failed", "b": "stored", "c": "stored", "later": "failed"}


def vars_of(row: UploadLog) -> dict[str, object]:
    return {
        name: getattr(row, name)
        for name in ("env", "key", "key_digest", "name", "status", "source", "md5", "size")
    }


def test_the_first_button_sends_files_of_every_cause(
    cloud: EmulatorServer, operator: Client
) -> None:
    failed(cloud, "a.txt")
    UploadLog.objects.create(**vars_of(failed(cloud, "b.txt")), errcode=85088, cause="85088")
    everything, *_cards = values(operator, "retry_all")
    send(operator, "retry_all", everything)
    assert {newest(f"{key}.txt").status for key in "ab"} == {"stored"}


def test_one_page_sends_no_more_than_the_limit(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [failed(cloud, f"{n}.txt") for n in range(3)]
    monkeypatch.setattr(page, "LIMIT", 2)
    send(operator, "retry_all", f" {rows[-1].pk}")
    assert [newest(row.key).status for row in rows] == ["failed", "stored", "stored"]


@pytest.mark.parametrize(("count", "is_said"), [(2, False), (3, True)])
def test_the_limit_is_said_only_to_whom_it_meets(
    cloud: EmulatorServer,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    is_said: bool,
) -> None:
    monkeypatch.setattr(page, "LIMIT", 2)
    for number in range(count):
        failed(cloud, f"{number}.txt")
    assert ("At most 2 files at a time" in text_of(operator)) is is_said


def test_a_second_press_sends_nothing(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    send(operator, "retry", row.pk)
    puts = len(cloud.calls("put_object"))
    answer = operator.post(FAILING, {"retry": row.pk})
    assert shown(answer)[-1] == ("info", "None of these files still fails.")
    assert len(cloud.calls("put_object")) == puts


def test_files_whose_bytes_are_gone_give_their_place_to_those_that_can_be_sent(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = gone(cloud, "gone.txt")
    assert "1 file cannot be uploaded" in send(operator, "retry", lost.pk).content.decode()
    row = failed(cloud, "a.txt")
    gone(cloud, "newer.txt")
    monkeypatch.setattr(page, "LIMIT", 1)
    text = send(operator, "retry_all", f" {newest('newer.txt').pk}").content.decode()
    assert ("newer.txt" in text, "1 file was uploaded again." in text) == (False, True)
    assert newest(row.key).status == "stored"


def test_a_button_says_how_many_files_can_be_sent_and_its_page_why_the_others_cannot(
    cloud: EmulatorServer, editor: Editor
) -> None:
    client = editor("view_uploadlog", "retry", "upload")
    row = failed(cloud, "a.txt")
    for n in range(4):
        newer = gone(cloud, f"gone-{n}.txt")
    UploadLog.objects.filter(pk=newer.pk).update(errcode=85088, cause="85088")
    assert "Upload again what can be sent (1 of 5)" in text_of(client)
    assert "Upload again what can be sent (1 of 4)" in text_of(client)
    html = send(client, "retry_all", f" {newer.pk}").content.decode()
    said = "1 file was uploaded again. 4 files must be chosen again, because their bytes are not"
    assert said in html
    assert newest(row.key).status == "stored"
    links = re.findall(r'<a href="([^"]*/upload/\?[^"]*)">Choose the file again</a>', html)
    assert [name for link in links for name in QueryDict(unescape(link)).getlist("name")] == [
        f"gone-{n}.txt" for n in (3, 2, 1, 0)
    ]


def test_no_button_offers_what_can_only_be_chosen_again(
    cloud: EmulatorServer, editor: Editor
) -> None:
    client = editor("view_uploadlog", "retry", "upload")
    for name, errcode in [("a.txt", 85088), ("b.txt", 85088), ("c.txt", 45009)]:
        row = gone(cloud, name)
        UploadLog.objects.filter(pk=row.pk).update(errcode=errcode, cause=str(errcode))
    assert values(client, "retry_all") == values(client, "retry") == []
    assert len(values(client, "dismiss")) == 3
    assert "files at a time" not in text_of(client)


def test_what_is_dismissed_leaves_the_page_and_stays_in_the_log(
    cloud: EmulatorServer, operator: Client
) -> None:
    rows = plain_rows(12, status="failed", errcode=45009)
    operator.post(FAILING, {"dismiss": rows[0].pk})
    [value] = values(operator, "dismiss_all")
    answer = operator.post(FAILING, {"dismiss_all": value})
    text = "11 files are dismissed. They stay in the log."
    assert shown(answer)[-1] == ("success", text)
    assert "Nothing fails any more" in text_of(operator)
    assert keys(operator, "status=failing") == []
    assert len(keys(operator, "status=failed")) == 12
    user = int(operator.session["_auth_user_id"])
    assert {*Dismissal.objects.values_list("user", flat=True)} == {user}


def test_a_locked_database_dismisses_nothing_and_says_so(
    operator: Client, cloud: EmulatorServer
) -> None:
    [row] = plain_rows(1, status="failed")

    def refuse(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("INSERT"):
            raise OperationalError("database is locked")
        return execute(sql, *more)

    with connection.execute_wrapper(refuse):
        answer = operator.post(FAILING, {"dismiss": row.pk})
    [(level, text)] = shown(answer)
    assert (answer.status_code, level) == (302, "error")
    assert text.startswith("Nothing was dismissed: the database of the upload log")
    operator.post(FAILING, {"dismiss": row.pk})
    assert "Nothing fails any more" in text_of(operator)


@pytest.mark.parametrize("nonsense", ["", "x", "-1", "9" * 30, "１", "40001 x", "x 1 "])
@pytest.mark.parametrize("button", ["retry", "retry_all", "dismiss_all", "other"])
def test_a_malformed_value_does_nothing(
    operator: Client, cloud: EmulatorServer, button: str, nonsense: str
) -> None:
    assert shown(operator.post(FAILING, {button: nonsense}))[0][0] == "info"


def test_a_get_sends_nothing(cloud: EmulatorServer, operator: Client) -> None:
    row, before = failed(cloud, "a.txt"), len(cloud.journal)
    assert operator.get(FAILING, {"retry": row.pk}).status_code == 200
    assert (newest("a.txt"), len(cloud.journal)) == (row, before)


def test_who_may_only_see_the_log_gets_no_buttons(cloud: EmulatorServer, editor: Editor) -> None:
    row, client = failed(cloud, "a.txt"), editor("view_uploadlog")
    html = client.get(FAILING).content.decode()
    assert "a.txt" in html
    assert 'name="retry' not in html
    for button in ("retry", "dismiss"):
        assert client.post(FAILING, {button: row.pk}).status_code == 403
    assert not Dismissal.objects.exists()


def test_the_page_says_that_older_failures_are_not_looked_at(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.models.uploads.WALKED", 2)
    plain_rows(3, status="failed")
    assert "only the newest failures are looked at" in text_of(operator)


def test_the_page_takes_no_other_method(operator: Client) -> None:
    assert operator.delete(FAILING).status_code == 405
    assert FAILING in operator.get(LOG).content.decode()


def park(count: int, **columns: Any) -> list[WaitingFile]:
    moments = dict.fromkeys(("next_at", "created", "changed"), timezone.now())
    facts = {"env": ENV, "using": "default", "state": "parked", "cause": "45009", "message": "no"}
    return [
        WaitingFile.objects.create(key=f"{n}.txt", key_digest=n, **facts | moments | columns)
        for n in range(count)
    ]


def test_waiting_files_that_need_a_person_head_the_page(
    cloud: EmulatorServer, operator: Client
) -> None:
    rows = park(SHOWN + 1)
    plain_rows(1, status="failed")
    text, html = text_of(operator), operator.get(FAILING).content.decode()
    assert text.index("10.txt") < text.index("Of 1 file")
    assert ("1.txt" in text.split(), "0.txt" in text.split()) == (True, False)
    assert f'href="/admin/wx_static_store/waitingfile/{rows[-1].pk}/change/"' in html
    assert 'href="/admin/wx_static_store/waitingfile/?state=parked"' in html


def test_a_waiting_file_that_needs_a_person_stands_on_the_page_once(
    cloud: EmulatorServer, operator: Client
) -> None:
    [waiting] = park(1)
    key = {"key": waiting.key, "key_digest": waiting.key_digest}
    UploadLog.objects.create(env=ENV, status="failed", cause="45009", **key)
    html = operator.get(FAILING).content.decode()
    assert html.count(f">{waiting.key}</a>") == 1
    assert f"waitingfile/{waiting.pk}/change/" in html


def test_a_failed_upload_stands_on_the_page_once(cloud: EmulatorServer, operator: Client) -> None:
    [left] = park(1, state="left", source="admin")
    row = UploadLog.objects.create(env=ENV, key=left.key, status="failed", source="admin")
    html = operator.get(FAILING).content.decode()
    assert html.count(f">{left.key}</a>") == 1
    assert f"uploadlog/{row.pk}/change/" in html


def test_waiting_files_of_other_environments_are_not_on_the_page(
    cloud: EmulatorServer, operator: Client, settings: Any
) -> None:
    park(1)
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    assert "0.txt" not in text_of(operator)


def test_a_cause_with_a_nul_character_is_nobodys(operator: Client, cloud: EmulatorServer) -> None:
    plain_rows(1, status="failed")
    assert operator.post(FAILING, {"dismiss_all": "a\0b 99"}).status_code == 302
    assert keys(operator, "cause=a%00b") == []
    assert not Dismissal.objects.exists()
