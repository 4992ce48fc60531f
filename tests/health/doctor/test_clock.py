"""The clocks of the other side against ours."""

import re
from typing import Any

import pytest
from django.utils.translation import override

from wx_static_store.emulator import EmulatorServer

from .conftest import Examine, said

pytestmark = pytest.mark.django_db(transaction=True)


def test_clocks_that_agree_are_well(examined: Examine) -> None:
    found = said(examined()["clock"])
    assert "The clock of WeChat and ours agree." in found
    assert "The clock of COS and ours agree." in found


@pytest.mark.parametrize(("quirk", "name"), [("api_date_skew", "WeChat"), ("cos_date_skew", "COS")])
@pytest.mark.parametrize(("ahead", "direction"), [(90, "behind"), (-90, "ahead of")])
def test_a_clock_that_is_off_is_named_with_its_seconds(
    examined: Examine, emulator: EmulatorServer, quirk: str, name: str, ahead: int, direction: str
) -> None:
    emulator.quirks.update({quirk: ahead})
    found = said(examined()["clock"])
    # A Date has whole seconds.
    assert re.search(rf"Our clock is (89|90|91) seconds {direction} that of {name}\.", found)
    assert "NTP" in found


def test_a_chinese_reader_finds_wechat_by_its_chinese_name(examined: Examine) -> None:
    found = examined()["clock"]
    with override("zh-hans"):
        assert "本机时钟准确（对照：微信）。" in said(found)


def test_the_time_of_whoever_answers_counts_where_neither_wechat_nor_cos_does(
    examined: Examine, emulator: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.update({"api_date_skew": 3600})
    emulator.script({"on": "describeenvs", "do": "status", "status": 502, "times": None})
    assert re.search(
        r"! Our clock is 3\d\d\d seconds behind that of 127.0.0.1:\d+\.", said(examined()["clock"])
    )


def test_where_nobody_answers_there_is_no_time(examined: Examine, configure: Any) -> None:
    configure(WX_STATIC_STORE={"API_BASE_URL": "http://127.0.0.1:9", "MAX_ATTEMPTS": 1})
    assert said(examined()["clock"]) == "– No answer so far names a time. "


def test_an_answer_of_an_earlier_examination_does_not_count(
    examined: Examine, emulator: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    examined()
    emulator.script({"on": "describeenvs", "do": "reset", "times": None})
    assert said(examined()["clock"]) == "– No answer so far names a time. "
