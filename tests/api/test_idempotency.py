"""``Idempotency-Key``: what is sent twice happens once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.api.conftest import ALL, PNG, Client, picture, post, put
from tests.conftest import ENV, lost_table
from wx_static_store.clients.cos import CosClient
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.types import UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import SourceError
from wx_static_store.log.prune import prune
from wx_static_store.models import IdempotencyKey, UploadLog
from wx_static_store.submit.submission import LEASE, Submission
from wx_static_store.upload.transfer import Transfer

pytestmark = pytest.mark.django_db

KEY = {"HTTP_IDEMPOTENCY_KEY": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
Send = Callable[..., Response]


@pytest.fixture
def hasty(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})


def same(one: Response, other: Response) -> bool:
    headers = [r.headers.get(name) for name in ("Location", "Content-Type") for r in (one, other)]
    return (
        one.status_code == other.status_code
        and one.content == other.content
        and headers[::2] == headers[1::2]
    )


@pytest.mark.parametrize("send", [post, put])
def test_a_repeated_request_gets_the_first_answer(
    client: APIClient, cloud: EmulatorServer, send: Send
) -> None:
    first, second = send(client, **KEY), send(client, **KEY)
    assert first.status_code == 201
    assert same(first, second)
    assert len(cloud.calls("put_object")) == UploadLog.objects.count() == 1


def test_a_repeated_request_gets_the_same_generated_name(
    client: APIClient, cloud: EmulatorServer
) -> None:
    names = {post(client, generate="true", **KEY).json()["name"] for _ in range(2)}
    assert set(cloud.objects()) == names
    assert len(names) == 1


def test_a_repeated_retry_is_done_once(client: APIClient, cloud: EmulatorServer) -> None:
    first = put(client)["Location"]
    one, two = (client.post(first + "retry/", **KEY) for _ in range(2))
    assert one.status_code == 201
    assert same(one, two)
    assert len(cloud.calls("put_object")) == 2


def test_an_address_with_and_without_the_last_slash_is_one_request(
    client: APIClient, cloud: EmulatorServer
) -> None:
    first = put(client)["Location"]
    one, two = (client.post(address, **KEY) for address in (first + "retry/", first + "retry"))
    assert same(one, two)
    assert len(cloud.calls("put_object")) == 2


def test_requests_without_a_key_are_each_carried_out(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert [put(client, query="?overwrite=true").status_code for _ in range(2)] == [201, 201]
    assert len(cloud.calls("put_object")) == 2


@pytest.mark.parametrize(
    ("send", "other"),
    [
        (put, {"body": PNG + b"x"}),
        (put, {"body": PNG[:-1] + b"x"}),
        (put, {"query": "?overwrite=true"}),
        (post, {"file": picture(content=PNG + b"x")}),
        (post, {"path": "uploads/b.png"}),
        (post, {"generate": "true"}),
        (post, {"store": "staticfiles"}),
    ],
)
def test_a_key_with_another_body_is_refused(
    client: APIClient, cloud: EmulatorServer, send: Send, other: dict[str, Any]
) -> None:
    assert send(client, **KEY).status_code == 201
    response = send(client, **other, **KEY)
    assert (response.status_code, response.json()["code"]) == (422, "other_body")
    assert len(cloud.calls("put_object")) == 1


def test_the_same_key_of_another_user_is_another_request(
    client: APIClient, client_of: Client
) -> None:
    put(client, **KEY)
    response = put(client_of(*ALL, name="eve"), body=PNG + b"x", query="?overwrite=true", **KEY)
    assert response.status_code == 201


def test_the_same_key_at_another_address_is_another_request(
    client: APIClient, cloud: EmulatorServer
) -> None:
    assert put(client, "uploads/a.png", **KEY).status_code == 201
    assert put(client, "uploads/b.png", **KEY).status_code == 201
    assert post(client, "uploads/c.png", **KEY).status_code == 201
    assert len(cloud.objects()) == 3


@pytest.mark.usefixtures("hasty")
def test_a_repeated_request_gets_an_unknown_answer_again(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.quirks.list_md5 = "multipart"  # settles nothing
    cloud.script({"on": "put_object", "do": "drop_reply"})
    first, second = put(client, **KEY), put(client, **KEY)
    assert (first.status_code, first.json()["code"]) == (504, "unknown")
    assert same(first, second)
    assert UploadLog.objects.count() == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 40097}, "upstream"),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 85088}, "configuration"),
        ({"on": "staticfilelist", "do": "errcode", "errcode": 40164}, "configuration"),
        (
            {"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"},
            "upstream",
        ),
    ],
)
def test_an_error_that_the_operator_must_mend_leaves_the_key_free(
    client: APIClient, cloud: EmulatorServer, fault: dict[str, Any], code: str
) -> None:
    cloud.script(fault)
    assert put(client, **KEY).json()["code"] == code
    assert put(client, **KEY).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


@pytest.mark.usefixtures("hasty")
def test_a_busy_answer_leaves_the_key_free(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011})
    assert [put(client, **KEY).status_code for _ in range(3)] == [503, 201, 201]
    assert UploadLog.objects.count() == 2


def test_an_upload_that_came_too_late_may_come_again(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": 0.3})
    cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": 5})
    first = put(client, **KEY)
    configure(WX_STATIC_STORE={"DEADLINE": None})
    assert (first.status_code, first.json()["code"]) == (504, "timeout")
    assert put(client, **KEY).status_code == 201


def test_a_file_that_could_not_be_read_may_come_again(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*args: Any, **options: Any) -> Any:
        raise SourceError("gone")

    with monkeypatch.context() as broken:
        broken.setattr("wx_static_store.upload.transfer.opened", unreadable)
        assert put(client, **KEY).json()["code"] == "gone"
    assert put(client, **KEY).status_code == 201


def test_a_kept_answer_shows_no_more_than_its_reader_may_see_now(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    """That of an upload whose answer was lost, and whose second try was refused."""
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    cloud.quirks.list_md5 = "multipart"  # settles nothing
    cloud.script(
        {"on": "put_object", "do": "drop_reply"},
        {"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "skip": 1},
    )
    first = put(client, **KEY).json()
    User.objects.get().user_permissions.filter(codename="view_uploadlog").get().user_set.clear()
    second = put(client, **KEY).json()
    assert set(first) - set(second) == {"cause", "errcode", "hint", "rid"}
    assert {**first, **second} == first
    assert len(cloud.calls("put_object")) == 1


def test_the_same_key_for_another_environment_is_another_request(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    """A callable ENV gives the same address to each tenant."""
    tenant = [ENV]
    configure(WX_STATIC_STORE={"ENV": lambda: tenant[0]})
    first = put(client, **KEY).json()
    tenant[0] = "tenant-b"
    second = put(client, **KEY).json()
    assert (first["env"], second["env"]) == (ENV, "tenant-b")
    assert len(cloud.calls("put_object")) == 2


def test_a_refusal_is_not_kept(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.put_object("uploads/a.png", b"old")
    assert put(client, **KEY).status_code == 409
    cloud.delete_object("uploads/a.png")
    assert put(client, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schlüssel"])
def test_an_invalid_key_is_reported(client: APIClient, cloud: EmulatorServer, key: str) -> None:
    response = put(client, HTTP_IDEMPOTENCY_KEY=key)
    assert (response.status_code, list(response.json()["errors"])) == (400, ["Idempotency-Key"])
    assert cloud.objects() == {}


def days_go_by(hours: float) -> None:
    gone = timedelta(hours=hours)
    IdempotencyKey.objects.update(
        expires=F("expires") - gone, running_until=F("running_until") - gone
    )


def test_the_key_is_forgotten_after_a_day(client: APIClient, cloud: EmulatorServer) -> None:
    put(client, **KEY)
    days_go_by(23.9)
    assert put(client, **KEY)["Idempotent-Replayed"] == "true"
    days_go_by(0.2)
    again = put(client, **KEY)
    assert (again.status_code, "Idempotent-Replayed" in again) == (201, False)
    assert put(client, **KEY).content == again.content
    assert len(cloud.calls("put_object")) == 2


def test_the_first_answer_has_no_replay_header(client: APIClient) -> None:
    assert "Idempotent-Replayed" not in put(client, **KEY)


def test_the_prune_takes_the_keys_whose_day_is_over(client: APIClient) -> None:
    put(client, **KEY)
    assert list(prune(30)) == []
    days_go_by(25)
    assert list(prune(30, dry_run=True)) == list(prune(30)) == [("keys", 1)]
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_second_request_during_the_first_is_answered_in_progress(
    client: APIClient, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told from inside of the first, when its body is on the way."""
    shown: list[Response] = []
    original = Transfer.run

    def meanwhile(self: Transfer) -> UploadResult:
        if not shown:
            shown.append(put(client, **KEY))
        return original(self)

    monkeypatch.setattr(Transfer, "run", meanwhile)
    assert put(client, **KEY).status_code == 201
    assert (shown[0].status_code, shown[0].json()["code"]) == (409, "in_progress")
    assert shown[0]["Retry-After"] == "5"


