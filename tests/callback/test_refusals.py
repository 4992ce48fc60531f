"""A refusal: a word for the log, a status for the answer, and nothing of the push."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.callback.conftest import BROKEN, LogLines
from tests.callback.pushes import APPID, PATH, Push, encrypted, push, signed, ticket
from wx_static_store.callback.refusals import Refusal
from wx_static_store.core.notes import SharedCache
from wx_static_store.core.pushes import newest_refused


def test_a_refusal_is_the_status_of_the_answer_and_the_reason_of_the_log(logged: LogLines) -> None:
    answer = push(msg_signature="0" * 40).send()
    assert (answer.status_code, answer.content) == (403, b"")
    [line] = logged.security
    assert line.startswith("WARNING A call of the callback was refused: signature. ")


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        (lambda: push(token="of-another-platform"), "CALLBACK_TOKEN"),
        (lambda: signed(encrypted(ticket(), key="x" * 43)), "CALLBACK_AES_KEY"),
        (lambda: signed(encrypted(ticket(), appid="wx-another")), "COMPONENT_APPID"),
        (lambda: push(age=4000), "the clock"),
    ],
)
def test_a_refusal_names_the_setting_that_is_likely_wrong(
    wrong: Callable[[], Push], setting: str, logged: LogLines
) -> None:
    wrong().send()  # made here: a push is refused when it is some minutes old
    [line] = logged.security
    assert setting in line
    others = {"CALLBACK_TOKEN", "CALLBACK_AES_KEY", "COMPONENT_APPID"} - {setting}
    assert not [other for other in others if other in line]


def test_a_malformed_call_needs_no_setting(logged: LogLines) -> None:
    push(timestamp=None).send()
    assert logged.security == ["WARNING A call of the callback was refused: parameters"]


def test_a_refusal_shows_its_reason_only() -> None:
    error = Refusal("xml")
    assert (str(error), error.reason, error.status) == ("xml", "xml", 403)


# --- what is kept for the doctor ------------------------------------------------------------------


def test_a_refused_push_is_kept_for_the_doctor() -> None:
    before = time.time()
    push(msg_signature="0" * 40).send()
    found = newest_refused("default", APPID)
    assert found
    assert found.reason == "signature"
    assert before <= found.at <= time.time()


def test_what_a_scanner_sends_is_not_kept() -> None:
    push(timestamp=None).send()
    Client().get(PATH)
    Client().post(PATH, b"junk", content_type="text/plain")
    assert newest_refused("default", APPID) is None


def test_a_cache_that_fails_changes_no_answer_and_is_left_alone(
    settings: Any, logged: LogLines
) -> None:
    settings.CACHES = BROKEN
    for _number in range(2):
        assert push(msg_signature="0" * 40).send().status_code == 403
        assert SharedCache("default").rests
    assert logged.secrets == []
