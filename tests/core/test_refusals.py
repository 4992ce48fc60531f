"""A rule says why it refuses, and which permission lifts it."""

from typing import Any

import pytest

from tests.tables import each
from wx_static_store.core import refusals
from wx_static_store.core.refusals import EXISTS, SIZE, PolicyRejected, Rule

RULES = {name: rule for name, rule in vars(refusals).items() if isinstance(rule, Rule)}


class User:
    def __init__(self, *permissions: str) -> None:
        self._permissions = permissions

    def has_perm(self, permission: str) -> bool:
        return permission in self._permissions


def test_a_broken_rule_names_the_file_and_what_helps() -> None:
    error = EXISTS.broken(key="media/a.png")
    assert (error.code, error.stage) == ("exists", "policy")
    assert "There is a file media/a.png already" in str(error)
    assert "Choose another name" in str(error)


def test_a_rule_is_lifted_by_its_permission_only() -> None:
    replacer: Any = User("wx_static_store.replace")
    EXISTS.require(replacer, key="a.png")
    with pytest.raises(PolicyRejected):
        EXISTS.require(User("wx_static_store.upload"), key="a.png")  # type: ignore[arg-type]
    with pytest.raises(PolicyRejected):
        SIZE.require(replacer, limit="1 MiB")


@each("name", RULES)
def test_the_code_of_a_rule_is_documented(name: str) -> None:
    assert f"``{RULES[name].code}``" in str(PolicyRejected.__doc__)
