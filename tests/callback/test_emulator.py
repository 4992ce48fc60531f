"""The emulator's sender was written without the view: what it pushes over a socket, we answer."""

from typing import Any

import pytest

from tests.callback.pushes import PATH
from tests.waiting import wait_for
from wx_static_store import conf
from wx_static_store.callback.tickets import newest
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.emulator.variants import RIGHT, names
from wx_static_store.upload.platform import platform_for

pytestmark = pytest.mark.django_db(transaction=True)

REPLAYED = ("replay", "older_create_time", "other_info_type", "unknown_info_type")
LARGE = ("large", "nested", "attributes")


def expected(variant: str) -> int:
    if variant in (*RIGHT, *REPLAYED):
        return 200
    return 413 if variant in LARGE else 403


@pytest.fixture
def pushing(emulator: EmulatorServer, live_server: Any, settings: Any) -> EmulatorServer:
    """Let the emulator push a ticket, the only source of tickets and tokens here."""
    settings.WX_STATIC_STORE = {
        "API_BASE_URL": emulator.api_url,
        "COMPONENT_APPID": APPID,
        "COMPONENT_APPSECRET": APPSECRET,
        "CALLBACK_TOKEN": PUSH_TOKEN,
        "CALLBACK_AES_KEY": PUSH_AES_KEY,
    }
    emulator.push_to(live_server.url + PATH)
    wait_for(lambda: emulator.pushes, "the first push, which comes by itself")
    return emulator


def test_the_token_is_fetched_with_the_ticket_that_was_pushed(pushing: EmulatorServer) -> None:
    """And with no other: the emulator refuses what it has not issued."""
    assert platform_for(conf.platform_options()).tokens.get() == pushing.access_token


@pytest.mark.parametrize("variant", names())
def test_each_variant_of_a_push_gets_its_answer(variant: str, pushing: EmulatorServer) -> None:
    before = newest(APPID)
    answer = pushing.push(variant)
    status = expected(variant)
    assert (answer.status, answer.answer) == (status, "success" if status == 200 else "")
    assert newest(APPID) == (answer.ticket if variant in RIGHT else before)
