"""What we promise about secrets, caches, masks and files at rest."""

from __future__ import annotations

import copy
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import RequestFactory, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

from wx_static_store.conf import platform_options
from wx_static_store.conf.options import OPTIONS
from wx_static_store.core.frames import described
from wx_static_store.core.secrets import Secret, masked

# Secrets of the settings

AES_KEYS = ["planted0aes0one".ljust(43, "A"), "planted0aes0two".ljust(43, "A")]
PLANTED: dict[str, Any] = {
    "ACCESS_TOKEN": "planted-access-token",
    "COMPONENT_APPSECRET": "planted-appsecret",
    "VERIFY_TICKET": "planted-ticket",
    "ALERT_WECOM_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=planted-robot",
    "CALLBACK_TOKEN": ["planted-token-one", "planted-token-two"],
    "CALLBACK_AES_KEY": AES_KEYS,
}


def shown() -> str:
    """Return Django's error page as HTML and as text, and its mail to ADMINS."""
    error = ValueError("not ours")
    report = ExceptionReporter(RequestFactory().get("/"), ValueError, error, None)
    sent: list[str] = []

    class Kept(AdminEmailHandler):
        def send_mail(self, subject: str, message: str, *args: Any, **more: Any) -> None:
            sent.extend([message, more["html_message"]])

    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", None, None)
    Kept(include_html=True).emit(record)
    return "\n".join([report.get_traceback_html(), report.get_traceback_text(), *sent])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, Any]:
    """Start a project with a text for each secret."""
    settings.ADMINS = ["root@example.com"]
    given = {"ENV": "env-1", **PLANTED}
    monkeypatch.setattr(django_settings, "WX_STATIC_STORE", given)
    apps.get_app_config("wx_static_store").ready()
    platform_options.cache_clear()
    return given


def test_every_secret_option_is_planted() -> None:
    assert {name.upper() for name, entry in OPTIONS.items() if entry.secret} == {*PLANTED}


def test_no_secret_is_on_the_error_page_or_in_a_mail_to_admins(started: dict[str, Any]) -> None:
    text = shown()
    assert "env-1" in text
    assert "planted" not in text


def test_a_started_project_still_has_the_value_of_each_secret(started: dict[str, Any]) -> None:
    options = platform_options()
    assert options.verify_ticket == Secret("planted-ticket")
    assert options.alert_wecom_url == Secret(PLANTED["ALERT_WECOM_URL"])
    assert [key.reveal() for key in options.callback_aes_key] == AES_KEYS


def test_a_second_start_changes_nothing(started: dict[str, Any]) -> None:
    once = django_settings.WX_STATIC_STORE
    apps.get_app_config("wx_static_store").ready()
    assert once == django_settings.WX_STATIC_STORE
    assert started["ACCESS_TOKEN"] == "planted-access-token"  # the project's own dictionary


def test_functions_and_options_that_are_no_secret_stay_as_they_are(started: Any) -> None:
    with override_settings(WX_STATIC_STORE={"VERIFY_TICKET": described, "ENV": "env-1"}):
        assert {"VERIFY_TICKET": described, "ENV": "env-1"} == django_settings.WX_STATIC_STORE


@pytest.mark.parametrize(
    "wrong",
    [
        {"VERIFY_TICKET": {"a": "planted"}},
        {"ALERT_WECOM_URL": ["planted", {"a": ["planted"]}]},
        {"alert_wecom_url": "planted"},
    ],
)
def test_a_secret_in_a_wrong_place_is_not_shown_either(settings: Any, wrong: Any) -> None:
    settings.WX_STATIC_STORE = wrong
    assert "planted" not in shown()


def test_settings_that_a_test_overrides_are_hidden_and_can_be_copied(started: Any) -> None:
    changed = copy.deepcopy(django_settings.WX_STATIC_STORE) | {"ALERT_WECOM_URL": "planted"}
    with override_settings(WX_STATIC_STORE=changed):
        assert "planted" not in shown()


def test_the_password_of_a_cache_is_hidden_in_its_options_only(settings: Any) -> None:
    """Django's own rule, which the threat model names."""
    redis = "django.core.cache.backends.redis.RedisCache"
    for place, hidden in (("LOCATION", False), ("OPTIONS", True)):
        value = {"LOCATION": "redis://:planted@cache:6379", "OPTIONS": {"password": "planted"}}
        settings.CACHES = settings.CACHES | {"other": {"BACKEND": redis, place: value[place]}}
        assert ("planted" not in shown()) == hidden


@pytest.mark.parametrize("odd", [None, "planted", 5])
def test_a_setting_that_is_no_dictionary_stops_no_start(
    monkeypatch: pytest.MonkeyPatch, odd: Any
) -> None:
    monkeypatch.setattr(django_settings, "WX_STATIC_STORE", odd)
    apps.get_app_config("wx_static_store").ready()
    assert odd == django_settings.WX_STATIC_STORE


# Masks

SECRET = "canary-0123456789_ABCdef"


@pytest.mark.parametrize("piece", ["a", "1", "+", "//a", "token=", 'token="', "Bearer ", "?a"])
def test_masking_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    start = time.process_time()
    described(LookupError(piece * 200_000))
    masked(piece * 3_000)
    assert time.process_time() - start < 0.3


@pytest.mark.parametrize("form", [" {}", ",{}", ' password: "two words {}"', "?key={}"])
@pytest.mark.parametrize("before", [9_970, 9_980, 9_990])
def test_a_secret_at_the_end_of_what_is_read_is_masked(form: str, before: int) -> None:
    text = "token=" + "x1" * (before // 2) + form.format(SECRET) + " and more" * 10
    assert "can" not in masked(text)


# Files at rest


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ({}, ["W030"]),
        ({"file_permissions_mode": 0o604}, ["W030"]),
        ({"file_permissions_mode": 0o600}, []),
        ({"file_permissions_mode": 0o640}, []),
    ],
)
@pytest.mark.parametrize("option", ["RELEASE_STORAGE", "UPLOAD_SPOOL"])
def test_the_check_warns_of_kept_files_that_every_local_user_can_read(
    configure: Any, tmp_path: Path, option: str, mode: Any, found: list[str]
) -> None:
    from wx_static_store.conf.release_checks import check_release_storage

    kept = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "kept"), **mode},
    }
    configure(STORAGES={"kept": kept}, WX_STATIC_STORE={option: "kept"})
    ids = [str(each.id).rpartition(".")[2] for each in check_release_storage(None)]
    name = storages["kept"].save("a", ContentFile(b"x"))
    can_read = (tmp_path / "kept" / name).stat().st_mode & 0o007
    assert (ids, bool(can_read)) == (found, bool(found))
