"""The error tree: texts, details, copies."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.translation import override

from tests.tables import each
from wx_static_store import exceptions
from wx_static_store.causes import CAUSES
from wx_static_store.exceptions import (
    ConnectFailed,
    Remedy,
    UploadFailed,
    WeChatBusy,
    WxStaticStoreError,
    error_of,
    recorded,
    revived,
)
from wx_static_store.i18n import english

CHANGE, WAIT, NEW_TOKEN = Remedy.CHANGE, Remedy.WAIT, Remedy.NEW_TOKEN

CLASSES = {
    name: found
    for name, found in vars(exceptions).items()
    if isinstance(found, type) and issubclass(found, WxStaticStoreError)
}

# --- the text -------------------------------------------------------------------------------


def test_the_text_of_an_error_holds_all_that_a_log_reader_needs() -> None:
    error = error_of(
        CAUSES["40097"],
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
    WeChatBusy("x").with_context(remedy=CHANGE, hint="y", pause=9)
    assert (WeChatBusy("x").remedy, WeChatBusy("x").pause) == (WAIT, 0)


# --- its cause ------------------------------------------------------------------------------


def test_an_error_of_a_cause_that_is_not_listed_has_the_values_of_its_class() -> None:
    assert ConnectFailed("x", cause="of a project").remedy is WAIT


def test_the_error_of_an_upload_is_explained_by_what_it_met() -> None:
    assert "to repair the cause" in str(UploadFailed("refused", cause="85088").advice())
    assert "may be public" in str(UploadFailed("lost", cause="ResponseLost").advice("unknown"))


def test_an_error_of_another_process_has_its_cause_and_its_own_remedy() -> None:
    error = ConnectFailed("x", cause="cos.503", remedy=CHANGE, hint="Do it.")
    got = revived(error.as_dict())
    assert (type(got), got.cause, got.remedy) == (ConnectFailed, "cos.503", CHANGE)
    assert got.hint == "Do it."


# --- pickle and copy ------------------------------------------------------------------------


@each("travel", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
@each("error", CLASSES.values())
def test_an_error_survives_copy_and_pickle(error: type[WxStaticStoreError], travel: Any) -> None:
    """Process pools and Celery send errors from one process to another."""
    sent = error("It failed", stage="link", errcode=5, rid="r").with_context(
        key="a", attempts=2, remedy=NEW_TOKEN, hint="Do it.", cause="45009"
    )
    got = travel(sent)
    assert type(got) is error
    assert str(got) == str(sent)
    details = ("stage", "errcode", "rid", "key", "attempts", "remedy", "cause", "maybe_stored")
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


@each(
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


@pytest.mark.parametrize("cause", ["", "of.a.newer.version"])
def test_a_recorded_message_without_an_entry_is_shown_as_it_was_recorded(cause: str) -> None:
    with override("zh-hans"):
        assert recorded("Something else", cause, None, "tenant") == "Something else"


def test_a_recorded_message_is_shown_whole_where_its_language_is_the_reader_s() -> None:
    assert recorded("It was refused (rid 1)", "85088", 85088, "tenant") == "It was refused (rid 1)"


@pytest.mark.parametrize("more", [{}, {"cos_code": "AccessDenied", "http_status": 403}])
def test_a_recorded_message_keeps_what_the_server_said(more: dict[str, Any]) -> None:
    error = error_of(CAUSES["-501000"], "It was refused", errmsg="it is (half) full", **more)
    with override("zh-hans"):
        text = recorded(english(error), "-501000", -501000, "tenant")
        assert text.startswith(f"{CAUSES['-501000'].title}：it is (half) full（")


@pytest.mark.parametrize(
    "cause", ["ConfigurationError", "PolicyRejected", "http.redirect", "source.kept"]
)
def test_a_recorded_message_is_shown_whole_where_its_hint_relies_on_it(cause: str) -> None:
    with override("zh-hans"):
        text = recorded("What only the message names", cause, None, "tenant")
        assert text == f"{CAUSES[cause].title}：What only the message names"
