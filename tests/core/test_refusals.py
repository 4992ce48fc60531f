"""A rule says why it refuses."""

from django.utils.translation import override

from tests.tables import each
from wx_static_store.core import refusals
from wx_static_store.core.refusals import EXISTS, NOT_OFFERED, PolicyRejected, Rule
from wx_static_store.i18n import english

RULES = {name: rule for name, rule in vars(refusals).items() if isinstance(rule, Rule)}


def test_a_broken_rule_names_the_file_and_what_helps() -> None:
    error = EXISTS.broken(key="media/a.png")
    assert (error.code, error.stage) == ("exists", "policy")
    assert "There is a file media/a.png already" in str(error)
    assert "Choose another name" in str(error)


def test_a_broken_rule_is_shown_in_the_reader_s_language_and_recorded_in_english() -> None:
    with override("zh-hans"):
        error = NOT_OFFERED.broken(env="tenant-1")
        assert str(error.message) == "环境 tenant-1 未对您开放。"
        assert english(error.message) == "The environment tenant-1 is not offered to you."
        assert english(error.hint) == "Name one of the environments that are offered to you."


@each("name", RULES)
def test_the_code_of_a_rule_is_documented(name: str) -> None:
    assert f"``{RULES[name].code}``" in str(PolicyRejected.__doc__)
