"""Who may open what: each kind of user at each address of our pages, by each method."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse

from tests.admin.conftest import Editor, Rows
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db

OURS = [name for name, _text in UploadLog._meta.permissions]
VISITORS = ["anonymous", "staff", "superuser", "view_uploadlog", "view_deployment", *OURS]

EVERYBODY = set(VISITORS) - {"anonymous"}
NOBODY: set[str] = set()
LOG, DEPLOYMENTS = {"view_uploadlog", "superuser"}, {"view_deployment", "superuser"}
UPLOAD, RETRY = {"upload", "superuser"}, {"retry", "superuser"}
# By address and method: whom it serves, and what they are answered. Others get a 403.
SERVED = {
    ("uploadlog_changelist", "get"): (LOG, 200),
    ("uploadlog_changelist", "post"): (LOG, 200),  # where no action is named
    ("uploadlog_change", "get"): (LOG, 200),
    ("uploadlog_change", "post"): (NOBODY, 200),
    ("uploadlog_history", "get"): (LOG, 200),
    ("uploadlog_history", "post"): (LOG, 200),  # the same page
    ("uploadlog_add", "get"): (NOBODY, 200),
    ("uploadlog_add", "post"): (NOBODY, 200),
    ("uploadlog_delete", "get"): (NOBODY, 200),
    ("uploadlog_delete", "post"): (NOBODY, 200),
    ("uploadlog_upload", "get"): (UPLOAD, 200),
    ("uploadlog_upload", "post"): (UPLOAD, 200),
    ("uploadlog_preview", "get"): (EVERYBODY, 405),
    ("uploadlog_preview", "post"): (UPLOAD, 400),  # nothing was asked
    ("uploadlog_retry_failed", "get"): (RETRY, 200),
    ("uploadlog_retry_failed", "post"): (RETRY, 302),
    ("deployment_changelist", "get"): (DEPLOYMENTS, 200),
    ("deployment_changelist", "post"): (DEPLOYMENTS, 200),
    ("deployment_change", "get"): (DEPLOYMENTS, 200),
    ("deployment_change", "post"): (NOBODY, 200),
    ("deployment_history", "get"): (DEPLOYMENTS, 200),
    ("deployment_history", "post"): (DEPLOYMENTS, 200),
    ("deployment_add", "get"): (NOBODY, 200),
    ("deployment_add", "post"): (NOBODY, 200),
    ("deployment_delete", "get"): (NOBODY, 200),
    ("deployment_delete", "post"): (NOBODY, 200),
}


def served() -> Iterator[str]:
    """The names of all addresses of our admins."""
    for model in (UploadLog, Deployment):
        for url in admin.site.get_model_admin(model).get_urls():
            if isinstance(url, URLPattern) and url.name:
                yield url.name.removeprefix("wx_static_store_")


def test_no_address_is_forgotten() -> None:
    assert {(name, method) for name in served() for method in ("get", "post")} == SERVED.keys()


@pytest.fixture
def urls(admin_site: EmulatorServer, rows: Rows) -> dict[str, str]:
    """By name, with a row for those that need one."""
    objects = {"uploadlog": rows("a")[0], "deployment": Deployment.objects.create(env=ENV)}
    found = {}
    for name in served():
        model, _sep, page = name.partition("_")
        args = [objects[model].pk] if page in ("change", "delete", "history") else []
        found[name] = reverse(f"admin:wx_static_store_{name}", args=args)
    return found


@pytest.fixture
def visitor(who: str, editor: Editor) -> Client:
    if who == "anonymous":
        return Client()
    return editor(*({who} - {"staff", "superuser"}), is_superuser=who == "superuser")


@pytest.mark.parametrize("who", VISITORS)
def test_each_visitor_gets_what_is_theirs(
    who: str, visitor: Client, urls: dict[str, str], emulator: EmulatorServer
) -> None:
    got = {(name, method): getattr(visitor, method)(urls[name]) for name, method in SERVED}
    assert {at: answer.status_code for at, answer in got.items()} == {
        at: 302 if who == "anonymous" else code if who in whom else 403
        for at, (whom, code) in SERVED.items()
    }
    login = reverse("admin:login")
    assert who != "anonymous" or all(a.headers["Location"].startswith(login) for a in got.values())


@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize(("button", "whom"), [("upload", UPLOAD), ("retry_failed", RETRY)])
def test_a_button_is_there_for_those_who_may_press_it(
    editor: Editor, urls: dict[str, str], who: str, button: str, whom: set[str]
) -> None:
    given = {who, "view_uploadlog"} - {"anonymous", "staff", "superuser"}
    html = editor(*given, is_superuser=who == "superuser").get(urls["uploadlog_changelist"])
    assert (f'href="{urls[f"uploadlog_{button}"]}"' in html.content.decode()) is (who in whom)


@pytest.mark.parametrize(
    ("page", "given", "steps"),
    [
        ("uploadlog_upload", {"upload"}, 1),
        ("uploadlog_upload", {"upload", "view_uploadlog"}, 3),
        ("uploadlog_retry_failed", {"retry"}, 1),
        ("uploadlog_retry_failed", {"retry", "view_uploadlog"}, 3),
    ],
)
def test_each_step_back_leads_somewhere(
    editor: Editor, urls: dict[str, str], page: str, given: set[str], steps: int
) -> None:
    client = editor(*given)
    html = client.get(urls[page]).content.decode()
    [crumbs] = re.findall(r'<div class="breadcrumbs">(.*?)</div>', html, re.DOTALL)
    links = re.findall(r'href="([^"]*)"', crumbs)
    assert len(links) == steps
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize(
    ("action", "whom"),
    [
        ("upload_again", RETRY),
        ("compare", EVERYBODY),
        ("export_csv", EVERYBODY),
        ("export_json", EVERYBODY),
        ("delete_selected", NOBODY),
    ],
)
def test_an_action_is_there_for_those_who_may_do_it(
    editor: Editor, urls: dict[str, str], who: str, action: str, whom: set[str]
) -> None:
    given = {who, "view_uploadlog"} - {"anonymous", "staff", "superuser"}
    client = editor(*given, is_superuser=who == "superuser")
    offered = client.get(urls["uploadlog_changelist"]).context["action_form"]
    names = dict(offered.fields["action"].choices) if offered else {}
    assert (action in names) is (who in whom or (who == "anonymous" and "staff" in whom))
    sent = {"action": action, "_selected_action": "0"}
    answer = client.post(urls["uploadlog_changelist"], sent)
    assert (answer.status_code == 403) is (action not in names)


def test_a_user_of_the_site_who_is_no_staff_gets_nothing(
    editor: Editor, urls: dict[str, str]
) -> None:
    client = editor(*OURS, "view_uploadlog", "view_deployment", is_staff=False)
    assert {client.get(url).status_code for url in urls.values()} == {302}


def test_our_permissions_are_implied_by_none() -> None:
    user = User.objects.create_user("staff", is_staff=True)
    assert not [name for name in OURS if user.has_perm(f"wx_static_store.{name}")]
