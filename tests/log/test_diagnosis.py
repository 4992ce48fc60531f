"""What did WeChat receive? It is asked at most once, and no secret comes with the answer."""

from __future__ import annotations

import logging
import pickle
import traceback
from functools import partial
from time import time
from typing import Any

import pytest
from django.core.cache import cache

from tests.api.conftest import Dead
from tests.log.conftest import row, upload
from wx_static_store.clients.platform import RefusedCall
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatBusy, WxStaticStoreError
from wx_static_store.log.diagnosis import Diagnosis, NoDiagnosis, diagnose, known_diagnosis
from wx_static_store.models import UploadLog
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db


def refused(
    cloud: EmulatorServer, call: str = "staticuploadfile", errcode: int = 40097
) -> UploadLog:
    """Make the row of an upload whose call is refused."""
    cloud.script({"on": call, "do": "errcode", "errcode": errcode})
    upload("a.css", b"tea")
    failed = UploadLog.objects.order_by("-id")[0]
    assert failed.rid
    return failed


def rid(seconds_ago: float) -> str:
    return f"{int(time() - seconds_ago):08x}-0a0b0c0d-01020304"


def asked(cloud: EmulatorServer) -> int:
    return len(cloud.calls("rid_get"))


def why(found: Diagnosis | None) -> str:
    """Return the reason, which is a lasting one."""
    assert isinstance(found, NoDiagnosis)
    assert found.hint
    return str(found.message)


def test_a_refused_call_is_shown_as_wechat_received_it(cloud: EmulatorServer) -> None:
    failed = refused(cloud)
    found = diagnose(failed)
    assert isinstance(found, RefusedCall)
    assert found.request_url == "?access_token=***"
    assert '"filename": "a.css"' in str(found.request_body)
    assert f"rid: {failed.rid}" in str(found.response_body)
    assert found.client_ip == "127.0.0.1"


def test_a_second_look_costs_no_call(cloud: EmulatorServer) -> None:
    failed = refused(cloud)
    assert known_diagnosis(failed) is None
    first = diagnose(failed)
    assert (diagnose(failed), known_diagnosis(failed), asked(cloud)) == (first, first, 1)


def test_a_dead_cache_costs_a_call_for_each_look(
    cloud: EmulatorServer, configure: Any, settings: Any
) -> None:
    settings.CACHES = {**settings.CACHES, "dead": {"BACKEND": f"{Dead.__module__}.Dead"}}
    configure(WX_STATIC_STORE={"TOKEN_CACHE": "dead", "MAX_ATTEMPTS": 1})
    failed = refused(cloud)
    assert [isinstance(diagnose(failed), RefusedCall) for _ in range(2)] == [True, True]
    assert asked(cloud) == 2


# --- what is known without a call -----------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "This upload has no rid"),
        ("x", "The rid of this upload is malformed"),
        (rid(0).upper(), "The rid of this upload is malformed"),
        (rid(0) + "\n", "The rid of this upload is malformed"),
        (rid(7 * 86400 + 5), "This call is older than seven days"),
    ],
    ids=["none", "short", "upper case", "line break", "old"],
)
def test_what_cannot_be_answered_is_said_without_a_call(
    cloud: EmulatorServer, given: str, reason: str
) -> None:
    failed = row("a.css", rid=given, status="failed")
    assert (why(known_diagnosis(failed)), why(diagnose(failed))) == (reason, reason)
    assert cloud.journal == []


def test_a_call_of_nearly_seven_days_ago_is_asked_about(cloud: EmulatorServer) -> None:
    diagnose(row("a.css", rid=rid(7 * 86400 - 60), status="failed"))
    assert asked(cloud) == 1


