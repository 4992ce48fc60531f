"""Where a component_access_token comes from, if somebody else fetches it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tables import each
from wx_static_store.clients.tokens import (
    CallableToken,
    FixedToken,
    TokenProvider,
    current_ticket,
    current_token,
    discard_token,
)
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import ConfigurationError, Remedy, TokenRejected, TokenUnavailable

from .conftest import TICKET, TOKEN, leaks


def test_a_fixed_token_is_given_and_outlives_a_discard() -> None:
    provider = FixedToken(Secret(TOKEN))
    provider.invalidate(TOKEN)
    assert current_token(provider).reveal() == TOKEN


def test_a_token_function_is_called_each_time() -> None:
    tokens = iter(["first", "second"])
    provider = CallableToken(lambda: next(tokens))
    assert [current_token(provider).reveal() for _ in range(2)] == ["first", "second"]


def test_fixed_and_callable_tokens_are_token_providers() -> None:
    for provider in (FixedToken(Secret(TOKEN)), CallableToken(lambda: TOKEN)):
        assert isinstance(provider, TokenProvider)


def test_a_class_of_the_project_is_a_token_provider_by_its_methods() -> None:
    class Vault:
        discarded: str = ""

        def get(self) -> str:
            return TOKEN

        def invalidate(self, token: str) -> None:
            self.discarded = token

    vault = Vault()
    assert isinstance(vault, TokenProvider)
    discard_token(vault, current_token(vault), TokenRejected())
    assert vault.discarded == TOKEN


@each(
    "junk",
    ["", " ", "a b", "a\n", "令牌", "t" * 2049, None, 5, b"bytes", {"token": TOKEN}, [TOKEN]],
)
def test_junk_from_a_provider_is_a_configuration_error_that_does_not_show_it(junk: Any) -> None:
    junk = f"{TOKEN} {junk}" if isinstance(junk, str) and junk.strip() else junk
    with pytest.raises(ConfigurationError) as caught:
        current_token(CallableToken(lambda: junk))
    assert caught.value.stage == "token"
    assert leaks(caught.value) == []


def test_a_token_of_the_greatest_length_is_accepted() -> None:
    assert current_token(CallableToken(lambda: "t" * 2048)).reveal() == "t" * 2048


def test_a_provider_that_raises_is_waited_for_and_quoted_without_the_secret() -> None:
    def broken() -> str:
        raise KeyError(f"vault said access_token={TOKEN}")

    with pytest.raises(TokenUnavailable) as caught:
        current_token(CallableToken(broken))
    assert (caught.value.remedy, caught.value.stage) == (Remedy.WAIT, "token")
    assert "KeyError: 'vault said access_token=***' (test_tokens.py, line " in str(caught.value)
    assert leaks(caught.value) == []


def test_a_provider_that_cannot_discard_costs_a_warning_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stubborn(CallableToken):
        def invalidate(self, token: str) -> None:
            raise RuntimeError(token)

    discard_token(Stubborn(lambda: TOKEN), Secret(TOKEN), TokenRejected())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert TOKEN not in caplog.text


# --- the verify ticket ----------------------------------------------------------------------


def test_a_ticket_is_stripped_of_white_space() -> None:
    assert current_ticket(lambda: f" {TICKET}\n").reveal() == TICKET


@pytest.mark.parametrize("ticket", ["", "  ", None])
def test_a_ticket_that_has_not_come_yet_is_unavailable(ticket: Any) -> None:
    with pytest.raises(TokenUnavailable, match="no component_verify_ticket yet") as caught:
        current_ticket(lambda: ticket)
    assert caught.value.stage == "token"


def test_a_ticket_that_is_no_text_is_a_configuration_error_that_does_not_show_it() -> None:
    with pytest.raises(ConfigurationError, match="VERIFY_TICKET gives bytes") as caught:
        current_ticket(TICKET.encode)  # type: ignore[arg-type]
    assert leaks(caught.value) == []


def test_a_ticket_function_that_raises_is_waited_for_and_quoted_without_the_secret() -> None:
    def broken() -> str:
        raise ConnectionError(f"redis://:{TICKET}@cache")

    with pytest.raises(TokenUnavailable, match=r"cannot be read \(.* ConnectionError: ") as caught:
        current_ticket(broken)
    assert (caught.value.remedy, leaks(caught.value)) == (Remedy.WAIT, [])


# --- signals --------------------------------------------------------------------------------


@pytest.fixture
def interrupted() -> Iterator[Callable[[], str]]:
    """Return a function in which a signal handler raises."""

    def handler(*_: object) -> None:
        raise TimeoutError

    def ask() -> str:
        signal.raise_signal(signal.SIGALRM)
        return "never"

    before = signal.signal(signal.SIGALRM, handler)
    yield ask
    signal.signal(signal.SIGALRM, before)


def test_a_signal_s_exception_in_a_provider_or_a_ticket_function_passes_as_it_is(
    interrupted: Callable[[], str],
) -> None:
    for ask in (
        lambda: current_token(CallableToken(interrupted)),
        lambda: current_ticket(interrupted),
    ):
        with pytest.raises(TimeoutError) as caught:
            ask()
        assert type(caught.value) is TimeoutError
