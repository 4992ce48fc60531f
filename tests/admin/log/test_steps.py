"""The page of a long action, step by step."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.admin.log.test_actions import LOG, cloud, failed, newest, operator, plain_rows, press
from wx_static_store.admin.log import step_results, steps
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

__all__ = ["cloud", "operator"]

pytestmark = pytest.mark.django_db

SCRIPT = {"Accept": "application/json"}


def step(client: Client, action: str, rows: object, **more: Any) -> HttpResponse:
    """Do one step with these rows, or the text of their ids."""
    ids = rows if isinstance(rows, str) else ",".join(str(row.pk) for row in rows)  # type: ignore[attr-defined]
    url = f"{LOG}{action.replace('_', '-')}/"
    answer: HttpResponse = client.post(url, {"rows": ids, **more.pop("form", {})}, **more)
    return answer


def text_of(answer: HttpResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def test_a_step_of_the_script_does_few_rows_and_says_what_is_left(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    first: Any = step(operator, "upload_again", rows, headers=SCRIPT).json()  # type: ignore[attr-defined]
    assert [line["id"] for line in first["lines"]] == [rows[1].pk]
    assert (first["rows"], first["error"]) == (str(rows[0].pk), "")
    assert first["said"] == "1 file was uploaded again. Still to be done: 1 row."
    assert [newest(row.key).status for row in rows] == ["failed", "stored"]
    form = {"counts": first["counts"]}
    last: Any = step(operator, "upload_again", first["rows"], headers=SCRIPT, form=form).json()  # type: ignore[attr-defined]
    assert (last["rows"], last["said"]) == ("", "2 files were uploaded again.")


def test_a_file_of_a_lost_answer_is_not_sent_twice_and_ends_as_it_did(
    cloud: EmulatorServer, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    puts = len(cloud.calls("put_object"))
    begin = press(operator, "upload_again", row).content.decode()
    form = {"begun": begin.split('name="begun" value="')[1].split('"')[0]}
    for _ in range(2):  # nobody gets the first answer
        answer: Any = step(operator, "upload_again", [row], form=form, headers=SCRIPT)
    assert answer.json()["said"] == "1 file was uploaded again."
    assert len(cloud.calls("put_object")) == puts + 1


@pytest.mark.parametrize("begun", ["", "x", "9" * 30])
def test_a_malformed_time_of_the_begin_is_ignored(
    cloud: EmulatorServer, operator: Client, begun: str
) -> None:
    form = {"begun": begun}
    answer = step(operator, "upload_again", plain_rows(1), form=form, headers=SCRIPT)
    assert answer.status_code == 200


def test_without_a_script_the_page_shows_what_is_left_with_the_button(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "MOST", 1)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    page = step(operator, "upload_again", rows)
    assert "1 file was uploaded again. Still to be done: 1 row." in text_of(page)
    html = page.content.decode()
    assert (f'name="rows" value="{rows[0].pk}"' in html, "data-begin" in html) == (True, False)
    assert 'name="counts" value="stored:1"' in html


def test_an_error_that_all_share_ends_the_steps(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_results, "FEW", 1)
    rows = [failed(cloud, "b.txt"), failed(cloud, "a.txt")]
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    answer: Any = step(operator, "upload_again", rows, headers=SCRIPT).json()  # type: ignore[attr-defined]
    assert answer["error"].startswith("The other files would fail in the same way")
    assert answer["rows"] == str(rows[0].pk)


def test_an_outage_that_all_meet_ends_the_steps_though_each_file_might_be_tried_again(
    cloud: EmulatorServer, operator: Client, settings: Any
) -> None:
    settings.WX_STATIC_STORE |= {"MAX_WORKERS": 1, "MAX_ATTEMPTS": 1}
    rows = [failed(cloud, f"{number}.txt") for number in range(8)]
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": -1, "times": None})
    text = text_of(step(operator, "upload_again", rows))
    assert "The other files would fail in the same way" in text
    assert "Still to be done: 3 rows." in text


@pytest.mark.parametrize("action", steps.LONG_ACTIONS)
def test_a_step_that_has_no_time_says_so_and_leaves_its_rows(
    cloud: EmulatorServer, operator: Client, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = failed(cloud, "a.txt")
    monkeypatch.setattr(step_results, "SECONDS", 0)
    answer: Any = step(operator, action, [row], headers=SCRIPT).json()  # type: ignore[attr-defined]
    assert (answer["lines"], answer["rows"]) == ([], str(row.pk))
    assert answer["error"].startswith("No row could be done")


def test_a_row_that_was_pruned_meanwhile_ends_with_a_sentence(
    cloud: EmulatorServer, operator: Client
) -> None:
    assert "#77 This row is not in the log any more" in text_of(step(operator, "compare", "77"))


@pytest.mark.parametrize("rows", ["", "x", "1,", "１", "9" * 30])
def test_malformed_rows_do_nothing(cloud: EmulatorServer, operator: Client, rows: str) -> None:
    answer = step(operator, "upload_again", rows, form={"counts": "x:1,stored:-1,:::"})
    assert "Still to be done: 0 rows." in text_of(answer)


def test_one_step_reads_no_more_rows_than_a_page_has(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LIMIT", 2)
    rows = plain_rows(3)
    answer: Any = step(operator, "compare", rows, headers=SCRIPT).json()  # type: ignore[attr-defined]
    assert len(answer["lines"]) == 2


def test_who_may_not_see_the_log_gets_no_links_to_it(cloud: EmulatorServer, editor: Any) -> None:
    client, row = editor("retry"), failed(cloud, "a.txt")
    html = step(client, "upload_again", [row]).content.decode()
    assert "1 file was uploaded again." in html
    assert not re.search(r'href="[^"]*/uploadlog/(\d|")', html)
    assert UploadLog.objects.count() == 3


def test_the_page_runs_under_a_strict_policy(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    html = press(operator, "upload_again", row).content.decode()
    html += step(operator, "upload_again", [row]).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)[^>]*>", html)
