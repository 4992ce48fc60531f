"""The error tree, its remedies, and the table of errcodes."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.translation import override

from wx_static_store import exceptions
from wx_static_store.exceptions import (
    ERRCODES,
    UNKNOWN_ERRCODE,
    ConfigurationError,
    ProtocolError,
    Remedy,
    TokenRejected,
    TokenUnavailable,
    UploadFailed,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)

GIVE_UP, WAIT, NEW_TOKEN = Remedy.GIVE_UP, Remedy.WAIT, Remedy.NEW_TOKEN

CLASSES = {
    name: found
    for name, found in vars(exceptions).items()
    if isinstance(found, type) and issubclass(found, WxStaticStoreError)
}

# --- errcodes -------------------------------------------------------------------------------

# Transcribed from the table of reference/wechat-cos.md, section 4: codes, class, remedy.
TABLE: list[tuple[list[int], type[WxStaticStoreError], Remedy]] = [
    ([-1, -1000], WeChatBusy, WAIT),
    ([40001, 40014, 42001, 42006], TokenRejected, NEW_TOKEN),
    ([41001], ProtocolError, GIVE_UP),
    ([40013, 41002, 61011], ConfigurationError, GIVE_UP),
    ([41004, 40125, 40094], ConfigurationError, GIVE_UP),
    ([61005, 61006, 40091], TokenUnavailable, NEW_TOKEN),
    ([61004, 40164, 45035], ConfigurationError, GIVE_UP),
    ([61007], ConfigurationError, GIVE_UP),
    ([61014], ConfigurationError, GIVE_UP),
    ([48001, 48004], ConfigurationError, GIVE_UP),
    ([45009], WeChatThrottled, GIVE_UP),
    ([45011], WeChatThrottled, WAIT),
    ([48006], WeChatRefused, GIVE_UP),
    ([40097, 40101, 40033], WeChatRefused, GIVE_UP),
    ([47001], ProtocolError, GIVE_UP),
    ([43002, 44002], ProtocolError, GIVE_UP),
    ([85088], ConfigurationError, GIVE_UP),
    ([89503, 89506, 89507, 50002], ConfigurationError, GIVE_UP),
    ([-501001, -501002, -601001, -601003], WeChatBusy, WAIT),
    ([-501003, -501004], WeChatThrottled, WAIT),
    ([-501005], WeChatRefused, GIVE_UP),
    ([-501007, -501009, -501018, -501021], WeChatRefused, GIVE_UP),
    ([-501019], ConfigurationError, GIVE_UP),  # unauthorised: the permission set
    ([-501000], WeChatRefused, GIVE_UP),
    ([-503001], WeChatBusy, WAIT),
    ([-503002], ConfigurationError, GIVE_UP),  # no permission
    ([-503003], WeChatRefused, GIVE_UP),
]
ROWS = [(code, error, remedy) for codes, error, remedy in TABLE for code in codes]


def raised(code: int) -> WxStaticStoreError:
    return ERRCODES[code].build("the call was refused", errcode=code)


@pytest.mark.parametrize("code", ERRCODES)
def test_what_follows_an_errcode_is_there(code: int) -> None:
    """The failure lists all that a new errcode still needs."""
    hint = raised(code).hint
    with override("zh-hans"):
        translated = re.search("[\u4e00-\u9fff]", str(hint))
    there = {
        "a row of TABLE in tests/test_exceptions.py": code in [row[0] for row in ROWS],
        "the Chinese of its hint: make messages, then fill in django.po": translated,
    }
    missing = [what for what, done in there.items() if not done]
    assert not missing, f"errcode {code} lacks " + "; ".join(missing)


@pytest.mark.parametrize(("code", "error", "remedy"), ROWS)
def test_each_code_has_its_class_and_its_remedy(
    code: int, error: type[WxStaticStoreError], remedy: Remedy
) -> None:
    assert type(raised(code)) is error
    assert raised(code).remedy is remedy


@pytest.mark.parametrize("code", sorted(ERRCODES))
def test_each_code_says_what_to_do(code: int) -> None:
    error = raised(code)
    assert len(str(error.hint)) > 20
    assert str(error.hint) in str(error)


SAMPLES = [
    (path.stem, sample["response"]["json"]["errcode"], sample["expect"]["remedy"])
    for path in sorted((Path(__file__).parent / "wire").glob("static*-error*.json"))
    for sample in [json.loads(path.read_text(encoding="utf-8"))]
]


@pytest.mark.parametrize(("sample", "code", "remedy"), SAMPLES)
def test_the_remedies_are_those_of_the_wire_samples(sample: str, code: int, remedy: str) -> None:
    assert raised(code).remedy is Remedy[remedy]


@pytest.mark.parametrize("code", [40001, 40014, 42001, 42006, 61005, 61006, 40091])
def test_a_new_token_or_ticket_helps_once_at_most(code: int) -> None:
    assert raised(code).once


@pytest.mark.parametrize("code", [45009, 48006, 61004, 85088, 48001, 61007, 61014, -501005, 40125])
def test_an_error_that_every_file_would_meet_stops_the_batch(code: int) -> None:
    assert raised(code).stops_batch


@pytest.mark.parametrize("code", [40097, 40101, -1, 45011, -501007, 44002])
def test_an_error_of_one_file_does_not_stop_the_batch(code: int) -> None:
    assert not raised(code).stops_batch


def test_the_limit_per_minute_waits_for_the_next_minute() -> None:
    assert raised(45011).pause >= 60


def test_an_unknown_code_gives_up_with_a_hint() -> None:
    error = UNKNOWN_ERRCODE.build("refused", errcode=7)
    assert type(error) is WeChatRefused
    assert error.remedy is GIVE_UP
    assert str(error.hint)


# --- the text -------------------------------------------------------------------------------


def test_the_text_of_an_error_holds_all_that_a_log_reader_needs() -> None:
    error = ERRCODES[40097].build(
        "staticuploadfile was refused",
        errcode=40097,
        errmsg="invalid args",
        rid="65535f00-1a2b3c4d-0f1e2d3c",
        http_status=503,
        cos_code="SlowDown",
        request_id="NjU1MzVm",
    )
    error.with_context(env="demo-1a2b", key="static/a.css", attempts=3)
    for part in (
        "staticuploadfile was refused",
        "errcode 40097",
        "errmsg invalid args",
        "rid 65535f00-1a2b3c4d-0f1e2d3c",
        "http status 503",
        "cos code SlowDown",
        "request id NjU1MzVm",
        "env demo-1a2b",
        "key static/a.css",
        "attempts 3",
        str(error.hint),
    ):
        assert part in str(error)


def test_the_text_of_an_error_leaves_out_unknown_details() -> None:
    assert str(WxStaticStoreError("It failed")) == "It failed"


def test_a_detail_that_does_not_exist_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="no detail 'errocde'"):
        WxStaticStoreError("x").with_context(errocde=5)


def test_a_detail_of_one_error_does_not_change_its_class() -> None:
    WeChatBusy("x").with_context(remedy=GIVE_UP, hint="y", pause=9)
    assert (WeChatBusy("x").remedy, WeChatBusy("x").pause) == (WAIT, 0)


# --- pickle and copy ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
@pytest.mark.parametrize("error", CLASSES.values(), ids=CLASSES)
def test_an_error_survives_copy_and_pickle(error: type[WxStaticStoreError], travel: Any) -> None:
    """Process pools and Celery send errors from one process to another."""
    sent = error("It failed", stage="link", errcode=5, rid="r").with_context(
        key="a", attempts=2, remedy=NEW_TOKEN, hint=TokenUnavailable.hint
    )
    got = travel(sent)
    assert type(got) is error
    assert str(got) == str(sent)
    details = ("stage", "errcode", "rid", "key", "attempts", "remedy", "once", "maybe_stored")
    assert [getattr(got, name) for name in details] == [getattr(sent, name) for name in details]


# --- the tree -------------------------------------------------------------------------------


def drawn_tree() -> dict[str, tuple[str, str]]:
    """Name → (parent, native second parent), as the docstring draws it."""
    drawn, path = {}, ["WxStaticStoreError"]
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)[├└]── (\w+)(?: \((\w+)\))?", line)
        if found:
            depth = len(found[1]) // 4 + 1
            path[depth:] = [found[2]]
            drawn[found[2]] = (path[depth - 1], found[3] or "")
    return drawn


def test_the_tree_in_the_docstring_is_that_of_the_classes() -> None:
    real = {}
    for name, cls in CLASSES.items():
        if cls is not WxStaticStoreError:
            first, *second = cls.__bases__
            real[name] = (first.__name__, second[0].__name__ if second else "")
    assert drawn_tree() == real


@pytest.mark.parametrize(
    ("name", "native"),
    [
        ("ConfigurationError", ImproperlyConfigured),
        ("NameRejected", SuspiciousFileOperation),
        ("SourceError", OSError),
        ("SourceChanged", OSError),
        ("TransportError", OSError),
        ("ConnectFailed", OSError),
        ("ResponseLost", OSError),
        ("TlsFailed", OSError),
        ("DeadlineExceeded", TimeoutError),
        ("UploadFailed", OSError),
    ],
)
def test_each_error_is_caught_as_its_built_in_parent(name: str, native: type) -> None:
    error = CLASSES[name]("It failed", stage="put")
    with pytest.raises(native):
        raise error
    assert str(error).startswith("It failed (stage put)")


def test_only_what_may_have_reached_cos_is_maybe_stored() -> None:
    assert {name for name, cls in CLASSES.items() if cls.maybe_stored} == {"IntegrityError"}


def test_a_failed_upload_is_failed_until_it_is_said_to_be_unknown() -> None:
    assert UploadFailed("x").status == "failed"
    assert UploadFailed("x").with_context(status="unknown").status == "unknown"
