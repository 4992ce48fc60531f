"""The newest results are kept for whoever looks next, in either language."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from tests.api.conftest import Dead
from wx_static_store.doctor import latest
from wx_static_store.doctor.findings import Result, wrong
from wx_static_store.emulator import EmulatorServer
from wx_static_store.i18n import gettext_lazy as _

from .conftest import check

pytestmark = pytest.mark.django_db(transaction=True)

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
