"""Each kind of fault checks where it applies and what it needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.kinds import KINDS
from wx_static_store.emulator.quirks import BadInput


@each(
    ("fault", "text"),
    [
        ("reset", "a fault is a JSON object"),
        ({"on": "put_object", "do": "rest"}, "did you mean 'reset'"),
        ({"on": "put_object"}, "valid are errcode, status"),
        ({"on": "putobject", "do": "reset"}, "did you mean 'put_object'"),
        ({"on": "put_object", "do": "errcode", "errcode": 1}, "'on' for 'errcode'"),
        ({"on": "put_object", "do": "hang", "second": 1}, "did you mean 'seconds'"),
        ({"on": "put_object", "do": "hang"}, "'hang' needs 'seconds'"),
        ({"on": "put_object", "do": "hang", "seconds": "1"}, "is a whole number or a number"),
        ({"on": "put_object", "do": "hang", "seconds": float("inf")}, "not inf"),
        ({"on": "connection", "do": "reset"}, "'on' for 'reset'"),
        ({"on": "put_object", "do": "tls_eof"}, "valid are connection"),
        ({"on": "put_object", "do": "reset", "times": -1}, "whole numbers"),
        ({"on": "put_object", "do": "reset", "key": 1}, "both text"),
        ({"on": "*", "do": "drip", "seconds": 1, "part": "tail"}, "one of head, body"),
    ],
)
def test_a_wrong_fault_is_refused(emulator: EmulatorServer, fault: Any, text: str) -> None:
    """The error names what is valid; nothing is added."""
    with pytest.raises(BadInput, match=text):
        emulator.script({"on": "put_object", "do": "reset"}, fault)
    assert emulator.state.script.as_list() == []


@each("name", KINDS)
def test_every_kind_of_fault_is_described_and_has_an_effect(name: str) -> None:
    kind = KINDS[name]
    assert kind.text
    assert kind.before or kind.receive or kind.change or kind.deliver
