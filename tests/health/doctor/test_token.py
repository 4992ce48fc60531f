"""Whether there is a token, where it comes from, and whether WeChat accepts it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.clients.conftest import ScriptedServer, answer, certificate, serve, tls  # noqa: F401
from wx_static_store.clients.component import ComponentToken
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET, TICKET
from wx_static_store.health.doctor.findings import Result
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.upload.platform import _platforms

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

FETCH, CALL = "api_component_token", "describeenvs"
SECRETS = ("planted-token", "emulator-access-token", APPSECRET, TICKET)
NOWHERE = "http://127.0.0.1:9"


def fetched(**changes: Any) -> dict[str, Any]:
    """Return the settings of a platform that fetches its token."""
    own = {"COMPONENT_APPID": APPID, "COMPONENT_APPSECRET": APPSECRET}
    return {"ACCESS_TOKEN": None, "VERIFY_TICKET": lambda: TICKET} | own | changes


@pytest.fixture
def look(examined: Examine, configure: Any) -> Callable[..., dict[str, Result]]:
    """`look(**settings)`: the results with these settings; nothing in them is secret."""

    def ask(timeout: float = 5.0, **changes: Any) -> dict[str, Result]:
        configure(WX_STATIC_STORE=changes)
        results = examined(timeout=timeout)
        words = "".join(map(said, results.values()))
        data = str([found.data for result in results.values() for found in result.findings])
        assert not [secret for secret in SECRETS if secret in words + data]
        return results

    return ask


Look = Callable[..., dict[str, Result]]


def token_marks(results: dict[str, Result]) -> str:
    """Return the marks of source, ticket, pushes and acceptance."""
    ids = ("source", "ticket", "pushes", "accepted")
    return "".join(marks(results)[f"token.{id}"] for id in ids)


# --- where it comes from ------------------------------------------------------------------------


def test_a_fixed_token_names_its_setting(look: Look) -> None:
    results = look()
    assert "stands in ACCESS_TOKEN" in said(results["token.source"])
    assert token_marks(results) == "✓––✓"


def current() -> str:
    return "emulator-access-token"


def failing() -> str:
    raise LookupError("no answer of https://joe:planted@tokens.example/?key=planted-token")


@pytest.mark.parametrize("given", [current, f"{__name__}.current"], ids=["function", "path"])
def test_a_provider_is_named_by_its_path(given: Any, look: Look) -> None:
    results = look(TOKEN_PROVIDER=given, ACCESS_TOKEN=None)
    assert f"({__name__}.current)" in said(results["token.source"])
    assert token_marks(results) == "✓––✓"


def test_a_provider_that_fails_is_quoted_without_its_secrets(look: Look) -> None:
    results = look(TOKEN_PROVIDER=failing)
    words = said(results["token.source"])
    assert "LookupError: no answer of https://***@tokens.example/?*** (test_token.py, line" in words
    assert token_marks(results) == "✗–––"


def test_a_provider_that_gives_junk_is_wrong(look: Look) -> None:
    words = said(look(TOKEN_PROVIDER=lambda: None)["token.source"])
    assert "gave no usable token" in words
    assert "one line of printable ASCII" in words


def test_without_any_source_the_settings_are_named(look: Look) -> None:
    results = look(ACCESS_TOKEN=None)
    assert "COMPONENT_APPID and COMPONENT_APPSECRET" in said(results["settings.checks"])
    assert "this is not well: settings.checks" in said(results["token.source"])
    assert "this is not well: settings.checks" in said(results["token.accepted"])


def test_a_token_that_is_fetched_has_an_age_and_an_end(
    look: Look, emulator: EmulatorServer
) -> None:
    results = look(**fetched())
    words = said(results["token.source"])
    assert "shared by the cache 'default'; it is 0 seconds old, ends in 2 hours." in words
    data = results["token.source"].findings[0].data
    assert {**data, "age": 0} == {"source": "COMPONENT_APPID", "age": 0, "ends_in": 7200}
    assert token_marks(results) == "✓✓–✓"
    assert len(emulator.calls(FETCH)) == 1


def fetch_long_ago(seconds: float) -> None:
    """Let the token that all share be older, as a process finds it that was started just now."""
    tokens = CheckTarget().platform.tokens
    assert isinstance(tokens, ComponentToken)
    tokens.get()
    assert tokens._mine
    tokens._publish(replace(tokens._mine, issued_at=tokens._mine.issued_at - seconds))
    _platforms.clear()


def test_a_token_that_is_there_is_not_fetched(
    look: Look, emulator: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE=fetched())
    fetch_long_ago(720)
    words = said(look(**fetched())["token.source"])
    assert re.search(r"12 minutes old, ends in 1 hour, 4[78] minutes\.", words)
    assert len(emulator.calls(FETCH)) == 1


@pytest.mark.parametrize(
    ("fault", "changes", "hint"),
    [
        ({}, {"COMPONENT_APPSECRET": "wrong"}, "COMPONENT_APPSECRET"),
        ({}, {"COMPONENT_APPID": "wx9"}, "COMPONENT_APPID"),
        ({}, {"VERIFY_TICKET": lambda: "spent"}, "api_start_push_ticket"),
        ({"errcode": -1}, {}, "WeChat is busy"),
    ],
    ids=["secret", "appid", "ticket", "busy"],
)
def test_a_fetch_that_fails_says_what_to_do(
    fault: Any, changes: Any, hint: str, look: Look, emulator: EmulatorServer
) -> None:
    if fault:
        emulator.script({"on": FETCH, "do": "errcode", "times": None} | fault)
    results = look(**fetched(**changes))
    assert hint in said(results["token.source"])
    assert token_marks(results) == "✗✓––"


def test_a_failed_fetch_for_which_all_wait_is_named_and_not_repeated(
    look: Look, emulator: EmulatorServer
) -> None:
    settings = fetched(COMPONENT_APPSECRET="wrong")
    look(**settings)
    [found] = look(**settings)["token.source"].findings
    assert "all processes wait 60 seconds before the next one" in str(found.text)
    assert "COMPONENT_APPSECRET" in str(found.hint)
    assert len(emulator.calls(FETCH)) == 1


def test_a_token_near_its_end_that_cannot_be_renewed_is_a_warning(
    look: Look, emulator: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE=fetched())
    fetch_long_ago(6560)  # 10 minutes and 40 s are left
    emulator.script({"on": FETCH, "do": "errcode", "errcode": 41004, "times": None})
    results = look(**fetched())
    words = said(results["token.source"])
    assert "ends in 10 minutes. No new one can be fetched" in words
    assert "COMPONENT_APPSECRET" in words
    assert token_marks(results) == "!✓–✓"


def test_a_fetch_that_hangs_names_who_does_not_answer(look: Look, emulator: EmulatorServer) -> None:
    emulator.script({"on": FETCH, "do": "hang", "seconds": 30})
    results = look(timeout=1, **fetched(READ_TIMEOUT=0.5))
    assert emulator.api_url in said(results["token.source"])
    assert token_marks(results) == "✗✓––"


# --- whether it is accepted ---------------------------------------------------------------------


def test_a_token_that_wechat_accepts_is_well(examined: Examine) -> None:
    assert marks(examined())["token.accepted"] == "✓"


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_spent_token_is_wrong_and_the_setting_is_named(
    errcode: int, look: Look, emulator: EmulatorServer
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": errcode, "times": None})
    results = look()
    assert "ACCESS_TOKEN is wrong or has expired" in said(results["token.accepted"])
    assert token_marks(results) == "✓––✗"


def test_a_provider_of_spent_tokens_is_told_to_share_one(look: Look) -> None:
    words = said(look(TOKEN_PROVIDER=lambda: "spent")["token.accepted"])
    assert "let all systems share one token" in words


def test_a_fetched_token_that_is_refused_at_once_names_platform_and_address(
    look: Look, emulator: EmulatorServer
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": 40001, "times": None})
    words = said(look(**fetched())["token.accepted"])
    assert "COMPONENT_APPID and API_BASE_URL" in words


def test_another_system_that_refreshes_the_token_is_a_warning(
    look: Look, emulator: EmulatorServer, configure: Any
) -> None:
    """The next call mends it: only the doctor says so."""
    configure(WX_STATIC_STORE=fetched())
    fetch_long_ago(600)
    emulator.expire_token()
    results = look(**fetched())
    result = results["token.accepted"]
    [found, _ok] = result.findings
    assert "refused before their end, in the last hour: 1." in str(found.text)
    assert "Another system refreshes the token" in str(result.hint(found))
    assert found.data == {"refused_early": 1}
    assert token_marks(results) == "✓✓–!"


def test_an_address_that_is_not_on_the_white_list_is_named(
    look: Look, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"allowed_ip": "203.0.113.7"})
    results = look()
    assert "Add the server's address (127.0.0.1)" in said(results["token.accepted"])
    assert token_marks(results) == "✓––✗"


@pytest.mark.parametrize("errcode", [85088, 48001, 61007, 45009, -501000, 99999])
def test_a_refusal_for_another_reason_is_no_matter_of_the_token(
    errcode: int, look: Look, emulator: EmulatorServer
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": errcode, "times": None})
    result = look()["token.accepted"]
    assert result.mark.value == "✓"
    assert f"errcode {errcode}" in said(result)
    assert result.findings[0].data["errcode"] == errcode


def test_a_token_of_another_kind_is_wrong(look: Look, emulator: EmulatorServer) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": 61014, "times": None})
    assert "takes a component_access_token" in said(look()["token.accepted"])


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"do": "errcode", "errcode": -1}, "WeChat is busy"),
        ({"do": "hang", "seconds": 30}, "while waiting for the answer"),
        ({"do": "reset"}, "The answer never came"),
        ({"do": "html"}, "A proxy or firewall answered"),
        ({"do": "status", "status": 502}, "not answered by WeChat itself"),
    ],
    ids=["busy", "hang", "reset", "portal", "502"],
)
def test_a_call_without_an_answer_is_named_with_its_peer(
    fault: Any, word: str, look: Look, emulator: EmulatorServer
) -> None:
    emulator.script({"on": CALL, "times": None} | fault)
    timeout = 1.0 if fault["do"] == "hang" else 5.0
    words = said(look(timeout=timeout, MAX_ATTEMPTS=1)["token.accepted"])
    assert word in words
    assert fault.get("errcode") or emulator.api_url in words


def test_a_server_that_cannot_be_reached_is_named(look: Look) -> None:
    words = said(look(MAX_ATTEMPTS=1, API_BASE_URL=NOWHERE)["token.accepted"])
    assert f"The server could not be reached ({NOWHERE}: " in words


def test_a_certificate_that_is_not_valid_is_named(
    look: Look,
    serve: Callable[..., ScriptedServer],  # noqa: F811
    tls: ssl.SSLContext,  # noqa: F811
) -> None:
    server = serve(answer(), tls=tls)
    words = said(look(API_BASE_URL=server.url)["token.accepted"])
    assert f"an authority that this machine does not trust: {server.url}" in words


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine and refuses
def test_a_proxy_that_refuses_is_named(
    look: Look,
    serve: Callable[..., ScriptedServer],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = serve(answer(407))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:planted-token@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    url = f"https://by-{proxy.port}.example"
    words = said(look(API_BASE_URL=url)["token.accepted"])
    where = f"proxy 127.0.0.1:{proxy.port}, on the way to {url}"
    assert f"The proxy wants a password: {where} (HTTP 407)" in words
    assert "Put user and password into HTTPS_PROXY" in words
