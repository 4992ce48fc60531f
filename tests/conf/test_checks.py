"""System checks: each mistake has an id and a hint, and costs no call and no query."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import Tags
from django.core.management import call_command
from hypothesis import given, strategies as st

from tests.tables import each
from wx_static_store import conf
from wx_static_store.conf.checks import check_alerts
from wx_static_store.conf.options import OPTIONS
from wx_static_store.exceptions import ConfigurationError

from .conftest import CREDENTIALS, LOCMEM, STATIC, WX, ids, messages

ROOT = Path(__file__).parent.parent.parent
LOCAL = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def test_a_sound_project_has_no_messages(project: Any) -> None:
    project()
    assert messages(deploy=True) == []


@each(
    ("mistake", "expected"),
    [
        ({"ENV": None}, "wx_static_store.E001"),
        ({"ENV": "no such id!"}, "wx_static_store.E001"),
        ({"MAX_WORKER": 3}, "wx_static_store.E001"),
        ({"MAX_WORKERS": "3"}, "wx_static_store.E001"),
        ({"API_BASE_URL": "http://api.example.com"}, "wx_static_store.E001"),
        ({"default": {"OPTIONS": {"access_token": "planted"}}}, "wx_static_store.E001"),
        ({"ACCESS_TOKEN": None}, "wx_static_store.E002"),
        ({"staticfiles": {"BACKEND": WX}}, "wx_static_store.E003"),
        ({"STATIC_ROOT": None}, "wx_static_store.E004"),
        ({"BASE_URL": None}, "wx_static_store.W005"),
        ({"ON_DELETE": "ignore"}, "wx_static_store.W006"),
        ({"UPLOAD_STORES": ["default", "elsewhere"]}, "wx_static_store.E016"),
        ({"default": {"OPTIONS": None}}, "wx_static_store.E001"),
        ({"default": {"OPTIONS": ["location"]}}, "wx_static_store.E001"),
        ({"ENVIRONMENTS": "no.such.function"}, "wx_static_store.E001"),
        ({"UPLOAD_CHECK": "tests.broken_module.function"}, "wx_static_store.E001"),
        ({"TOKEN_PROVIDER": "no.such.provider"}, "wx_static_store.E018"),
        ({"TOKEN_PROVIDER": "tests.broken_module.provider"}, "wx_static_store.E018"),
        ({"default": {"OPTIONS": {"location": "static/"}}}, "wx_static_store.W020"),
    ],
)
def test_a_mistake_has_its_id_and_a_hint(
    project: Any, mistake: dict[str, Any], expected: str
) -> None:
    project(**mistake)
    found = messages()
    assert {message.id for message in found} == {expected}
    assert all(message.hint for message in found if message.id != "wx_static_store.E001")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("no.such.function", "No module named 'no'"),
        ("tests.urls.tenants", 'Module "tests.urls" does not define a "tenants" attribute/class'),
        ("tests.broken_module.tenants", "KeyError"),
    ],
)
def test_a_path_that_does_not_import_is_named_once_with_the_reason(
    project: Any, path: str, why: str
) -> None:
    project(ENVIRONMENTS=path)
    [message] = messages()
    assert message.msg == f"WX_STATIC_STORE: ENVIRONMENTS cannot be imported ({why})"
    assert str(message.hint).startswith("It must be a function, or the dotted path of one.")


def test_a_fault_of_a_store_of_its_own_is_named_beside_that_of_all(project: Any) -> None:
    project(MAX_WORKERS=0, default={"OPTIONS": {"location": "a//b"}})
    assert [str(message.msg).split(" must")[0] for message in messages()] == [
        "WX_STATIC_STORE: MAX_WORKERS",
        "STORAGES['default']: OPTIONS: location",
    ]


@pytest.mark.parametrize(
    "appid",
    [
        *("wx0000000000000000", "wx0000000000000001", "wxXXXXXXXXXXXXXXXX", "wx1234567890abcdef"),
        *("wx5a3c9e7b1d2f480", "5a3c9e7b1d2f4806", "your-appid"),
    ],
)
def test_an_appid_that_is_a_placeholder_is_a_warning(project: Any, appid: str) -> None:
    project(COMPONENT_APPID=appid)
    [message] = messages()
    assert message.id == "wx_static_store.W024"
    assert appid not in f"{message.msg} {message.hint}"  # a secret may stand there by mistake


def test_a_placeholder_is_right_for_the_emulator(project: Any) -> None:
    project(COMPONENT_APPID="wx0000000000000001", API_BASE_URL="http://127.0.0.1:8900")
    assert messages() == []


def test_a_storage_without_its_app_is_a_warning(project: Any, settings: Any) -> None:
    project()
    settings.INSTALLED_APPS = ["django.contrib.staticfiles"]
    assert set(ids(tags=[Tags.staticfiles])) == {"wx_static_store.W025"}


def test_the_checks_come_with_a_storage_where_the_app_is_not_installed() -> None:
    code = """
