"""What we promise about secrets, caches, masks and files at rest."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as configured, settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.test import RequestFactory, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from redis import Redis
from rest_framework.test import APIRequestFactory, force_authenticate

from tests.callback import pushes
from tests.docs.fresh_project import block
from tests.permissions import ROWS, add_rows, ask, log_in, settings_of
from tests.tokens.harness import CacheServer, is_installed
from wx_static_store.admin.places import Places
from wx_static_store.api.base import Throttle
from wx_static_store.callback import tickets
from wx_static_store.clients.shared import SharedState
from wx_static_store.conf import options_for, platform_options
from wx_static_store.conf.offered import Offer
from wx_static_store.conf.options import OPTIONS
from wx_static_store.core.frames import described
from wx_static_store.core.notes import Notes
from wx_static_store.core.pushes import keep_refused, newest_refused
from wx_static_store.core.secrets import Secret, masked
from wx_static_store.deploy.locks import DeployLock
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatBusy, WxStaticStoreError
from wx_static_store.health.alerts import alert
from wx_static_store.health.doctor import latest
from wx_static_store.log import diagnosis
from wx_static_store.models import UploadLog
from wx_static_store.rollouts.admin import table
from wx_static_store.submit import by_workers, progress
from wx_static_store.upload import claims
from wx_static_store.upload.hosting import Hostings
from wx_static_store.upload.platform import platform_notes
from wx_static_store.upload.store import get_store
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db


PACKAGE = Path(progress.__file__).parents[1]

# The shared cache

DEFAULT = "django.core.cache.backends.redis.RedisSerializer"


@pytest.fixture(scope="module")
def server() -> Iterator[CacheServer]:
    if not (is_installed("Redis") or os.environ.get("WX_REQUIRE_SERVICES")):
        pytest.skip("redis-server is not installed")
    with CacheServer("Redis") as server:
        yield server


@pytest.fixture
def redis(server: CacheServer, configure: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Let the app keep JSON in Redis, as docs/howto/tokens.rst says; return a client of it."""
    monkeypatch.setenv("WX_REDIS_URL", server.settings["LOCATION"])
    given: dict[str, Any] = {"os": os, "CACHES": {}, "WX_STATIC_STORE": {}}
    exec(block("howto/tokens", "json-cache").text, given)
    caches = {"default": server.settings, **given["CACHES"]}
    account = configure().state.account
    options = {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": account.appid,
        "COMPONENT_APPSECRET": account.appsecret,
        "VERIFY_TICKET": account.ticket,
        "ALERTS": [lambda alert: None],
    }
    configure(CACHES=caches, WX_STATIC_STORE=options | given["WX_STATIC_STORE"])
    with Redis(port=server.port) as client:
        client.flushall()
        yield client


