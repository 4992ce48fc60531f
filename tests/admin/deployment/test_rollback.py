"""The page *Roll back to this*: what it would send, what it sends, and what it leaves alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SITE, Editor
from tests.admin.releases import address, configure_site, counts, deploy, html_of, texts
from tests.conftest import ENV
from tests.deploys import bodies, item, sent
from tests.notes import plant
from tests.rollouts.conftest import Broker, broker as broker
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.releases import rollback
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db(transaction=True)

OLD = {"index.html": b"<h1>old</h1>", "a.css": b"old", "same.css": b"a"}
NEW = {"index.html": b"<h1>new</h1>", "a.css": b"new", "same.css": b"a", "n.js": b"1"}

Two = tuple[Deployment, Deployment]


@pytest.fixture
def cloud(configure: Callable[..., Any], tmp_path: Path) -> EmulatorServer:
    return configure_site(configure, tmp_path / "releases")


@pytest.fixture
def operator(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment", "deploy")


@pytest.fixture
def two(cloud: EmulatorServer) -> Two:
    rows = deploy(OLD, "v1"), deploy(NEW, "v2")
    cloud.journal.clear()
    return rows


def press(client: Client, row: Deployment, **form: str) -> tuple[str, list[str]]:
    """Send the form of the page; return where it leads, and what is said there."""
    html = html_of(client, "rollback", row)
    (before,) = texts(html, r'name="before" value="(\d*)"') or [""]
    answer = client.post(address("rollback", row), {"before": before} | form)
    return answer.headers.get("Location", ""), said(answer)


def said(answer: Any) -> list[str]:
    texts = (str(message) for message in get_messages(answer.wsgi_request))
    return [unescape(line) for text in texts for line in text.split("<br>")]


# --- before -----------------------------------------------------------------------------------


def test_the_page_says_what_would_be_sent_and_where(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    html = html_of(operator, "rollback", two[0])
    assert counts(html) == ["2 to be sent (15 bytes)", "1 unchanged", "1 stale"]
    assert texts(html, r'<ul class="wx-names">(.*?)</ul>') == [
        "a.css 3 bytes index.html 12 bytes",
        "www/n.js",
    ]
    assert f'href="{SITE}www/"' in html
    assert f"From #{two[1].pk} v2, which was deployed last, to #{two[0].pk} v1." in html
    assert f'href="{address("compare", two[0])}?with={two[1].pk}"' in html
    assert cloud.journal == [], "the log knows it"


def test_what_was_deployed_last_cannot_be_rolled_back_to(operator: Client, two: Two) -> None:
    html = html_of(operator, "rollback", two[1])
    assert "There is nothing to roll back." in html
    assert "Roll back now" not in html


def test_what_is_live_already_cannot_be_rolled_back_to(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    press(operator, two[0])
    cloud.journal.clear()
    assert "Roll back to this" not in html_of(operator, "change", two[0])
    assert "There is nothing to roll back." in html_of(operator, "rollback", two[0])
    newest = Deployment.objects.latest("pk")
    operator.post(address("rollback", two[0]), {"before": str(newest.pk)})
    assert Deployment.objects.latest("pk") == newest


def test_a_roll_back_that_failed_can_go_on(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticuploadfile", "key": "*.html", "do": "errcode", "errcode": 85088})
    press(operator, two[0])
    assert Deployment.objects.latest("pk").outcome == "failed"
    assert "Roll back to this" in html_of(operator, "change", two[0])
    press(operator, two[0])
    assert bodies(cloud)["www/index.html"] == OLD["index.html"]


def test_after_a_deploy_that_failed_one_goes_back_to_what_is_live(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticuploadfile", "key": "*.html", "do": "errcode", "errcode": 85088})
    failed = deploy(OLD | {"index.html": b"<h1>newest</h1>"}, "v3")
    assert failed.outcome == "failed"
    assert "Roll back to this" in html_of(operator, "change", two[1])
    press(operator, two[1])
    assert bodies(cloud)["www/a.css"] == b"new"


# --- the roll back ----------------------------------------------------------------------------


def test_pressing_the_button_publishes_the_older_release(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    where, messages = press(operator, two[0])
    new = Deployment.objects.latest("id")
    assert where == address("change", new)
    assert bodies(cloud) == {f"www/{name}": body for name, body in (NEW | OLD).items()}
    assert sent(cloud) == ["www/a.css", "www/index.html"]
    assert (new.label, new.outcome, new.stored) == ("roll back from v2 to v1", "done", 2)
    assert new.user == User.objects.get()
    assert [user.user_id for user in new.uploads.all()] == [User.objects.get().pk] * 2
    assert messages == [
        "Release v1 is live again: 2 files sent, 1 unchanged.",
        "Not in this release, but still public: n.js.",
    ]


def test_a_roll_back_in_the_admin_has_it_as_its_source(operator: Client, two: Two) -> None:
    press(operator, two[0])
    new = Deployment.objects.latest("id")
    assert {new.source, *new.uploads.values_list("source", flat=True)} == {"admin_deploy"}


def test_static_files_bring_the_advice_on_the_manifest_of_the_site(
    operator: Client, cloud: EmulatorServer
) -> None:
    old, _new = (deploy(OLD, v, last=item("staticfiles.json", v.encode())) for v in ("v1", "v2"))
    advice = (
        "The running site reads its own staticfiles.json, which belongs to its code: roll that "
        "back, too, or write the old one: python manage.py wx_deploy "
        f"--rollback {old.release} --using site --env {ENV} --write-manifest"
    )
    assert advice in html_of(operator, "rollback", old)
    _where, messages = press(operator, old)
    assert messages[-1] == advice


def test_a_site_has_no_manifest_to_think_of(operator: Client, two: Two) -> None:
    assert "its own" not in html_of(operator, "rollback", two[0])


def test_the_older_release_is_live_then(operator: Client, two: Two) -> None:
    where, _messages = press(operator, two[0])
    assert '<span class="wx-badge wx-live">live</span>' in operator.get(where).content.decode()


def test_a_page_that_is_out_of_date_sends_nothing(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    where, messages = press(operator, two[0], before=str(two[0].pk))
    assert (where, messages) == ("", ["Something else was deployed meanwhile. Look at it again."])
    assert sent(cloud) == []


def test_pressing_twice_rolls_back_once(operator: Client, two: Two) -> None:
    form = {"before": str(two[1].pk)}
    for _press in range(2):
        operator.post(address("rollback", two[0]), form)
    assert Deployment.objects.count() == 3


def test_a_file_that_fails_is_named_and_the_page_offers_to_go_on(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "key": "*.css"}
    cloud.script(fault | {"times": None})
    where, messages = press(operator, two[0])
    assert where == address("rollback", two[0])
    assert messages[:2] == ["The deployment failed.", "unchanged 1, failed 1, held back 1"]
    assert any("a.css" in line and "errcode 45009" in line for line in messages)
    assert Deployment.objects.latest("id").outcome == "failed"
    assert bodies(cloud)["www/index.html"] == NEW["index.html"], "the page is held back"


def test_a_deploy_under_way_is_said(operator: Client, two: Two, cloud: EmulatorServer) -> None:
    plant("deploy", "holder", {"host": "other", "pid": 7, "id": "x"}, about=ENV)
    where, messages = press(operator, two[0])
    assert where == address("rollback", two[0])
    assert messages[0] == "Nothing was sent."
    assert any(f"Another deploy to {ENV} is under way (process 7" in line for line in messages)
    assert sent(cloud) == []


def test_a_request_that_takes_too_long_ends_and_can_go_on(
    operator: Client, two: Two, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "SECONDS", 0.0)
    _where, messages = press(operator, two[0])
    assert any("was stopped after 0 s. Run it again" in line for line in messages)
    assert sent(cloud) == []


def test_of_many_files_that_stay_public_three_are_named(
    operator: Client, cloud: EmulatorServer
) -> None:
    old = deploy(OLD, "v1")
    deploy(OLD | {f"{number:02}.js": b"1" for number in range(60)}, "v2")
    html = html_of(operator, "rollback", old)
    assert "and 10 more" in html
    _where, messages = press(operator, old)
    files = "60 files (00.js, 01.js, 02.js and 57 more)"
    assert messages[1:] == [f"Not in this release, but still public: {files}."]


# --- too much for a request -------------------------------------------------------------------


def command_of(html: str) -> list[str]:
    (text,) = texts(html, r'<pre class="wx-body"[^>]*>(.*?)</pre>')
    return shlex.split(text)


def test_a_large_roll_back_is_left_to_the_command_that_the_page_prints(
    operator: Client, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "MOST_FILES", 1)
    old = deploy(OLD, "v1", prefix="my app/")
    deploy(NEW, "v2", prefix="my app/")
    cloud.journal.clear()
    html = html_of(operator, "rollback", old)
    assert "Roll back now" not in html
    operator.post(address("rollback", old), {"before": str(old.pk + 1)})
    assert sent(cloud) == []
    python, manage, *arguments = command_of(html)
    assert (python, manage) == ("python", "manage.py")
    call_command(*arguments, "--yes", verbosity=0)
    assert bodies(cloud)["www/my app/index.html"] == OLD["index.html"]


# --- by workers -------------------------------------------------------------------------------


def test_with_celery_a_worker_does_the_roll_back(
    operator: Client, two: Two, cloud: EmulatorServer, broker: Broker
) -> None:
    assert "A worker does it." in html_of(operator, "rollback", two[0])
    where, messages = press(operator, two[0])
    rollout = Rollout.objects.get()
    assert where == reverse("admin:wx_static_store_rollouts_rollout_change", args=[rollout.pk])
    assert messages == ["A worker deploys it. This page shows how it goes."]
    assert (rollout.user, sent(cloud)) == (User.objects.get(), [])
    broker.work()
    new = Deployment.objects.latest("id")
    assert (new.label, new.outcome) == ("roll back from v2 to v1", "done")
    assert bodies(cloud) == {f"www/{name}": body for name, body in (NEW | OLD).items()}
    assert operator.get(where).status_code == 200


def test_with_celery_a_large_roll_back_needs_no_command(
    operator: Client, two: Two, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "MOST_FILES", 1)
    assert "wx_deploy" not in html_of(operator, "rollback", two[0])
    press(operator, two[0])
    assert broker.work() == 1


@pytest.mark.parametrize("before", ["", "0"])
def test_a_page_that_is_out_of_date_starts_no_rollout(
    operator: Client, two: Two, broker: Broker, before: str
) -> None:
    press(operator, two[0], before=before)
    assert not Rollout.objects.exists()


def test_a_broker_that_is_down_is_said(operator: Client, two: Two, broker: Broker) -> None:
    broker.app.conf.broker_url = "redis://127.0.0.1:1//"
    where, messages = press(operator, two[0])
    assert where == address("rollback", two[0])
    assert "The broker of Celery cannot be reached" in messages[0]
    assert not Rollout.objects.exists()


def test_a_rollout_that_has_the_environment_is_named(
    operator: Client, two: Two, broker: Broker
) -> None:
    press(operator, two[0])
    where, messages = press(operator, two[0])
    assert where == address("rollback", two[0])
    assert f"Rollout {Rollout.objects.get().pk} has some of these" in messages[0]


# --- what cannot be done ----------------------------------------------------------------------


def test_without_a_release_storage_the_page_says_what_to_set(
    operator: Client, two: Two, configure: Callable[..., Any]
) -> None:
    configure_site(configure, None)
    html = html_of(operator, "rollback", two[0])
    assert "RELEASE_STORAGE is not set" in html
    assert "WX_STATIC_STORE[&quot;RELEASE_STORAGE&quot;] = &quot;releases&quot;" in html
    assert "Roll back now" not in html


def test_bytes_that_are_missing_are_named(operator: Client, two: Two, tmp_path: Path) -> None:
    for path in (tmp_path / "releases").rglob("*"):
        if path.is_file():
            path.unlink()
    html = html_of(operator, "rollback", two[0])
    assert "2 files of release" in html
    assert "missing or damaged in the release storage: a.css, index.html" in unescape(html)
    assert "with --force" in html


def test_a_press_sends_nothing_where_bytes_are_missing(
    operator: Client, two: Two, cloud: EmulatorServer, configure: Callable[..., Any]
) -> None:
    configure_site(configure, None)
    answer = operator.post(address("rollback", two[0]), {"before": str(two[1].pk)})
    assert (answer.status_code, sent(cloud)) == (200, [])


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [["view_deployment"], ["deploy"], []])
def test_without_both_permissions_nothing_is_shown_or_sent(
    editor: Editor, two: Two, cloud: EmulatorServer, given: list[str]
) -> None:
    client = editor(*given)
    assert client.get(address("rollback", two[0])).status_code == 403
    assert client.post(address("rollback", two[0]), {"before": two[1].pk}).status_code == 403
    assert sent(cloud) == []


def test_a_request_from_another_site_sends_nothing(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    operator.handler.enforce_csrf_checks = True
    answer = operator.post(address("rollback", two[0]), {"before": str(two[1].pk)})
    assert (answer.status_code, sent(cloud)) == (403, [])


def test_a_deployment_of_another_environment_is_404(
    operator: Client, two: Two, settings: Any
) -> None:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    assert operator.get(address("rollback", two[0])).status_code == 404


def test_the_button_is_there_for_who_may_and_not_for_the_newest(
    operator: Client, editor: Editor, two: Two
) -> None:
    button = f'href="{address("rollback", two[0])}"'
    assert button in html_of(operator, "change", two[0])
    assert button not in html_of(editor("view_deployment"), "change", two[0])
    assert "Roll back to this" not in html_of(operator, "change", two[1])


def test_a_roll_back_takes_no_part_in_the_transaction_of_a_request(
    operator: Client, two: Two, cloud: EmulatorServer
) -> None:
    from django.urls import resolve

    view = resolve(address("rollback", two[0])).func
    assert "default" in view._non_atomic_requests  # type: ignore[attr-defined]
