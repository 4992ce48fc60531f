"""What we promise of the entries: who calls them reads, changes and forges nothing."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import path

from tests.callback.pushes import Push, encrypted, event, signed, ticket
from tests.callback.rows import ROWS as PUSHES
from tests.conftest import ENV
from tests.permissions import (
    EVERY,
    ROWS,
    SHUT,
    SIGNED,
    STAFF,
    TABLE,
    VISITORS,
    add_rows,
    addresses,
    ask,
    expected_statuses,
    log_in,
    missing_rows,
    needed,
    nothing_happens,
    settings_of,
    urlpatterns,
)
from wx_static_store import forms
from wx_static_store.callback.views import receive
from wx_static_store.doctor.latest import keep
from wx_static_store.emulator import EmulatorServer
from wx_static_store.signals import event_received

pytestmark = pytest.mark.django_db

# The callback

REFUSED = [make for status, make in PUSHES.values() if status == 403]
REASONS = {
    *("parameters", "window", "signature", "appid"),
    *("xml", "encoding", "instruction", "shape"),
    *("Encrypt", "base64", "block", "padding", "length"),
    *("InfoType", "CreateTime", "ComponentVerifyTicket"),
}


def answer_to(sent: Push) -> bytes:
    """Return all that the caller sees."""
    answer = sent.send()
    return b"%d " % answer.status_code + bytes(answer.serialize())


def test_every_refused_push_gets_one_answer_to_the_byte() -> None:
    assert len({answer_to(make()) for make in REFUSED}) == 1


def test_the_log_has_the_reason_of_each_refused_push(caplog: pytest.LogCaptureFixture) -> None:
    for make in REFUSED:
        make().send()
    assert set(re.findall(r"refused: (\w+)", caplog.text)) == REASONS


def test_who_has_the_token_learns_no_byte_of_a_recorded_push() -> None:
    """As a padding oracle would tell it: by the one guess of 256 that makes the padding right."""
    recorded = base64.b64decode(encrypted(ticket()))
    blocks = (recorded + bytes(15) + bytes([guess]) + recorded[16:32] for guess in range(256))
    assert len({answer_to(signed(base64.b64encode(sent).decode())) for sent in blocks}) == 1


@pytest.mark.django_db
def test_who_has_the_token_can_send_a_recorded_push_again() -> None:
    """WeChat's cipher has no time of its own: the receiver of an event takes it twice."""
    seen: list[str] = []

    def note(info_type: str, **_kwargs: Any) -> None:
        seen.append(info_type)

    event_received.connect(note)
    recorded = encrypted(event("unknown"))
    assert [signed(recorded, age=age).send().content for age in (60, 0)] == [b"success"] * 2
    assert seen == ["unknown"] * 2


# Who may open what: the table of tests/permissions.py -------------------------------------------

OF_THE_TENANT = {ENV, "first.png", "a" * 12}  # a file, and the beginning of a release's digest
OF_THE_PLATFORM = {"health", "health_changelist"}  # who may see it sees what the settings name
LISTS = {"uploads", "deployments", "rollouts", "stores"}  # of what is the user's own


def text_of(answer: Any) -> str:
    return b"".join(answer).decode(errors="replace")


@pytest.fixture
def all_entries(configure: Any, tmp_path: Path) -> EmulatorServer:
    """Serve the admin, the API and the callback; the rows belong to the environment ENV."""
    server: EmulatorServer = configure(**settings_of(tmp_path / "releases"))
    return server


@pytest.fixture
def row(all_entries: EmulatorServer, db: None) -> int:
    """Return the id of a row of each table."""
    return add_rows(all_entries)


def test_each_address_that_the_resolver_finds_has_a_row() -> None:
    missing = missing_rows()
    assert not missing, "\n".join(missing)
    assert {at for at, _route in addresses()} == TABLE.keys()


def test_a_new_address_without_a_row_is_named_with_the_place_of_its_row() -> None:
    [new] = missing_rows([*urlpatterns, path("wx/new/<int:id>/", receive, name="new")])
    assert new.startswith("/wx/new/<int:id>/ has no row of its own: add ('no entry point', 'new')")
    assert "to TABLE in tests.permissions" in new


def test_each_urls_module_of_the_package_is_asked() -> None:
    package = Path(forms.__file__).parent
    asked = {getattr(each.urlconf_name, "__file__", "") for each in urlpatterns}
    assert {str(each) for each in package.rglob("urls.py")} <= asked


def test_each_row_names_existing_permissions() -> None:
    named = {name for at in ROWS for each in needed(*at)[0] for name in each.split(" + ")}
    assert named <= {*EVERY, *STAFF, *SIGNED}


@pytest.mark.parametrize("who", VISITORS)
def test_each_visitor_gets_what_the_table_says(
    row: int, all_entries: EmulatorServer, who: str
) -> None:
    """Neither a call to the cloud nor a row comes of what the visitor may not do."""
    client, expected = log_in(who), expected_statuses(who)
    allowed = [at for at in expected if at not in SHUT and expected[at] == needed(*at)[1]]
    with nothing_happens(all_entries):
        found = {at: ask(client, *at, row).status_code for at in expected if at not in allowed}
    keep([])  # all is well, whatever the doctor would find here
    # What reads comes first, and the API before the admin: a row can be retried once.
    for at in sorted(allowed, key=lambda at: (at[2], at[0] == "admin")):
        found[at] = ask(client, *at, row).status_code
    assert found == expected


@pytest.mark.parametrize("who", ["all permissions", "superuser"])
def test_another_tenant_is_answered_as_if_its_rows_did_not_exist(
    row: int, all_entries: EmulatorServer, settings: Any, who: str
) -> None:
    """Neither a call to the cloud nor a changed row comes of it, and no answer names the tenant."""
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    client, no_row = log_in(who), row + 1000
    rows = [at for at in ROWS if at[1] not in OF_THE_PLATFORM]
    with nothing_happens(all_entries):
        answers = {at: ask(client, *at, row) for at in rows}
    missing = {at: ask(client, *at, no_row).status_code for at in rows}
    assert {at: answer.status_code for at, answer in answers.items()} == missing
    words = {at: OF_THE_TENANT - ({ENV} if at[2] != "GET" else set()) for at in rows}  # an echo
    assert [(at, word) for at in rows for word in words[at] if word in text_of(answers[at])] == []
    named = {at for at in rows if at[0] == "api" and (at[1] not in LISTS or at[2] == "POST")}
    assert {missing[at] for at in named} == {400, 404}