class Planted:
    """A pickle whose reading writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(("serializer", "ran"), [(None, False), (DEFAULT, True)])
def test_a_stranger_s_pickle_runs_only_where_the_cache_keeps_no_json(
    serializer: str | None, ran: bool, redis: Redis, settings: Any, tmp_path: Path
) -> None:
    if serializer:
        settings.CACHES["wx"]["OPTIONS"]["serializer"] = serializer
    get_store("default").tokens.get()
    for key in redis.scan_iter():
        redis.set(key, pickle.dumps(Planted(tmp_path / "ran")))
    assert get_store("default").tokens.get()
    assert (tmp_path / "ran").exists() == ran


@pytest.mark.django_db
def test_a_stranger_s_pickle_in_a_cache_of_the_database_runs(settings: Any, tmp_path: Path) -> None:
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "kept_values"}}
    call_command("createcachetable")
    caches["default"].set("key", Planted(tmp_path / "ran"))
    assert caches["default"].get("key") is None
    assert (tmp_path / "ran").exists()


def _token() -> bool:
    SharedState(lambda: caches["wx"], "a").write("name", [1.5], 60)
    return SharedState(lambda: caches["wx"], "a").read("name") == [1.5]


def _claims() -> bool:
    options = options_for("default")
    claims.note_abandoned(options, "a", 1, "md5", "b c")
    won = claims.Claim().take(options, "a"), claims.Claim().take(options, "a")
    return won == (True, False) and claims.abandoned_object(options, "a", 1) == ("md5", "b c")


def _count() -> bool:
    remembered = platform_notes(platform_options())
    remembered.write("name", {"a": None}, 60)
    counted = [remembered.count("number", 7, 60) for _ in range(2)]
    return counted == [8, 9] and remembered.read("name") == {"a": None}


def _hosting() -> bool:
    hostings = Hostings(platform_options())
    return hostings.keep("env-1", None) == hostings.get("env-1")


def _progress() -> bool:
    note = progress.note_of("a")
    assert note
    note(5)
    return progress.sent_of("a", "b") == [5, 0]


def _asked() -> bool:
    notes = Notes("push", platform_options().token_cache, seconds=2)
    notes.write("asked", 1)
    return notes.read("asked") == 1


def _alert() -> bool:
    one = alert.Alert("cause", "title", "text")
    return [alert.send(one) for _ in range(2)] == [True, False]


def _lock() -> bool:
    one, other = (DeployLock(get_uploader("staticfiles")) for _ in range(2))
    one.take(wait=False)
    return one._notes.read("holder") == other._notes.read("holder") == one._me


def _ticket() -> bool:
    created = int(time.time())
    assert tickets._to_cache("wx1", tickets.seal(Secret("ticket"), tickets.TICKETS), created)
    return tickets.newest("wx1") == "ticket"


def _refused_push() -> bool:
    keep_refused("wx", "wx1", "signature")
    return newest_refused("wx", "wx1") is not None


def _health() -> bool:
    return latest.keep([]) == latest.latest()


def _again() -> bool:
    row = UploadLog(pk=1)
    notes: Any = by_workers.shared_notes("again", by_workers.KEPT)
    notes.write("1", WeChatBusy("busy", errcode=-1, pause=0.5).as_dict())
    return str(by_workers.refusals([row])[1].reason) == str(WeChatBusy("busy", errcode=-1))


def _order() -> bool:
    offers = {f"env-{number}": Offer("A tenant") for number in range(table.PAGE + 1)}
    known = Places(User(pk=1))
    first, kept = (
        table.OverviewTable(QueryDict(), offers, [], known=known).page.paginator for _ in range(2)
    )
    return [*first.object_list] == [*kept.object_list] and kept.count == len(offers)


def _diagnosis() -> bool:
    found = diagnosis._reason(diagnosis.UNKNOWN, errcode=diagnosis.UNKNOWN)
    options = options_for("default")
    platform_notes(options).write("rid:rid", diagnosis._dump(found))
    kept = diagnosis._load(platform_notes(options).read("rid:rid"))
    return isinstance(kept, diagnosis.NoDiagnosis)


def _throttle() -> bool:
    asked = []
    for _ in range(2):
        request = APIRequestFactory().get("/")
        force_authenticate(request, User(pk=1))
        request.user = User(pk=1)
        throttle = Throttle("wx_static_store_list")
        assert throttle.allow_request(request, None)
        asked.append(len(throttle.history))
    return asked[1] - asked[0] == 1


# By the modules that ask a cache; what a module keeps is read as it was written.
KEPT: dict[str, Callable[[], bool]] = {
    "health/alerts/alert.py": _alert,
    "api/base.py": _throttle,
    "callback/tickets.py": _ticket,
    "callback/views.py": _refused_push,
    "deploy/locks.py": _lock,
    "health/doctor/latest.py": _health,
    "health/doctor/pushes.py": _refused_push,
    "rollouts/admin/table.py": _order,
    "submit/by_workers.py": _again,
    "submit/progress.py": _progress,
    "submit/queue.py": _asked,
    "upload/claims.py": _claims,
    "upload/hosting.py": _hosting,
    "upload/platform.py": lambda: _count() and _token() and _diagnosis(),
}


@pytest.mark.parametrize("module", KEPT)
def test_what_a_module_keeps_in_the_shared_cache_is_json(module: str, redis: Redis) -> None:
    assert KEPT[module]()


def test_the_list_of_modules_that_keep_something_is_whole() -> None:
    keeps = re.compile(r"\b(Notes|shared_notes|SharedCache|keep_refused|newest_refused)\(")
    keeping = (path for path in PACKAGE.rglob("*.py") if keeps.search(path.read_text("utf-8")))
    below = {"core/notes.py", "core/pushes.py", "clients/shared.py"}
    assert {path.relative_to(PACKAGE).as_posix() for path in keeping} - below == {*KEPT}


SECURITY = (Path(__file__).parents[2] / "SECURITY.rst").read_text("utf-8")

# Answers and rows -------------------------------------------------------------------------------


@pytest.fixture
def component(configure: Any, tmp_path: Path, emulator: EmulatorServer) -> EmulatorServer:
    """Serve all entry points for a platform that fetches its own tokens."""
    account = emulator.state.account
    wanted = settings_of(tmp_path / "releases")
    wanted["WX_STATIC_STORE"] |= {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": account.appid,
        "COMPONENT_APPSECRET": account.appsecret,
        "VERIFY_TICKET": lambda: account.ticket,
    }
    configure(**wanted)
    return emulator


def secrets_of(site: EmulatorServer) -> set[str]:
    account, options = site.state.account, configured.WX_STATIC_STORE
    hidden = (options[name].reveal() for name in ("CALLBACK_TOKEN", "CALLBACK_AES_KEY"))
    ours = {*hidden, configured.SECRET_KEY}
    theirs = {account.appsecret, account.ticket, account.security_token, site.access_token}
    return ours | theirs | {pushes.TICKET, "q-signature"}


def everything_in_the_database() -> str:
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return repr(rows)


@pytest.mark.parametrize("refused", [False, True])
def test_no_answer_of_any_address_and_no_row_has_a_secret(
    component: EmulatorServer, refused: bool
) -> None:
    """Also where WeChat refuses each call in words that quote the secrets."""
    row, client, secrets = add_rows(component), log_in("superuser"), secrets_of(component)
    assert pushes.push(pushes.ticket()).send().status_code == 200
    if refused:
        fault = {"do": "errcode", "errcode": 40097, "times": None}
        fault["errmsg"] = " ".join(f"access_token={each}" for each in secrets)
        for call in ("staticuploadfile", "staticfilelist", "describestaticstore", "rid_get"):
            component.script(fault | {"on": call})
    texts = {at: b"".join(ask(client, *at, row)).decode(errors="replace") for at in ROWS}
    texts |= {("the", "data", "base"): everything_in_the_database()}
    assert [(at, each) for at, text in texts.items() for each in secrets if each in text] == []
    assert "uploads/first.png" in texts["the", "data", "base"]


# After a leak: what SECURITY.rst says to do -----------------------------------------------------


def test_the_command_that_ends_a_token_fails_within_a_minute_of_its_fetch(
    component: EmulatorServer,
) -> None:
    """Two systems that fetch in turn would end each other's token without end."""
    assert get_store("default").tokens.get()
    (line,) = re.findall(r"^    \$ python manage\.py (shell .+)$", SECURITY, re.MULTILINE)
    with pytest.raises(WxStaticStoreError):
        call_command(*shlex.split(line))
    assert len(component.calls("api_component_token")) == 1


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
@pytest.mark.parametrize("option", ["RELEASE_STORAGE", "WAITING_STORAGE"])
def test_the_check_warns_of_kept_files_that_every_local_user_can_read(
    configure: Any, tmp_path: Path, option: str, mode: Any, found: list[str]
) -> None:
    from wx_static_store.conf.release_checks import check_release_storage

    kept = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "kept"), **mode},
    }
    configure(STORAGES={"kept": kept}, WX_STATIC_STORE={option: "kept"}, DEBUG=True)
    ids = [str(each.id).rpartition(".")[2] for each in check_release_storage(None)]
    name = storages["kept"].save("a", ContentFile(b"x"))
    can_read = (tmp_path / "kept" / name).stat().st_mode & 0o007
    assert (ids, bool(can_read)) == (found, bool(found))
