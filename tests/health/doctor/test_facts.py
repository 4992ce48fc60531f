"""What probes have learned: kept, and shown with advice."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override

from docs.from_code.unknowns import SETTLED, UNSETTLED
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.health.doctor.facts import (
    facts_by_subject,
    facts_of,
    remember,
    said,
)
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.health.models import Fact

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_learned_is_kept_by_its_subject(configure: Any) -> None:
    configure(WX_STATIC_STORE={"COMPONENT_APPID": "wx-platform"})
    target = CheckTarget()
    target.learned[ENV]["cors"] = "off"
    target.learned[""]["marker"] = "inclusive"
    remember(target)
    assert [*Fact.objects.values_list("subject", "name", "value")] == [
        (ENV, "cors", "off"),
        ("wx-platform", "marker", "inclusive"),
    ]


@pytest.mark.parametrize(
    ("learned", "known"),
    [
        ({"stale_seconds": "0"}, {"stale_seconds": "0"}),
        (
            {"stale_seconds": "9", "cache_busting": "no"},
            {"stale_seconds": "9", "cache_busting": "no"},
        ),
        ({"speed": "90"}, {"stale_seconds": "3", "cache_busting": "yes"}),
    ],
    ids=["no old copy", "another one", "nothing of it"],
)
def test_a_part_of_an_older_fact_is_forgotten_with_it(
    configure: Any, learned: dict[str, str], known: dict[str, str]
) -> None:
    configure()
    for env in (ENV, "tenant-b"):
        Fact.objects.remember(env, {"stale_seconds": "3", "cache_busting": "yes"})
    target = CheckTarget()
    target.learned[ENV] = learned
    remember(target)
    assert {fact.name: fact.value for fact in facts_of(ENV) if fact.name != "speed"} == known
    assert len(facts_of("tenant-b")) == 2


def test_no_space_stands_between_two_chinese_sentences() -> None:
    found = said({"errcode_as": "number", "truncated_as": "string"})
    assert str(found) == "errcode is a number. is_truncated is a text."
    with override("zh-hans"):
        assert str(found) == "errcode 是数字。is_truncated 是字符串。"


def test_a_fact_is_a_sentence_with_what_to_set_and_when_it_was_learned() -> None:
    Fact.objects.remember(ENV, {"speed": "90", "marker": "exclusive"})
    speed, marker = facts_of(ENV)
    assert str(speed.sentence) == "The public address gives 90 KB a second."
    assert (speed.name, speed.value) == ("speed", "90")
    assert "base_url" in str(speed.advice)
    assert speed.when == Fact.objects.get(name="speed").learned
    assert marker.advice == ""


def test_facts_of_many_subjects_are_one_query(django_assert_num_queries: Any) -> None:
    for env in (ENV, "tenant-b", "tenant-c"):
        Fact.objects.remember(env, {"marker": "exclusive", "cors": "off"})
    with django_assert_num_queries(2):
        few, all_of_them = facts_by_subject([ENV, "tenant-b"]), facts_by_subject()
    assert [*few] == [ENV, "tenant-b"]
    assert [*all_of_them] == [ENV, "tenant-b", "tenant-c"]
    assert [fact.name for fact in few[ENV]] == ["cors", "marker"]


def test_a_fact_of_an_unknown_kind_is_not_shown() -> None:
    Fact.objects.remember(ENV, {"of_another_version": "1"})
    assert facts_of(ENV) == []


OPEN = [
    *("Data or data", "contents", "page size", "marker"),
    "MD5 of a file that was sent by one PUT",
    *("Cache-Control", "x-cos-meta"),
    *("CORS", "batchdeletefile"),
    "signature",
    *("the quota of these calls, and their rate", "tokens may be fetched a day"),
]


@each("words", OPEN)
def test_what_the_documents_leave_open_is_settled_or_has_a_reason(words: str) -> None:
    settled = [text for texts in SETTLED.values() for text, _chinese in texts]
    assert any(words in text for text in [*settled, *(what[0] for what, _why in UNSETTLED)])


def test_every_check_that_settles_something_exists() -> None:
    assert SETTLED.keys() <= {check.id for check in CHECKS}


def test_nothing_is_both_settled_and_unsettled() -> None:
    settled = {text for texts in SETTLED.values() for text, _chinese in texts}
    assert settled.isdisjoint(what[0] for what, _why in UNSETTLED)
