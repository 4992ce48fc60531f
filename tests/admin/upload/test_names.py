"""Names beside one that is taken, as the log knows them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.admin.conftest import Rows
from tests.conftest import ENV
from wx_static_store.admin.upload.names import MOST, candidates, names_beside
from wx_static_store.core.types import DELETED_MD5
from wx_static_store.submit.policy import Target

pytestmark = pytest.mark.django_db

HERE = Target("default", ENV, "")
OLD, TEA = "0" * 32, "1" * 32


@pytest.fixture(autouse=True)
def _taken(configure: Any, rows: Rows) -> None:
    configure()
    rows("a.txt", md5=OLD)


def tried(name: str = "a.txt", wish: str = "") -> list[str]:
    return [other for other, _is_same in candidates(HERE, name, TEA, wish)]


def test_a_taken_name_is_followed_by_numbers_and_a_random_suffix(rows: Rows) -> None:
    rows("a-3.txt", md5=OLD)
    *names, last = tried()
    assert names == ["a-2.txt", "a-4.txt", "a-5.txt", "a-6.txt"]
    assert re.fullmatch(r"a_\w{7}\.txt", last)


def test_a_name_that_the_log_does_not_know_is_tried_first() -> None:
    assert tried("b.c/tea")[:2] == ["b.c/tea", "b.c/tea-2"]


def test_a_name_with_these_bytes_is_tried_first_though_their_outcome_is_unknown(
    rows: Rows,
) -> None:
    rows("a-7.txt", md5=TEA, status="unknown")
    assert next(candidates(HERE, "a.txt", TEA)) == ("a-7.txt", True)


def test_a_name_whose_bytes_were_deleted_is_not_the_same(rows: Rows) -> None:
    rows("a-2.txt", md5=DELETED_MD5)
    assert next(candidates(HERE, "a.txt", DELETED_MD5)) == ("a-3.txt", False)


def test_the_name_that_was_shown_is_tried_before_the_numbers() -> None:
    assert tried(wish="a-3.txt")[:3] == ["a-3.txt", "a-2.txt", "a-4.txt"]


def test_a_name_that_neither_log_nor_list_knows_is_shown(rows: Rows) -> None:
    rows("a-2.txt", md5=OLD)
    assert names_beside(HERE, {"a.txt": ""}, {"a-3.txt"}) == {"a.txt": "a-4.txt"}


def test_a_name_with_these_bytes_is_shown(rows: Rows) -> None:
    rows("a-2.txt", md5=TEA)
    assert names_beside(HERE, {"a.txt": TEA}, ()) == {"a.txt": "a-2.txt"}


def test_a_random_name_is_shown_where_the_log_knows_all_numbers(rows: Rows) -> None:
    rows(*(f"a-{number}.txt" for number in range(2, 2 + MOST)), md5=OLD)
    assert names_beside(HERE, {"a.txt": TEA}, ())["a.txt"].startswith("a_")


def test_names_are_looked_for_by_few_queries(django_assert_max_num_queries: Any) -> None:
    files = {f"{number}.txt": "" for number in range(1000)}
    with django_assert_max_num_queries(12):
        assert len(names_beside(HERE, files, ())) == 1000
