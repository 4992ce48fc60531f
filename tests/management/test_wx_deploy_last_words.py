"""What ``wx_deploy`` says of a failure: the cause, and the setting that mends it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import override

from tests.deploys import configure_storages, fails, write
from tests.waiting import loaded
from wx_static_store.deploy import publish
from wx_static_store.deploy.report import PublishFailed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload import uploader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]

Deploy = Callable[..., str]


@pytest.fixture
def deploy(configure: Any, dist: Path) -> Deploy:
    """`deploy(ENV="…")`: what a deploy shows that must fail with these settings."""

    def shown(**changes: Any) -> str:
        configure(STORAGES=configure_storages(), WX_STATIC_STORE=changes)
        return fails(dist, code=1)

    return shown


def test_a_spent_access_token_is_named(deploy: Deploy) -> None:
    out = deploy(ACCESS_TOKEN="spent")
    assert "ACCESS_TOKEN is wrong or has expired, and nobody refreshes it. Set a new one" in out
    assert "another system" not in out


def test_an_unknown_environment_is_named_with_the_setting(deploy: Deploy) -> None:
    out = deploy(ENV="dev-2")
    assert "There is no environment 'dev-2' on this platform: check ENV." in out


def test_a_provider_that_fails_is_quoted_with_its_line_and_without_its_secret(
    deploy: Deploy,
) -> None:
    def ask_vault() -> str:
        raise ConnectionError("vault:8200 refused token=planted")

    out = deploy(TOKEN_PROVIDER=ask_vault, MAX_ATTEMPTS=1)
    line = ask_vault.__code__.co_firstlineno + 1
    place = f"({Path(__file__).name}, line {line})"
    assert f"ConnectionError: vault:8200 refused token=*** {place}" in out
    assert "planted" not in out


@pytest.fixture
def mute() -> Iterator[str]:
    """Open a port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hang_is_reported_with_the_peer_and_the_step(deploy: Deploy, mute: str) -> None:
    out = deploy(API_BASE_URL=mute, DEADLINE=0.5)
    text = f"The time allowed was over while waiting for the answer of {mute} (stage link"
    assert text in out


def test_the_cause_is_in_chinese_for_who_reads_that(deploy: Deploy) -> None:
    with override("zh-hans"):
        assert "ACCESS_TOKEN 已失效" in deploy(ACCESS_TOKEN="spent")


# --- an outage of the whole batch -------------------------------------------------------------

MANY = {f"{number:02}.css": b"%d" % number for number in range(60)}


@pytest.fixture
def refused() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def many(dist: Path) -> None:
    write(dist, MANY)


@pytest.mark.usefixtures("many")
def test_an_outage_is_one_line_with_a_count_and_stops_early(deploy: Deploy, refused: str) -> None:
    out = deploy(API_BASE_URL=refused, MAX_WORKERS=4, MAX_ATTEMPTS=2, TRUST_LOG=True)
    [line] = [line for line in out.splitlines() if "could not be reached" in line]
    found = re.match(r"  (\d+) files \((\S+, ){2}\S+ and \d+ more\): The server could not", line)
    assert found
    assert 5 <= int(found[1]) <= loaded(10), "five in a row, and what was under way then"
    assert f"failed {found[1]}, unknown 0, held back 1, not attempted {62 - int(found[1])}" in out


@pytest.mark.usefixtures("many")
def test_an_error_that_all_files_share_ends_what_is_under_way(
    deploy: Deploy, emulator: EmulatorServer
) -> None:
    deploy(ENV="dev-2", MAX_WORKERS=4, TRUST_LOG=True)
    assert len(emulator.calls("staticuploadfile")) <= 9


@pytest.mark.usefixtures("many")
def test_collectstatic_shows_an_outage_as_one_line_with_a_count(
    configure: Any, dist: Path, refused: str
) -> None:
    outage = {"API_BASE_URL": refused, "MAX_ATTEMPTS": 2, "TRUST_LOG": True}
    configure(WX_STATIC_STORE=outage, STATICFILES_DIRS=[str(dist)])
    with pytest.raises((PublishFailed, CommandError)) as caught:  # Django 6.1 wraps it
        call_command("collectstatic", interactive=False, verbosity=0)
    _head, line, _counts = str(caught.value).splitlines()
    assert re.match(r"  \d+ files \(.* and \d+ more\): The server could not be reached", line)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seconds be tenths for whoever waits for a line, or for a result."""
    monkeypatch.setattr(publish, "QUIET", 0.2)
    monkeypatch.setattr(uploader, "RECORD_SECONDS", 0.1)
    monkeypatch.setattr(uploader, "STUCK_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_silence_is_explained_by_the_peer_that_hangs(
    deploy: Deploy, mute: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(API_BASE_URL=mute, DEADLINE=1.5, TRUST_LOG=True)
    text = f"Files that wait for a link of {mute}: 2. Files that are being sent: 0."
    assert text in capsys.readouterr().err


@pytest.fixture
def busy(emulator: EmulatorServer) -> None:
    """Let the platform answer that it is busy, however often it is asked for a link."""
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": -1, "times": None})


@pytest.mark.usefixtures("impatient", "busy")
def test_a_silence_is_explained_by_the_last_failure(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(MAX_ATTEMPTS=3, TRUST_LOG=True)
    assert "The last failure: staticuploadfile was refused: " in capsys.readouterr().err


@pytest.mark.usefixtures("impatient", "busy")
def test_nothing_is_explained_where_the_store_wants_no_progress(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(MAX_ATTEMPTS=3, TRUST_LOG=True, PROGRESS=False)
    assert "The last failure" not in capsys.readouterr().err


@pytest.mark.usefixtures("impatient", "many")
def test_files_that_hang_are_tried_no_more_when_nothing_comes_back(
    deploy: Deploy, mute: str
) -> None:
    hang = {"API_BASE_URL": mute, "READ_TIMEOUT": 0.5, "MAX_ATTEMPTS": 9, "MAX_WORKERS": 6}
    out = deploy(**hang, TRUST_LOG=True)
    [line] = [line for line in out.splitlines() if "The answer never came" in line]
    tried = int(line.split()[0])
    assert tried <= 12, "one for each worker, and perhaps its next one"
    attempts = UploadLog.objects.values_list("attempts", flat=True)
    assert max(attempts) in (2, 3)
