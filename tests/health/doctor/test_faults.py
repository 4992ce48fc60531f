"""
Faults × checks: each fault is named by its check, and nothing else is.

A row says what is broken, which checks are wrong (✗) or doubtful (!), and words of the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils import timezone
from django.utils.translation import override

from tests.callback.pushes import AES_KEY, TOKEN as PUSH_TOKEN
from tests.conftest import ENV, close_connections, configured
from tests.tables import each, none_of
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.callback.tickets import save
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET, TICKET
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Mark, Result
from wx_static_store.health.doctor.report import as_dict, lines
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db(transaction=True)

WECHAT_SAYS = ("access clientip is not registered", "reach max api daily quota limit")
NOWHERE = "http://127.0.0.1:9"
SECRETS = (APPSECRET, TICKET, PUSH_TOKEN, AES_KEY, "emulator-access-token", "planted")


class Shared(BaseCache):
    """A cache that all processes share, as far as the checks can see."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._kept = LocMemCache(f"faults-{name}", params)

    def __getattribute__(self, name: str) -> Any:
        if name in ("get", "set", "add", "touch", "delete", "clear", "has_key"):
            return getattr(object.__getattribute__(self, "_kept"), name)
        return object.__getattribute__(self, name)


class Dead(BaseCache):
    """A cache whose server is away."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://user:planted@cache.example/0")

    get = set = add = delete = touch = _fail


SHARED = {"default": {"BACKEND": f"{__name__}.Shared"}}
DEAD = {"default": {"BACKEND": f"{__name__}.Dead"}}
DUMMY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
WX_STORAGE = {"BACKEND": "wx_static_store.storage.WxStorage"}


def failing() -> str:
    raise LookupError("no answer of https://joe:planted@tokens.example/")


def old_ticket(hours: float) -> Callable[[], None]:
    """Let the newest ticket that the callback kept be that old."""

    def keep() -> None:
        save(APPID, Secret(TICKET), int(time() - hours * 3600))
        then = timezone.now() - timedelta(hours=hours)
        VerifyTicket.objects.update(received=then)

    return keep


def spent(count: int) -> Callable[[], None]:
    """Let that many links have been asked for today."""

    def ask() -> None:
        target = CheckTarget()
        for _number in range(count):
            target.ask(target.wechat.upload_link, ENV, "a")

    return ask


def forgotten() -> None:
    """Let a rollout have waited for a worker since yesterday."""
    row = Rollout.objects.create(using="default", state="running", wave=1, waves="100%")
    since = timezone.now() - timedelta(days=1)
    row.environments.create(env=ENV, position=0, wave=1, state="queued", since=since)


def fetched(**changes: Any) -> dict[str, Any]:
    """Return the settings of a platform that fetches its token."""
    own = {"COMPONENT_APPID": APPID, "COMPONENT_APPSECRET": APPSECRET, "ACCESS_TOKEN": None}
    return own | changes


def tenants(user: Any) -> dict[str, str]:
    return {ENV: "A", "gone-0fake0fake01": "B"}


@dataclass(frozen=True)
class Fault:
    """What is broken, and what the doctor must say of it."""

    words: str
    wrong: str = ""  # ids of checks
    doubtful: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # of WX_STATIC_STORE
    django: Mapping[str, Any] = field(default_factory=dict)  # others of Django
    quirks: Mapping[str, Any] = field(default_factory=dict)
    script: tuple[dict[str, Any], ...] = ()
    before: Callable[[], None] | None = None
    target: Mapping[str, Any] = field(default_factory=dict)


def wechat(do: str, on: str = "describeenvs", **more: Any) -> tuple[dict[str, Any], ...]:
    return ({"on": on, "do": do, "times": None, **more},)


FAULTS = {
    # --- settings ---------------------------------------------------------------------------
    "an unknown option": Fault(
        "WX_STATIC_STORE has no option 'LOCATON'",
        "settings.checks",
        settings={"LOCATON": "a/"},
    ),
    "no store": Fault(
        "STORAGES has no alias",
        "settings.stores",
        django={"STORAGES": {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}},
    ),
    "a storage of media for static files": Fault(
        "would upload each file on its own",
        "settings.checks",
        django={
            "STORAGES": {
                "default": WX_STORAGE,
                "staticfiles": WX_STORAGE | {"OPTIONS": {"location": "s"}},
            }
        },
    ),
    "two stores at one place": Fault(
        "write to one environment at one location",
        doubtful="settings.checks",
        django={"STORAGES": {"default": WX_STORAGE, "other": WX_STORAGE}},
    ),
    "a provider that does not import": Fault(
        "token_provider cannot be imported",
        "settings.checks token.source",
        settings={"TOKEN_PROVIDER": "nowhere.token", "ACCESS_TOKEN": None},
    ),
    "no source of a token": Fault(
        "no source of a component_access_token",
        "settings.checks token.source",
        settings={"ACCESS_TOKEN": None},
    ),
    "a token in a cache of each process": Fault(
        "each process's own",
        "settings.checks",
        settings=fetched(VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": LOCAL},
    ),
    "a push that has no address": Fault(
        "No address of ROOT_URLCONF leads to",
        doubtful="settings.checks",
        django={"ROOT_URLCONF": "tests.api.urls"},
    ),
    # --- database and cache -------------------------------------------------------------------
    "a cache that is away": Fault(
        "ConnectionError",
        doubtful="cache.works",
        django={"CACHES": DEAD},
    ),
    "a cache that is away, and a token to share": Fault(
        "ConnectionError",
        "cache.works",
        settings=fetched(VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": DEAD},
    ),
    "a cache that keeps nothing": Fault(
        "keeps nothing",
        doubtful="cache.works",
        django={"CACHES": DUMMY},
    ),
    # --- workers --------------------------------------------------------------------------------
    "a rollout without a worker": Fault(
        "has waited for Celery's workers since", "workers.waiting", before=forgotten
    ),
    # --- token ----------------------------------------------------------------------------------
    "a spent token": Fault(
        "ACCESS_TOKEN has expired", "token.accepted", settings={"ACCESS_TOKEN": "planted-spent"}
    ),
    "a provider that fails": Fault(
        "LookupError", "token.source", settings={"TOKEN_PROVIDER": failing, "ACCESS_TOKEN": None}
    ),
    "a provider that gives junk": Fault(
        "no usable token",
        "token.source",
        settings={"TOKEN_PROVIDER": lambda: None, "ACCESS_TOKEN": None},
    ),
    "a wrong appsecret": Fault(
        "COMPONENT_APPSECRET",
        "token.source",
        settings=fetched(COMPONENT_APPSECRET="planted-wrong", VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": SHARED},
    ),
    "a wrong appid": Fault(
        "COMPONENT_APPID",
        "token.source",
        settings=fetched(COMPONENT_APPID="wx0123456789abcdef", VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": SHARED},
    ),
    "no ticket": Fault(
        "ticket",
        "token.source token.ticket token.pushes",
        settings=fetched(),
        django={"CACHES": SHARED},
    ),
    "a ticket of thirteen hours": Fault(
        "13.0 hours old",
        "token.source token.ticket token.pushes",
        settings=fetched(),
        django={"CACHES": SHARED},
        before=old_ticket(13),
    ),
    "no push for two hours": Fault(
        "The newest push came 2 h 0 min ago",
        "token.pushes",
        "token.ticket",
        settings=fetched(),
        django={"CACHES": SHARED},
        before=old_ticket(2),
    ),
    "an address that is not on the whitelist": Fault(
        "127.0.0.1", "token.accepted", quirks={"allowed_ip": "192.0.2.1"}
    ),
    "a WeChat that is busy": Fault(
        "errcode -1",
        "token.accepted",
        script=wechat("errcode", errcode=-1),
        settings={"MAX_ATTEMPTS": 1},
    ),
    "a WeChat that hangs": Fault(
        "waiting for the answer",
        "token.accepted",
        script=wechat("hang", seconds=20),
        target={"timeout": 1.0},
    ),
    "a WeChat that cannot be reached": Fault(
        "could not be reached",
        "token.accepted",
        settings={"API_BASE_URL": NOWHERE, "MAX_ATTEMPTS": 1},
    ),
    # --- clocks ---------------------------------------------------------------------------------
    "a clock that is behind": Fault(
        "seconds behind that of WeChat", doubtful="clock", quirks={"api_date_skew": 90}
    ),
    "a clock that is ahead": Fault(
        "seconds ahead of that of WeChat", doubtful="clock", quirks={"api_date_skew": -90}
    ),
    "a clock that COS does not share": Fault(
        "seconds behind that of COS", doubtful="clock", quirks={"cos_date_skew": 90}
    ),
    # --- environments ---------------------------------------------------------------------------
    "cloud development that is not opened": Fault(
        "85088", "environments.listed", quirks={"batch_opened": False}
    ),
    "a misspelt environment": Fault(
        f"Did you mean {ENV}?",
        "environments.known",
        target={"envs": [ENV[:-1]]},
    ),
    "an environment that ENVIRONMENTS offers in vain": Fault(
        "gone-0fake0fake01", "environments.known", settings={"ENVIRONMENTS": tenants}
    ),
    "an environment that is stopped": Fault(
        "HALTED", "environments.usable", quirks={"env_condition": "HALTED"}
    ),
    "an environment that is not initialised": Fault(
        "UNAVAILABLE", "environments.usable", quirks={"env_condition": "UNAVAILABLE"}
    ),
    "an environment of an unknown condition": Fault(
        "ISOLATED", "environments.usable", quirks={"env_condition": "ISOLATED"}
    ),
    "more environments than anybody knows of": Fault(
        "502", doubtful="environments.listed", quirks={"more_envs": 500}
    ),
    "hosting that is being opened": Fault(
        "process", doubtful="environments.hosting", quirks={"store_status": "process"}
    ),
    "hosting that is closed": Fault(
        "offline", "environments.hosting", quirks={"store_status": "offline"}
    ),
    "hosting that failed": Fault(
        "create_fail", "environments.hosting", quirks={"store_status": "create_fail"}
    ),
    "hosting of an unknown state": Fault(
        "sleeping", doubtful="environments.hosting", quirks={"store_status": "sleeping"}
    ),
    # --- quota ----------------------------------------------------------------------------------
    "a quota that is used up": Fault(
        "No call of staticuploadfile is left today: all 20 are used",
        "quota.calls",
        quirks={"daily_limit": 20},
        before=spent(20),
    ),
    "a quota that is nearly used up": Fault(
        "Few calls of staticuploadfile are left today: 1 of 20",
        doubtful="quota.calls",
        quirks={"daily_limit": 20},
        before=spent(19),
    ),
    # --- browser --------------------------------------------------------------------------------
    "a CORS rule that lacks a header": Fault(
        "x-cos-security-token",
        doubtful="browser.cors",
        quirks={"cors": True, "cors_headers": "content-type"},
    ),
    # --- probe ----------------------------------------------------------------------------------
    "a bucket that refuses the file": Fault(
        "AccessDenied",
        "probe.upload",
        script=wechat("cos_error", "put_object", code="AccessDenied", status=403),
        target={"probe": True},
    ),
    "a list without MD5": Fault(
        "MD5", doubtful="probe.list", quirks={"list_md5": "multipart"}, target={"probe": True}
    ),
    "files that are downloads": Fault(
        "downloads", doubtful="probe.public", quirks={"attachment": "all"}, target={"probe": True}
    ),
    "a notice before the pages": Fault(
        "notice",
        doubtful="probe.notice probe.public",
        quirks={"notice_page": "302"},
        target={"probe": True},
    ),
    "a site that drops Cache-Control": Fault(
        "Cache-Control",
        doubtful="probe.public",
        quirks={"cdn_cache_control": "none"},
        target={"probe": True},
    ),
}


@dataclass
class Diagnosis:
    results: list[Result]

    def ids(self, mark: Mark) -> set[str]:
        return {result.check.id for result in self.results if result.mark is mark}

    def printed(self) -> str:
        return "\n".join(line for result in self.results for line in lines(result))


DIAGNOSES: dict[str, Diagnosis] = {}


def diagnosis(name: str, folder: Path) -> Diagnosis:
    """Return what the doctor finds of a fault: asked once, to be read in any language."""
    if name not in DIAGNOSES:
        with EmulatorServer(envs=(ENV, "tenant-b")) as emulator:
            DIAGNOSES[name] = ask_doctor(FAULTS.get(name, Fault("")), emulator, folder)
    return DIAGNOSES[name]


def ask_doctor(fault: Fault, emulator: EmulatorServer, folder: Path) -> Diagnosis:
    own = {"BASE_URL": emulator.site_url()} | dict(fault.settings)
    with configured(emulator, folder, WX_STATIC_STORE=own, **fault.django):
        if fault.django.get("CACHES") is not DEAD:
            cache.clear()
        emulator.quirks.update(dict(fault.quirks))
        emulator.script(*fault.script)
        if fault.before:
            fault.before()
        found = Diagnosis([*examine(CheckTarget(**{"timeout": 5.0, **fault.target}), CHECKS)])
    VerifyTicket.objects.all().delete()
    close_connections()
    return found


NAMES = sorted(FAULTS)
# Checks whose faults stand in the tests of their own modules.
BROKEN_ELSEWHERE = {
    *("database.tables", "database.log", "cache.eviction", "probe.answers", "probe.speed"),
    *("probe.index", "probe.cdn", "probe.headers", "probe.refusal", "probe.names"),
    "probe.deleted",
}


def test_every_check_finds_a_fault() -> None:
    found = {id for fault in FAULTS.values() for id in f"{fault.wrong} {fault.doubtful}".split()}
    without = {check.id for check in CHECKS} - found - BROKEN_ELSEWHERE
    none_of(
        f"No fault shows that the check {id} works: add one to FAULTS in "
        "tests/health/doctor/test_faults.py"
        for id in sorted(without)
    )


def on_a_healthy_platform(folder: Path) -> str:
    """Return the checks that find a fault where there is none."""
    found = diagnosis("none", folder)
    return ", ".join(sorted(found.ids(Mark.WRONG) | found.ids(Mark.WARNING)))


def test_nothing_is_wrong_with_a_healthy_platform(tmp_path: Path) -> None:
    ids, said = on_a_healthy_platform(tmp_path), diagnosis("none", tmp_path).printed()
    assert not ids, f"{ids}: a healthy platform has this fault, yield ok or not_asked.\n{said}"


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_named_and_nothing_that_is_not_so(name: str, tmp_path: Path) -> None:
    if on_a_healthy_platform(tmp_path):
        pytest.skip("test_nothing_is_wrong_with_a_healthy_platform says why")
    fault, found = FAULTS[name], diagnosis(name, tmp_path)
    said = found.printed()
    assert fault.words in said, said
    assert found.ids(Mark.WRONG) == {*fault.wrong.split()}, said
    assert found.ids(Mark.WARNING) == {*fault.doubtful.split()}, said


@each("language", ["en", "zh-hans"])
def test_no_fault_shows_a_secret(language: str, tmp_path: Path) -> None:
    for name in NAMES:
        found = diagnosis(name, tmp_path)
        with override(language):
            shown = found.printed() + json.dumps(as_dict(found.results))
        assert [secret for secret in SECRETS if secret in shown] == [], name


@pytest.mark.usefixtures("whole_catalogue")
def test_a_chinese_reader_gets_every_text_of_a_fault_in_chinese(tmp_path: Path) -> None:
    english: dict[str, str] = {}
    for name in NAMES:
        with override("zh-hans"):
            shown = as_dict(diagnosis(name, tmp_path).results)["checks"]
        for check in shown:
            findings = (found[part] for found in check["findings"] for part in ("text", "hint"))
            for text in filter(is_english, [check["question"], *findings]):
                english.setdefault(text, f"{text!r} of {check['id']} ({name})")
    place = "Mark these with gettext_lazy of i18n.py, in the module of their check:"
    assert not english, "\n".join([place, *english.values()])


def is_english(text: str) -> bool:
    """Return whether five English words stand in a row; those of WeChat do not count."""
    for quoted in WECHAT_SAYS:
        text = text.replace(quoted, "")
    return bool(re.search(r"(?:\b[A-Za-z]+ ){4}[A-Za-z]+", text))
