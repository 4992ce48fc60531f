"""
Who a caller is, how often they may call, and how a refusal is answered.

Who may call which address, tests/permissions.py says for both entry points.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from tests.api.conftest import ALL, PNG, Client, basic, post, put
from tests.permissions import ROWS, ask
from tests.tables import each
from wx_static_store.api import base
from wx_static_store.api.base import View
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db

CALLS = [(name, method) for entry, name, method in ROWS if entry == "api"]


@pytest.fixture
def row(client_of: Client) -> UploadLog:
    put(client_of(*ALL, name="first"), "uploads/first.png")
    return UploadLog.objects.get()


def call(client: APIClient, name: str, method: str, row: UploadLog) -> Any:
    return ask(client, "api", name, method, row.pk)


def test_a_refusal_is_a_problem(client_of: Client, row: UploadLog) -> None:
    client = client_of(is_staff=True)
    for name, method in CALLS:
        response = call(client, name, method, row)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")


# --- B48: who nobody is ---------------------------------------------------------------------------


def _stranger(client_of: Client) -> APIClient:
    return APIClient()


def _inactive(client_of: Client) -> APIClient:
    return client_of(*ALL, is_active=False)


def _wrong_password(client_of: Client) -> APIClient:
    client = client_of(*ALL)
    client.credentials(HTTP_AUTHORIZATION=basic("ann", "no"))
    return client


def _ended_session(client_of: Client) -> APIClient:
    client_of(*ALL)
    client = APIClient()
    client.force_login(User.objects.get(username="ann"))
    User.objects.filter(username="ann").update(is_active=False)
    return client


@pytest.mark.parametrize("make", [_stranger, _inactive, _wrong_password, _ended_session])
def test_an_anonymous_request_gets_401(
    client_of: Client, row: UploadLog, cloud: EmulatorServer, make: Any
) -> None:
    """Neither a row, nor a call to the cloud, nor a look at the body."""
    cloud.state.journal.clear()
    client = make(client_of)
    for name, method in CALLS:
        response = call(client, name, method, row)
        assert response.status_code == 401
        assert response.json()["code"] in ("not_authenticated", "authentication_failed")
        assert response["WWW-Authenticate"]
    assert cloud.journal == []
    assert UploadLog.objects.count() == 1


def test_of_a_strangers_body_nothing_is_read(cloud: EmulatorServer) -> None:
    class Unread:
        def read(self, *size: int) -> bytes:
            raise AssertionError("it was read")

        readline = read

    kind = "multipart/form-data; boundary=b"
    extra = {"wsgi.input": Unread(), "CONTENT_LENGTH": "100"}
    response = APIClient().generic("POST", "/wx/uploads/", b"", content_type=kind, **extra)
    assert response.status_code == 401


@each(("name", "method"), CALLS)
def test_nothing_of_the_project_opens_the_api_to_strangers(
    client_of: Client, row: UploadLog, settings: Any, name: str, method: str
) -> None:
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    }
    settings.AUTHENTICATION_BACKENDS = ["tests.api.conftest.Generous"]
    assert call(APIClient(), name, method, row).status_code == 401


def test_a_view_method_without_a_permission_is_forbidden(client_of: Client) -> None:
    class Forgotten(View):
        def get(self, request: Request) -> Response:
            raise AssertionError("it was called")

    client_of(is_superuser=True)
    request = APIRequestFactory().get("/")
    force_authenticate(request, User.objects.get(username="ann"))
    assert Forgotten.as_view()(request).status_code == 403


# --- B49: sessions --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "method"), [c for c in CALLS if c[1] != "GET"])
def test_a_session_without_its_csrf_token_changes_nothing(
    client_of: Client, row: UploadLog, cloud: EmulatorServer, name: str, method: str
) -> None:
    client_of(*ALL)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="ann"))
    cloud.state.journal.clear()
    response = call(client, name, method, row)
    assert (response.status_code, response.json()["code"]) == (403, "csrf")
    assert cloud.journal == []


@pytest.mark.parametrize("send", [post, put])
def test_a_session_with_its_csrf_token_uploads(
    client_of: Client, cloud: EmulatorServer, send: Any
) -> None:
    client_of(*ALL)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="ann"))
    token = "a" * 32
    client.cookies["csrftoken"] = token
    assert send(client, HTTP_X_CSRFTOKEN=token).status_code == 201
    assert cloud.objects()["uploads/a.png"].body == PNG


# --- B57, B59: how often --------------------------------------------------------------------------


@pytest.fixture
def slow(settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        "DEFAULT_THROTTLE_RATES": {"wx_static_store_upload": "2/min", "wx_static_store_list": None}
    }


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("send", [post, put])
def test_too_many_uploads_get_a_retry_after(
    client: APIClient, cloud: EmulatorServer, send: Any
) -> None:
    for number in range(2):
        assert send(client, f"uploads/{number}.png").status_code == 201
    response = send(client, "uploads/more.png")
    assert (response.status_code, response.json()["code"]) == (429, "throttled")
    assert 0 < int(response["Retry-After"]) <= 60
    assert len(cloud.objects()) == 2


@pytest.mark.usefixtures("slow")
def test_a_forged_address_does_not_evade_the_throttle(client: APIClient) -> None:
    statuses = [
        put(client, f"uploads/{n}.png", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").status_code
        for n in range(3)
    ]
    assert statuses == [201, 201, 429]


@pytest.mark.usefixtures("slow")
def test_each_user_is_throttled_apart(client: APIClient, client_of: Client) -> None:
    statuses = [put(client, f"uploads/{n}.png").status_code for n in range(3)]
    assert statuses[-1] == 429
    assert put(client_of(*ALL, name="eve"), "uploads/e.png").status_code == 201


@pytest.mark.usefixtures("slow")
def test_retries_are_throttled_as_uploads(client: APIClient) -> None:
    first = put(client)["Location"]
    statuses = [client.post(first + "retry/").status_code for _ in range(2)]
    assert statuses == [201, 429]


def test_without_settings_a_hundred_uploads_at_once_are_too_many(client_of: Client) -> None:
    """Those that are refused count as well."""
    client = client_of("upload")
    statuses = [put(client, "elsewhere.png").status_code for _ in range(100)]
    assert statuses == [400] * 60 + [429] * 40


def test_lists_are_throttled_apart_from_uploads(client: APIClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"wx_static_store_list": "1/min"}}
    statuses = [client.get("/wx/stores/").status_code for _ in range(2)]
    assert statuses == [200, 429]
    assert put(client).status_code == 201


@pytest.mark.usefixtures("slow")
def test_answers_say_how_many_requests_are_left(client: APIClient) -> None:
    reply = [put(client, f"uploads/{n}.png") for n in range(3)]
    assert [one["RateLimit-Policy"] for one in reply] == ['"upload";q=2;w=60'] * 3
    left = [re.fullmatch(r'"upload";r=(\d);t=(\d+)', one["RateLimit"]) for one in reply]
    assert [found[1] for found in left if found] == ["1", "0", "0"]
    assert all(0 < int(found[2]) <= 60 for found in left if found)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("send", [post, put])
def test_a_replay_does_not_count_against_the_rate(client: APIClient, send: Any) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "k"}
    reply = [send(client, "uploads/1.png", **key) for _ in range(4)]
    assert [one.status_code for one in reply] == [201] * 4
    assert {one["RateLimit"].partition(";t")[0] for one in reply} == {'"upload";r=1'}
    assert send(client, "uploads/2.png").status_code == 201
    assert send(client, "uploads/3.png").status_code == 429


def test_a_flood_of_replays_is_throttled(client: APIClient, settings: Any) -> None:
    """Each counts as another request while there are some left, then as an upload."""
    rates = {"wx_static_store_upload": "3/min", "wx_static_store_list": "2/min"}
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": rates}
    statuses = [put(client, HTTP_IDEMPOTENCY_KEY="k").status_code for _ in range(7)]
    assert statuses == [201] * 5 + [429] * 2


def test_a_replay_without_a_rate_is_answered(client: APIClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"wx_static_store_upload": None}}
    reply = [put(client, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)]
    assert [one.get("Idempotent-Replayed") for one in reply] == [None, "true"]


@pytest.mark.usefixtures("slow")
def test_answers_without_throttling_have_no_headers_of_it(client: APIClient) -> None:
    assert not {"RateLimit", "RateLimit-Policy"} & {*client.get("/wx/stores/").headers}
    assert not {"RateLimit", "RateLimit-Policy"} & {*APIClient().get("/wx/stores/").headers}


def test_the_throttle_counts_in_the_cache_that_processes_share(
    settings: Any, configure: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
        "shared": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
    configure(WX_STATIC_STORE={"TOKEN_CACHE": "shared"})
    from django.core.cache import caches

    base.Throttle("wx_static_store_upload").cache.set("count", [1.0])
    assert caches["shared"].get("count") == [1.0]


def test_a_dead_cache_keeps_nobody_out(client: APIClient, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.api.conftest.Dead"}}
    response = client.get("/wx/stores/")
    assert response.status_code == 200
    assert "RateLimit" not in response


def test_a_wrong_setting_is_reported_and_not_as_a_dead_cache(
    client: APIClient, configure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure(WX_STATIC_STORE={"TOKEN_CACHE": 5})
    response = client.get("/wx/stores/")
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "nobody is throttled" not in caplog.text


@each("make", ["stranger", "ann"])
@each(("name", "method"), CALLS)
def test_no_answer_is_kept_by_a_browser_or_a_proxy(
    client: APIClient, row: UploadLog, make: str, name: str, method: str
) -> None:
    response = call(client if make == "ann" else APIClient(), name, method, row)
    assert {"private", "no-store"} <= {*response["Cache-Control"].split(", ")}
