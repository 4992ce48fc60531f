"""Each errcode has its error and its remedy."""

import pytest

from tests.tables import each, none_of
from wx_static_store.causes import CAUSES, Remedy, of_errcode
from wx_static_store.causes.wechat import TABLE, UNKNOWN

LINK, WAIT, TOKEN, LATER, CHANGE, NEVER = Remedy

# Transcribed from the table of reference/wechat-cos.md, section 4: codes, class, remedy; whether it
# helps once at most, and whether every other file would meet the same.
ROWS: list[tuple[str, str, Remedy, str]] = [
    ("-1 -1000 -501001 -501002 -503001 -601001 -601003", "WeChatBusy", WAIT, ""),
    ("40001 40014 42001 42006", "TokenRejected", TOKEN, "once, stops"),
    ("61005 61006 40091", "TokenUnavailable", TOKEN, "once, stops"),
    ("41001 43002 44002 47001", "ProtocolError", CHANGE, ""),
    ("40013 41002 61011 41004 40125 40094", "ConfigurationError", CHANGE, "stops"),
    ("61004 40164 45035 61007 48001 61014 85088", "ConfigurationError", CHANGE, "stops"),
    ("48004 50002 89503 89506 89507 -501019 -503002", "ConfigurationError", CHANGE, "stops"),
    ("45009", "WeChatThrottled", LATER, "stops"),
    ("45011 -501003 -501004", "WeChatThrottled", WAIT, ""),
    ("48006", "WeChatRefused", LATER, "stops"),
    ("40097 40101 40033 errcode", "WeChatRefused", CHANGE, ""),
    ("-501000 -501007 -501009 -501021 -503003", "WeChatRefused", CHANGE, ""),
    ("-501005 -501018 ResourceNotFound", "WeChatRefused", CHANGE, "stops"),
    ("76001", "WeChatRefused", WAIT, ""),  # of rid/get, as those to 76004
    ("76002 76003 76004 76021 76022", "WeChatRefused", NEVER, ""),  # the last two of quota/get
]
TRANSCRIBED = [(code, *values) for codes, *values in ROWS for code in codes.split()]


def test_every_errcode_has_a_row_in_this_test() -> None:
    lacking = {code for entry in TABLE for code in entry.codes} - {row[0] for row in TRANSCRIBED}
    none_of(f"Add {code} to ROWS in tests/causes/test_wechat.py" for code in sorted(lacking))


@each(("code", "error", "remedy", "more"), TRANSCRIBED)
def test_each_code_has_its_class_and_its_remedy(
    code: str, error: str, remedy: Remedy, more: str
) -> None:
    entry = CAUSES[code]
    assert (entry.error, entry.remedy) == (error, remedy)
    assert (entry.once, entry.stops_batch) == ("once" in more, "stops" in more)


def test_the_limit_per_minute_waits_for_the_next_minute() -> None:
    assert of_errcode(45011).pause >= 60


@pytest.mark.parametrize(
    ("errcode", "errmsg", "entry"),
    [
        (-501000, "TcbCode: [ResourceNotFound.Env]", "ResourceNotFound"),
        (-501000, "TcbCode: [Other]", "-501000"),
        (-501007, "TcbCode: [ResourceNotFound.Env]", "-501000"),
        (40014, "", "40001"),
        (7, "", UNKNOWN),
    ],
    ids=["no environment", "another cause", "another number", "of a group", "not listed"],
)
def test_the_entry_of_a_refusal_goes_by_its_number_and_its_tcbcode(
    errcode: int, errmsg: str, entry: str
) -> None:
    assert of_errcode(errcode, errmsg) is CAUSES[entry]
    assert CAUSES[entry].id == entry
