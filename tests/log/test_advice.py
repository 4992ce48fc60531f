"""Each upload that is not stored has a sentence for an editor."""

from __future__ import annotations

from typing import Any

from tests.tables import each
from wx_static_store.core.errcodes import ERRCODES
from wx_static_store.exceptions import ConnectFailed, NameRejected, UploadFailed, WeChatRefused
from wx_static_store.log.advice import advice, advice_on
from wx_static_store.models import UploadLog


@each(
    ("columns", "text"),
    [
        ({"errcode": 45009, "stage": "link"}, "again tomorrow"),
        ({"errcode": 45011, "stage": "link"}, "in some minutes"),
        ({"errcode": 85088, "stage": "link"}, "would fail, too"),
        ({"stage": "put", "cos_code": "EntityTooLarge"}, "smaller"),
        ({"stage": "put", "cos_code": "SlowDown"}, "in some minutes"),
        ({"stage": "put", "cos_code": "BadDigest"}, "at once"),
        ({"stage": "put", "status": "unknown"}, "may be public already"),
        ({"stage": "verify", "status": "unknown"}, "at once"),
        ({"stage": "source"}, "on your computer"),
        ({"stage": "token"}, "would fail, too"),
        ({"stage": "name"}, "another name"),
        ({"stage": "name", "key": "a.txt"}, "in some minutes"),
        ({}, "in some minutes"),
        ({"status": "stored"}, ""),
    ],
)
def test_the_advice_is_that_of_the_code_or_else_of_the_stage(
    columns: dict[str, Any], text: str
) -> None:
    found = str(advice(UploadLog(**{"status": "failed"} | columns)))
    assert text in found
    assert bool(text) == bool(found)


def test_each_errcode_has_an_advice() -> None:
    rows = [UploadLog(status="failed", errcode=code) for code in ERRCODES]
    assert all(advice(row) for row in rows)


@each(
    ("error", "text"),
    [
        (WeChatRefused("refused"), "would fail, too"),
        (ConnectFailed("no way"), "in some minutes"),
        (NameRejected("bad", hint="Rename it."), ""),
        (UploadFailed("refused", errcode=85088, stage="link", key="a.txt"), "would fail, too"),
        (UploadFailed("lost", stage="name", key="a.txt"), "in some minutes"),
    ],
)
def test_an_error_has_the_advice_of_its_row(error: Any, text: str) -> None:
    found = str(advice_on(error, "failed"))
    assert text in found
    assert bool(text) == bool(found)
