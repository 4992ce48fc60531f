"""Rollouts that the API starts, steers and rolls back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import Client
from tests.deploy.test_archive import zipped
from tests.deploys import TREE, bodies, configure_releases
from tests.rollouts.conftest import (
    OLD,
    Broker,
    broker as broker,
    deployed,
    envs as envs,
    release as release,
    states,
)
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db

ALL = ["tenant-00", "tenant-01", "tenant-02", "tenant-03"]


@pytest.fixture
def cloud(configure: Any, tmp_path: Path, db: None) -> EmulatorServer:
    settings = configure_releases(tmp_path / "releases")
    settings["WX_STATIC_STORE"] |= {"MAX_ATTEMPTS": 1}
    found: EmulatorServer = configure(ROOT_URLCONF="tests.api.urls", **settings)
    return found


@pytest.fixture
def client(client_of: Client) -> APIClient:
    return client_of("deploy")


Set = Callable[..., None]


@pytest.fixture
def options(cloud: EmulatorServer, settings: Any) -> Set:
    """`options(**options)` sets options of the platform."""

    def change(**changes: Any) -> None:
        settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | changes

    return change


@pytest.fixture
def offered(options: Set) -> dict[str, Any]:
    """Return what ENVIRONMENTS offers to everybody: it may be filled."""
    found: dict[str, Any] = {}
    options(ENVIRONMENTS=lambda user: found)
    return found


def start(client: APIClient, *, status: int = 202, form: str = "json", **body: Any) -> Any:
    """Start a rollout; return the answer."""
    extra = {name: body.pop(name) for name in [*body] if name.startswith("HTTP_")}
    answer = client.post("/wx/rollouts/", body, format=form, **extra)
    assert answer.status_code == status, answer.json()
    return answer


def refused(client: APIClient, status: int = 400, **body: Any) -> tuple[str, str]:
    """Return the code of the problem, and all that it says."""
    problem = start(client, status=status, **body).json()
    said = [problem["detail"], problem.get("hint", ""), json.dumps(problem.get("errors", ""))]
    return problem["code"], " ".join(said)


def act(client: APIClient, pk: int, action: str, *, status: int = 200, **body: Any) -> Any:
    answer = client.post(f"/wx/rollouts/{pk}/{action}/", body, format="json")
    assert answer.status_code == status, answer.json()
    return answer.json()


def archive(files: dict[str, bytes] = TREE, name: str = "dist.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, zipped(files))


# --- a kept release -------------------------------------------------------------------------------


def test_a_rollout_of_a_kept_release_is_done_by_workers_after_the_answer(
    client: APIClient, cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    answer = start(client, release="v2", envs=envs)
    rollout = Rollout.objects.get()
    assert answer["Location"] == f"http://testserver/wx/rollouts/{rollout.pk}/"
    assert (answer.json()["state"], answer.json()["warnings"]) == ("running", [])
    assert not any(bodies(cloud, env) for env in envs)
    broker.work()
    assert all(bodies(cloud, env) == TREE for env in envs)
    assert str(rollout.user) == "ann"


def test_the_options_of_a_rollout_are_those_of_the_command(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    later = timezone.now() + timedelta(hours=1)
    manner = {"waves": "2,100%", "tolerate": "20%", "max_parallel": 1, "bake": 60, "verify": True}
    where = {"store": "site", "prefix": "shop", "release": "v2", "envs": envs}
    shown = start(client, deploy_at=later.isoformat(), label="v2 for all", **manner, **where).json()
    assert shown | manner | {"tolerate": 2} == shown
    assert (shown["folder"], shown["label"], shown["state"]) == ("shop/", "v2 for all", "planned")
    assert shown["environments"]["waiting"] == 10


def test_a_form_starts_a_rollout_as_json_does(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    start(client, form="multipart", release="v2", envs=envs[:3], tolerate="2", deploy_at="")
    assert [row.env for row in Rollout.objects.get().environments.all()] == envs[:3]


def test_environments_are_chosen_by_tags_or_all(
    client: APIClient, broker: Broker, release: Release, offered: dict[str, Any]
) -> None:
    early = {"label": "Early", "tags": ["ring/early"]}
    offered.update({"tenant-b": "B", "tenant-00": early, "tenant-01": early})
    by_tag = start(client, release="v2", tags=["ring/early"]).json()
    assert by_tag["environments"]["waiting"] + by_tag["environments"]["queued"] == 2
    act(client, by_tag["id"], "stop")
    assert sum(start(client, release="v2", all=True).json()["environments"].values()) == 3


def test_a_quota_that_is_too_small_is_a_warning(
    client: APIClient, cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    cloud.quirks.update({"daily_limit": 9})
    many = [f"tenant-{number}" for number in range(40)]
    assert "staticuploadfile" in start(client, release="v2", envs=many).json()["warnings"][0]


WRONG = {
    "no release": ({"envs": ALL}, "Send either"),
    "no environment": ({"release": "v2"}, "Name environments"),
    "all and some": ({"release": "v2", "all": True, "envs": ALL}, "Name environments"),
    "all of nothing": ({"release": "v2", "all": True}, "has no ENVIRONMENTS"),
    "a tag of nothing": ({"release": "v2", "tags": ["ring/early"]}, "ENVIRONMENTS"),
    "no environment id": ({"release": "v2", "envs": ["a b"]}, "environment"),
    "a bad prefix": ({"release": "v2", "envs": ALL, "prefix": "../x"}, "cannot be a prefix"),
    "too small waves": ({"release": "v2", "envs": ALL, "waves": "1,2"}, "the last is 100%"),
    "a bad tolerance": ({"release": "v2", "envs": ALL, "tolerate": "some"}, "write numbers"),
    "a time that is over": (
        {"release": "v2", "envs": ALL, "deploy_at": "2026-01-31T12:00Z"},
        "This is over",
    ),
    "an unknown field": ({"release": "v2", "envs": ALL, "wave": "1"}, "waves"),
    "a file in JSON": ({"file": "dist.zip", "envs": ALL}, "not a file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_rollout_is_said(
    client: APIClient, broker: Broker, release: Release, name: str
) -> None:
    body, text = WRONG[name]
    code, said = refused(client, **body)
    assert (code, text in said) == ("invalid", True), said
    assert not Rollout.objects.exists()


def test_a_rollout_of_an_unknown_release_is_404(
    client: APIClient, broker: Broker, release: Release
) -> None:
    code, said = refused(client, status=404, envs=ALL, release="v9")
    assert (code, "is named 'v9'" in said) == ("release", True), said


@pytest.mark.parametrize("where", [{"envs": ALL}, {"all": True}])
def test_a_rollout_names_an_unknown_store(
    client: APIClient, broker: Broker, release: Release, where: dict[str, Any]
) -> None:
    code, said = refused(client, status=404, release="v2", store="shop", **where)
    assert (code, "shop is no store" in said) == ("store", True), said


@pytest.mark.parametrize("body", ["[]", "7", "[" * 100_000, "{", '{"envs": "\ud800"}', ""])
def test_json_that_is_no_rollout_is_refused(client: APIClient, body: str) -> None:
    answer = client.generic(
        "POST", "/wx/rollouts/", body.encode("utf-8", "surrogatepass"), "application/json"
    )
    assert (answer.status_code, answer.json()["code"] in ("invalid", "parse_error")) == (400, True)


def test_json_that_is_too_long_is_not_read(client: APIClient) -> None:
    assert refused(client, status=413, release="v" * 2**20)[0] == "size"


def test_a_second_rollout_to_an_environment_waits_for_the_first(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    first = start(client, release="v2", envs=envs).json()["id"]
    code, said = refused(client, status=409, release="v2", envs=envs[5:])
    assert (code, f"Rollout {first} has some" in said) == ("rollout", True)


def test_a_release_without_its_bytes_is_gone(
    client: APIClient, broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    from wx_static_store.models import KeptFile

    KeptFile.objects.all().delete()
    for path in filter(Path.is_file, (tmp_path / "releases").rglob("*")):
        path.unlink()
    code, said = refused(client, status=409, release="v2", envs=envs)
    assert (code, "missing or damaged in the release storage" in said) == ("gone", True)


def test_without_a_celery_app_the_answer_says_what_to_do(
    client: APIClient, envs: list[str], release: Release
) -> None:
    code, said = refused(client, status=503, release="v2", envs=envs)
    assert (code, "no Celery app" in said, "celery.py" in said) == ("workers", True, True)


def test_without_a_broker_nothing_begins(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    broker.app.conf.broker_url = "redis://127.0.0.1:1//"
    code, said = refused(client, status=503, release="v2", envs=envs)
    assert (code, "cannot be reached" in said) == ("workers", True)
    assert not Rollout.objects.exists()


def test_without_a_release_storage_the_answer_says_what_to_set(
    client: APIClient, options: Set, broker: Broker, envs: list[str], release: Release
) -> None:
    options(RELEASE_STORAGE=None)
    code, said = refused(client, status=500, release="v2", envs=envs)
    assert (code, "RELEASE_STORAGE is not set" in said) == ("configuration", True)


# --- an archive -----------------------------------------------------------------------------------


def test_an_archive_becomes_a_release_of_the_only_store_for_sites(
    client: APIClient, cloud: EmulatorServer, broker: Broker, envs: list[str]
) -> None:
    files = TREE | {"assets/unused.js": b"import './gone.js'", "b.html": b"<img src=gone.png>"}
    shown = start(client, form="multipart", file=archive(files), envs=envs, prefix="shop").json()
    assert (shown["store"], shown["folder"]) == ("site", "shop/")
    assert any("gone.png" in warning for warning in shown["warnings"])
    broker.work()
    expected = {f"shop/{name}": body for name, body in files.items()}
    assert [bodies(cloud, env) for env in envs] == [expected] * 10


def test_a_bad_archive_is_refused_with_a_reason(
    client: APIClient, broker: Broker, envs: list[str]
) -> None:
    bad = SimpleUploadedFile("dist.zip", b"PK no zip")
    code, said = refused(client, form="multipart", file=bad, envs=envs)
    assert (code, "cannot be unpacked" in said) == ("archive", True)
    outside = archive({"../index.html": b""})
    code, said = refused(client, form="multipart", file=outside, envs=envs)
    assert (code, "../index.html" in said) == ("archive", True)
    assert not Release.objects.exists()


def test_an_archive_that_does_not_stay_in_memory_is_taken(
    client: APIClient, cloud: EmulatorServer, broker: Broker, envs: list[str]
) -> None:
    """Django puts a file above 2.5 MiB on the disk: such a one cannot be copied."""
    files = TREE | {"film.mp4": os.urandom(3 * 2**20)}
    start(client, form="multipart", file=archive(files), envs=envs[:1])
    broker.work()
    assert bodies(cloud, envs[0]) == files


@pytest.mark.parametrize("address", ["deployments/", "rollouts/1/rollback/"])
def test_a_large_file_where_none_is_taken_is_refused(client: APIClient, address: str) -> None:
    stray = SimpleUploadedFile("film.mp4", bytes(3 * 2**20))
    answer = client.post(f"/wx/{address}", {"file": stray}, format="multipart")
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["file"])


def test_an_archive_above_the_limit_is_not_read(
    client: APIClient, options: Set, broker: Broker, envs: list[str]
) -> None:
    options(UPLOAD_MAX_SIZE=1000)
    big = SimpleUploadedFile("dist.zip", bytes(2 * 2**20))
    assert refused(client, 413, form="multipart", file=big, envs=envs)[0] == "size"


def test_an_archive_needs_the_name_of_a_store_where_there_are_several(
    client: APIClient, settings: Any, broker: Broker, envs: list[str]
) -> None:
    settings.STORAGES = settings.STORAGES | {"shop": settings.STORAGES["site"]}
    code, said = refused(client, form="multipart", file=archive(), envs=envs)
    assert (code, "site, shop" in said) == ("invalid", True)
    code, said = refused(client, form="multipart", file=archive(), envs=envs, store="default")
    assert (code, "media store" in said) == ("invalid", True)


def test_a_release_or_an_archive_and_one_file_are_sent(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    both = {"release": "v2", "file": archive(), "envs": envs}
    assert "Send either" in refused(client, form="multipart", **both)[1]
    two = {"file": [archive(), archive()], "envs": envs}
    assert "one file" in refused(client, form="multipart", **two)[1]


# --- once -----------------------------------------------------------------------------------------


def test_a_rollout_with_a_key_begins_once(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first = start(client, release="v2", envs=envs, **key)
    again = start(client, release="v2", envs=envs, **key)
    assert (again.json(), again["Location"]) == (first.json(), first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert Rollout.objects.count() == 1
    assert refused(client, 422, release="v2", envs=envs[1:], **key)[0] == "other_body"


# --- what may be done with one --------------------------------------------------------------------


def test_a_rollout_is_paused_resumed_and_stopped(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    pk = start(client, release="v2", envs=envs).json()["id"]
    done = [act(client, pk, action)["state"] for action in ("pause", "resume", "stop")]
    assert done == ["paused", "running", "stopped"]


def test_an_action_that_the_state_forbids_is_refused(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    pk = start(client, release="v2", envs=envs).json()["id"]
    problem = act(client, pk, "resume", status=409)
    assert problem["code"] == "rollout"
    assert f"Rollout {pk} is running" in problem["detail"]


def test_what_failed_is_tried_again(
    client: APIClient, cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": envs[0]})
    pk = start(client, release="v2", envs=envs).json()["id"]
    broker.work()
    assert states(Rollout.objects.get()) == "f" + "w" * 9
    act(client, pk, "retry-failed")
    broker.work()
    assert states(Rollout.objects.get()) == "d" * 10


def test_a_rollout_is_rolled_back_by_another_one(
    client: APIClient,
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    tmp_path: Path,
) -> None:
    deployed(tmp_path / "old", OLD, envs[0], "v1")
    pk = start(client, release="v2", envs=envs[:2]).json()["id"]
    broker.work()
    shown = act(client, pk, "rollback", status=202, label="back")
    assert (shown["undoes"], shown["label"]) == (pk, "back")
    assert shown["undoes_url"] == f"http://testserver/wx/rollouts/{pk}/"
    assert shown["warnings"] == [
        f"1 environment had no release before and keeps the new one: {envs[1]}"
    ]
    broker.work()
    assert [bodies(cloud, env) for env in envs[:2]] == [OLD, TREE]


def test_a_roll_back_without_a_body_stops_at_no_failure(
    client: APIClient, broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    deployed(tmp_path / "old", OLD, envs[0], "v1")
    pk = start(client, release="v2", envs=envs[:1]).json()["id"]
    broker.work()
    shown = client.post(f"/wx/rollouts/{pk}/rollback/").json()
    assert (shown["waves"], shown["tolerate"]) == ("100%", 1)


def test_a_rollout_without_a_release_before_cannot_be_rolled_back(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    pk = start(client, release="v2", envs=envs).json()["id"]
    broker.work()
    problem = act(client, pk, "rollback", status=409)
    assert "No environment of it can go back to another release" in problem["detail"]


def test_a_roll_back_with_wrong_waves_leaves_the_rollout_alone(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    pk = start(client, release="v2", envs=envs).json()["id"]
    assert act(client, pk, "rollback", status=400, waves="some")["code"] == "invalid"
    assert Rollout.objects.get().state == "running"


@pytest.mark.parametrize("path", ["9999/stop", "x/stop", "9999/rollback"])
def test_an_unknown_rollout_cannot_be_steered(client: APIClient, path: str) -> None:
    assert client.post(f"/wx/rollouts/{path}/").json()["code"] == "not_found"


def test_an_unknown_action_is_not_there(
    client: APIClient, broker: Broker, envs: list[str], release: Release
) -> None:
    pk = start(client, release="v2", envs=envs).json()["id"]
    assert act(client, pk, "restart", status=404)["code"] == "not_found"


# --- what a caller may do -------------------------------------------------------------------------


def test_environments_that_are_not_offered_get_nothing(
    client: APIClient, broker: Broker, release: Release, offered: dict[str, Any]
) -> None:
    offered.update({"tenant-b": "B", "tenant-01": "One"})
    code, said = refused(client, status=404, release="v2", envs=["tenant-01", "tenant-00"])
    assert (code, "tenant-00 is not" in said) == ("environment", True)
    offered.clear()
    assert "No environment is offered" in refused(client, release="v2", all=True)[1]


def test_a_release_of_other_tenants_cannot_be_named(
    client: APIClient, broker: Broker, release: Release, offered: dict[str, Any]
) -> None:
    offered["tenant-01"] = "One"
    code, said = refused(client, status=404, release=release.digest, all=True)
    assert (code, "Known are" in said, "wx_deploy --list" in said) == ("release", False, True)


def test_who_may_use_a_part_of_a_rollout_cannot_steer_it(
    client: APIClient,
    broker: Broker,
    envs: list[str],
    release: Release,
    offered: dict[str, Any],
) -> None:
    offered.update(dict.fromkeys([*envs, "tenant-b"], "Tea House"))
    pk = start(client, release="v2", envs=envs).json()["id"]
    del offered[envs[3]]
    for action in ("stop", "rollback"):
        problem = act(client, pk, action, status=403)
        assert (problem["code"], "not offered to you" in problem["detail"]) == ("forbidden", True)


def test_environments_that_fail_are_no_fault_of_the_caller(
    client: APIClient, options: Set, broker: Broker, envs: list[str], release: Release
) -> None:
    def failing(user: Any) -> dict[str, str]:
        raise LookupError("no tenant here")

    options(ENVIRONMENTS=failing)
    code, said = refused(client, status=500, release="v2", envs=envs)
    assert (code, "no tenant here" in said) == ("configuration", False)
