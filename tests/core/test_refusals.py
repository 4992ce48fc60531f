"""A rule says why it refuses."""

from tests.tables import each
from wx_static_store.core import refusals
from wx_static_store.core.refusals import EXISTS, PolicyRejected, Rule

RULES = {name: rule for name, rule in vars(refusals).items() if isinstance(rule, Rule)}


def test_a_broken_rule_names_the_file_and_what_helps() -> None:
    error = EXISTS.broken(key="media/a.png")
    assert (error.code, error.stage) == ("exists", "policy")
    assert "There is a file media/a.png already" in str(error)
    assert "Choose another name" in str(error)


@each("name", RULES)
def test_the_code_of_a_rule_is_documented(name: str) -> None:
    assert f"``{RULES[name].code}``" in str(PolicyRejected.__doc__)
