"""The verify ticket, and whether WeChat's pushes arrive."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from tests.callback.pushes import PATH
from tests.tables import each
from tests.waiting import wait_for
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.core.notes import SharedCache
from wx_static_store.core.pushes import HINTS, keep_refused
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.health.doctor.findings import Result
from wx_static_store.health.doctor.pushes import name_of, span

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600
WITHOUT = "wx_static_store.callback"

Look = Callable[..., dict[str, Result]]


SETTINGS = {
    "ACCESS_TOKEN": None,
    "COMPONENT_APPID": APPID,
    "COMPONENT_APPSECRET": APPSECRET,
    "CALLBACK_TOKEN": PUSH_TOKEN,
    "CALLBACK_AES_KEY": PUSH_AES_KEY,
}


@pytest.fixture
def look(examined: Examine, configure: Any) -> Look:
    """`look(**settings)`: the results where tickets are pushed, with these settings changed."""

    def ask(**changes: Any) -> dict[str, Result]:
        configure(WX_STATIC_STORE=SETTINGS | changes)
        results = examined()
        words = "".join(map(said, results.values()))
        assert not [secret for secret in (APPSECRET, PUSH_TOKEN, PUSH_AES_KEY) if secret in words]
        return results

    return ask


@pytest.fixture
def pushed(configure: Any, emulator: EmulatorServer, live_server: Any) -> Callable[..., None]:
    """`pushed(variant, age=…, **settings)`: the emulator pushes a ticket, so many seconds ago."""

    def push(variant: str = "plain", age: float = 0, **changes: Any) -> None:
        configure(WX_STATIC_STORE=SETTINGS | changes)
        if emulator.sender is None:
            emulator.push_to(live_server.url + PATH)
            wait_for(lambda: emulator.pushes, "the first push, which comes by itself")
        assert emulator.push(variant).status != 0
        if age:
            came = time.time() - age
            news = {"created": int(came), "received": datetime.fromtimestamp(came, UTC)}
            VerifyTicket.objects.update(**news)

    return push


def refused(reason: str, age: float) -> None:
    keep_refused("default", APPID, reason, now=lambda: time.time() - age)


# --- the ticket ---------------------------------------------------------------------------------


def test_a_ticket_that_was_pushed_has_its_age(look: Look, pushed: Any) -> None:
    pushed()
    results = look()
    assert said(results["token.ticket"]) == "✓ The newest verify ticket is 0 seconds old. "
    assert results["token.ticket"].findings[0].data["source"] == WITHOUT
    assert [mark for id, mark in marks(results).items() if id.startswith("token.")] == ["✓"] * 4


def test_without_any_push_the_pushes_are_to_blame_for_the_missing_ticket(look: Look) -> None:
    results = look()
    assert "this is not well: token.pushes" in said(results["token.ticket"])
    assert "this is not well: token.pushes" in said(results["token.source"])
    found = {id: mark for id, mark in marks(results).items() if id.startswith("token.")}
    assert [id for id, mark in found.items() if mark == "✗"] == ["token.pushes"]


@pytest.mark.parametrize(
    ("age", "mark", "words"),
    [
        (0.9 * HOUR, "✓", "54 minutes old."),
        (1.5 * HOUR, "!", "1 hour, 30 minutes old."),
        (11.9 * HOUR, "!", "11 hours, 54 minutes old."),
        (12.5 * HOUR, "–", "this is not well: token.pushes"),
    ],
)
def test_the_age_of_a_ticket_is_judged(
    age: float, mark: str, words: str, look: Look, pushed: Any
) -> None:
    pushed(age=age)
    result = look()["token.ticket"]
    assert result.mark.value == mark
    assert words in said(result)
    assert abs(result.findings[0].data.get("age", age) - age) < 60


def test_a_ticket_of_another_secret_key_names_the_setting(
    look: Look, pushed: Any, settings: Any
) -> None:
    pushed()
    settings.SECRET_KEY = "another"
    assert "SECRET_KEY_FALLBACKS" in said(look()["token.ticket"])


def test_a_fixed_ticket_is_a_warning(look: Look) -> None:
    words = said(look(VERIFY_TICKET=Secret("emulator-ticket"))["token.ticket"])
    assert words.startswith("! VERIFY_TICKET is a fixed text")
    assert "emulator-ticket" not in words


def ticket() -> str:
    return "emulator-ticket"


def no_ticket() -> str:
    raise LookupError("the vault is sealed")


def test_a_function_that_gives_a_ticket_is_named(look: Look) -> None:
    results = look(VERIFY_TICKET=ticket)
    assert f"({__name__}.ticket)" in said(results["token.ticket"])
    assert (marks(results)["token.ticket"], marks(results)["token.pushes"]) == ("✓", "–")


def test_a_function_that_fails_is_quoted(look: Look) -> None:
    words = said(look(VERIFY_TICKET=no_ticket)["token.ticket"])
    assert "LookupError: the vault is sealed (test_pushes.py, line" in words


def test_where_no_token_is_fetched_no_ticket_is_needed(examined: Examine) -> None:
    result = examined()["token.ticket"]
    assert said(result) == "– No token is fetched here, so no verify ticket is needed. "


def test_without_a_callback_something_else_must_give_tickets(look: Look, settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != WITHOUT]
    results = look()
    assert "has no source of the component_verify_ticket" in said(results["settings.checks"])
    assert "this is not well: settings.checks" in said(results["token.ticket"])
    assert said(results["token.pushes"]).startswith("– wx_static_store.callback")


def test_without_the_system_check_the_missing_callback_is_named(look: Look, settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != WITHOUT]
    # E009: the cache of the suite is the process's own.
    settings.SILENCED_SYSTEM_CHECKS = ["wx_static_store.E015", "wx_static_store.E009"]
    words = said(look()["token.ticket"])
    assert "✗ Nothing receives the verify ticket." in words
    assert "VERIFY_TICKET" in words


def test_a_database_that_is_away_is_no_matter_of_the_ticket(look: Look, pushed: Any) -> None:
    pushed()
    look()  # fetches the token
    with connection.schema_editor() as editor:
        editor.delete_model(VerifyTicket)
    try:
        results = look()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(VerifyTicket)
    assert "this is not well: database.tables" in said(results["token.ticket"])
    assert "this is not well: database.tables" in said(results["token.pushes"])
    assert marks(results)["token.accepted"] == "✓"  # the cache has the token


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("shop.tokens.current", "shop.tokens.current"),
        (ticket, f"{__name__}.ticket"),
        (EmulatorServer, "wx_static_store.emulator.server.EmulatorServer"),
        (SharedCache(dict), "wx_static_store.core.notes.SharedCache"),
    ],
)
def test_a_name_is_a_dotted_path(given: Any, name: str) -> None:
    assert name_of(given) == name


# --- the pushes ---------------------------------------------------------------------------------


def test_pushes_that_are_accepted_are_well(look: Look, pushed: Any) -> None:
    pushed()
    result = look()["token.pushes"]
    assert re.fullmatch(r"✓ The newest push was accepted \d+ seconds? ago\. ", said(result))
    assert set(result.findings[0].data) == {"accepted_seconds_ago"}


def test_no_push_at_all_is_wrong_and_says_where_to_look(look: Look) -> None:
    words = said(look()["token.pushes"])
    assert words.startswith("✗ No push was accepted yet.")
    for place in ("event URL", "CALLBACK_TOKEN", "CALLBACK_AES_KEY", "clock", "firewall"):
        assert place in words


def test_no_push_for_an_hour_is_wrong_with_its_age(look: Look, pushed: Any) -> None:
    pushed(age=3 * HOUR)
    words = said(look()["token.pushes"])
    assert words.startswith("✗ The newest push was accepted 3 hours ago.")
    assert "firewall" in words


@pytest.mark.parametrize(
    ("variant", "changes", "setting"),
    [
        ("bad_signature", {}, "CALLBACK_TOKEN"),
        ("plain", {"CALLBACK_TOKEN": "another-callback-token"}, "CALLBACK_TOKEN"),
        ("plain", {"CALLBACK_AES_KEY": "another0callback0key0".ljust(43, "A")}, "CALLBACK_AES_KEY"),
        ("foreign_tail", {}, "COMPONENT_APPID"),
        ("old_timestamp", {}, "clock"),
    ],
    ids=["signature", "token", "key", "appid", "clock"],
)
def test_a_refused_push_is_wrong_with_its_hint(
    variant: str, changes: Any, setting: str, look: Look, pushed: Any
) -> None:
    """None was accepted for an hour: it is WeChat's."""
    pushed(age=2 * HOUR)
    pushed(variant, **changes)
    result = look(**changes)["token.pushes"]
    words = said(result)
    shown = r"✗ The newest push was accepted 2 hours ago\. One was refused \d+ seconds? ago \("
    assert re.match(shown, words)
    assert setting in words
    assert result.findings[0].data["reason"] in HINTS


