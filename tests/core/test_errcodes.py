"""Each errcode has its error, its remedy and its hint."""

import json
from pathlib import Path

import pytest
from wx_static_store.core.errcodes import (
    ERRCODES,
    UNKNOWN_ERRCODE,
    Verdict,
    anchor,
    verdict_on,
)

from tests.tables import each, none_of
from wx_static_store.exceptions import (
    ConfigurationError,
    ProtocolError,
    Remedy,
    TokenRejected,
    TokenUnavailable,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)

CHANGE, WAIT, NEW_TOKEN = Remedy.CHANGE, Remedy.WAIT, Remedy.NEW_TOKEN

# Transcribed from the table of reference/wechat-cos.md, section 4: codes, class, remedy.
TABLE: list[tuple[list[int], type[WxStaticStoreError], Remedy]] = [
    ([-1, -1000], WeChatBusy, WAIT),
    ([40001, 40014, 42001, 42006], TokenRejected, NEW_TOKEN),
    ([41001], ProtocolError, CHANGE),
    ([40013, 41002, 61011], ConfigurationError, CHANGE),
    ([41004, 40125, 40094], ConfigurationError, CHANGE),
    ([61005, 61006, 40091], TokenUnavailable, NEW_TOKEN),
    ([61004, 40164, 45035], ConfigurationError, CHANGE),
    ([61007], ConfigurationError, CHANGE),
    ([61014], ConfigurationError, CHANGE),
    ([48001, 48004], ConfigurationError, CHANGE),
    ([45009], WeChatThrottled, CHANGE),
    ([45011], WeChatThrottled, WAIT),
    ([48006], WeChatRefused, CHANGE),
    ([40097, 40101, 40033], WeChatRefused, CHANGE),
    ([47001], ProtocolError, CHANGE),
    ([43002, 44002], ProtocolError, CHANGE),
    ([85088], ConfigurationError, CHANGE),
    ([89503, 89506, 89507, 50002], ConfigurationError, CHANGE),
    ([76001, 76002, 76003, 76004], WeChatRefused, CHANGE),  # of rid/get
    ([76021, 76022], WeChatRefused, CHANGE),  # of quota/get
    ([-501001, -501002, -601001, -601003], WeChatBusy, WAIT),
    ([-501003, -501004], WeChatThrottled, WAIT),
    ([-501005], WeChatRefused, CHANGE),
    ([-501007, -501009, -501018, -501021], WeChatRefused, CHANGE),
    ([-501019], ConfigurationError, CHANGE),  # unauthorised: the permission set
    ([-501000], WeChatRefused, CHANGE),
    ([-503001], WeChatBusy, WAIT),
    ([-503002], ConfigurationError, CHANGE),  # no permission
    ([-503003], WeChatRefused, CHANGE),
]
ROWS = [(code, error, remedy) for codes, error, remedy in TABLE for code in codes]


def raised(code: int) -> WxStaticStoreError:
    return ERRCODES[code].build("the call was refused", errcode=code)


def test_every_errcode_has_a_row_in_this_test() -> None:
    lacking = {*ERRCODES} - {code for code, _error, _remedy in ROWS}
    none_of(f"Add {code} to TABLE in tests/core/test_errcodes.py" for code in sorted(lacking))


@each(("code", "error", "remedy"), ROWS)
def test_each_code_has_its_class_and_its_remedy(
    code: int, error: type[WxStaticStoreError], remedy: Remedy
) -> None:
    assert type(raised(code)) is error
    assert raised(code).remedy is remedy


@each("code", sorted(ERRCODES))
def test_each_code_says_what_to_do(code: int) -> None:
    error = raised(code)
    assert len(str(error.hint)) > 20
    assert str(error.hint) in str(error)


SAMPLES = [
    (path.stem, sample["response"]["json"]["errcode"], sample["expect"]["remedy"])
    for path in sorted((Path(__file__).parent.parent / "wire").glob("static*-error*.json"))
    for sample in [json.loads(path.read_text(encoding="utf-8"))]
]


@each(("sample", "code", "remedy"), SAMPLES)
def test_the_remedies_are_those_of_the_wire_samples(sample: str, code: int, remedy: str) -> None:
    assert raised(code).remedy is Remedy[remedy]


@each("code", [40001, 40014, 42001, 42006, 61005, 61006, 40091])
def test_a_new_token_or_ticket_helps_once_at_most(code: int) -> None:
    assert raised(code).once


@each("code", [45009, 48006, 61004, 85088, 48001, 61007, 61014, -501005, 40125])
def test_an_error_that_every_file_would_meet_stops_the_batch(code: int) -> None:
    assert raised(code).stops_batch


@each("code", [40097, 40101, -1, 45011, -501007, 44002])
def test_an_error_of_one_file_does_not_stop_the_batch(code: int) -> None:
    assert not raised(code).stops_batch


def test_the_limit_per_minute_waits_for_the_next_minute() -> None:
    assert raised(45011).pause >= 60


def test_an_unknown_code_gives_up_with_a_hint() -> None:
    error = UNKNOWN_ERRCODE.build("refused", errcode=7)
    assert type(error) is WeChatRefused
    assert error.remedy is CHANGE
    assert str(error.hint)


def test_the_class_decides_what_an_entry_does_not_say() -> None:
    error = Verdict(WeChatBusy).build("refused")
    assert (error.remedy, error.hint, error.pause) == (WAIT, WeChatBusy.hint, WeChatBusy.pause)


def test_an_entry_decides_all_that_it_says() -> None:
    entry = Verdict(WeChatBusy, "Wait.", CHANGE, once=True, stops_batch=True, pause=5.0)
    error = entry.build("refused")
    found = (error.hint, error.remedy, error.once, error.stops_batch, error.pause)
    assert found == ("Wait.", CHANGE, True, True, 5.0)


def test_what_is_known_of_one_refusal_goes_before_its_entry() -> None:
    error = Verdict(WeChatRefused, "Look it up.").build("refused", hint="Wait.", errcode=7)
    assert (str(error.message), error.hint, error.errcode) == ("refused", "Wait.", 7)


@pytest.mark.parametrize(
    ("errcode", "errmsg", "stops"),
    [
        (-501000, "TcbCode: [ResourceNotFound.Env]", True),
        (-501000, "TcbCode: [Other]", False),
        (-501007, "TcbCode: [ResourceNotFound.Env]", False),
    ],
    ids=["no environment", "another cause", "another number"],
)
def test_the_text_says_that_there_is_no_environment(errcode: int, errmsg: str, stops: bool) -> None:
    error = verdict_on(errcode, errmsg).build("refused")
    assert ("There is no environment" in str(error.hint)) is stops
    assert error.stops_batch is stops


def test_a_number_that_nobody_knows_has_the_common_entry() -> None:
    assert verdict_on(7, "") is UNKNOWN_ERRCODE


def test_a_number_that_is_known_has_its_own_entry() -> None:
    assert verdict_on(85088, "") is ERRCODES[85088]


@pytest.mark.parametrize(("code", "place"), [(85088, "errcode-85088"), (7, "errcode-other")])
def test_a_code_is_explained_at_its_place_in_the_docs(code: int, place: str) -> None:
    assert anchor("errcode", code, ERRCODES) == place
