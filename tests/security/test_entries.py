"""What we promise of the entries: who calls them reads, changes and forges nothing."""

import base64
import re
from typing import Any

import pytest

from tests.callback.pushes import Push, encrypted, event, signed, ticket
from tests.callback.rows import ROWS
from wx_static_store.signals import event_received

# The callback

REFUSED = [make for status, make in ROWS.values() if status == 403]
REASONS = {
    *("parameters", "window", "signature", "appid"),
    *("xml", "encoding", "instruction", "shape"),
    *("Encrypt", "base64", "block", "padding", "length"),
    *("InfoType", "CreateTime", "ComponentVerifyTicket"),
}


def answer_to(sent: Push) -> bytes:
    """Return all that the caller sees."""
    answer = sent.send()
    return b"%d " % answer.status_code + bytes(answer.serialize())


def test_every_refused_push_gets_one_answer_to_the_byte() -> None:
    assert len({answer_to(make()) for make in REFUSED}) == 1


def test_the_log_has_the_reason_of_each_refused_push(caplog: pytest.LogCaptureFixture) -> None:
    for make in REFUSED:
        make().send()
    assert set(re.findall(r"refused: (\w+)", caplog.text)) == REASONS


def test_who_has_the_token_learns_no_byte_of_a_recorded_push() -> None:
    """As a padding oracle would tell it: by the one guess of 256 that makes the padding right."""
    recorded = base64.b64decode(encrypted(ticket()))
    blocks = (recorded + bytes(15) + bytes([guess]) + recorded[16:32] for guess in range(256))
    assert len({answer_to(signed(base64.b64encode(sent).decode())) for sent in blocks}) == 1


@pytest.mark.django_db
def test_who_has_the_token_can_send_a_recorded_push_again() -> None:
    """WeChat's cipher has no time of its own: the receiver of an event takes it twice."""
    seen: list[str] = []

    def note(info_type: str, **_kwargs: Any) -> None:
        seen.append(info_type)

    event_received.connect(note)
    recorded = encrypted(event("unknown"))
    assert [signed(recorded, age=age).send().content for age in (60, 0)] == [b"success"] * 2
    assert seen == ["unknown"] * 2
