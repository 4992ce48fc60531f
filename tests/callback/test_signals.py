"""Events that bring no ticket are offered to the project."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.callback.conftest import Kept, LogLines
from tests.callback.pushes import APPID, element, event, push
from wx_static_store.signals import event_received

Events = list[dict[str, Any]]


@pytest.fixture
def received() -> Iterator[Events]:
    events: Events = []

    def receive(signal: Any, sender: Any, **arguments: Any) -> None:
        events.append(arguments)

    event_received.connect(receive)
    yield events
    event_received.disconnect(receive)


@pytest.fixture
def failing() -> Iterator[None]:
    def failing_receiver(**arguments: Any) -> None:
        raise LookupError("no such account")

    event_received.connect(failing_receiver)
    yield
    event_received.disconnect(failing_receiver)


@pytest.mark.django_db
@pytest.mark.parametrize("info_type", ["authorized", "unauthorized", "unheard-of", "票"])
def test_an_event_is_acknowledged_and_sent_as_a_signal(info_type: str, received: Events) -> None:
    xml = event(info_type, CreateTime=1413192605, AuthorizerAppid="wx0000000000000002")
    assert push(xml).send().content == b"success"
    fields = {
        "AppId": APPID,
        "CreateTime": "1413192605",
        "InfoType": info_type,
        "AuthorizerAppid": "wx0000000000000002",
    }
    assert received == [{"info_type": info_type, "appid": APPID, "fields": fields}]


def test_nested_elements_are_dictionaries_and_repeated_elements_a_list(received: Events) -> None:
    info = "<name>a &amp; b</name>" + "<item><id>1</id></item>" * 40 + "<none></none>"
    push(event("notify_third_fasteregister", info=element("info", info))).send()
    inner = {"name": "a & b", "item": [{"id": "1"}] * 40, "none": ""}
    assert received[0]["fields"]["info"] == {"info": inner}


@pytest.mark.parametrize(
    "info", ["<a>" * 8 + "1" + "</a>" * 8, "<a></a>" * 512], ids=["too deep", "too many"]
)
def test_even_a_signed_event_has_limits(info: str, received: Events) -> None:
    assert push(event("authorized", info=info)).send().status_code == 403
    assert received == []


def test_an_event_leaves_the_ticket_alone(kept: Kept) -> None:
    before = kept()
    push(event("authorized")).send()
    assert kept() == before


@pytest.mark.django_db
def test_a_ticket_is_not_sent_as_a_signal(received: Events) -> None:
    assert push().send().content == b"success"
    assert received == []


def test_a_receiver_that_fails_is_logged_and_no_other_notices(
    failing: None, received: Events, logged: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    assert push(event("authorized")).send().content == b"success"
    assert len(received) == 1
    [line] = logged.by("django.dispatch")
    assert line.startswith("ERROR")
    assert "failing_receiver" in line
    assert "LookupError" in caplog.text