# --- requests that break off ----------------------------------------------------------------------


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server ends each process when COS has the bytes, before it has the answer."""
    original = CosClient.put_object

    def last_words(*args: Any, **options: Any) -> Any:
        original(*args, **options)
        raise SystemExit(1)

    monkeypatch.setattr(CosClient, "put_object", last_words)


@pytest.mark.usefixtures("killed")
def test_a_request_that_was_ended_is_not_done_again(
    client: APIClient, cloud: EmulatorServer
) -> None:
    with pytest.raises(SystemExit):
        post(client, generate="true", **KEY)
    response = post(client, generate="true", **KEY)
    assert (response.status_code, response.json()["code"]) == (504, "unknown")
    assert len(cloud.objects()) == 1


@pytest.mark.usefixtures("killed")
def test_a_request_that_was_ended_has_a_row(client: APIClient, cloud: EmulatorServer) -> None:
    with pytest.raises(SystemExit):
        put(client)
    row = UploadLog.objects.get()
    assert (row.status, row.source, row.key) == ("unknown", "api", "uploads/a.png")


@pytest.mark.usefixtures("killed")
def test_a_killed_request_is_in_progress_until_its_time_is_over(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No code of ours runs after SIGKILL."""
    monkeypatch.setattr(Submission, "_break_off", lambda self: None)
    with pytest.raises(SystemExit):
        put(client, **KEY)
    assert put(client, **KEY).json()["code"] == "in_progress"
    days_go_by((LEASE + 1) / 3600)
    assert put(client, **KEY).json()["code"] == "unknown"


