"""Which environments are meant by their names and their tags."""

from typing import Any

import pytest

from tests.tables import each
from wx_static_store.conf.offered import Offer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.submit.selection import having_tags, select_environments, tags_of

TENANTS = {
    "tenant-a": {"label": "A", "tags": ["ring/early", "customer/acme"]},
    "tenant-b": {"label": "B", "tags": ["ring/main", "customer/acme"]},
    "tenant-c": {"label": "C", "tags": ["ring/main", "customer/books", "region/north"]},
    "tenant-d": "D",
}


@pytest.fixture(autouse=True)
def tenants(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: TENANTS}


@each(
    "named, tags, expected",
    [
        ("", "", ""),
        ("d a d", "", "d a"),
        ("", "ring/early", "a"),
        ("", "ring/main", "b c"),
        ("", "ring/main ring/main", "b c"),
        # Tags of one set are alternatives, in the order of ENVIRONMENTS.
        ("", "ring/main ring/early", "a b c"),
        # Of each set one is needed.
        ("", "ring/main customer/acme", "b"),
        ("", "ring/main ring/early customer/acme", "a b"),
        ("", "ring/main customer/acme customer/books region/north", "c"),
        # What is named comes first, whatever its tags.
        ("d b", "ring/main", "d b c"),
        ("d", "customer/acme ring/early", "d a"),
    ],
)
def test_named_environments_come_before_those_with_the_tags(
    named: str, tags: str, expected: str
) -> None:
    found = select_environments([f"tenant-{letter}" for letter in named.split()], tags.split())
    assert found == [f"tenant-{letter}" for letter in expected.split()]


@each(
    "tag, hint",
    [
        ("ring/erly", "Did you mean ring/early?"),
        ("early", "Did you mean ring/early?"),
        ("Ring/Main", "Did you mean ring/main?"),
        ("", "Known are: customer/acme, customer/books, region/north, ring/early, ring/main."),
    ],
)
def test_a_tag_of_no_environment_is_refused_with_the_known_ones(tag: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"No environment has the tag {tag!r}") as caught:
        select_environments([], ["ring/main", tag])
    assert str(caught.value.hint) == hint


def test_tags_that_no_environment_has_together_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="fits these tags: ring/early, customer/books"):
        select_environments(["tenant-d"], ["ring/early", "customer/books"])


def test_a_named_environment_that_is_not_offered_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"does not offer tenant-x. Did you mean tenant-"):
        select_environments(["tenant-a", "tenant-x"])


def test_a_tag_where_no_environment_has_one_says_how_to_write_them(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: {"tenant-a": "A"}}
    with pytest.raises(ConfigurationError, match=r'"tags": \["ring/early", "customer/acme"\]'):
        select_environments([], ["ring/early"])


def test_the_user_is_whom_environments_are_offered_to(settings: Any) -> None:
    offer = {"boss": TENANTS, "editor": {"tenant-b": TENANTS["tenant-b"]}}
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: offer[user]}
    assert select_environments([], ["customer/acme"], user="boss") == ["tenant-a", "tenant-b"]
    assert select_environments([], ["customer/acme"], user="editor") == ["tenant-b"]


def test_without_environments_any_may_be_named_and_none_has_tags(settings: Any) -> None:
    settings.WX_STATIC_STORE = {}
    assert select_environments(["any-env", "other", "any-env"]) == ["any-env", "other"]
    with pytest.raises(ConfigurationError, match="WX_STATIC_STORE has no ENVIRONMENTS"):
        select_environments(["any-env"], ["ring/early"])


def test_environments_are_not_asked_where_none_is_meant(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: 1 / 0}
    assert select_environments([]) == []


def test_environments_without_a_tag_of_a_set_are_left_out() -> None:
    offers = {"a": Offer("A", ("ring/early",)), "b": Offer("B", ("ring/main",)), "c": Offer("C")}
    assert having_tags(offers, ["ring/early", "ring/main"]) == ["a", "b"]
    assert having_tags(offers, ["ring/early", "customer/acme"]) == []
    assert having_tags(offers, []) == ["a", "b", "c"]


def test_each_tag_is_named_once() -> None:
    offers = {"a": Offer("A", ("ring/early", "x/y")), "b": Offer("B", ("ring/early",))}
    assert tags_of(offers) == ["ring/early", "x/y"]
