"""The table of system checks: what a message is made of."""

from django.core.checks import Error, Warning
from django.utils.translation import override

from tests.tables import each
from wx_static_store.conf.check_table import CHECKS, message

FACTS = {
    "alias": "default",
    "aliases": "a, b",
    "fault": "f",
    "length": 16,
    "name": "n",
    "option": "RELEASE_STORAGE",
    "why": "w",
}


@each("id", CHECKS)
def test_an_id_says_whether_it_is_an_error_or_a_warning(id: str) -> None:
    found = message(id, **FACTS)
    assert type(found) is {"E": Error, "W": Warning}[id[0]]
    assert found.id == f"wx_static_store.{id}"


def test_numbers_of_checks_are_unique() -> None:
    numbers = [id[1:] for id in CHECKS]
    assert sorted(set(numbers)) == sorted(numbers)


@each("id", CHECKS)
def test_a_message_has_no_part_left_to_fill_in(id: str) -> None:
    assert "%(" not in f"{message(id, **FACTS).msg} {message(id, **FACTS).hint}"


def test_a_better_text_and_hint_replace_those_of_the_table() -> None:
    found = message("E017", text="All is wrong.", hint="Begin again.")
    assert found.msg == "All is wrong."
    assert str(found.hint).startswith("Begin again. More: ")


def test_a_message_is_in_the_language_of_whoever_reads_it_later() -> None:
    found = message("E004", alias="staticfiles")
    assert " More: " in str(found.hint)
    with override("zh-hans"):
        assert "STATIC_ROOT，" in str(found.msg)
