"""The page *Health* of the admin."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from tests.admin.conftest import Editor
from tests.conftest import ENV, lost_table
from tests.health.doctor.conftest import check
from wx_static_store.causes import cause_of, matching
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Result, ok, wrong
from wx_static_store.health.doctor.latest import keep
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.models import Fact
from wx_static_store.i18n import gettext_lazy as _
from wx_static_store.models import Account

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "admin:wx_static_store_health_health_changelist"
QUOTA = {"daily_limit": 100_000, "used": 1_000, "remain": 98_800, "calls": 0, "seconds": 0}


@pytest.fixture
def operator(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_health")


def text(answer: Any) -> str:
    """Return what the page shows, without its tags."""
    assert answer.status_code == 200
    [main] = re.findall(r'id="content-main">(.*)</main>', answer.content.decode(), re.DOTALL)
    return " ".join(unescape(re.sub(r"<.*?>", "", main)).split())


def test_the_page_shows_each_question_in_its_order(operator: Client) -> None:
    shown = text(operator.get(reverse(PAGE)))
    asked = [check for check in CHECKS if not check.probe]
    places = [shown.find(f"{check.question} {check.id}") for check in asked]
    assert -1 not in places
    assert places == sorted(places)


def test_the_page_counts_what_was_asked_and_leads_to_the_overview(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    known = ok("", data={"environments": 1, "of": 2})
    keep([Result(check("environments.known"), (known,))])
    answer = editor("view_health", "view_deployment").get(reverse(PAGE))
    assert "All is well. 1 of 2 environments were asked." in text(answer)
    assert reverse("admin:wx_static_store_rollouts_overview_changelist") in answer.content.decode()


def test_who_may_not_see_the_overview_gets_no_link_to_it(operator: Client) -> None:
    keep([])
    assert "The page Overview" not in text(operator.get(reverse(PAGE)))


def test_the_page_asks_once_in_a_minute(operator: Client, emulator: EmulatorServer) -> None:
    first, second = (text(operator.get(reverse(PAGE))) for _number in range(2))
    assert first == second
    assert len(emulator.calls("describeenvs")) == 1


def test_ask_again_asks_at_once(operator: Client, emulator: EmulatorServer) -> None:
    keep([])
    operator.post(reverse(PAGE))
    assert len(emulator.calls("describeenvs")) == 1


def test_what_is_wrong_stands_with_its_hint(operator: Client) -> None:
    keep([Result(check("token", question="Well?"), (wrong("Spent", hint="Set <b>one</b>."),))])
    shown = text(operator.get(reverse(PAGE)))
    assert "1 thing is wrong: token" in shown
    assert "✗wrong Well? token Spent Set <b>one</b>." in shown


def test_the_entry_of_what_is_wrong_stands_behind_its_hint(operator: Client) -> None:
    found = wrong("Refused", hint="Add it.", cause="61004")
    keep([Result(check("token.accepted"), (found, wrong("Spent", hint="Set one.")))])
    shown = text(operator.get(reverse(PAGE)))
    assert str(cause_of("61004").means) in shown
    assert str(matching("token.accepted")[0].means) in shown


def test_a_place_in_the_docs_is_a_link_where_the_docs_have_an_address(
    operator: Client, settings: Any
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"DOCS_URL": "https://docs.example/"}
    keep([Result(check("token.accepted"), (wrong("Spent", hint="Set one."),))])
    html = operator.get(reverse(PAGE)).content.decode()
    assert 'href="https://docs.example/troubleshooting/doctor.html#doctor-token-accepted"' in html


def test_the_page_speaks_the_reader_s_language(operator: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    keep([Result(check("a"), (ok(_("it is empty")),))])
    with override(None):
        answer = operator.get(reverse(PAGE), headers={"accept-language": "zh-hans"})
    assert "名称为空" in text(answer)


def test_a_quota_is_a_bar_of_what_is_not_left(operator: Client) -> None:
    keep([Result(check("quota.calls"), (ok("", data={"staticuploadfile": QUOTA}),))])
    answer = operator.get(reverse(PAGE))
    assert "staticuploadfile 98,800 of 100,000 left" in text(answer)
    assert 'max="100000" value="1200"' in answer.content.decode()


def test_remembered_facts_stand_below_their_environment_with_their_age(operator: Client) -> None:
    Fact.objects.remember(ENV, {"list_md5": "plain"})
    Fact.objects.update(learned=timezone.now() - timedelta(hours=3))
    shown = text(operator.get(reverse(PAGE)))
    assert re.search(rf"{ENV} .*3\shours ago", shown)


def test_facts_of_the_platform_stand_last_without_its_appid(
    operator: Client, settings: Any
) -> None:
    appid = settings.WX_STATIC_STORE["COMPONENT_APPID"]
    Fact.objects.remember(appid, {"marker": "exclusive"})
    Fact.objects.remember("zz-last-1a2b3c", {"cors": "off"})
    shown = text(operator.get(reverse(PAGE)))
    assert appid not in shown
    assert shown.index("zz-last-1a2b3c") < shown.index("The platform A page of the list begins")


def test_accounts_that_withdrew_their_authorization_are_listed(operator: Client) -> None:
    now = timezone.now()
    for appid, event in {"wx-in": "authorized", "wx-out": "unauthorized"}.items():
        Account.objects.note("", appid, event=event, at=now)
    shown = text(operator.get(reverse(PAGE)))
    assert "withdrew their authorization wx-out less than a minute ago" in shown
    assert "wx-in" not in shown


@pytest.mark.parametrize("model", [Fact, Account])
def test_the_page_is_shown_without_the_tables_of_the_app(operator: Client, model: Any) -> None:
    keep([])
    with lost_table(model):
        assert "All is well." in text(operator.get(reverse(PAGE)))


def test_the_page_is_an_entry_of_the_app_for_those_who_may_see_it(
    operator: Client, editor: Editor
) -> None:
    index = reverse("admin:app_list", args=["wx_static_store_health"])
    link = f'href="{reverse(PAGE)}"'
    assert link in operator.get(index).content.decode()
    assert link not in editor("view_uploadlog").get(index).content.decode()
