"""The environments that a project offers: a function of the user gives labels, and tags."""

from typing import Any

import pytest
from django.utils.translation import gettext_lazy

from tests.tables import each
from wx_static_store.conf.offered import Offer, offers
from wx_static_store.exceptions import ConfigurationError


def environments(user: Any = None) -> dict[str, str]:
    return {env: offer.label for env, offer in offers(user).items()}


def tenants(user: Any) -> dict[str, str]:
    return {"tenant-a": "Tea", "tenant-b": "Books"} if user is None else {"tenant-a": "Tea"}


@pytest.fixture
def offer(settings: Any) -> Any:
    """`offer(tenant)`: what ENVIRONMENTS says of its only environment, ``tenant-a``."""

    def set_to(tenant: Any) -> None:
        settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: {"tenant-a": tenant}}

    return set_to


@pytest.mark.parametrize("given", [tenants, "tests.conf.test_offered.tenants"])
def test_environments_are_offered_by_a_function_of_the_project(settings: Any, given: Any) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": given}
    assert environments() == {"tenant-a": "Tea", "tenant-b": "Books"}
    assert environments("an editor") == {"tenant-a": "Tea"}


def test_the_error_without_environments_names_the_setting(settings: Any) -> None:
    settings.WX_STATIC_STORE = {}
    with pytest.raises(ConfigurationError, match="has no ENVIRONMENTS"):
        environments()


@pytest.mark.parametrize(
    ("gives", "message"),
    [(lambda user: ["tenant-a"], "must give a dictionary"), (lambda user: 1 / 0, "ZeroDivision")],
)
def test_a_function_that_offers_no_environments_is_an_error(
    settings: Any, gives: Any, message: str
) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": gives}
    with pytest.raises(ConfigurationError, match=message):
        environments()


def test_an_offered_environment_must_be_an_id(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENVIRONMENTS": lambda user: {"not an id": "x"}}
    with pytest.raises(ConfigurationError, match="ENVIRONMENTS, 'not an id': env must be the id"):
        environments()


# --- tags ---------------------------------------------------------------------------------------

RINGS = ["ring/early", "客户/茶馆 一"]


@each(
    "tenant, label, tags",
    [
        ("Tea", "Tea", ()),
        ("", "", ()),
        (gettext_lazy("Tea"), "Tea", ()),
        ({"label": "Tea", "tags": RINGS}, "Tea", tuple(RINGS)),
        ({"label": "Tea", "tags": tuple(RINGS)}, "Tea", tuple(RINGS)),
        ({"label": gettext_lazy("Tea")}, "Tea", ()),
        ({"tags": RINGS}, "tenant-a", tuple(RINGS)),
        ({}, "tenant-a", ()),
    ],
)
def test_an_environment_has_a_label_and_may_have_tags(
    offer: Any, tenant: Any, label: str, tags: tuple[str, ...]
) -> None:
    offer(tenant)
    assert offers() == {"tenant-a": Offer(label, tags)}
    assert environments() == {"tenant-a": label}


@each("tags", ["ring/early", {"ring/early"}, None, 5, {"ring": "early"}])
def test_tags_that_are_no_list_are_refused_with_an_example(offer: Any, tags: Any) -> None:
    offer({"label": "Tea", "tags": tags})
    with pytest.raises(ConfigurationError, match="'tenant-a': tags must be a list") as caught:
        environments()
    assert '"tags": ["ring/early"' in caught.value.full_hint


@each("tag", ["early", "ring/", "/early", "/", "ring/a/b", " ring/early", "ring/ ", "", 5, None])
def test_a_tag_that_is_not_of_the_form_is_refused_with_its_environment(
    offer: Any, tag: Any
) -> None:
    offer({"label": "Tea", "tags": ["customer/acme", tag]})
    with pytest.raises(ConfigurationError) as caught:
        environments()
    expected = f"ENVIRONMENTS, 'tenant-a': the tag {tag!r} is not of the form Set/Tag"
    assert caught.value.what == expected


def test_an_unknown_member_is_refused_with_the_nearest_one(offer: Any) -> None:
    offer({"label": "Tea", "tag": ["ring/early"]})
    with pytest.raises(ConfigurationError, match=r"'tenant-a' has no option 'tag'.*mean tags\?"):
        environments()
