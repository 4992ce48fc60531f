"""``Idempotency-Key``: what is sent twice happens once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.api.conftest import ALL, PNG, Client, picture, post, put
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

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
def test_the_first_answer_comes_again(client: APIClient, cloud: EmulatorServer, send: Send) -> None:
    first, second = send(client, **KEY), send(client, **KEY)
    assert first.status_code == 201
    assert same(first, second)
    assert len(cloud.calls("put_object")) == UploadLog.objects.count() == 1


def test_a_generated_name_is_generated_once(client: APIClient, cloud: EmulatorServer) -> None:
    names = {post(client, generate="true", **KEY).json()["name"] for _ in range(2)}
    assert set(cloud.objects()) == names
    assert len(names) == 1


def test_a_retry_is_done_once(client: APIClient, cloud: EmulatorServer) -> None:
    first = put(client)["Location"]
    one, two = (client.post(first + "retry/", **KEY) for _ in range(2))
    assert one.status_code == 201
    assert same(one, two)
    assert len(cloud.calls("put_object")) == 2


def test_without_a_key_each_request_counts(client: APIClient, cloud: EmulatorServer) -> None:
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
def test_the_key_with_another_body_is_refused(
    client: APIClient, cloud: EmulatorServer, send: Send, other: dict[str, Any]
) -> None:
    assert send(client, **KEY).status_code == 201
    response = send(client, **other, **KEY)
    assert (response.status_code, response.json()["code"]) == (422, "other_body")
    assert len(cloud.calls("put_object")) == 1


def test_the_key_of_another_user_is_another_key(client: APIClient, client_of: Client) -> None:
    put(client, **KEY)
    response = put(client_of(*ALL, name="eve"), body=PNG + b"x", query="?overwrite=true", **KEY)
    assert response.status_code == 201


def test_at_another_address_it_is_another_key(client: APIClient, cloud: EmulatorServer) -> None:
    assert put(client, "uploads/a.png", **KEY).status_code == 201
    assert put(client, "uploads/b.png", **KEY).status_code == 201
    assert post(client, "uploads/c.png", **KEY).status_code == 201
    assert len(cloud.objects()) == 3


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"on": "put_object", "do": "drop_reply"}, 504),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 40097}, 502),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 85088}, 500),
    ],
)
def test_a_failure_is_told_again_as_it_was(
    client: APIClient, cloud: EmulatorServer, fault: dict[str, Any], status: int
) -> None:
    cloud.script(fault)
    first, second = put(client, **KEY), put(client, **KEY)
    assert first.status_code == status
    assert same(first, second)
    assert UploadLog.objects.count() == 1


@pytest.mark.usefixtures("hasty")
def test_who_is_told_to_come_again_may(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011})
    assert [put(client, **KEY).status_code for _ in range(3)] == [503, 201, 201]
    assert UploadLog.objects.count() == 2


def test_a_refusal_is_not_kept(client: APIClient, cloud: EmulatorServer) -> None:
    cloud.put_object("uploads/a.png", b"old")
    assert put(client, **KEY).status_code == 409
    cloud.delete_object("uploads/a.png")
    assert put(client, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schlüssel"])
def test_a_key_that_is_none_is_told(client: APIClient, cloud: EmulatorServer, key: str) -> None:
    response = put(client, HTTP_IDEMPOTENCY_KEY=key)
    assert (response.status_code, list(response.json()["errors"])) == (400, ["Idempotency-Key"])
    assert cloud.objects() == {}


def test_the_key_is_forgotten_after_a_day(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    original = LocMemCache.set

    def remember(self: Any, key: str, value: Any, timeout: Any = None, **more: Any) -> None:
        kept.extend([timeout] if "idempotency" in key else [])
        original(self, key, value, timeout, **more)

    monkeypatch.setattr(LocMemCache, "set", remember)
    put(client, **KEY)
    assert kept == [24 * 3600]


@pytest.mark.django_db(transaction=True)
def test_while_the_first_runs_the_second_is_told_to_wait(
    client: APIClient, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told from inside of the first, when its body is on the way."""
    told: list[Response] = []
    from wx_static_store.uploader import Uploader

    original = Uploader.transfer

    def meanwhile(self: Any, item: Any, **options: Any) -> Any:
        if not told:
            told.append(put(client, **KEY))
        return original(self, item, **options)

    monkeypatch.setattr(Uploader, "transfer", meanwhile)
    assert put(client, **KEY).status_code == 201
    assert (told[0].status_code, told[0].json()["code"]) == (409, "in_progress")
    assert told[0]["Retry-After"] == "5"


def test_a_request_that_breaks_leaves_the_key_free(
    client: APIClient, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("wx_static_store.api.sending.get_uploader", lambda *args: [][0])
        client.raise_request_exception = False
        assert put(client, **KEY).status_code == 500
    assert put(client, **KEY).status_code == 201


def test_without_a_cache_nothing_is_sent_that_might_be_sent_twice(
    client: APIClient, cloud: EmulatorServer, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.api.conftest.Dead"}}
    response = put(client, **KEY)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert cloud.calls("put_object") == []


def test_what_is_kept_is_json_and_no_object(client: APIClient) -> None:
    import json

    put(client, **KEY)
    [kept] = [v for k, v in _entries().items() if "idempotency" in k]
    assert json.loads(kept)["status"] == 201


def _entries() -> dict[str, Any]:
    import pickle

    return {key: pickle.loads(value) for key, value in cache._cache.items()}  # type: ignore[attr-defined]
