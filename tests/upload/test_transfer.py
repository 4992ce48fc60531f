"""One file on its way, when nobody waits for its end any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploys import item, sent
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.transfer import Transfer
from wx_static_store.upload.uploader import get_uploader


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure()
    return cloud


def test_a_transfer_that_is_broken_off_before_it_begins_sends_nothing(
    cloud: EmulatorServer,
) -> None:
    transfer = Transfer(get_uploader().options, item("a.js", b"1"))
    transfer.broken_off()
    assert transfer.run().status == "failed"
    assert cloud.journal == []


def test_a_transfer_that_is_broken_off_between_two_attempts_sends_nothing_more(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row says so already: a later PUT would make it a lie."""
    cloud.script({"on": "put_object", "do": "cos_error", "status": 500, "code": "InternalError"})
    transfer = Transfer(get_uploader().options, item("a.js", b"1"))
    learn = transfer.learn

    def broken_off(error: Any) -> None:
        learn(error)
        assert transfer.broken_off().status == "failed"

    monkeypatch.setattr(transfer, "learn", broken_off)
    transfer.run()
    assert sent(cloud) == ["a.js"]
    assert cloud.objects() == {}
