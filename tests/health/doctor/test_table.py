"""The table of checks."""

from tests.tables import each
from wx_static_store.health.doctor.findings import Check
from wx_static_store.health.doctor.table import CHECKS

IDS = [check.id for check in CHECKS]


def test_each_check_has_an_id_of_its_own() -> None:
    assert len({*IDS}) == len(IDS)


@each("check", CHECKS)
def test_a_check_says_what_it_asks_and_what_to_do(check: Check) -> None:
    assert all(map(str, (check.question, check.means, check.remedy)))
    assert str(check.question).endswith("?")


@each("check", CHECKS)
def test_what_a_check_needs_is_asked_before_it(check: Check) -> None:
    assert {*check.needs} <= {*IDS[: IDS.index(check.id)]}
