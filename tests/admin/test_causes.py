"""Cards of uploads that failed alike."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import RequestFactory
from django.urls import resolve

from tests.admin.conftest import Rows
from wx_static_store.admin.causes import SHOWN, cards
from wx_static_store.admin.columns import UploadColumns
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.failing import FailureCause, causes
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_(rf: RequestFactory, admin_user: object, admin_site: EmulatorServer) -> object:
    request = rf.get("/admin/wx_static_store/uploadlog/")
    request.user = admin_user
    request.resolver_match = resolve(request.path)
    return request


def test_a_card_counts_all_and_names_some(request_, rows: Rows) -> None:  # type: ignore[no-untyped-def]
    made = rows(*(f"media/{n}" for n in range(SHOWN + 3)), status="failed", errcode=45009)
    [card] = cards(request_, causes(UploadLog.objects.all()), UploadLog.objects.all())
    assert (card["count"], card["more"], card["newest"]) == (SHOWN + 3, 3, made[-1].pk)
    assert [file["row"] for file in card["files"]] == made[: -SHOWN - 1 : -1]
    assert re.findall("again tomorrow|clear_quota", card["hint"]) == [
        "again tomorrow",
        "clear_quota",
    ]


def test_a_cause_whose_rows_were_pruned_has_no_card(request_) -> None:  # type: ignore[no-untyped-def]
    assert cards(request_, [FailureCause("45009", [1])], UploadLog.objects.all()) == []


def test_a_file_is_chosen_again_where_its_row_went(request_, rows: Rows) -> None:  # type: ignore[no-untyped-def]
    [row, elsewhere] = *rows("media/x/y.txt", name="x/y.txt"), *rows("nowhere.txt")
    columns = UploadColumns(request_)
    query = parse_qs(urlsplit(columns.choose_again(row)).query)
    assert query == {"store": [f"default@{row.env}"], "folder": ["x/"], "name": ["y.txt"]}
    assert columns.choose_again(elsewhere) == ""
