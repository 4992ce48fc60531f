"""docs/chinese_search.py: how a page is cut into the words of the search."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ci_package


@pytest.fixture(scope="module")
def search() -> Any:
    ci_package("sphinx")
    return ci_package("docs.chinese_search").SearchPairs({})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("签名链接", ["签名", "名链", "链接"]),
        ("令牌", ["令牌"]),
        ("键", ["键"]),
        ("用 collectstatic 发布，", ["用", "collectstatic", "发布"]),
        ("URL地址", ["URL", "地址"]),
        ("wx_deploy 45009", ["wx_deploy", "45009"]),
        ("——。", []),
    ],
)
def test_chinese_is_cut_into_pairs_and_latin_into_words(
    search: Any, text: str, words: list[str]
) -> None:
    assert search.split(text) == words