def test_a_request_refused_before_a_byte_is_sent_leaves_the_key_free(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097})
    assert put(client, **KEY).status_code == 502
    assert put(client, **KEY).status_code == 201


# --- trouble of our own ---------------------------------------------------------------------------


class Down(ModelBackend):
    """Asks elsewhere who may replace a file, and gets no answer."""

    error: Exception = OSError()

    def has_perm(self, user: Any, perm: str, obj: Any = None) -> bool:
        if perm == "wx_static_store.replace":
            raise self.error
        return super().has_perm(user, perm, obj)


def again(client: APIClient, **extra: Any) -> Response:
    """Retry the first upload."""
    id = UploadLog.objects.order_by("id").values_list("id", flat=True)[0]
    return client.post(f"/wx/uploads/{id}/retry/", **extra)


def over(client: APIClient, **extra: Any) -> Response:
    return put(client, query="?overwrite=true", **extra)


@pytest.mark.parametrize("send", [over, again])
@pytest.mark.parametrize("error", [OperationalError("no database"), ConnectionError("no LDAP")])
def test_trouble_of_our_own_before_a_byte_is_sent_leaves_the_key_free(
    client: APIClient,
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    send: Send,
    error: Exception,
) -> None:
    put(client)
    monkeypatch.setattr(Down, "error", error)
    settings.AUTHENTICATION_BACKENDS = ["tests.api.test_idempotency.Down"]
    response = send(client, **KEY)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert len(cloud.calls("put_object")) == 1
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert send(client, **KEY).status_code == 201


def test_trouble_of_our_own_before_the_body_goes_leaves_a_failed_row_and_the_key_free(
    client: APIClient, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(WeChatClient, "upload_link", full)
        assert put(client, **KEY).json()["code"] == "busy"
    assert UploadLog.objects.get().status == "failed"
    assert put(client, **KEY).status_code == 201


@pytest.mark.parametrize("error", [OperationalError("no database"), OSError(28, "No space left")])
def test_trouble_of_our_own_after_the_body_went_is_unknown_and_kept(
    client: APIClient,
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    original = CosClient.put_object

    def put_object(*args: Any, **options: Any) -> Any:
        original(*args, **options)
        raise error

    monkeypatch.setattr(CosClient, "put_object", put_object)
    cloud.quirks.list_md5 = "multipart"  # settles nothing
    first, second = put(client, **KEY), put(client, **KEY)
    row = UploadLog.objects.get()
    assert (first.status_code, first.json()["code"]) == (504, "unknown")
    assert (first.json()["upload_id"], row.status) == (row.pk, "unknown")
    assert same(first, second)
    assert len(cloud.calls("put_object")) == 1
    assert str(error) in caplog.text  # for the operator


# --- where answers are kept -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "backend", ["django.core.cache.backends.dummy.DummyCache", "tests.api.conftest.Dead"]
)
def test_a_key_holds_whatever_the_cache_is(
    client: APIClient, cloud: EmulatorServer, settings: Any, backend: str
) -> None:
    settings.CACHES = {"default": {"BACKEND": backend}}
    assert same(put(client, **KEY), put(client, **KEY))
    assert len(cloud.calls("put_object")) == 1


def test_a_request_with_a_key_is_refused_without_the_table(
    client: APIClient, cloud: EmulatorServer
) -> None:
    with lost_table(IdempotencyKey):
        response = put(client, **KEY)
        assert put(client).status_code == 201
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert response["Retry-After"] == "60"
    assert len(cloud.calls("put_object")) == 1, "of the request without a key"


def test_a_kept_answer_is_json_without_a_secret(client: APIClient) -> None:
    put(client, **KEY)
    kept = IdempotencyKey.objects.get()
    assert json.loads(kept.answer)["status"] == 201
    assert KEY["HTTP_IDEMPOTENCY_KEY"] not in kept.digest + kept.answer
