"""A kept release that the API brings to one environment: by workers, or in the request."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from tests.api.conftest import Client
from tests.deploys import TREE, bodies, sent
from tests.notes import plant
from tests.rollouts.api.test_start import Set, cloud as cloud, options as options
from tests.rollouts.conftest import OLD, Broker, broker as broker, deployed, release as release
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release
from wx_static_store.releases import rollback
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db(transaction=True)

ENV = "tenant-00"


@pytest.fixture
def client(client_of: Client) -> APIClient:
    return client_of("deploy", "view_deployment")


@pytest.fixture
def old(cloud: EmulatorServer, release: Release, tmp_path: Path) -> Release:
    """Deploy an older release and then the newer one; return the older."""
    cloud.add_env(ENV)
    found = deployed(tmp_path / "old", OLD, ENV, "v1")
    deployed(tmp_path / "dist", TREE, ENV, "v3")
    cloud.journal.clear()
    return found


def deploy(client: APIClient, status: int, *, env: str = ENV, **body: Any) -> Any:
    answer = client.post("/wx/deployments/", {"env": env, **body}, format="json")
    assert answer.status_code == status, answer.json()
    return answer


# --- by workers -----------------------------------------------------------------------------------


def test_with_celery_a_rollout_of_one_environment_begins(
    client: APIClient, cloud: EmulatorServer, broker: Broker, old: Release
) -> None:
    answer = deploy(client, 202, release="v1")
    rollout = Rollout.objects.get()
    assert answer["Location"] == f"http://testserver/wx/rollouts/{rollout.pk}/"
    assert (answer.json()["label"], sent(cloud)) == ("roll back from v3 to v1", [])
    broker.work()
    assert bodies(cloud, ENV) == OLD


def test_with_celery_the_release_before_comes_back(
    client: APIClient, cloud: EmulatorServer, broker: Broker, old: Release
) -> None:
    assert deploy(client, 202, rollback=True).json()["release"] == old.pk


def test_a_rollout_that_has_the_environment_forbids_another(
    client: APIClient, broker: Broker, old: Release
) -> None:
    deploy(client, 202, rollback=True)
    assert deploy(client, 409, release="v3").json()["code"] == "rollout"


def test_a_broker_that_is_down_starts_no_deploy(
    client: APIClient, broker: Broker, old: Release
) -> None:
    broker.app.conf.broker_url = "redis://127.0.0.1:1//"
    assert deploy(client, 503, rollback=True).json()["code"] == "workers"


# --- in the request -------------------------------------------------------------------------------


def test_without_celery_a_small_release_is_deployed_in_the_request(
    client: APIClient, cloud: EmulatorServer, old: Release
) -> None:
    answer = deploy(client, 201, release="v1")
    new = Deployment.objects.latest("pk")
    assert answer["Location"] == f"http://testserver/wx/deployments/{new.pk}/"
    shown = answer.json()
    assert (shown["id"], shown["outcome"], shown["live"]) == (new.pk, "done", True)
    assert (shown["label"], shown["release"]) == ("roll back from v3 to v1", old.pk)
    assert bodies(cloud, ENV) == OLD


def test_the_release_before_comes_back_in_the_request(
    client: APIClient, cloud: EmulatorServer, old: Release
) -> None:
    assert deploy(client, 201, rollback=True).json()["release"] == old.pk
    assert bodies(cloud, ENV) == OLD


def test_a_release_of_another_environment_is_deployed_where_there_was_none(
    client: APIClient, cloud: EmulatorServer, release: Release
) -> None:
    cloud.add_env(ENV)
    assert deploy(client, 201, release="v2").json()["stored"] == 3
    assert bodies(cloud, ENV) == TREE


def test_a_large_deploy_is_left_to_the_command_that_the_answer_names(
    client: APIClient, cloud: EmulatorServer, old: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "MOST_FILES", 1)
    problem = deploy(client, 413, release="v1").json()
    assert (problem["code"], sent(cloud)) == ("size", [])
    _python, _manage, *arguments = shlex.split(problem["detail"].partition("server: ")[2])
    call_command(*arguments, "--yes", verbosity=0)
    assert bodies(cloud, ENV) == OLD


def test_a_deploy_that_is_under_way_is_said(client: APIClient, old: Release) -> None:
    plant("deploy", "holder", {"host": "other", "pid": 7, "id": "x"}, about=ENV)
    problem = deploy(client, 409, release="v1").json()
    assert problem["code"] == "in_progress"
    assert "Another deploy" in problem["detail"]


def test_what_the_cloud_refuses_is_a_problem(
    client: APIClient, cloud: EmulatorServer, old: Release
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None})
    assert deploy(client, 502, release="v1").json()["code"] == "upstream"
    assert Deployment.objects.latest("pk").outcome == "failed"


def test_without_a_release_storage_the_answer_of_a_deploy_says_what_to_set(
    client: APIClient, options: Set, old: Release
) -> None:
    options(RELEASE_STORAGE=None)
    problem = deploy(client, 500, release="v1").json()
    assert (problem["code"], problem["detail"]) == ("configuration", "RELEASE_STORAGE is not set")


def test_a_deploy_with_a_key_is_done_once(
    client: APIClient, cloud: EmulatorServer, old: Release
) -> None:
    client.credentials(**client._credentials, HTTP_IDEMPOTENCY_KEY="one")
    first, again = deploy(client, 201, rollback=True), deploy(client, 201, rollback=True)
    assert (first.json(), first["Location"]) == (again.json(), again["Location"])
    assert bodies(cloud, ENV) == OLD


# --- what is wrong --------------------------------------------------------------------------------

WRONG = {
    "neither": ({}, "Send either"),
    "both": ({"release": "v1", "rollback": True}, "Send either"),
    "no environment": ({"release": "v1", "env": ""}, "may not be blank"),
}
NO_RELEASE = {
    "an unknown release": ({"release": "v9"}, "is named 'v9'"),
    "nothing before": ({"rollback": True, "env": "tenant-b"}, "There is no release before"),
    "nothing there": ({"rollback": True, "env": "tenant-c"}, "No release was deployed"),
    "another folder": ({"rollback": True, "prefix": "shop"}, "There is no release before"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_deploy_is_said(client: APIClient, old: Release, name: str) -> None:
    body, text = WRONG[name]
    problem = deploy(client, 400, **body).json()
    said = problem["detail"] + json.dumps(problem.get("errors", ""))
    assert (problem["code"], text in said) == ("invalid", True), said


@pytest.mark.parametrize("name", NO_RELEASE)
def test_a_release_that_does_not_exist_is_404(client: APIClient, old: Release, name: str) -> None:
    body, text = NO_RELEASE[name]
    problem = deploy(client, 404, **body).json()
    assert (problem["code"], text in problem["detail"]) == ("release", True), problem


def test_a_deploy_names_an_unknown_store(client: APIClient, old: Release) -> None:
    problem = deploy(client, 404, release="v1", store="shop").json()
    assert (problem["code"], "shop is no store" in problem["detail"]) == ("store", True)


def test_an_environment_that_is_not_offered_gets_no_release(
    client: APIClient, cloud: EmulatorServer, options: Set, old: Release
) -> None:
    options(ENVIRONMENTS=lambda user: {"tenant-b": "B"})
    problem = deploy(client, 404, release="v2").json()
    assert (problem["code"], "tenant-00 is not" in problem["detail"]) == ("environment", True)
    problem = deploy(client, 404, release="v1", env="tenant-b").json()
    assert "is named 'v1'" in problem["detail"]
    assert sent(cloud) == []
