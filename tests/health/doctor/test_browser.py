"""Whether a browser may PUT to the bucket: the preflight, without a signature."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.browser import MOST
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

CORS = "browser.cors"


def test_a_bucket_without_a_rule_is_well(examined: Examine) -> None:
    results = examined()
    assert marks(results)[CORS] == "✓"
    assert "Browsers cannot PUT to the bucket" in said(results[CORS])


def test_a_bucket_with_a_rule_is_well(examined: Examine, emulator: EmulatorServer) -> None:
    emulator.quirks.update({"cors": True})
    results = examined()
    assert marks(results)[CORS] == "✓"
    assert "Browsers may PUT to the bucket" in said(results[CORS])


@pytest.mark.parametrize(
    ("quirks", "named"),
    [
        ({"cors_methods": "GET"}, "PUT"),
        ({"cors_headers": "content-type"}, "x-cos-security-token"),
    ],
    ids=["method", "header"],
)
def test_a_rule_that_does_not_suffice_is_a_warning(
    examined: Examine, emulator: EmulatorServer, quirks: dict[str, str], named: str
) -> None:
    emulator.quirks.update({"cors": True} | quirks)
    results = examined()
    assert marks(results)[CORS] == "!"
    assert f"does not name {named}" in said(results[CORS])


def test_a_bucket_that_is_gone_is_wrong(examined: Examine, emulator: EmulatorServer) -> None:
    body = "<Error><Code>NoSuchBucket</Code></Error>"
    emulator.script(_answered(404, body, {"x-cos-request-id": "id"}))
    results = examined()
    assert marks(results)[CORS] == "✗"
    assert "404 NoSuchBucket" in said(results[CORS])
    assert "Static hosting is not open" in said(results[CORS])


def test_the_page_of_a_proxy_is_wrong(examined: Examine, emulator: EmulatorServer) -> None:
    emulator.script(_answered(200, "<html>Sign in</html>", {}))
    found = said(examined()[CORS])
    assert found.startswith(f"✗ A proxy answered for the bucket of {ENV} (HTTP 200), not COS.")
    assert "HTTPS_PROXY" in found


def test_trouble_of_cos_itself_is_a_warning(examined: Examine, emulator: EmulatorServer) -> None:
    emulator.script(_answered(500, "", {"x-cos-request-id": "id"}))
    assert marks(examined())[CORS] == "!"


def test_a_refused_link_is_an_error_of_its_environment_alone(
    examined: Examine, emulator: EmulatorServer
) -> None:
    fault = {"on": "staticuploadfile", "env": "tenant-b", "do": "errcode", "errcode": -501005}
    emulator.script(fault | {"times": None})
    found = said(examined(envs=["tenant-b", ENV])[CORS])
    assert "errcode -501005" in found
    assert "no CORS rule" in found


def test_an_environment_that_is_not_well_is_not_asked(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.add_env("tenant-b", "offline")
    found = examined(envs=["tenant-b", ENV])[CORS]
    assert [finding.data for finding in found.findings] == [{"envs": [ENV]}]
    assert said(examined(envs=["tenant-b"])[CORS]).startswith("– No environment is left to ask")


def test_a_host_that_cannot_be_reached_is_reported_once(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"link_base": "http://127.0.0.1:1"})
    found = said(examined(envs=[ENV, "tenant-b"])[CORS])
    assert found.count("could not be reached") == 1


def test_environments_that_are_alike_have_one_finding(
    examined: Examine, emulator: EmulatorServer
) -> None:
    [found] = examined(envs=[ENV, "tenant-b"])[CORS].findings
    assert found.data == {"envs": [ENV, "tenant-b"]}


def test_the_first_environments_are_asked_only(examined: Examine, emulator: EmulatorServer) -> None:
    envs = [f"tenant-{number}" for number in range(MOST + 1)]
    for env in envs:
        emulator.add_env(env)
    examined(envs=envs)
    assert len(emulator.calls("staticuploadfile")) == MOST


def test_nothing_is_written(examined: Examine, emulator: EmulatorServer) -> None:
    examined()
    assert emulator.objects() == {}


def test_what_was_learned_is_there_for_advice(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    emulator.quirks.update({"cors": True, "cors_methods": "PUT"})
    target = CheckTarget()
    assert [*examine(target, CHECKS)]
    assert target.learned[ENV] == {"cors": "on"}


def _answered(status: int, body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"on": "other", "do": "status", "status": status, "body": body, "headers": headers}
