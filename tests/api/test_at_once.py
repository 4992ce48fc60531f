"""Requests at the same moment for one name: one of them stores it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import PNG
from tests.api.servers import Site, serving
from tests.conftest import ENV
from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer

Answer = tuple[int, bytes]


SERVER = "gunicorn threads"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one site for all tests: each uploads to a name of its own."""
    folder = tmp_path_factory.mktemp("site")
    with EmulatorServer(envs=(ENV,)) as cloud, serving(Site(cloud, folder), SERVER) as site:
        yield site


def upload(site: Site, name: str, body: bytes = PNG) -> Answer:
    return site.send("PUT", f"/wx/uploads/default/{name}", body)


def at_once(site: Site, send: Callable[[bytes], Answer], bodies: list[bytes]) -> list[Answer]:
    """Return the answers; the first request is at the cloud when the others begin."""
    before = len(site.cloud.calls("staticuploadfile"))
    site.cloud.script({"on": "staticuploadfile", "do": "delay", "seconds": 2})
    with ThreadPoolExecutor(len(bodies)) as pool:
        first = pool.submit(send, bodies[0])
        wait_for(lambda: len(site.cloud.calls("staticuploadfile")) > before)
        others = [pool.submit(send, body) for body in bodies[1:]]
        return [future.result() for future in [first, *others]]


def test_one_of_two_uploads_of_a_free_name_is_answered_in_progress(site: Site) -> None:
    name = "uploads/first.png"
    first, second = at_once(site, lambda body: upload(site, name, body), [PNG, PNG + b"2"])
    assert (first[0], second[0]) == (201, 409)
    assert json.loads(second[1])["code"] == "in_progress"
    assert site.cloud.objects()[name].body == PNG
    assert upload(site, name, PNG + b"3")[0] == 409


def test_the_name_is_free_again_after_an_upload_that_failed(site: Site) -> None:
    fault = {"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"}
    site.cloud.script(fault | {"times": 9})
    assert upload(site, "uploads/failed.png")[0] == 502
    site.cloud.state.script.clear()
    # Whichever thread it comes to:
    assert {upload(site, "uploads/failed.png")[0] for _ in range(8)} == {201}


def test_of_ten_retries_of_a_row_one_sends_it(site: Site) -> None:
    name = "uploads/again.png"
    row = json.loads(upload(site, name)[1])["id"]
    answers = at_once(site, lambda body: site.send("POST", f"/wx/uploads/{row}/retry/"), [b""] * 10)
    assert sorted(status for status, body in answers) == [201, *[409] * 9]
    assert len(site.cloud.calls("put_object", key=name)) == 2
