"""What the page *Environments* shows of those that were chosen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict

from tests.log.conftest import row
from tests.rollouts.admin.pages import deployment_of, env, release_of, rollout_of
from tests.tables import each
from wx_static_store.admin.places import Places
from wx_static_store.causes import cause_of
from wx_static_store.conf.offered import Offer
from wx_static_store.rollouts.admin.table import PAGE, TAGS, OverviewTable
from wx_static_store.rollouts.models import Drift
from wx_static_store.rollouts.overview import Place

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = Place("site", "www/"), Place("site", "docs/")
OFFERS = {
    env(0): Offer("Tea House", ("ring/early", "customer/acme")),
    env(1): Offer("Bakery", ("ring/main", "customer/acme")),
    env(2): Offer("Book Shop", ("ring/main",)),
    env(3): Offer(env(3)),
}


def known() -> Places:
    return Places(AnonymousUser())


def table(query: str = "", offers: Any = OFFERS) -> OverviewTable:
    return OverviewTable(QueryDict(query), offers, [HERE, ELSEWHERE], known=known())


def names(query: str = "") -> str:
    """Return the first letter of each environment that is shown."""
    return "".join(line["name"][0] for line in table(query).lines())


def line_of(query: str = "") -> dict[str, Any]:
    return next(table(query).lines())


@pytest.fixture
def environments() -> None:
    """Bring a release to the first two, and another one to three, of which two failed."""
    rollout_of("dd", folder="www/", label="v1")
    rollout_of("dff", folder="www/", release=release_of("b"), label="v2")
    Drift.objects.create(env=env(0), using="site", missing=3, differs=2)
    Drift.objects.create(env=env(1), using="site", unlogged=1)
    Drift.objects.create(env=env(2), using="site", message="staticfilelist was refused")


@pytest.mark.usefixtures("environments")
@each(
    "query, found",
    [
        ("", "BBTt"),
        ("tag=ring/early", "T"),
        ("tag=ring/early&tag=ring/main", "BBT"),
        ("tag=ring/main&tag=customer/acme", "B"),
        ("tag=ring/lost", ""),
        ("q=tea", "T"),
        ("q=TENANT-02", "B"),
        ("q=ring/main", "BB"),
        ("q=nobody", ""),
        ("show=failing", "BB"),
        ("show=drift", "BT"),
        ("show=nothing", "Bt"),
        ("show=everything", "BBTt"),
        ("show=failing&tag=customer/acme", "B"),
        ("place=site:docs/&show=nothing", "TBBt"),
        ("place=nowhere", "BBTt"),
        ("p=7", "BBTt"),
        ("p=x", "BBTt"),
        ("release=x", ""),
    ],
)
def test_a_filter_shows_the_environments_that_match(query: str, found: str) -> None:
    assert names(query) == found


@pytest.mark.usefixtures("environments")
def test_the_releases_that_are_live_are_counted_and_chosen() -> None:
    releases = table().releases()
    assert {(each["label"], each["digest"], each["number"]) for each in releases} == {
        ("", "aaaaaaaaaa", 1),
        ("", "bbbbbbbbbb", 1),
    }
    old = release_of("a").pk
    assert names(f"release={old}") == "B"
    chosen = [one["is_chosen"] for one in table(f"release={old}").releases() if one["pk"] == old]
    assert chosen == [True]


def test_a_release_is_called_by_the_newest_label() -> None:
    rollout = rollout_of(folder="www/")
    for position, label in enumerate(["v1", "v1 again"]):
        deployment_of(env(position), rollout, label=label)
    [found] = table().releases()
    assert (found["label"], found["number"]) == ("v1 again", 2)


@pytest.mark.usefixtures("environments")
def test_a_line_says_what_failed_last() -> None:
    assert line_of(f"q={env(1)}")["cause"] == cause_of("85088").title
    assert "✗" in line_of(f"q={env(1)}")["outcome"]


@pytest.mark.usefixtures("environments")
@each(
    "position, sign, text",
    [
        (0, "✗", "3 missing, 2 with other bytes"),
        (1, "✓", "as deployed"),
        (2, "?", "not compared"),
    ],
)
def test_drift_is_said_with_a_sign(position: int, sign: str, text: str) -> None:
    drift = line_of(f"q={env(position)}")["drift"]
    assert drift
    assert (drift["look"].sign, drift["text"]) == (sign, text)


def test_an_environment_that_was_never_compared_has_no_drift() -> None:
    assert line_of()["drift"] is None


def test_the_id_is_shown_where_the_name_is_another() -> None:
    assert (line_of()["name"], line_of()["env"]) == ("Tea House", env(0))
    assert line_of(f"q={env(3)}")["env"] == ""


def test_environments_stand_on_pages() -> None:
    many = {f"tenant-{number:03}": Offer(f"{number}") for number in range(PAGE + 1)}
    assert len([*table(offers=many).lines()]) == PAGE
    assert [line["name"] for line in table("p=2", many).lines()] == [f"{PAGE}"]


def test_more_than_a_page_is_sorted_once_for_all_who_see_the_same(
    django_assert_max_num_queries: Any,
) -> None:
    many = {f"tenant-{number:03}": Offer(f"{number}") for number in range(PAGE + 9)}
    last = f"tenant-{PAGE + 8:03}"
    deployment_of(last, rollout_of(folder="www/"), failed=True)
    assert [line["env_id"] for line in table(offers=many).troubled(5)] == [last]
    with django_assert_max_num_queries(0):
        ranked = [rank.env for rank in table("p=2", many).page]
    assert len(ranked) == 9
    deployment_of(last, rollout_of(folder="www/"), label="v3")
    first, *_others = table(offers=many).lines()
    assert first["standing"].live
    assert (first["env_id"], first["standing"].live.label, first["standing"].is_failing) == (
        last,
        "v3",
        False,
    )


def test_who_does_not_see_the_log_learns_no_failures_from_who_does() -> None:
    many = {f"tenant-{number:03}": Offer(f"{number}") for number in range(PAGE + 9)}
    row("www/a", env="tenant-003", status="failed", cause="45009", errcode=45009)
    for sees_log, number in ((True, 1), (False, 0)):
        shown = OverviewTable(QueryDict(), many, [HERE], known=known(), sees_log=sees_log)
        assert sum(bool(line["failures"]) for line in shown.lines()) == number


# --- what may be chosen -----------------------------------------------------------------------


def test_tags_are_offered_by_their_sets() -> None:
    sets = {
        each["name"]: [(choice.text, choice.is_chosen) for choice in each["choices"]]
        for each in table("tag=ring/main").tag_sets()
    }
    assert sets == {
        "customer": [("acme", False)],
        "ring": [("main", True), ("early", False)],
    }


def test_of_many_tags_the_chosen_ones_are_offered_first() -> None:
    many = {str(number): Offer("X", (f"customer/{number:02}",)) for number in range(TAGS + 5)}
    last = f"customer/{TAGS + 4:02}"
    [found] = table(f"tag={last}", many).tag_sets()
    assert (found["choices"][0].value, found["chosen"], found["more"]) == (last, 1, 5)
    assert len(found["choices"]) == TAGS


def test_the_chosen_place_is_marked() -> None:
    assert [(place.text, place.is_chosen) for place in table("place=site:docs/").places()] == [
        ("site: /www/", False),
        ("site: /docs/", True),
    ]


def test_without_a_place_the_environments_are_shown() -> None:
    empty = OverviewTable(QueryDict(), OFFERS, [], known=known())
    assert [line["env_id"] for line in empty.lines()] == [*OFFERS]
    assert (empty.releases(), empty.places()) == ([], [])


@pytest.mark.parametrize("sees_log", [True, False])
def test_the_failure_of_a_deploy_has_the_cause_of_most_of_its_files(sees_log: bool) -> None:
    failed = deployment_of(env(0), rollout_of(folder="www/"), failed=True)
    for number, cause in enumerate(["AccessDenied", "45009", "45009"]):
        why = {"errcode": 45009} if cause == "45009" else {"cos_code": cause}
        row(f"www/{number}", env=env(0), status="failed", cause=cause, deployment=failed, **why)
    shown = OverviewTable(QueryDict("q=tea"), OFFERS, [HERE], known=known(), sees_log=sees_log)
    [line] = shown.lines()
    known_cause = ("45009", cause_of("45009").title)
    assert (line["number"], line["cause"]) == (known_cause if sees_log else ("", ""))
