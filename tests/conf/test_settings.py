"""Settings → one frozen `Options` per alias."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.tables import each, none_of
from wx_static_store.conf.options import MEDIA, OPTIONS, STATIC, Options
from wx_static_store.conf.options.entries import Scope
from wx_static_store.conf.settings import (
    SETTING,
    freeze,
    options_for,
    resolve,
    stores,
)
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import ConfigurationError

WX = "wx_static_store.storage.WxStorage"
STATICFILES = "wx_static_store.staticfiles.WxStaticFilesStorage"
VALUE = "canary-secret"


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    resolve.cache_clear()


@pytest.fixture
def options(settings: Any) -> Callable[..., Options]:
    """`options(ENV=…, url=…, kind=…, **OPTIONS)`: upper case stands in the setting."""

    def read(*, kind: str = MEDIA, **given: Any) -> Options:
        general = {name: value for name, value in given.items() if name.isupper()}
        setattr(settings, SETTING, {"ENV": "demo"} | general)
        own = {name: value for name, value in given.items() if not name.isupper()}
        return resolve(kind, freeze(own))

    return read


Read = Callable[..., Options]


# --- precedence -----------------------------------------------------------------------------


def test_an_option_without_a_setting_has_its_default(options: Read) -> None:
    """The table of the design, D8."""
    found = options()
    assert (found.location, found.base_url, found.file_overwrite) == ("", "", False)
    assert (found.on_delete, found.keep_only_hashed, found.trust_log) == ("blank", False, False)
    assert (found.max_workers, found.api_concurrency, found.max_attempts) == (20, None, 4)
    assert (found.deadline, found.connect_timeout, found.read_timeout) == (None, 10, 60)
    assert found.api_base_url == "https://api.weixin.qq.com"
    assert found.upload_hosts == (".myqcloud.com", ".tencentcos.cn")
    assert (found.token_provider, found.token_cache, found.progress) == (None, "default", None)


def test_the_setting_beats_the_default_and_options_beat_the_setting(options: Read) -> None:
    assert options(MAX_WORKERS=5).max_workers == 5
    assert options(MAX_WORKERS=5, max_workers=7).max_workers == 7


@pytest.mark.parametrize("name", ["max_workers", "location", "deadline", "progress", "base_url"])
def test_a_setting_of_none_is_not_set(options: Read, name: str) -> None:
    """As os.environ.get() gives it."""
    default = getattr(Options(), name)
    assert getattr(options(**{name: None}), name) == default
    assert getattr(options(**{name.upper(): None}), name) == default


def test_none_in_options_does_not_hide_the_setting(options: Read) -> None:
    assert options(MAX_WORKERS=5, max_workers=None).max_workers == 5


def test_false_and_the_empty_text_count_as_set(options: Read) -> None:
    assert options(FILE_OVERWRITE=True, file_overwrite=False).file_overwrite is False
    assert options(LOCATION="media", location="").location == ""


def test_options_are_frozen_and_serve_as_a_key(options: Read) -> None:
    found = options(cache_control=[["*.html", "no-cache"]], upload_hosts=["cdn.example.com"])
    assert hash(found) == hash(dataclasses.replace(found))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.env = "other"  # type: ignore[misc]


def test_a_changed_setting_is_followed(settings: Any) -> None:
    for workers in (3, 4):
        settings.WX_STATIC_STORE = {"ENV": "demo", "MAX_WORKERS": workers}
        assert resolve(MEDIA).max_workers == workers
    for address in ("https://a.example/", "https://b.example/"):
        settings.MEDIA_URL = address
        assert resolve(MEDIA).url_prefix == address


def test_a_changed_alias_is_followed(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENV": "demo"}
    for location in ("one/", "two/"):
        settings.STORAGES = {"media": {"BACKEND": WX, "OPTIONS": {"location": location}}}
        assert options_for("media").location == location


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "near"),
    [
        ({"APP_SECERT": VALUE}, ""),
        ({"COMPONENT_APPSECERT": VALUE}, "COMPONENT_APPSECRET"),
        ({"MAX_WORKER": 5}, "MAX_WORKERS"),
        ({"ACESS_TOKEN": VALUE}, "ACCESS_TOKEN"),
        ({"LOCATON": "a"}, "LOCATION"),
    ],
)
def test_a_misspelt_setting_names_its_nearest_neighbour(
    options: Read, given_: dict[str, Any], near: str
) -> None:
    """B39."""
    with pytest.raises(ConfigurationError) as caught:
        options(**given_)
    assert next(iter(given_)) in str(caught.value)
    assert (near or "Did you mean") in str(caught.value)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize(("name", "near"), [("max_worker", "max_workers"), ("locaton", "location")])
def test_a_misspelt_option_names_its_nearest_neighbour(options: Read, name: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=f"OPTIONS has no option '{name}'.*{near}"):
        options(**{name: 5})


def test_an_option_unlike_any_other_is_refused_with_all_names(options: Read) -> None:
    with pytest.raises(ConfigurationError, match=r"Known are: .*max_workers"):
        options(zzz=5)


def test_a_name_in_the_other_place_s_case_is_a_neighbour(settings: Any) -> None:
    """Lower case in OPTIONS, upper case in the setting: easily mixed up."""
    settings.WX_STATIC_STORE = {"env": "demo"}
    with pytest.raises(ConfigurationError, match=r"no option 'env'. Did you mean ENV\?"):
        resolve(MEDIA)
    with pytest.raises(ConfigurationError, match=r"no option 'ENV'. Did you mean env\?"):
        freeze({"ENV": "demo"})


@each("name", [name for name, entry in OPTIONS.items() if entry.scope is Scope.SETTINGS])
def test_a_secret_in_options_is_refused_and_not_shown(options: Read, name: str) -> None:
    """OPTIONS of a storage that is given to a field end up in a migration."""
    with pytest.raises(ConfigurationError) as caught:
        options(**{name: VALUE})
    assert f'WX_STATIC_STORE["{name.upper()}"]' in str(caught.value)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("name", ["ACCESS_TOKEN", "COMPONENT_APPSECRET", "VERIFY_TICKET"])
def test_a_secret_in_the_setting_does_not_print(options: Read, name: str) -> None:
    found = options(**{name: VALUE})
    secret = getattr(found, name.lower())
    assert secret == Secret(VALUE)
    assert VALUE not in repr(found)


@pytest.mark.parametrize("value", [VALUE, [VALUE], (VALUE, "older")])
def test_a_callback_secret_may_be_a_list_with_the_newest_first(options: Read, value: Any) -> None:
    found = options(CALLBACK_TOKEN=value)
    assert found.callback_token[0] == Secret(VALUE)
    assert VALUE not in repr(found)


def test_a_function_may_give_the_ticket(options: Read) -> None:
    def newest() -> str:
        return VALUE

    assert options(VERIFY_TICKET=newest).verify_ticket is newest


@pytest.mark.parametrize(
    ("value", "clean"), [(None, None), ([], ()), (("default", "media"), ("default", "media"))]
)
def test_an_unset_list_of_stores_for_uploads_is_not_an_empty_list(
    options: Read, value: Any, clean: Any
) -> None:
    assert options(UPLOAD_STORES=value).upload_stores == clean


# --- values ---------------------------------------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "env": ["", "a b", "a/b", "a\r", "demo\n", "a" * 65, "-a", "环境", 5, ["a"], b"demo"],
    "location": ["/a", "a//b", "..", "../a", "a/../b", ".", "a\\b", "a\nb", "a\x00", "/", 5, b"a"],
    "base_url": ["", "site", "/static/", "ftp://x", "https://x?a=b", "https://x#a", "https://u@x"],
    "file_overwrite": ["yes", 1, 0, "False"],
    "on_delete": ["delete", "", True, ["blank"]],
    "compress": ["br", "", True, ["gzip"]],
    "keep_only_hashed": ["no", 1],
    "trust_log": ["yes", 1],
    "cache_control": [5, ["no-cache"], [["*"]], [["*", 5]], [["*", "a\r\nX: y"]], [["*", " a"]]],
    "max_workers": ["4", 0, -1, True, 1.5, 257, float("nan"), [4]],
    "api_concurrency": ["4", 0, True],
    "max_attempts": ["4", 0, -1, True, 2.0],
    "deadline": ["25", 0, -1, True, float("nan"), float("inf")],
    "connect_timeout": ["10", 0, -1, True, float("nan")],
    "read_timeout": ["60", 0, False],
    "progress": ["yes", 1],
    "api_base_url": ["", "api.weixin.qq.com", "http://api.weixin.qq.com", "http://10.0.0.1"],
    "upload_hosts": ["*", ["*"], [".com"], ["com"], [], ".myqcloud.com", [".*.com"], [5], [""]],
    "token_provider": ["", 5, ["a.b"]],
    "token_cache": ["", 5],
}
WRONG_SETTINGS: dict[str, list[Any]] = {
    "ACCESS_TOKEN": ["", 5, b"x", ["x"]],
    "COMPONENT_APPID": ["", 5],
    "COMPONENT_APPSECRET": ["", 5],
    "VERIFY_TICKET": ["", 5, "no.such.function", "tests.conf.test_settings.VALUE"],
    "TOKEN_MIN_INTERVAL": ["60", 0, -1, True, float("nan"), 601],
    "CALLBACK_TOKEN": ["", "a b", 5, [], [5], ["good", ""]],
    "CALLBACK_AES_KEY": ["", "k" * 42, "k" * 44, "k" * 42 + "=", 5, [], ["k" * 43, "short"]],
    "CALLBACK_WINDOW": ["300", 0, True],
    "ENVIRONMENTS": ["", 5, "no.such.function", "tests.conf.test_settings.VALUE"],
    "RELEASE_STORAGE": ["", 5, ["releases"]],
    "WAIT": ["", "yes", True, 1],
    "WAITING_STORAGE": ["", 5, ["waiting"]],
    "WAITING_HOURS": [0, -1, 0.5, "48", True, 8761],
    "API_RATE": ["100", 0, -1, True, 0.001, 10_001, float("nan"), float("inf")],
    "CELERY_QUEUE": ["", 5, ["rollouts"]],
    "ROLLOUT_TIME_LIMIT": ["3600", 0, -1, True, float("nan"), 86_401],
    "ALERTS": ["", 5, "no.such.function", ["tests.conf.test_settings.VALUE"]],
    "ALERT_EMAILS": ["ops@example.com", [], [5], ["no address"]],
    "ALERT_WECOM_URL": ["", 5, "key", "http://qyapi.example.com/send?key=k"],
    "UPLOAD_STORES": ["default", 5, [5], [["default"]], {"default": "demo"}, {"default"}],
    "UPLOAD_LOCATION": ["/a", "..", "a//b", "a\\b", 5],
    "UPLOAD_MAX_SIZE": ["300", 0, -1, True, 1.5, 5 * 2**30 + 1],
    "UPLOAD_EXTENSIONS": ["png", [".png"], ["tar.gz"], [""], 5, [5.5]],
    "UPLOAD_CHECK": ["", 5, "no.such.function", "tests.conf.test_settings.VALUE"],
    "DOCS_URL": ["", "docs.example.com", "https://docs.example.com/?page=", 5],
}


@each(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_names_its_option(options: Read, name: str, value: Any) -> None:
    """B40 to B46, in either place."""
    with pytest.raises(ConfigurationError, match=f"^OPTIONS: {name} must be"):
        options(**{name: value})
    with pytest.raises(ConfigurationError, match=f"^WX_STATIC_STORE: {name.upper()} must be"):
        options(**{name.upper(): value})


@each(
    ("name", "value"),
    [(name, value) for name, values in WRONG_SETTINGS.items() for value in values],
)
def test_a_wrong_value_of_the_platform_names_its_setting(
    options: Read, name: str, value: Any
) -> None:
    """B43 among them: an AES key that is none."""
    with pytest.raises(ConfigurationError, match=f"^WX_STATIC_STORE: {name} (must be|cannot)"):
        options(**{name: value})


def test_every_option_has_wrong_values_in_this_test() -> None:
    fields = {field.name for field in dataclasses.fields(Options)} - {"kind", "url_prefix"}
    tested = {*WRONG, *map(str.lower, WRONG_SETTINGS)}
    place = "WRONG or WRONG_SETTINGS in tests/conf/test_settings.py"
    none_of(f"Add values that {name} refuses to {place}" for name in fields - tested)
    none_of(f"{name} is no option: take it out of {place}" for name in tested - fields)


@pytest.mark.parametrize("value", [{".myqcloud.com"}, bytearray(b"x"), frozenset({"a"})])
def test_a_value_that_cannot_be_a_key_is_wrong_as_any_other(options: Read, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="upload_hosts must be"):
        options(upload_hosts=value)


def test_a_configuration_error_is_django_s_own_too(options: Read) -> None:
    with pytest.raises(ImproperlyConfigured):
        options(max_workers="4")


RIGHT: list[tuple[str, Any, Any]] = [
    ("location", "static", "static/"),
    ("location", "static/", "static/"),
    ("location", "a/文 档", "a/文 档/"),
    ("base_url", "https://site.example", "https://site.example/"),
    ("base_url", "http://127.0.0.1:8901/", "http://127.0.0.1:8901/"),
    ("api_base_url", "http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
    ("api_base_url", "http://localhost:8900", "http://localhost:8900"),
    ("api_base_url", "http://[::1]:8900", "http://[::1]:8900"),
    ("cache_control", "no-cache", (("*", "no-cache"),)),
    ("cache_control", [["*.html", "no-cache"]], (("*.html", "no-cache"),)),
    ("cache_control", {"*.html": "no-cache"}, (("*.html", "no-cache"),)),
    ("upload_hosts", ["cdn.example.com"], ("cdn.example.com",)),
    ("deadline", 90, 90.0),
    ("progress", False, False),
    ("max_workers", 256, 256),
]


@each(("name", "value", "clean"), RIGHT)
def test_a_valid_value_is_normalized(options: Read, name: str, value: Any, clean: Any) -> None:
    assert getattr(options(**{name: value}), name) == clean
    assert getattr(options(**{name.upper(): value}), name) == clean


def test_a_function_may_give_the_environment(options: Read) -> None:
    def current() -> str:
        return "tenant"

    assert options(env=current).env is current


def test_without_an_environment_there_is_no_store(settings: Any) -> None:
    """B38: at first use, not at import."""
    settings.WX_STATIC_STORE = {}
    with pytest.raises(ConfigurationError, match=r'Set WX_STATIC_STORE\["ENV"\]'):
        resolve(MEDIA)
    del settings.WX_STATIC_STORE
    with pytest.raises(ConfigurationError, match="No cloud environment"):
        resolve(MEDIA)


@pytest.mark.parametrize("value", [None, [], "ENV", 5])
def test_the_setting_must_be_a_dictionary(settings: Any, value: Any) -> None:
    settings.WX_STATIC_STORE = value
    with pytest.raises(ConfigurationError, match="must be a dictionary"):
        resolve(MEDIA)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@examples(200)
@given(st.dictionaries(st.sampled_from(sorted(WRONG)) | st.text(max_size=5), _VALUES, max_size=3))
def test_any_options_are_read_or_refused_with_a_configuration_error(given_: dict[str, Any]) -> None:
    """H14."""
    try:
        found = resolve(MEDIA, freeze({"env": "demo"} | given_))
    except ConfigurationError:
        return
    assert isinstance(found, Options)


# --- the public address ---------------------------------------------------------------------

SITE = "https://site.example/"


@pytest.mark.parametrize(("kind", "name"), [(STATIC, "STATIC_URL"), (MEDIA, "MEDIA_URL")])
def test_an_absolute_url_of_django_s_own_is_the_prefix_of_names(
    options: Read, settings: Any, kind: str, name: str
) -> None:
    """It already includes the location."""
    setattr(settings, name, SITE + "static/")
    found = options(kind=kind, location="static")
    assert (found.base_url, found.url_prefix) == ("", SITE + "static/")


@pytest.mark.parametrize("kind", [STATIC, MEDIA])
def test_a_relative_url_of_django_s_own_says_nothing(
    options: Read, settings: Any, kind: str
) -> None:
    settings.STATIC_URL, settings.MEDIA_URL = "/static/", "media/"
    found = options(kind=kind)
    assert (found.base_url, found.url_prefix) == ("", "")


def test_base_url_beats_django_s_own(options: Read, settings: Any) -> None:
    settings.MEDIA_URL = "https://other.example/"
    found = options(BASE_URL=SITE)
    assert (found.base_url, found.url_prefix) == (SITE, "")


def test_base_url_of_options_beats_that_of_the_setting(options: Read) -> None:
    assert options(BASE_URL="https://other.example", base_url=SITE).base_url == SITE


def test_a_storage_for_another_environment_does_not_inherit_an_address(
    options: Read, settings: Any
) -> None:
    settings.MEDIA_URL = SITE
    for found in (options(env="tenant"), options(env="tenant", BASE_URL=SITE)):
        assert (found.base_url, found.url_prefix) == ("", "")


def test_a_storage_that_repeats_the_general_environment_keeps_its_address(options: Read) -> None:
    assert options(env="demo", BASE_URL=SITE).base_url == SITE


def test_a_storage_s_own_address_is_kept(options: Read) -> None:
    assert options(env="tenant", base_url=SITE).base_url == SITE


def test_where_a_function_gives_the_environment_django_s_own_url_says_nothing(
    options: Read, settings: Any
) -> None:
    settings.MEDIA_URL = SITE
    assert options(ENV=lambda: "tenant").url_prefix == ""


def test_another_tenant_does_not_inherit_the_address(options: Read, settings: Any) -> None:
    settings.MEDIA_URL = SITE
    for found in (options(), options(base_url=SITE)):
        tenant = found.for_env("tenant")
        assert (tenant.env, tenant.base_url, tenant.url_prefix) == ("tenant", "", "")


@pytest.mark.parametrize("env", [None, "demo"])
def test_the_same_environment_keeps_the_address(options: Read, env: str | None) -> None:
    assert options(base_url=SITE).for_env(env).base_url == SITE


@pytest.mark.parametrize("env", ["", "a b", "../x", 5])
def test_another_environment_is_checked_too(options: Read, env: Any) -> None:
    with pytest.raises(ConfigurationError, match="env must be the id of a cloud environment"):
        options().for_env(env)


# --- aliases --------------------------------------------------------------------------------


@pytest.fixture
def aliases(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENV": "demo"}
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "media": {"BACKEND": WX, "OPTIONS": {"location": "media"}},
        "staticfiles": {"BACKEND": STATICFILES},
    }


@pytest.mark.usefixtures("aliases")
def test_a_store_is_an_alias_with_one_of_our_classes() -> None:
    assert {alias: kind for alias, (kind, _given) in stores().items()} == {
        "media": MEDIA,
        "staticfiles": STATIC,
    }


@pytest.mark.usefixtures("aliases")
def test_the_options_of_an_alias_need_no_storage_object() -> None:
    assert options_for("media").location == "media/"
    assert options_for("staticfiles").kind == STATIC


@pytest.mark.usefixtures("aliases")
@pytest.mark.parametrize("alias", ["default", "nowhere"])
def test_an_alias_that_is_not_ours_is_refused_with_those_that_are(alias: str) -> None:
    with pytest.raises(ConfigurationError, match="media, staticfiles"):
        options_for(alias)


def tenant() -> str:
    return "tenant-b"


def test_the_path_of_a_function_is_the_function(options: Read) -> None:
    assert options(env="tests.conf.test_settings.tenant").settled().env == "tenant-b"


def test_an_error_of_an_environments_function_names_the_setting(options: Read) -> None:
    def failing() -> str:
        raise LookupError("no tenant here")

    with pytest.raises(ConfigurationError, match=r"env failed \(LookupError: no tenant here\)"):
        options(env=failing).settled()


@pytest.mark.parametrize("path", [f"{__name__}.nobody", "no.such.module", f"{__name__}.WX"])
def test_a_path_that_leads_to_no_function_is_refused(options: Read, path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"env (cannot be imported|must be the id)"):
        options(env=path)
