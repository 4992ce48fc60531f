"""System checks of the callback, and what its app does when it starts."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.urls import include, path

from tests.callback.pushes import AES_KEY, TOKEN
from tests.tables import each
from wx_static_store import conf
from wx_static_store.callback.checks import check_callback
from wx_static_store.callback.views import receive
from wx_static_store.exceptions import ConfigurationError


@pytest.fixture
def found(settings: Any) -> Any:
    """`found(**WX_STATIC_STORE)`: the messages of a sound project, but for what is given."""

    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"COMPONENT_APPID": "wx5a3c9e7b1d2f4806"}

    def run(**changes: Any) -> list[CheckMessage]:
        settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | changes
        return run_checks(tags=["wx_static_store"])

    return run


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        ({}, []),
        ({"CALLBACK_TOKEN": ["a" * 16, "b" * 40]}, []),
        ({"COMPONENT_APPID": None}, ["E010"]),
        ({"CALLBACK_TOKEN": None}, ["E011"]),
        ({"CALLBACK_AES_KEY": None}, ["E012"]),
        ({"COMPONENT_APPID": None, "CALLBACK_AES_KEY": None}, ["E010", "E012"]),
        ({"CALLBACK_TOKEN": "a" * 15}, ["W013"]),
        ({"CALLBACK_TOKEN": ["a" * 40, "short"]}, ["W013"]),
        ({"CALLBACK_TOKENS": "a" * 40}, ["E001"]),
    ],
)
def test_a_mistake_has_its_id_and_a_hint(found: Any, mistake: Any, expected: list[str]) -> None:
    messages = found(**mistake)
    assert [message.id for message in messages] == [f"wx_static_store.{id}" for id in expected]
    assert all(message.hint for message in messages)


def test_a_callback_app_without_its_settings_is_an_error(settings: Any) -> None:
    settings.INSTALLED_APPS = ["wx_static_store.callback"]
    assert [message.id for message in check_callback(None)] == ["wx_static_store.E014"]


def urls(settings: Any, patterns: list[Any]) -> None:
    module = ModuleType("project_urls")
    module.urlpatterns = patterns  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = module


def test_an_address_that_is_not_included_is_a_warning(found: Any, settings: Any) -> None:
    urls(settings, [])
    [message] = found()
    assert message.id == "wx_static_store.W021"
    assert "wx_static_store.callback.urls" in message.hint


@pytest.mark.parametrize(
    "pattern",
    [
        path("a/", include([path("b/", include("wx_static_store.callback.urls"))])),
        path("push/", receive),
    ],
    ids=["nested", "the view itself"],
)
def test_an_address_of_any_form_is_found(found: Any, settings: Any, pattern: Any) -> None:
    urls(settings, [pattern])
    assert found() == []


def test_urls_that_cannot_be_imported_are_left_to_django(found: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.broken_module"
    assert found() == []


# --- B43 ------------------------------------------------------------------------------------------

BAD_KEYS = {
    "42 characters": "planted" + "A" * 35,
    "44 characters": "planted" + "A" * 37,
    "with its padding": "planted" + "A" * 35 + "=",
    "no base64": "planted" + "!" * 36,
    "base64 of URLs": "planted" + "-" * 36,
    "empty": "",
    "bytes": b"planted" + b"A" * 36,
    "no text": 43,
    "empty list": [],
    "one of a list": [AES_KEY, "planted"],
}


@each("kind", BAD_KEYS)
def test_a_bad_aes_key_is_reported_and_not_shown(kind: str, found: Any) -> None:
    [message] = found(CALLBACK_AES_KEY=BAD_KEYS[kind])
    assert message.id == "wx_static_store.E001"
    with pytest.raises(ConfigurationError, match="CALLBACK_AES_KEY must be") as caught:
        conf.platform_options()
    assert "planted" not in f"{message.msg} {message.hint} {caught.value}"


@pytest.mark.parametrize("value", ["", "with space", "汉", 5, [], [TOKEN, ""]], ids=str)
def test_a_bad_token_is_reported(value: Any, found: Any) -> None:
    [message] = found(CALLBACK_TOKEN=value)
    assert "CALLBACK_TOKEN must be" in message.msg


# --- the extra ------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["cryptography", "defusedxml"])
def test_a_missing_package_is_named_with_its_extra(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import django; django.setup()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert package in done.stderr
    assert 'pip install "wx_static_store[callback]"' in done.stderr.splitlines()[-1]
