"""Texts in the reader's language, texts that are recorded in English, columns of a terminal."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from wx_static_store.i18n import (
    ago,
    english,
    gettext,
    gettext_lazy,
    listed,
    ngettext,
    padded,
    sentences,
    shown,
    with_facts,
)


def without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


def test_english_leaves_the_reader_s_language_active() -> None:
    with override("zh-hans"):
        assert english(gettext_lazy("it is empty")) == "it is empty"
        assert gettext("it is empty") == "名称为空"


def test_a_plural_has_its_count() -> None:
    one, many = (
        "%(count)d file must be chosen again, because its bytes are not kept.",
        "%(count)d files must be chosen again, because their bytes are not kept.",
    )
    assert ngettext(one, many, 1).startswith("1 file must")
    assert ngettext(one, many, 2).startswith("2 files must")
    with override("zh-hans"):
        assert ngettext(one, many, 2).startswith("2 个文件")


def test_of_many_names_the_first_are_listed() -> None:
    assert str(listed(iter("abc"), 2)) == "a, b and 1 more"
    assert str(listed("ab", 2)) == str(listed("ab")) == "a, b"


def test_sentences_are_joined_and_facts_are_bracketed_as_the_language_does() -> None:
    assert (sentences(["A.", "B."]), with_facts("a", "b")) == ("A. B.", "a (b)")
    with override("zh-hans"):
        assert (sentences(["甲。", "乙。"]), with_facts("甲", "乙")) == ("甲。乙。", "甲（乙）")


def test_texts_work_without_django_s_settings() -> None:
    code = (
        "from wx_static_store.i18n import *\n"
        "print(gettext('%(a)s!', a=gettext_lazy('one')), ngettext('x', '%(count)d', 2), english(3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=without_settings(), check=True, capture_output=True
    )
    assert done.stdout == b"one! 2 3\n"


def test_a_control_character_is_shown_as_its_escape() -> None:
    assert shown("a\x1b[2J文.txt") == "a\\x1b[2J文.txt"


def test_a_chinese_character_is_padded_as_two_columns() -> None:
    assert padded("图片", 6) == "图片  "
    assert padded("ab", 4, right=True) == "  ab"


def test_a_text_is_padded_to_no_less_than_itself() -> None:
    assert padded("图片", 3) == "图片"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=50), "less than a minute ago"),
        (timedelta(minutes=12), "12\xa0minutes ago"),
        (timedelta(hours=3, minutes=20), "3\xa0hours ago"),
        (timedelta(seconds=-30), "less than a minute ago"),
    ],
    ids=["seconds", "minutes", "hours", "future"],
)
def test_an_age_is_in_words(age: timedelta, words: str) -> None:
    assert ago(datetime.now(UTC) - age) == words
    assert ago(datetime.now() - age) == words
