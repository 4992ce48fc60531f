"""The file of a probe at WeChat and COS; after each probe only a deletion marker is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import md5
from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import SECRET_ID, SECURITY_TOKEN
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Mark
from wx_static_store.health.doctor.probe import _compared
from wx_static_store.health.doctor.probe_file import ProbeFile
from wx_static_store.health.doctor.report import as_dict
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

Learned = Callable[..., dict[str, str]]

SENT = md5(b"sent").hexdigest()
PROBES = [check.id for check in CHECKS if check.probe]


@pytest.fixture(autouse=True)
def _only_deletion_markers_are_left(emulator: EmulatorServer) -> Iterator[None]:
    yield
    for env in (ENV, "tenant-b"):
        assert {each.body for each in emulator.objects(env).values()} <= {DELETED}


def test_a_cloud_that_is_well_passes_every_probe(probed: Examine) -> None:
    results = probed()
    assert {id: marks(results)[id] for id in PROBES} == dict.fromkeys(PROBES, "✓")


def test_without_being_wanted_nothing_is_published(
    examined: Examine, emulator: EmulatorServer
) -> None:
    assert not {*PROBES} & examined().keys()
    assert emulator.objects() == {}


def test_the_file_lies_below_the_location_of_the_store(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    assert [*examine(CheckTarget("staticfiles", probe=True), CHECKS)]
    assert {key[:18] for key in emulator.objects()} == {"static/.wx-doctor/"}


def test_a_file_that_cannot_be_sent_is_wrong_and_nothing_else_is_asked(
    probed: Examine, emulator: EmulatorServer
) -> None:
    refused = {"do": "cos_error", "code": "PaymentRequired", "status": 402, "times": None}
    emulator.script({"on": "put_object", **refused})
    results = probed()
    assert marks(results)["probe.upload"] == "✗"
    assert "PaymentRequired" in said(results["probe.upload"])
    assert {marks(results)[id] for id in PROBES[1:]} == {"–"}


def test_an_answer_without_an_md5_is_a_warning(probed: Examine, emulator: EmulatorServer) -> None:
    emulator.script({"on": "put_object", "do": "etag", "value": ""})
    assert marks(probed())["probe.upload"] == "!"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"md5": "0" * 32}, "another MD5"),
        ({"md5": ""}, "no MD5"),
        ({"size": "1"}, "another size"),
        ({"last_modified": ""}, "no time"),
    ],
    ids=["md5", "no md5", "size", "time"],
)
def test_what_the_list_says_otherwise_is_a_warning(
    configure: Any, entry: dict[str, str], text: str
) -> None:
    configure()
    file = ProbeFile(CheckTarget(), ENV)
    file.body = b"sent"
    sent = {"md5": SENT, "size": "4", "last_modified": "2026-01-02T03:04:05.000Z"}
    assert [*_compared(file, sent)] == []
    [found] = _compared(file, sent | entry)
    assert found.mark is Mark.WARNING
    assert text in str(found.text)


def test_a_list_without_bare_md5_is_a_warning(probed: Examine) -> None:
    results = probed(list_md5="multipart")
    assert said(results["probe.list"]).startswith("! The list names a tag with a suffix")
    assert "trust_log" in said(results["probe.list"])


def test_a_list_that_lags_a_little_is_well(learned: Learned) -> None:
    assert learned(list_lag_seconds=0.5)["list_lag_seconds"] == "1"


def test_a_list_that_never_shows_the_file_is_a_warning(probed: Examine) -> None:
    results = probed(list_lag_seconds=3600, timeout=0.5)
    assert marks(results)["probe.list"] == "!"
    assert "The list lacks a new file" in said(results["probe.list"])


@pytest.mark.parametrize(
    ("quirk", "fact", "values"),
    [
        ("list_md5", "list_md5", ["plain", "multipart"]),
        ("marker", "marker", ["exclusive", "inclusive"]),
        ("list_empty", "list_empty", ["[]", "null", "missing"]),
        ("truncated_as", "truncated_as", ["bool", "string"]),
        ("errcode_as", "errcode_as", ["number", "string"]),
        ("data_key", "data_key", ["Data", "data"]),
        ("region_key", "region_key", ["regoin", "region"]),
        ("content_type", "content_type", ["text/plain"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_form_of_an_answer_is_learned(
    learned: Learned, quirk: str, fact: str, values: list[str]
) -> None:
    assert [learned(**{quirk: value})[fact] for value in values] == values


def test_the_page_size_is_learned_where_there_are_more_files(
    learned: Learned, emulator: EmulatorServer
) -> None:
    assert "page_size" not in learned()
    emulator.put_object("another", DELETED)
    try:
        assert learned(page_size=1)["page_size"] == "1"
    finally:
        for key in [*emulator.objects()][1:]:
            emulator.delete_object(key)


def test_a_file_that_stays_public_is_wrong_with_its_key(
    probed: Examine, emulator: EmulatorServer
) -> None:
    refused = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    emulator.script({"on": "put_object", "key": "*.html", "skip": 2, **refused})
    found = said(probed()["probe.deleted"])
    [key] = [key for key in emulator.objects() if key.endswith(".html")]
    emulator.delete_object(key)
    assert found.startswith(f"✗ {key} is still public")


def test_a_failing_step_does_not_keep_the_file_public(
    probed: Examine, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "get_object", "do": "reset", "times": None})
    results = probed(timeout=0.5)
    assert marks(results)["probe.public"] == "✗"
    assert marks(results)["probe.deleted"] == "✓"


def test_a_probe_that_is_broken_off_overwrites_the_file(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    results = examine(CheckTarget(probe=True), CHECKS)
    assert any(result.check.id == "probe.upload" for result in results)
    [before] = emulator.objects().values()
    results.close()  # type: ignore[attr-defined]
    [after] = emulator.objects().values()
    assert before.body != after.body == DELETED


def test_an_upload_whose_answer_is_lost_is_overwritten(
    probed: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.script({"on": "put_object", "do": "drop_reply"})
    results = probed()
    assert marks(results)["probe.upload"] == "✗"
    assert marks(results)["probe.deleted"] == "✓"


def test_environments_that_are_well_have_one_finding(probed: Examine) -> None:
    results = probed(envs=[ENV, "tenant-b"])
    assert said(results["probe.upload"]) == "✓ It is well in 2 of 2 environments. "
    assert said(results["probe.deleted"]) == "✓ It is well in 2 of 2 environments. "


def test_an_environment_that_is_not_well_is_named(
    probed: Examine, emulator: EmulatorServer
) -> None:
    fault = {"do": "cos_error", "status": 403, "code": "AccessDenied", "times": None}
    emulator.script({"on": "put_object", "env": "tenant-b", **fault})
    results = probed(envs=[ENV, "tenant-b"])
    assert said(results["probe.upload"]).startswith("✗ tenant-b: ")
    assert marks(results)["probe.list"] == "✓"


def test_nothing_is_published_where_an_earlier_check_found_a_fault(
    probed: Examine, emulator: EmulatorServer
) -> None:
    emulator.add_env("tenant-b", "offline")
    assert said(probed(envs=["tenant-b"])["probe.upload"]).startswith(
        "– No environment is left to ask"
    )


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403},
        {"on": "put_object", "do": "reset"},
        {"on": "get_object", "do": "reset"},
        {"on": "staticfilelist", "do": "errcode", "errcode": -501000},
        {"on": "staticuploadfile", "do": "link", "host": "elsewhere.example"},
    ],
    ids=["well", "refused", "reset", "site", "list", "link"],
)
def test_no_secret_is_said_or_learned(
    configure: Any, emulator: EmulatorServer, fault: dict[str, Any]
) -> None:
    configure()
    if fault:
        emulator.script(fault | {"times": None})
    target = CheckTarget(probe=True, timeout=0.3)
    results = [*examine(target, CHECKS)]
    shown = json.dumps([as_dict(results), target.learned], default=str)
    for secret in (emulator.access_token, SECURITY_TOKEN, SECRET_ID, "q-signature"):
        assert secret not in shown
