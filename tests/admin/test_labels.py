"""Every code and every stage has a meaning."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override
from wx_static_store.core.errcodes import ERRCODES

from tests.admin.conftest import (
    Rows,
    listed,
)
from tests.tables import each
from wx_static_store.admin import labels
from wx_static_store.clients.cos import COS_CODES
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


@each(
    ("columns_", "shown"),
    [
        ({"errcode": 0, "cos_code": "NeverHeardOf"}, "NeverHeardOf the object store has trouble"),
        ({"errcode": 0, "cos_code": "PaymentRequired"}, "PaymentRequired the object store refuses"),
        ({"errcode": 0, "stage": "put"}, "- no usable answer from the object store"),
        ({"errcode": None, "stage": "link"}, "- no usable answer from WeChat"),
        ({"errcode": None, "stage": "source"}, "- the file cannot be read"),
        ({"errcode": None, "stage": "name", "key": ""}, "- the name is refused"),
        ({"errcode": None, "stage": "name"}, "- it could not be asked whether the name is free"),
        ({"status": "unknown", "stage": "put"}, "- no usable answer from the object store"),
        ({"status": "stored", "errcode": 0}, "- "),
    ],
)
def test_an_error_without_an_errcode_has_a_meaning_too(
    viewer: Client, rows: Rows, columns_: dict[str, Any], shown: str
) -> None:
    rows("a", **{"status": "failed"} | columns_)
    found = re.findall(r'<td class="field-errcode">(.*?)</td>', listed(viewer))
    assert re.sub("<.*?>", "", found[0] + " ").startswith(shown)


@each("code", COS_CODES)
def test_every_code_of_the_object_store_has_a_meaning(code: str) -> None:
    assert labels.trouble(UploadLog(status="failed", cos_code=code))


@each("errcode", [*ERRCODES, 123456])
def test_every_errcode_has_a_meaning(errcode: int) -> None:
    assert labels.meaning(errcode)


@each(
    ("columns_", "chinese"),
    [
        ({"errcode": 45009, "stage": "link", "message": "staticuploadfile was refused"}, True),
        ({"message": "The answer never came"}, True),
        ({"status": "stored", "message": "no words of ours"}, False),
        ({"status": "stored"}, False),
    ],
)
def test_what_happened_is_said_in_the_reader_s_language(
    columns_: dict[str, Any], chinese: bool
) -> None:
    with override("zh-hans"):
        text = labels.describe_error(UploadLog(**{"status": "failed"} | columns_))
    assert bool(re.search("[一-龥]", text)) is chinese
