"""The robot of a WeCom group: its refusals, and the length of a text."""

import json

import pytest

from tests.clients.conftest import PLENTY, ScriptedServer, Serve, answer, as_json
from wx_static_store.clients.transport import Transport
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import ProtocolError, WeChatRefused
from wx_static_store.health.alerts.alert import LONGEST, send_text


def address(robot: ScriptedServer) -> Secret:
    return Secret(f"{robot.url}/cgi-bin/webhook/send?key=secret-key")


def test_a_long_text_is_cut_between_two_characters(transport: Transport, serve: Serve) -> None:
    robot = serve(as_json({"errcode": 0}))
    send_text(transport, address(robot), "茶" * LONGEST, PLENTY)
    content = json.loads(robot.requests[0].body)["text"]["content"]
    assert content == "茶" * (LONGEST // 3)


def test_a_refusal_names_its_errcode_and_no_key(transport: Transport, serve: Serve) -> None:
    robot = serve(as_json({"errcode": 93000, "errmsg": "invalid webhook url"}))
    with pytest.raises(WeChatRefused) as caught:
        send_text(transport, address(robot), "tea", PLENTY)
    assert caught.value.errcode == 93000
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize("said", [answer(404), answer(body="<html>"), as_json([]), as_json({})])
def test_an_answer_without_an_errcode_is_an_error(
    transport: Transport, serve: Serve, said: bytes
) -> None:
    with pytest.raises(ProtocolError, match="no errcode"):
        send_text(transport, address(serve(said)), "tea", PLENTY)