def test_a_row_that_no_store_would_write_is_said_without_a_call(
    cloud: EmulatorServer, configure: Any
) -> None:
    failed = refused(cloud)
    configure(STORAGES={"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}})
    cloud.state.journal.clear()
    assert why(diagnose(failed)) == "No store in STORAGES writes to this key"
    assert cloud.journal == []


# --- what WeChat says -----------------------------------------------------------------------

REASONS = {
    76001: "WeChat did not keep this call",
    76002: "The rid of this upload is malformed",
    76003: "Another account made this call",
    76004: "This call is older than seven days",
}


@pytest.mark.parametrize("errcode", REASONS)
def test_each_answer_about_a_rid_is_a_reason_and_is_kept(
    cloud: EmulatorServer, errcode: int
) -> None:
    failed = row("a.css", rid=rid(3600), status="failed")
    cloud.script({"on": "rid_get", "do": "errcode", "errcode": errcode})
    found = diagnose(failed)
    assert why(found) == REASONS[errcode]
    assert isinstance(found, NoDiagnosis)
    assert found.errcode == errcode
    assert found.full_hint.endswith(f" wx_explain {errcode}")
    assert (why(diagnose(failed)), asked(cloud)) == (REASONS[errcode], 1)


def test_the_call_of_another_account_is_named_as_such(cloud: EmulatorServer) -> None:
    cloud.quirks.rid_foreign = True
    assert why(diagnose(refused(cloud))) == REASONS[76003]


def test_an_unknown_rid_is_asked_about_once(cloud: EmulatorServer) -> None:
    failed = row("a.css", rid=rid(61), status="failed")
    assert why(diagnose(failed)) == REASONS[76001]
    assert asked(cloud) == 1


@pytest.mark.parametrize(("age", "seconds"), [(100, 100), (3 * 86400, 86400), (-100, 1)])
def test_what_wechat_does_not_know_yet_is_kept_as_long_as_it_is_old(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch, age: int, seconds: int
) -> None:
    """So that it is asked about again before long, and by a reload never."""
    kept: list[int] = []
    name = "django.core.cache.backends.locmem.LocMemCache.set"
    monkeypatch.setattr(name, lambda _self, _key, _value, seconds: kept.append(seconds))
    failed, moment = row("a.css", rid=rid(age), status="failed"), time()
    diagnose(failed, now=lambda: moment)
    assert kept == [pytest.approx(seconds, abs=1)]


def test_another_error_is_the_reason_as_it_is_and_is_not_kept(cloud: EmulatorServer) -> None:
    failed = refused(cloud)
    cloud.script({"on": "rid_get", "do": "errcode", "errcode": -1})
    found = diagnose(failed)
    assert isinstance(found, WeChatBusy)
    assert isinstance(diagnose(failed), RefusedCall)


# --- no secret comes through ----------------------------------------------------------------


def secrets(cloud: EmulatorServer) -> list[str]:
    account = cloud.state.account
    names = ("access_token", "appsecret", "ticket", "security_token", "secret_key")
    return [*(getattr(account, name) for name in names), cloud.access_token, "q-signature"]


@pytest.fixture
def fetching(cloud: EmulatorServer, configure: Any) -> Any:
    """Return a function that configures whether the store fetches its token."""
    account = cloud.state.account
    fetch = {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": account.appid,
        "COMPONENT_APPSECRET": account.appsecret,
        "VERIFY_TICKET": account.ticket,
    }
    return partial(configure, WX_STATIC_STORE={"MAX_ATTEMPTS": 1, **fetch})


@pytest.mark.parametrize("call", ["staticuploadfile", "staticfilelist", "api_component_token"])
def test_no_secret_of_a_refused_call_is_in_the_answer_the_cache_or_the_log(
    cloud: EmulatorServer,
    configure: Any,
    fetching: Any,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    if call == "api_component_token":
        fetching()
    failed = refused_by(cloud, call)
    configure()
    assert [each for each in secrets(cloud) if each in str(cloud.state.refused_calls[failed.rid])]
    found = diagnose(failed)
    assert isinstance(found, RefusedCall)
    places = [repr(found), str(found), caplog.text, repr(pickle.dumps(found)), in_cache()]
    assert [each for each in secrets(cloud) if any(each in place for place in places)] == []


def refused_by(cloud: EmulatorServer, call: str) -> UploadLog:
    """Return a row with the rid of such a call; a list is refused before there is a row."""
    if call != "staticfilelist":
        return refused(cloud, call)
    cloud.script({"on": call, "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError) as caught:
        get_store().find("a.css")
    return row("a.css", rid=caught.value.rid, status="failed", stage="name")


def in_cache() -> str:
    kept = [*cache._cache]  # type: ignore[attr-defined]
    assert kept
    return repr([cache.get(key.split(":", 2)[2]) for key in kept])


@pytest.mark.parametrize("errcode", [76001, 76003, -1, 99999])
def test_no_secret_is_in_the_reason_or_its_traceback(cloud: EmulatorServer, errcode: int) -> None:
    failed = refused(cloud)
    says = f"no: access_token={cloud.access_token}"
    fault = {"on": "rid_get", "do": "errcode", "errcode": errcode, "errmsg": says, "times": None}
    cloud.script(fault)
    reason = diagnose(failed)
    assert isinstance(reason, WxStaticStoreError)
    frames = traceback.walk_tb(reason.__traceback__)
    ours = [frame for frame in frames if "/tests/" not in frame[0].f_code.co_filename]
    local = "".join(traceback.StackSummary.extract(ours, capture_locals=True).format())
    printed = "".join(traceback.format_exception(reason))
    places = [str(reason), repr(reason), repr(vars(reason)), local, printed]
    assert [each for each in secrets(cloud) if any(each in place for place in places)] == []
