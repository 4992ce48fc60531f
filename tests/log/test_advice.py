"""Each upload that is not stored has a sentence for an editor, and a hint for an operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wx_static_store.core.errcodes import ERRCODES
from wx_static_store.log.advice import advice, advice_on, error_rule, hint

from tests.deploys import configure_releases, write
from tests.tables import each
from wx_static_store.exceptions import (
    ConnectFailed,
    NameRejected,
    SourceError,
    TokenUnavailable,
    UploadFailed,
    WeChatRefused,
)
from wx_static_store.i18n import english
from wx_static_store.models import UploadLog
from wx_static_store.upload.release_storage import open_kept, path_of


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


@each(
    ("columns", "text"),
    [
        ({"errcode": 45009, "stage": "link"}, "daily quota"),
        ({"errcode": 85088, "stage": "link"}, "Cloud hosting is not open"),
        ({"stage": "source"}, str(SourceError.hint)),
        ({"stage": "token"}, str(TokenUnavailable.hint)),
        ({"stage": "put"}, str(ConnectFailed.hint)),
        ({"stage": "name"}, ""),
        ({"status": "stored", "errcode": 0, "stage": "put"}, ""),
    ],
)
def test_the_hint_is_that_of_the_code_or_else_of_the_stage(
    columns: dict[str, Any], text: str
) -> None:
    found = str(hint(UploadLog(**{"status": "failed"} | columns)))
    assert text in found
    assert bool(text) == bool(found)


def test_the_hint_about_an_address_names_the_one_that_wechat_saw() -> None:
    message = "invalid ip 203.0.113.7 rid: 1-2-3, requestIP: 203.0.113.7"
    assert "203.0.113.7" in str(hint(UploadLog(status="failed", errcode=61004, message=message)))


def test_a_code_of_cos_has_its_hint_and_an_unknown_code_has_none() -> None:
    assert error_rule(UploadLog(cos_code="SlowDown")) is not None
    assert error_rule(UploadLog(stage="put")) is None


def test_the_hint_of_a_refused_token_says_whether_it_is_a_fixed_one(configure: Any) -> None:
    row = UploadLog(status="failed", errcode=42001, stage="link")
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    assert "ACCESS_TOKEN has expired" in hint(row)
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None})
    assert "another system refreshes" in hint(row)


def test_the_hint_of_an_unknown_environment_names_it() -> None:
    columns = {"errcode": -501000, "message": "TcbCode: [ResourceNotFound.Env]", "env": "dev-2"}
    assert "no environment 'dev-2' on" in hint(UploadLog(status="failed", **columns))


@pytest.mark.parametrize("there", [True, False], ids=["damaged", "lost"])
def test_the_hint_of_kept_bytes_is_that_of_the_command(
    configure: Any, tmp_path: Path, *, there: bool
) -> None:
    configure(**configure_releases(tmp_path))
    if there:
        write(tmp_path, {path_of("ab" * 32): b"other"})
    with pytest.raises(SourceError, match="with --force") as caught:
        open_kept("ab" * 32)
    message = english(caught.value.message)
    row = UploadLog(status="failed", stage="source", message=message)
    assert hint(row) == caught.value.full_hint
