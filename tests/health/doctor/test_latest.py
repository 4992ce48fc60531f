"""The newest results are kept for whoever looks next, in either language."""

import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from tests.api.conftest import Dead
from wx_static_store.core import notes
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET, TICKET
from wx_static_store.health.doctor import latest
from wx_static_store.health.doctor.findings import Result, wrong
from wx_static_store.i18n import gettext_lazy as _

from .conftest import check
from .test_cache import Slow

pytestmark = pytest.mark.django_db(transaction=True)

FETCHED = {
    "ACCESS_TOKEN": None,
    "COMPONENT_APPID": APPID,
    "COMPONENT_APPSECRET": APPSECRET,
    "VERIFY_TICKET": TICKET,
}
SPENT = Result(check("token"), (wrong(_("it is empty")),))


def text(found: dict[str, Any] | None) -> str:
    assert found
    return str(found["checks"][0]["findings"][0]["text"])


def test_nothing_is_known_before_the_first_examination() -> None:
    assert latest.latest() is None


def test_results_that_are_kept_have_their_time() -> None:
    before = datetime.now(UTC)
    latest.keep([SPENT])
    found = latest.latest()
    assert found
    assert found["status"] == "wrong"
    assert timedelta() <= found["examined"] - before < timedelta(seconds=10)


def test_results_are_read_in_the_reader_s_language() -> None:
    latest.keep([SPENT])
    with override("zh-hans"):
        assert text(latest.latest()) == "名称为空"
    assert text(latest.latest()) == "it is empty"


def test_a_reader_of_another_language_gets_english() -> None:
    with override("zh-hans"):
        latest.keep([SPENT])
    with override("pt"):
        assert text(latest.latest()) == "it is empty"


def test_old_results_are_none() -> None:
    latest.keep([SPENT])
    assert latest.latest(-1) is None


def test_results_are_asked_once_while_they_are_young(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    first, second = latest.examined(), latest.examined(60)
    assert first == second
    assert len(emulator.calls("describeenvs")) == 1


def test_results_are_asked_again_on_request(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    latest.examined()
    latest.examined()
    assert len(emulator.calls("describeenvs")) == 2


def test_a_dead_cache_keeps_nothing_and_hides_nothing(configure: Any, settings: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    settings.CACHES = {"default": {"BACKEND": f"{Dead.__module__}.{Dead.__name__}"}}
    assert latest.examined()["status"] == "wrong"
    assert latest.latest() is None


def test_settings_that_cannot_be_read_are_a_result(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"NO_SUCH_OPTION": 1}
    assert latest.examined()["status"] == "wrong"


def test_results_are_not_kept_in_a_cache_that_hangs() -> None:
    found = latest.keep([SPENT], cached=False)
    assert found["status"] == "wrong"
    assert latest.latest() is None


def connections(server: socket.socket) -> int:
    """Return how many connections wait to be accepted."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@pytest.mark.parametrize("more", [{}, FETCHED], ids=["fixed token", "fetched token"])
def test_a_cache_that_never_answers_is_asked_once_by_its_own_check_and_once_for_all_others(
    configure: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """The first time is for the results that somebody else may have kept."""
    monkeypatch.setattr(notes, "REST_SECONDS", 60)
    function = "wx_static_store.environments.of_platform"
    configure(WX_STATIC_STORE={"ENVIRONMENTS": function, **more})
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"redis://127.0.0.1:{server.getsockname()[1]}"
        backend = "django.core.cache.backends.redis.RedisCache"
        options = {"socket_timeout": 0.2}
        entry = {"BACKEND": backend, "LOCATION": address, "OPTIONS": options}
        settings.CACHES = {"default": entry}
        found = latest.examined(60)
        assert connections(server) == 2
    bad = {each["id"] for each in found["checks"] if each["status"] in ("wrong", "warning")}
    assert bad - {"token.ticket", "settings.checks"} == {"cache.works"}


def test_the_time_for_reading_older_results_is_part_of_the_time_for_all_checks(
    configure: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    settings.CACHES = {"default": {"BACKEND": f"{Slow.__module__}.{Slow.__name__}"}}
    monkeypatch.setattr(latest, "WITHIN", 0.1)
    assert {each["status"] for each in latest.examined(60)["checks"]} == {"not_asked"}
