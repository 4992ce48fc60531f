"""The page of a rollout: what it shows to whom, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from tests.admin.conftest import Editor
from tests.admin.releases import configure_site
from tests.rollouts.admin.pages import (
    address,
    buttons,
    deployment_of,
    env,
    html_of,
    release_of,
    rollout_of,
    squares,
    text_of,
)
from tests.rollouts.conftest import Broker, broker as broker, states
from wx_static_store.core.releases import pack
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Callable[..., Any], tmp_path: Path) -> EmulatorServer:
    return configure_site(configure, tmp_path / "releases")


@pytest.fixture
def operator(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment", "deploy")


@pytest.fixture
def offered(operator: Client, settings: Any) -> dict[str, str]:
    """Return what ENVIRONMENTS offers to everybody."""
    names = {env(1): "Tea House"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return names


def press(client: Client, rollout: Rollout, action: str) -> list[str]:
    answer = client.post(address("act", rollout), {"action": action})
    assert answer["Location"] == address("change", rollout)
    return said(answer)


def said(answer: Any) -> list[str]:
    return [unescape(str(message)) for message in get_messages(answer.wsgi_request)]


# --- what it shows ----------------------------------------------------------------------------


def test_the_page_shows_how_often_an_environment_was_tried_and_when_it_goes_on(
    operator: Client,
) -> None:
    rollout = rollout_of("q")
    when = timezone.now() + timedelta(seconds=30)
    why = {"cause": "45011", "errcode": 45011, "message": "staticuploadfile was refused"}
    rollout.environments.update(tries=2, not_before=when, **why)
    shown = text_of(html_of(operator, "progress", rollout))
    assert f"tried 2 of 6 times · next try at {timezone.localtime(when):%H:%M:%S}" in shown


def test_the_page_says_that_no_worker_is_at_work(operator: Client) -> None:
    rollout = rollout_of("q")
    rollout.environments.update(since=timezone.now() - timedelta(minutes=3))
    shown = text_of(html_of(operator, "progress", rollout))
    assert f"Rollout {rollout.pk} has waited for Celery's workers since" in shown
    assert "Start the workers and beat" in shown


def test_the_page_shows_state_counts_waves_and_causes(operator: Client) -> None:
    rollout = rollout_of("d", "dffw", state="stopped", label="spring", tolerate=1)
    html = html_of(operator, "change", rollout)
    shown = text_of(html)
    assert "■ stopped 2 failed, 1 tolerated" in shown
    assert "2 of 5 done" in shown
    assert "Wave 2 · 1 of 4 done · 2 failed" in shown
    title = "85088 Cloud development is not open for this environment"
    assert f"{title} · 2 environments tried 1 of 6 times Open cloud development" in shown
    assert [state for state, _text in squares(html)] == [
        "done",
        "done",
        "failed",
        "failed",
        "waiting",
    ]


def test_a_failure_leads_to_its_deployment(operator: Client) -> None:
    rollout = rollout_of("f")
    pk = rollout.environments.get().deployment_id
    html = html_of(operator, "change", rollout)
    assert f'href="/admin/wx_static_store/deployment/{pk}/change/">{env(0)}</a>' in html


def test_the_page_greets_its_reader_and_names_who_began(operator: Client) -> None:
    rollout = rollout_of("d", user=User.objects.create_user("ann"))
    answer = operator.get(address("change", rollout))
    assert answer.context["user"].username.startswith("editor-")
    assert "user ann" in text_of(answer.content.decode())


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"state": "running", "wave": 1}, "… running in wave 1 of 2"),
        ({"state": "paused", "wave": 2}, "‖ paused in wave 2 of 2"),
        ({"state": "planned"}, "· planned 1 of 2"),
        ({"state": "done", "wave": 2}, "✓ done"),
    ],
)
def test_a_state_says_how_far_it_is(operator: Client, columns: dict[str, Any], shown: str) -> None:
    assert text_of(html_of(operator, "change", rollout_of("d", "w", **columns))).startswith(shown)


def test_a_roll_back_leads_to_what_it_rolls_back(operator: Client) -> None:
    first = rollout_of("d")
    back = rollout_of("w", undoes=first, release=None)
    html = html_of(operator, "change", back)
    assert f'href="{address("change", first)}">#{first.pk}</a>' in html


def test_an_unknown_rollout_is_404(operator: Client) -> None:
    found = {
        operator.get(address(page, pk)).status_code
        for page in ("change", "progress")
        for pk in (7, "x", 10**30)
    }
    assert found == {404}


# --- what is fetched again --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "letters", "again"),
    [
        ("running", "dw", True),
        ("planned", "w", True),
        ("stopped", "dr", True),
        ("stopped", "dw", False),
        ("paused", "dw", False),
        ("done", "d", False),
    ],
)
def test_what_can_change_by_itself_is_fetched_again(
    operator: Client, state: str, letters: str, *, again: bool
) -> None:
    rollout = rollout_of(letters, state=state)
    asks = f'data-refresh="{address("progress", rollout)}"'
    assert (asks in html_of(operator, "change", rollout)) is again


def test_the_part_that_is_fetched_is_the_one_of_the_page(operator: Client) -> None:
    rollout = rollout_of("d", "fqrw")
    part = html_of(operator, "progress", rollout).strip()
    assert part.startswith('<div id="wx-progress"')
    assert part in html_of(operator, "change", rollout)


# --- the buttons ------------------------------------------------------------------------------


def test_pause_and_resume_change_the_state(operator: Client, broker: Broker) -> None:
    rollout = rollout_of("dw", wave=1, started="2026-11-27T05:26Z")
    [message] = press(operator, rollout, "pause")
    assert message == "Paused: what is under way ends, and nothing more begins."
    rollout.refresh_from_db()
    assert rollout.state == "paused"
    assert press(operator, rollout, "resume")[-1] == "The rollout goes on."
    assert states(rollout) == "dq"
    assert len(broker.messages()) == 1


def test_a_stopped_rollout_offers_to_go_on(operator: Client) -> None:
    rollout = rollout_of("dw")
    press(operator, rollout, "stop")
    html = html_of(operator, "change", rollout)
    assert "■ stopped by hand" in text_of(html)
    assert buttons(html) == ["resume", "rollback"]


def test_what_failed_is_tried_again(operator: Client, broker: Broker) -> None:
    rollout = rollout_of("df", state="stopped", wave=1)
    press(operator, rollout, "retry-failed")
    assert states(rollout) == "dq"


def test_what_the_rollout_refuses_is_said(operator: Client) -> None:
    rollout = rollout_of("d", state="done")
    [message] = press(operator, rollout, "pause")
    assert message.startswith(f"Rollout {rollout.pk} is done")


def test_without_celery_the_page_says_what_is_lacking(operator: Client) -> None:
    [message] = press(operator, rollout_of("dw", state="paused", wave=1), "resume")
    assert message.startswith("The project has no Celery app. Write celery.py")


@pytest.mark.parametrize("form", [{}, {"action": "destroy"}])
def test_an_unknown_action_is_a_bad_request(operator: Client, form: dict[str, str]) -> None:
    assert operator.post(address("act", rollout_of("d")), form).status_code == 400


# --- roll back --------------------------------------------------------------------------------


@pytest.fixture
def known(cloud: EmulatorServer) -> Release:
    """Return a release of no file, whose bytes are all kept."""
    return Release.objects.create(digest="0" * 64, files=pack([]).files, count=0, size=0)


@pytest.fixture
def replaced(known: Release) -> Rollout:
    """Return a rollout to three environments, of which the first two had a release."""
    before = rollout_of(release=known, folder="www/")
    for position in range(2):
        deployment_of(env(position), before)
    return rollout_of("dddw", state="stopped", release=release_of("b"), folder="www/")


def test_a_roll_back_says_first_how_many_environments_go_back(
    operator: Client, replaced: Rollout
) -> None:
    shown = text_of(html_of(operator, "rollback", replaced))
    assert "2 environments get back what was live there before this rollout." in shown
    assert f"1 environment had no release before, and keeps the new one {env(2)}" in shown
    assert "is stopped first" not in shown
    assert Rollout.objects.latest("pk") == replaced


def test_a_roll_back_of_an_open_rollout_says_that_it_is_stopped(
    operator: Client, replaced: Rollout
) -> None:
    Rollout.objects.update(state="running")
    assert "The rollout is stopped first." in text_of(html_of(operator, "rollback", replaced))


def test_a_roll_back_is_a_rollout_of_its_own(
    operator: Client, replaced: Rollout, broker: Broker, known: Release
) -> None:
    answer = operator.post(address("rollback", replaced))
    back = Rollout.objects.latest("pk")
    assert answer["Location"] == address("change", back)
    assert (back.undoes, back.release, states(back)) == (replaced, known, "qq")
    assert str(back.user).startswith("editor-")
    assert said(answer) == [f"1 environment had no release before and keeps the new one: {env(2)}"]


def test_where_nothing_was_before_nothing_can_be_rolled_back(
    operator: Client, broker: Broker
) -> None:
    rollout = rollout_of("dd", state="done")
    html = html_of(operator, "rollback", rollout)
    assert "No environment can go back to another release." in html
    assert 'type="submit" class="default"' not in html
    [message] = said(operator.post(address("rollback", rollout)))
    assert message.startswith("No environment of it can go back to another release")


def test_a_roll_back_waits_for_what_is_under_way(
    operator: Client, known: Release, broker: Broker
) -> None:
    deployment_of(env(1), rollout_of(release=known, folder="www/"))
    rollout = rollout_of("dr", release=release_of("b"), folder="www/")
    answer = operator.post(address("rollback", rollout))
    assert said(answer)[0].startswith(
        "The rollout is stopped, and 1 environment is still under way"
    )
    assert answer["Location"] == address("change", rollout)


# --- who may ----------------------------------------------------------------------------------


def test_who_may_only_look_gets_no_button_and_no_way(cloud: EmulatorServer, editor: Editor) -> None:
    viewer, rollout = editor("view_deployment"), rollout_of("dfw")
    assert buttons(html_of(viewer, "change", rollout)) == []
    assert viewer.post(address("act", rollout), {"action": "stop"}).status_code == 403
    assert viewer.get(address("rollback", rollout)).status_code == 403
    assert viewer.post(address("rollback", rollout)).status_code == 403
    assert Rollout.objects.get().state == "running"


def test_a_tenant_sees_its_own_squares_and_no_button(
    operator: Client, offered: dict[str, str]
) -> None:
    rollout = rollout_of("d", "fd", state="stopped")
    html = html_of(operator, "change", rollout)
    assert squares(html) == [("failed", "Tea House: failed")]
    assert buttons(html) == []
    assert "You see your own environments of this rollout." in html
    assert not {env(0), env(2)} & {*text_of(html).split()}


def test_a_tenant_cannot_steer_what_others_have_a_part_in(
    operator: Client, offered: dict[str, str]
) -> None:
    rollout = rollout_of("d", "fd")
    assert operator.post(address("act", rollout), {"action": "stop"}).status_code == 403
    assert operator.post(address("rollback", rollout)).status_code == 403
    assert Rollout.objects.get().state == "running"


def test_a_superuser_sees_a_rollout_and_cannot_steer_what_is_not_offered(
    admin_client: Client, offered: dict[str, str]
) -> None:
    rollout = rollout_of("d", "fd")
    assert buttons(html_of(admin_client, "change", rollout)) == []
    assert admin_client.post(address("act", rollout), {"action": "stop"}).status_code == 403
    assert Rollout.objects.get().state == "running"


def test_who_is_offered_all_environments_may_steer(
    operator: Client, offered: dict[str, str]
) -> None:
    offered[env(0)] = "Bakery"
    rollout = rollout_of("dw")
    press(operator, rollout, "stop")
    assert Rollout.objects.get().state == "stopped"


def test_a_rollout_of_others_is_404(operator: Client, offered: dict[str, str]) -> None:
    assert operator.get(address("change", rollout_of("d"))).status_code == 404


def test_a_request_from_another_site_changes_nothing(operator: Client) -> None:
    rollout = rollout_of("dw")
    operator.handler.enforce_csrf_checks = True
    assert operator.post(address("act", rollout), {"action": "stop"}).status_code == 403
    assert operator.post(address("rollback", rollout)).status_code == 403
    assert Rollout.objects.get().state == "running"


@pytest.mark.parametrize("page", ["act", "rollback"])
def test_a_message_to_a_worker_waits_for_no_transaction_of_the_request(
    operator: Client, page: str
) -> None:
    view: Any = resolve(address(page, rollout_of("d"))).func
    assert "default" in view._non_atomic_requests