from django.conf import settings
settings.configure(INSTALLED_APPS=[])
import django
django.setup()
import wx_static_store.storage
from django.core.checks import run_checks
print(*[message.id for message in run_checks()])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["wx_static_store.W025"]


class Provider:
    """A project's own, whose making asks somebody."""

    def __init__(self) -> None:
        raise AssertionError("a check made it")


@pytest.mark.parametrize("provider", ["tests.conf.test_checks.Provider", Provider, lambda: "token"])
def test_a_token_provider_is_imported_and_not_made(project: Any, provider: Any) -> None:
    project(TOKEN_PROVIDER=provider)
    assert messages() == []


def test_stores_of_two_environments_may_have_one_location(project: Any) -> None:
    project(default={"OPTIONS": {"location": "static", "env": "env-2"}})
    assert "wx_static_store.W020" not in ids()


def test_a_site_of_a_built_front_end_needs_no_static_root(project: Any) -> None:
    django = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    project(STATIC_ROOT=None, default={"BACKEND": STATIC}, staticfiles=django)
    assert messages() == []


# --- settings of any shape ------------------------------------------------------------------------

_TEXTS = st.sampled_from(["", "default", "tests", "tests.broken_module.x", ".", WX, STATIC, LOCMEM])
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _TEXTS
_ANYTHING = st.recursive(
    _SCALARS | st.binary(max_size=3) | st.sets(st.integers(), max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SCALARS, inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([*OPTIONS])
_STORAGE = st.fixed_dictionaries(
    {},
    optional={
        "BACKEND": st.sampled_from([WX, STATIC]) | _ANYTHING,
        "OPTIONS": st.dictionaries(_NAMES | _SCALARS, _ANYTHING, max_size=3) | _ANYTHING,
    },
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "STORAGES": st.dictionaries(_TEXTS, _STORAGE | _ANYTHING, max_size=3) | _ANYTHING,
        "WX_STATIC_STORE": _ANYTHING
        | st.dictionaries(_NAMES.map(str.upper) | _SCALARS, _ANYTHING, max_size=4).map(
            lambda given: {"ENV": "env-1"} | CREDENTIALS | given
        ),
        "CACHES": _ANYTHING | st.dictionaries(_TEXTS, _ANYTHING, max_size=2),
        "STATIC_ROOT": _ANYTHING,
        "STATIC_URL": _ANYTHING,
    },
)


@given(changes=_SETTINGS)
def test_no_check_raises_whatever_the_settings_are(changes: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:  # Django's own receivers do not take every shape
        for name, value in changes.items():
            patch.setattr(django_settings, name, value)
        conf.settings._forget(setting="STORAGES")
        assert isinstance(messages(deploy=True), list)
    conf.settings._forget(setting="STORAGES")


@pytest.mark.parametrize("storages", [None, [], "default", {"default": None}, {"default": {}}])
def test_storages_of_another_shape_are_an_error(project: Any, settings: Any, storages: Any) -> None:
    project()
    settings.STORAGES = storages
    assert ids() == ["wx_static_store.E017"]


def test_credentials_need_a_source_of_tickets(project: Any, settings: Any) -> None:
    project(ACCESS_TOKEN=None, **CREDENTIALS | {"VERIFY_TICKET": None})
    assert ids() == []
    callback = "wx_static_store.callback"
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != callback]
    assert set(ids()) == {"wx_static_store.E015"}


def test_a_message_suggests_the_nearest_name(project: Any) -> None:
    project(MAX_WORKER=3)
    assert "Did you mean MAX_WORKERS? More: manage.py wx_explain E001" in {
        message.hint for message in messages()
    }


def test_stores_for_uploads_are_stores(project: Any) -> None:
    project(UPLOAD_STORES=["default", "staticfiles"])
    assert messages() == []


@pytest.mark.parametrize(
    ("alias", "hint"),
    [
        ("defualt", "Did you mean default?"),
        ("local", "Known are: default, staticfiles."),
    ],
)
def test_an_alias_for_uploads_that_is_no_store_of_ours_is_named_with_the_nearest(
    project: Any, settings: Any, alias: str, hint: str
) -> None:
    project(UPLOAD_STORES=["default", alias])
    settings.STORAGES = settings.STORAGES | {"local": LOCAL}
    [message] = messages()
    assert message.msg == f"UPLOAD_STORES names {alias!r}, which is no store of STORAGES."
    assert message.hint == f"{hint} More: manage.py wx_explain E016"


def test_the_hint_says_that_there_is_no_store(project: Any, settings: Any) -> None:
    project(UPLOAD_STORES=["default"])
    settings.STORAGES = {"default": LOCAL}
    [message] = messages()
    assert str(message.hint).startswith("Known are: none.")


def test_no_message_shows_a_secret(project: Any) -> None:
    project(MAX_WORKER=3, ACCESS_TOKEN=None, **CREDENTIALS)
    assert "planted" not in str(messages(deploy=True))


def test_collectstatic_runs_the_checks_about_static_files(project: Any) -> None:
    project(staticfiles={"BACKEND": WX})
    assert "wx_static_store.E003" in ids(tags=[Tags.staticfiles])
    with pytest.raises(Exception, match="E003"):
        call_command("collectstatic", interactive=False, verbosity=0, skip_checks=False)


def test_a_missing_package_of_another_storage_is_not_our_message(
    project: Any, settings: Any
) -> None:
    project()
    settings.STORAGES = settings.STORAGES | {"archive": {"BACKEND": "no.such.Storage"}}
    assert ids() == []


def test_the_checks_use_no_database_and_no_network(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin forbids the network, and without a mark there is no database here."""
    project(ACCESS_TOKEN=None, **CREDENTIALS)
    opened: list[object] = []
    monkeypatch.setattr("socket.socket.connect", lambda self, address: opened.append(address))
    call_command("check", deploy=True, fail_level="CRITICAL")
    assert opened == []


def test_every_option_is_checked_by_name() -> None:
    """An option without a check would be accepted unseen."""
    from wx_static_store.conf.options import Options

    derived = {"kind", "url_prefix"}
    assert {*Options.__dataclass_fields__} - derived == {*OPTIONS}


def test_an_alias_that_cannot_be_resolved_does_not_break_another(
    project: Any, settings: Any
) -> None:
    from wx_static_store.conf import options_for

    project(staticfiles={"OPTIONS": {"max_worker": 1}})
    assert options_for("default").env == "env-1"
    with pytest.raises(ConfigurationError):
        options_for("staticfiles")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("rest_framework.schemas.openapi.AutoSchema", ["wx_static_store.W023"]),
        ("drf_spectacular.openapi.AutoSchema", []),
    ],
)
def test_drf_spectacular_needs_its_own_schema_class(
    project: Any, settings: Any, schema: str, expected: list[str]
) -> None:
    project()
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "drf_spectacular"]
    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": schema}
    assert ids() == expected


@pytest.mark.parametrize(("app", "ids"), [("wx_static_store.health", []), ("", ["W031"])])
def test_alerts_need_the_app_that_sends_them(settings: Any, app: str, ids: list[str]) -> None:
    left = [name for name in settings.INSTALLED_APPS if name != "wx_static_store.health"]
    settings.INSTALLED_APPS = [*left, *filter(None, [app])]
    settings.WX_STATIC_STORE = {**settings.WX_STATIC_STORE, "ALERTS": ["shop.alerts.page"]}
    assert [each.id.rpartition(".")[2] for each in check_alerts(None)] == ids


@pytest.mark.parametrize("wait", ["outage", "always"])
def test_files_that_may_wait_need_a_storage_for_their_bytes(project: Any, wait: str) -> None:
    project(default={"OPTIONS": {"wait": wait}})
    assert ids() == ["wx_static_store.E032"]


def test_files_of_a_static_store_never_wait(project: Any) -> None:
    project(staticfiles={"OPTIONS": {"wait": "always"}})
    assert ids() == []
