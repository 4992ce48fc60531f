"""Each upload, deployment and rollout ends with a signal, after its row."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.dispatch import Signal

from tests.conftest import ENV
from tests.deploys import write
from tests.rollouts.conftest import (
    Broker,
    broker as broker,
    cloud as cloud,
    envs as envs,
    release as release,
)
from tests.rollouts.test_lifecycle import begin
from wx_static_store import signals
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release, UploadLog
from wx_static_store.rollouts.advance import advance
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

REFUSED = {
    "on": "put_object",
    "do": "cos_error",
    "code": "AccessDenied",
    "status": 403,
    "times": None,
}

CONTEXT = UploadContext("wx_deploy")
Received = list[dict[str, Any]]
Listen = Callable[..., Received]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Return `listen(signal)`: the arguments of each time that it is sent."""
    active: list[tuple[Signal, Callable[..., None]]] = []

    def connect(signal: Signal, note: Callable[[], Any] = lambda: None) -> Received:
        received: Received = []

        def receive(sender: Any, signal: Any, **arguments: Any) -> None:
            received.append(arguments | {"noted": note()})

        signal.connect(receive)
        active.append((signal, receive))
        return received

    yield connect
    for signal, receive in active:
        signal.disconnect(receive)


def newest_row() -> str:
    return str(UploadLog.objects.latest("id").status)


def test_a_save_sends_its_result_after_the_row(configure: Any, listen: Listen) -> None:
    configure()
    received = listen(signals.upload_finished, newest_row)
    storages["default"].save("a.txt", ContentFile(b"tea"))
    [one] = received
    assert (one["result"].key, one["context"].source, one["noted"]) == (
        "a.txt",
        "storage",
        "stored",
    )


def test_a_receiver_whose_query_fails_leaves_the_transaction_usable(
    configure: Any, listen: Listen
) -> None:
    configure()
    Group.objects.create(name="tea")
    listen(signals.upload_finished, lambda: Group.objects.create(name="tea"))
    storages["default"].save("a.txt", ContentFile(b"tea"))
    assert newest_row() == "stored"


def test_rows_are_written_once_where_a_receiver_is_broken_off(
    configure: Any, listen: Listen
) -> None:
    def break_off() -> None:
        raise KeyboardInterrupt

    configure()
    listen(signals.upload_finished, break_off)
    uploader = get_uploader("default")
    with pytest.raises(KeyboardInterrupt):
        [*uploader.upload_many([UploadItem("a.txt", open=lambda: BytesIO(b"tea"))], CONTEXT)]
    assert UploadLog.objects.count() == 1


def test_each_file_of_a_deploy_is_sent(
    configure: Any, emulator: EmulatorServer, listen: Listen, tmp_path: Path
) -> None:
    configure()
    emulator.script(REFUSED | {"key": "static/b.txt"})
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    received = listen(signals.upload_finished)
    with pytest.raises(CommandError):
        call_command("wx_deploy", tmp_path, "--using=staticfiles", "--yes")
    ended = {one["result"].key: one["result"].status.value for one in received}
    assert ended == {"static/a.txt": "stored", "static/b.txt": "failed"}


def test_a_receiver_that_fails_breaks_no_upload(
    configure: Any, emulator: EmulatorServer, listen: Listen
) -> None:
    configure()

    def fail() -> None:
        raise LookupError("no such account")

    listen(signals.upload_finished, fail)
    assert storages["default"].save("a.txt", ContentFile(b"tea")) == "a.txt"
    assert emulator.objects()["a.txt"].body == b"tea"
    assert newest_row() == "stored"


@pytest.mark.parametrize(("fault", "outcome"), [([], "done"), (["static/a.txt"], "failed")])
def test_a_deploy_sends_how_it_ended(
    configure: Any,
    emulator: EmulatorServer,
    listen: Listen,
    tmp_path: Path,
    fault: list[str],
    outcome: str,
) -> None:
    configure()
    for key in fault:
        emulator.script(REFUSED | {"key": key})
    (tmp_path / "a.txt").write_text("tea")
    received = listen(signals.deployment_finished, lambda: Deployment.objects.get().outcome)
    try:
        call_command("wx_deploy", tmp_path, "--using=staticfiles", "--yes")
    except CommandError:
        assert fault
    pk = Deployment.objects.get().pk
    assert received == [{"env": ENV, "deployment_id": pk, "outcome": outcome, "noted": outcome}]


def test_a_deploy_that_fails_before_its_row_is_sent_too(
    configure: Any, emulator: EmulatorServer, listen: Listen, tmp_path: Path
) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.script({"on": "staticfilelist", "do": "errcode", "errcode": 48001, "times": None})
    (tmp_path / "a.txt").write_text("tea")
    received = listen(signals.deployment_finished)
    with pytest.raises(CommandError):
        call_command("wx_deploy", tmp_path, "--using=staticfiles", "--yes", "--verify")
    assert [one["outcome"] for one in received] == ["failed"]


def test_collectstatic_sends_how_it_ended(configure: Any, listen: Listen, tmp_path: Path) -> None:
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    write(tmp_path / "source", {"a.css": b"a{}"})
    configure(STATICFILES_FINDERS=finders, STATICFILES_DIRS=[str(tmp_path / "source")])
    received = listen(signals.deployment_finished)
    call_command("collectstatic", "--no-input", verbosity=0)
    assert [(one["env"], one["outcome"]) for one in received] == [(ENV, "done")]
    call_command("collectstatic", "--no-input", verbosity=0)
    assert len(received) == 1  # nothing changed


def test_a_rollout_sends_that_it_was_stopped(
    broker: Broker,
    envs: list[str],
    release: Release,
    listen: Listen,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rollout = begin(envs, release)
    received = listen(signals.rollout_finished)
    with django_capture_on_commit_callbacks(execute=True):
        rollout.environments.filter(env=envs[0]).update(state="failed")
        advance(rollout.pk)
    assert received == [{"rollout_id": rollout.pk, "state": "stopped", "failed": 1, "noted": None}]
