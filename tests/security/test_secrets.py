"""What we promise of secrets: in answers and rows, in caches, on error pages, in files at rest."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connection

from tests.callback import pushes
from tests.permissions import ROWS, add_rows, ask, log_in, settings_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

SECURITY = (Path(__file__).parents[2] / "SECURITY.rst").read_text("utf-8")

# Answers and rows -------------------------------------------------------------------------------


@pytest.fixture
def component(configure: Any, tmp_path: Path, emulator: EmulatorServer) -> EmulatorServer:
    """Serve all entry points for a platform that fetches its own tokens."""
    account = emulator.state.account
    wanted = settings_of(tmp_path / "releases")
    wanted["WX_STATIC_STORE"] |= {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": account.appid,
        "COMPONENT_APPSECRET": account.appsecret,
        "VERIFY_TICKET": lambda: account.ticket,
    }
    configure(**wanted)
    return emulator


def secrets_of(site: EmulatorServer) -> set[str]:
    account, options = site.state.account, configured.WX_STATIC_STORE
    ours = {options["CALLBACK_TOKEN"], options["CALLBACK_AES_KEY"], configured.SECRET_KEY}
    theirs = {account.appsecret, account.ticket, account.security_token, site.access_token}
    return ours | theirs | {pushes.TICKET, "q-signature"}


def everything_in_the_database() -> str:
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return repr(rows)


@pytest.mark.parametrize("refused", [False, True])
def test_no_answer_of_any_address_and_no_row_has_a_secret(
    component: EmulatorServer, refused: bool
) -> None:
    """Also where WeChat refuses each call in words that quote the secrets."""
    row, client, secrets = add_rows(component), log_in("superuser"), secrets_of(component)
    assert pushes.push(pushes.ticket()).send().status_code == 200
    if refused:
        fault = {"do": "errcode", "errcode": 40097, "times": None}
        fault["errmsg"] = " ".join(f"access_token={each}" for each in secrets)
        for call in ("staticuploadfile", "staticfilelist", "describestaticstore", "rid_get"):
            component.script(fault | {"on": call})
    texts = {at: b"".join(ask(client, *at, row)).decode(errors="replace") for at in ROWS}
    texts |= {("the", "data", "base"): everything_in_the_database()}
    assert [(at, each) for at, text in texts.items() for each in secrets if each in text] == []
    assert "uploads/first.png" in texts["the", "data", "base"]


# After a leak: what SECURITY.rst says to do -----------------------------------------------------


def test_the_command_that_ends_a_token_fails_within_a_minute_of_its_fetch(
    component: EmulatorServer,
) -> None:
    """Two systems that fetch in turn would end each other's token without end."""
    assert get_store("default").tokens.get()
    (line,) = re.findall(r"^    \$ python manage\.py (shell .+)$", SECURITY, re.MULTILINE)
    with pytest.raises(WxStaticStoreError):
        call_command(*shlex.split(line))
    assert len(component.calls("api_component_token")) == 1
