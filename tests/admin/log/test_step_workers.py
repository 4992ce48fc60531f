"""*Upload again* with workers: what is handed over, looked for and said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.admin.log.test_actions import STORAGES, failed, gone, newest, operator, plain_rows, press
from tests.admin.log.test_steps import SCRIPT, step, text_of
from tests.rollouts.conftest import Broker, broker
from wx_static_store.admin.log import step_results
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.submit.by_workers import send_again

__all__ = ["broker", "operator"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]

KEPT = (
    "rows",
    "handed",
    "late",
    "counts",
    "begun",
    "from_page",
)  # by the page, from one step to the next


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    shared = "django.core.cache.backends.filebased.FileBasedCache"
    server: EmulatorServer = configure(
        STORAGES=STORAGES,
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1},
        CACHES={"default": {"BACKEND": shared, "LOCATION": str(tmp_path / "cache")}},
    )
    return server


def scripted(client: Client, rows: list[UploadLog] | dict[str, Any]) -> dict[str, Any]:
    """Do a step of the script: the first with rows, the next with the answer to the last."""
    if isinstance(rows, dict):
        form = {name: rows[name] for name in KEPT}
        answer = step(client, "upload_again", rows["rows"], form=form, headers=SCRIPT)
    else:
        answer = step(client, "upload_again", rows, headers=SCRIPT)
    found: dict[str, Any] = answer.json()  # type: ignore[attr-defined]
    return found


def work(broker: Broker, client: Client) -> list[int]:
    """Do what was handed over; return the rows."""
    rows = broker.messages()
    for pk in rows:
        send_again(pk, int(client.session["_auth_user_id"]))
    return rows


def html_of(answer: dict[str, Any]) -> str:
    return "".join(line["html"] for line in answer["lines"])


def test_a_step_hands_over_a_few_rows_and_sends_nothing(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    puts = len(cloud.calls("put_object"))
    first = scripted(operator, rows)
    assert broker.messages() == [rows[1].pk]
    assert "with a worker" in html_of(first)
    assert first["said"] == (
        "1 file is with a worker: its row will be in the log. Still to be done: 1 row."
    )
    assert len(cloud.calls("put_object")) == puts


def test_what_a_worker_has_is_not_handed_over_again(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    rows = [failed(cloud, "a.txt")]
    first = scripted(operator, rows)
    assert broker.messages() == [rows[0].pk]
    second = scripted(operator, first)
    assert (broker.messages(), second["error"]) == ([], "")
    assert second["handed"] == first["handed"]


def test_a_newer_row_ends_the_line_and_the_next_row_is_handed_over(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    first = scripted(operator, rows)
    assert work(broker, operator) == [rows[1].pk]
    second = scripted(operator, first)
    assert f"/uploadlog/{newest('a.txt').pk}/change/" in html_of(second)
    assert second["said"].startswith("1 file was uploaded again. 1 file is with a worker")
    assert work(broker, operator) == [rows[0].pk]
    third = scripted(operator, second)
    assert (third["rows"], third["handed"]) == ("", "")
    assert third["said"] == "2 files were uploaded again."
    assert [newest(row.key).status for row in rows] == ["stored", "stored"]


def test_a_failure_of_a_worker_has_its_code_and_its_advice(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    first = scripted(operator, [failed(cloud, "a.txt")])
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    work(broker, operator)
    second = scripted(operator, first)
    assert (second["said"], second["error"]) == ("1 file failed again.", "")
    assert "45009" in html_of(second)
    assert "calls to WeChat are used up for today." in html_of(second)


def test_an_error_that_all_share_ends_the_handing_over(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    first = scripted(operator, [failed(cloud, "b.txt"), failed(cloud, "a.txt")])
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    work(broker, operator)
    second = scripted(operator, first)
    assert second["error"].startswith("The other files would fail in the same way")
    assert broker.messages() == []


def test_what_cannot_be_sent_again_is_said_without_a_message(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    row = failed(cloud, "a.txt")
    rows = [gone(cloud, "b.txt"), row, UploadLog.objects.order_by("id").first()]
    answer = scripted(operator, rows)  # type: ignore[arg-type]
    assert "The bytes came from a program that has ended" in html_of(answer)
    assert "A newer upload of this file is in the log" in html_of(answer)
    assert broker.messages() == [row.pk]


def test_a_refusal_of_a_worker_is_said(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    first = scripted(operator, [failed(cloud, "a.txt", b"")])
    cloud.put_object("a.txt", b"published by somebody else")
    work(broker, operator)
    second = scripted(operator, first)
    assert "There is a file a.txt already" in html_of(second)
    assert second["rows"] == ""


def test_the_refusal_of_an_earlier_message_is_not_said_again(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    row = failed(cloud, "a.txt", b"")
    first = scripted(operator, [row])
    cloud.put_object("a.txt", b"published by somebody else")
    work(broker, operator)
    scripted(operator, first)
    later = scripted(operator, scripted(operator, [row]))
    assert "There is a file" not in html_of(later)
    assert later["rows"] == str(row.pk)


def test_a_file_that_no_worker_sends_for_long_is_waited_for_no_more(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    monkeypatch.setattr(step_results, "PATIENCE", 0)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    second = scripted(operator, scripted(operator, rows))
    assert "If a worker takes it within an hour, its row will be in the log." in html_of(second)
    assert second["error"].startswith("A file was not sent within a minute.")
    assert (second["rows"], second["handed"]) == (str(rows[0].pk), "")
    assert broker.messages() == [rows[1].pk]
    assert scripted(operator, second)["handed"].startswith(f"{rows[0].pk}:")


def test_what_no_worker_took_is_sent_from_the_page(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    monkeypatch.setattr(step_results, "PATIENCE", 0)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    second = scripted(operator, scripted(operator, rows))
    assert (second["stuck"], second["late"]) == (True, str(rows[1].pk))
    third = scripted(operator, second | {"from_page": "1"})
    assert (third["rows"], third["late"], third["stuck"]) == (str(rows[0].pk), "", False)
    assert third["said"] == "1 file was uploaded again. Still to be done: 1 row."
    assert scripted(operator, third)["said"] == "2 files were uploaded again."
    assert [newest(row.key).status for row in rows] == ["stored", "stored"]
    puts = len(cloud.calls("put_object"))
    assert work(broker, operator) == [rows[1].pk]  # the message comes late, and sends nothing
    assert len(cloud.calls("put_object")) == puts


def test_without_a_script_a_second_button_sends_from_the_page(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "PATIENCE", 0)
    row = failed(cloud, "a.txt")
    form = {"handed": f"{row.pk}:1"}
    html = step(operator, "upload_again", [row], form=form).content.decode()
    assert 'name="from_page" value="1">Upload from this page</button>' in html
    assert f'name="late" value="{row.pk}"' in html
    form = {"late": str(row.pk), "from_page": "1"}
    page = step(operator, "upload_again", "", form=form)
    assert "1 file was uploaded again." in text_of(page)
    assert "Upload from this page" not in text_of(page)
    assert newest("a.txt").status == "stored"


def test_the_second_button_is_hidden_while_workers_take_files(
    cloud: EmulatorServer, operator: Client
) -> None:
    html = press(operator, "upload_again", failed(cloud, "a.txt")).content.decode()
    assert 'value="1" hidden>Upload from this page</button>' in html


def test_a_file_that_would_fail_from_the_page_alike_is_not_offered_there(
    cloud: EmulatorServer, operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    first = scripted(operator, [failed(cloud, "b.txt"), failed(cloud, "a.txt")])
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    work(broker, operator)
    assert scripted(operator, first)["stuck"] is False


def test_a_file_of_a_lost_answer_ends_as_its_worker_left_it(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    row = failed(cloud, "a.txt")
    begun = str(int(time.time()))
    scripted(operator, [row])  # nobody gets this answer
    work(broker, operator)
    again = step(operator, "upload_again", [row], form={"begun": begun}, headers=SCRIPT)
    assert again.json()["said"] == "1 file was uploaded again."  # type: ignore[attr-defined]
    assert broker.messages() == []


def test_a_retry_of_an_earlier_page_is_a_newer_upload(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    row = failed(cloud, "a.txt")
    scripted(operator, [row])
    work(broker, operator)
    form = {"begun": str(int(time.time()) + 5)}
    answer = step(operator, "upload_again", [row], form=form, headers=SCRIPT)
    assert "A newer upload of this file" in answer.content.decode()


def test_a_broker_that_is_down_is_said_and_loses_nothing(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    row = failed(cloud, "a.txt")
    address = broker.app.conf.broker_url
    broker.app.conf.broker_url = "amqp://127.0.0.1:1//"
    first = scripted(operator, [row])
    assert first["error"].startswith("The broker of Celery cannot be reached")
    assert first["stuck"]
    assert (first["rows"], first["handed"]) == (str(row.pk), "")
    broker.app.conf.broker_url = address
    scripted(operator, first)
    assert broker.messages() == [row.pk]


def test_a_broker_that_takes_no_more_is_said(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    monkeypatch.setattr("wx_static_store.submit.queue.send", lambda *_, **__: 1)
    answer = scripted(operator, rows)
    assert answer["error"].startswith("The broker of Celery took no more files.")
    assert answer["handed"].startswith(f"{rows[1].pk}:")
    assert "," not in answer["handed"]


def test_without_a_script_the_button_hands_over_and_looks(
    cloud: EmulatorServer, operator: Client, broker: Broker
) -> None:
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    page = step(operator, "upload_again", rows)
    text, html = text_of(page), page.content.decode()
    assert "2 files are with workers: their rows will be in the log." in text
    assert text.count("with a worker") == 2
    assert html.count('<tr id="wx-row-') == 2
    work(broker, operator)
    handed = html.split('name="handed" value="')[1].split('"')[0]
    ended = step(operator, "upload_again", rows, form={"handed": handed})
    assert "2 files were uploaded again." in text_of(ended)


def test_the_page_says_that_workers_go_on_without_it(
    cloud: EmulatorServer, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    page = press(operator, "upload_again", row)
    assert "Files that a worker has are still sent." in text_of(page)
    assert " data-by-workers" in page.content.decode()
    assert "What a worker has" not in text_of(press(operator, "compare", row))


@pytest.mark.parametrize("handed", ["x", "1", "1:", ":1", "9" * 30 + ":1"])
def test_malformed_ids_of_handed_rows_are_ignored(
    cloud: EmulatorServer, operator: Client, broker: Broker, handed: str
) -> None:
    rows = plain_rows(1)
    answer = step(operator, "upload_again", rows, form={"handed": handed}, headers=SCRIPT)
    assert answer.status_code == 200