def test_a_refused_push_before_any_accepted_one_is_wrong(look: Look) -> None:
    refused("signature", age=300)
    words = said(look()["token.pushes"])
    assert "No push was accepted yet. One was refused 5 minutes ago (signature)." in words
    assert "CALLBACK_TOKEN" in words


@pytest.mark.parametrize(
    ("reason", "mark"), [("signature", "!"), ("window", "!"), ("padding", "✗"), ("appid", "✗")]
)
def test_a_stranger_s_push_cannot_make_pushes_look_broken(
    reason: str, mark: str, look: Look, pushed: Any
) -> None:
    """While WeChat's own come in time; whoever signs as WeChat does is no stranger."""
    pushed(age=300)
    refused(reason, age=60)
    assert marks(look())["token.pushes"] == mark


def test_an_older_refused_push_is_a_warning(look: Look, pushed: Any) -> None:
    refused("signature", age=3 * HOUR)
    pushed()
    result = look()["token.pushes"]
    text = r"accepted \d+ seconds? ago\. One was refused 3 hours ago \(signature\)\."
    assert re.search(text, said(result))
    assert "CALLBACK_TOKEN" in said(result)
    assert result.mark.value == "!"


def test_a_call_that_no_setting_mends_is_not_mentioned(look: Look, pushed: Any) -> None:
    pushed()
    pushed("no_nonce")
    assert marks(look())["token.pushes"] == "✓"


@pytest.mark.parametrize("name", ["COMPONENT_APPID", "CALLBACK_TOKEN", "CALLBACK_AES_KEY"])
def test_pushes_are_not_judged_without_a_setting_that_they_need(name: str, look: Look) -> None:
    changes: dict[str, Any] = {"ACCESS_TOKEN": "emulator-access-token", name: None}
    results = look(**changes)
    assert name in said(results["settings.checks"])
    assert "this is not well: settings.checks" in said(results["token.pushes"])


def test_pushes_are_not_judged_without_a_setting_whose_check_is_silenced(
    look: Look, settings: Any
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["wx_static_store.E011"]
    changes: dict[str, Any] = {"ACCESS_TOKEN": "emulator-access-token", "CALLBACK_TOKEN": None}
    found = said(look(**changes)["token.pushes"])
    assert found == "– No push can be read without CALLBACK_TOKEN. "


@each(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1.2, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (6480, "1 hour, 48 minutes"),
        (47.5 * 3600, "1 day, 23 hours"),
        (50 * 3600, "2 days, 2 hours"),
    ],
)
def test_a_span_is_written_in_words(seconds: float, words: str) -> None:
    assert str(span(seconds)) == words
