"""System checks: each mistake has an id and a hint, and costs no call and no query."""

from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import call_command

from wx_static_store.exceptions import ConfigurationError
from wx_static_store.options import CHECKS

WX = "wx_static_store.storage.WxStorage"
STATIC = "wx_static_store.staticfiles.WxStaticFilesStorage"
LOCAL = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1"}
CALLBACK = {
    "COMPONENT_APPID": "wx0000000000000001",
    "CALLBACK_TOKEN": "planted-callback-token",
    "CALLBACK_AES_KEY": "planted0callback0key".ljust(43, "A"),
}
CREDENTIALS = {
    "COMPONENT_APPID": "wx0000000000000001",
    "COMPONENT_APPSECRET": "planted-appsecret",
    "VERIFY_TICKET": lambda: "",
}


@pytest.fixture
def project(settings: Any) -> Any:
    """`project(STATIC_URL=…, **WX_STATIC_STORE)`: a sound project, but for what is given."""

    def make(*, default: Any = None, staticfiles: Any = None, **changes: Any) -> None:
        settings.STORAGES = {
            "default": {"BACKEND": WX} | (default or {}),
            "staticfiles": {"BACKEND": STATIC} | (staticfiles or {}),
        }
        settings.STATIC_ROOT = changes.pop("STATIC_ROOT", "/srv/static")
        settings.MIGRATION_MODULES = changes.pop("MIGRATION_MODULES", {})
        settings.CACHES = {"default": changes.pop("CACHE", REDIS)}
        sound = {"ENV": "env-1", "ACCESS_TOKEN": "t", "BASE_URL": "https://www.example.com"}
        sound |= CALLBACK
        settings.WX_STATIC_STORE = sound | changes

    return make


def messages(*, deploy: bool = False, tags: Any = ("wx_static_store",)) -> list[CheckMessage]:
    return run_checks(tags=list(tags), include_deployment_checks=deploy)


def ids(**kwargs: Any) -> list[str | None]:
    return [message.id for message in messages(**kwargs)]


def test_a_sound_project_has_no_messages(project: Any) -> None:
    project()
    assert messages(deploy=True) == []


@pytest.mark.parametrize(
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
        ({"MIGRATION_MODULES": {"wx_static_store": None}}, "wx_static_store.W008"),
        ({"MIGRATION_MODULES": {"wx_static_store": "tests.bookshop"}}, "wx_static_store.W008"),
    ],
    ids=str,
)
def test_a_mistake_has_its_id_and_a_hint(
    project: Any, mistake: dict[str, Any], expected: str
) -> None:
    project(**mistake)
    found = messages()
    assert {message.id for message in found} == {expected}
    assert all(message.hint for message in found if message.id != "wx_static_store.E001")


@pytest.mark.parametrize(
    "backend",
    ["locmem.LocMemCache", "dummy.DummyCache", "filebased.FileBasedCache", "db.DatabaseCache"],
)
def test_a_cache_that_cannot_share_a_token_is_named_and_an_error_at_deployment(
    project: Any, backend: str
) -> None:
    """T08: one message for the cache, however many stores use it."""
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "x"}
    project(CACHE=cache, ACCESS_TOKEN=None, **CREDENTIALS)
    assert ids() == ["wx_static_store.W007"]
    assert ids(deploy=True) == ["wx_static_store.W007", "wx_static_store.E009"]


def test_a_token_cache_that_is_not_configured_is_named(project: Any) -> None:
    project(TOKEN_CACHE="tokens", ACCESS_TOKEN=None, **CREDENTIALS)
    assert [m.msg for m in messages()] == [
        "The cache 'tokens', which is to hold the platform's token, is not in CACHES."
    ]


class OwnCache(LocMemCache):
    """A project's own, with a key of its own."""


@pytest.mark.parametrize("backend", ["tests.test_checks.OwnCache", "no.such.Cache"])
def test_a_cache_of_the_project_s_own_is_looked_at_by_what_it_is(
    project: Any, backend: str
) -> None:
    project(CACHE={"BACKEND": backend}, ACCESS_TOKEN=None, **CREDENTIALS)
    assert ids() == ["wx_static_store.W007"]


def test_credentials_need_a_source_of_tickets(project: Any, settings: Any) -> None:
    project(ACCESS_TOKEN=None, **CREDENTIALS | {"VERIFY_TICKET": None})
    assert ids() == []
    callback = "wx_static_store.callback"
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != callback]
    assert set(ids()) == {"wx_static_store.E015"}


def test_a_fixed_token_needs_no_shared_cache(project: Any) -> None:
    project(CACHE={"BACKEND": LOCMEM})
    assert ids(deploy=True) == []


def test_the_nearest_name_is_told(project: Any) -> None:
    project(MAX_WORKER=3)
    assert "Did you mean MAX_WORKERS?" in {message.hint for message in messages()}


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
    assert message.hint == hint


def test_without_a_store_the_hint_says_so(project: Any, settings: Any) -> None:
    project(UPLOAD_STORES=["default"])
    settings.STORAGES = {"default": LOCAL}
    assert [message.hint for message in messages()] == ["Known are: none."]


def test_no_message_shows_a_secret(project: Any) -> None:
    project(MAX_WORKER=3, ACCESS_TOKEN=None, **CREDENTIALS)
    assert "planted" not in str(messages(deploy=True))


def test_collectstatic_runs_those_about_static_files(project: Any) -> None:
    project(staticfiles={"BACKEND": WX})
    assert "wx_static_store.E003" in ids(tags=[Tags.staticfiles])
    with pytest.raises(Exception, match="E003"):
        call_command("collectstatic", interactive=False, verbosity=0, skip_checks=False)


def test_another_storages_missing_package_is_not_our_message(project: Any, settings: Any) -> None:
    project()
    settings.STORAGES = settings.STORAGES | {"archive": {"BACKEND": "no.such.Storage"}}
    assert ids() == []


def test_checks_ask_no_database_and_no_network(
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
    from wx_static_store.options import SETTINGS_ONLY, Options

    derived = {"kind", "url_prefix"}
    assert {*Options.__dataclass_fields__} - derived == {*CHECKS, *SETTINGS_ONLY}


def test_an_alias_that_cannot_be_resolved_does_not_break_another(
    project: Any, settings: Any
) -> None:
    from wx_static_store.conf import options_for

    project(staticfiles={"OPTIONS": {"max_worker": 1}})
    assert options_for("default").env == "env-1"
    with pytest.raises(ConfigurationError):
        options_for("staticfiles")
