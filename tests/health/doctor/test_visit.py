"""What visitors get of the file of a probe."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import ENV
from tests.deploys import configure_releases, configure_storages, run, write
from tests.tables import each
from tests.waiting import loaded
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.facts import facts_of
from wx_static_store.health.doctor.visit import _changed, _edge

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

Learned = Callable[..., dict[str, str]]


def test_an_address_that_serves_something_else_is_wrong(
    probed: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    elsewhere = f"{emulator.site_url('tenant-b')}/"
    configure(WX_STATIC_STORE={"BASE_URL": elsewhere})
    results = probed(timeout=0.2)
    assert said(results["probe.public"]).startswith(f"✗ {elsewhere}.wx-doctor/")
    assert "HTTP status 404" in said(results["probe.public"])
    assert "base_url" in said(results["probe.public"])
    assert "does not serve the file" in said(results["probe.cdn"])
    assert [each.body for each in emulator.objects().values()] == [DELETED]


def test_another_content_type_is_a_warning() -> None:
    sent = "text/html; charset=utf-8"
    assert [*_changed({"Content-Type": "Text/HTML;charset=UTF-8"}, "Content-Type", sent, "")] == []
    [found] = _changed({"Content-Type": "text/plain"}, "Content-Type", sent, "")
    assert str(found.text) == f"The Content-Type is 'text/plain', not '{sent}' as it was sent."


@pytest.mark.parametrize(
    ("quirk", "fact", "shown"), [("none", "none", "''"), ("max-age=600", "max-age=600", "600")]
)
def test_a_cache_control_that_is_not_kept_is_a_warning(
    probed: Examine, learned: Learned, quirk: str, fact: str, shown: str
) -> None:
    results = probed(cdn_cache_control=quirk)
    assert marks(results)["probe.public"] == "!"
    assert shown in said(results["probe.public"])
    assert learned()["cache_control"] == fact


def test_a_cache_control_that_is_kept_is_learned(learned: Learned) -> None:
    assert learned()["cache_control"] == "kept"


@pytest.mark.parametrize("quirk", ["get", "all"])
def test_files_that_are_downloads_are_a_warning(
    probed: Examine, learned: Learned, quirk: str
) -> None:
    results = probed(attachment=quirk)
    assert marks(results)["probe.public"] == "!"
    assert "Bind a domain" in said(results["probe.public"])
    assert learned()["attachment"] == quirk


@pytest.mark.parametrize("status", ["302", "200"])
def test_a_notice_before_the_pages_is_a_warning(
    probed: Examine, learned: Learned, status: str
) -> None:
    results = probed(notice_page=status)
    assert marks(results)["probe.notice"] == "!"
    assert said(results["probe.notice"]).count(f"first sees a notice (HTTP status {status})") == 2
    assert learned()["notice_page"] == status


def test_a_redirect_for_everybody_is_no_notice(probed: Examine, emulator: EmulatorServer) -> None:
    emulator.script({"on": "get_object", "key": "index.html", "do": "redirect", "times": 2})
    assert marks(probed())["probe.notice"] == "✓"


@pytest.mark.parametrize("quirk", ["serve", "redirect", "404"])
def test_what_a_folder_without_its_slash_answers_is_learned(learned: Learned, quirk: str) -> None:
    facts = learned(folder_without_slash=quirk)
    assert (facts["folder_index"], facts["folder_without_slash"]) == ("served", quirk)


def test_a_folder_without_its_index_is_a_warning(probed: Examine, emulator: EmulatorServer) -> None:
    missing = {"do": "status", "status": 404, "skip": 3}
    emulator.script({"on": "get_object", "key": ".wx-doctor/*/index.html", **missing})
    results = probed()
    assert marks(results)["probe.index"] == "!"
    assert "index document" in said(results["probe.index"])


# --- addresses without a file -----------------------------------------------------------------


def publish(emulator: EmulatorServer, folder: Path, files: dict[str, bytes]) -> None:
    """Deploy a tree, so that the doctor knows its release."""
    write(folder, files)
    run(folder)
    emulator.quirks.error_page = "index.html"


APP = {"index.html": b"<script src=a.js></script>", "a.js": b"history.pushState({}, '', '/')"}
SITE = {"index.html": b"<h1>Tea</h1>", "tea.html": b"<h1>Green</h1>"}


@pytest.mark.parametrize(("files", "mark"), [(APP, "✓"), (SITE, "!")], ids=["app", "pages"])
def test_an_error_page_is_judged_by_the_release_that_is_live(
    probed: Examine,
    emulator: EmulatorServer,
    configure: Any,
    tmp_path: Path,
    files: dict[str, bytes],
    mark: str,
) -> None:
    configure(**configure_releases(tmp_path / "kept"))
    publish(emulator, tmp_path / "site", files)
    results = probed(error_status="200")
    assert marks(results)["probe.index"] == mark
    assert "shows index.html with the status 200" in said(results["probe.index"])
    assert ("Add a page 404.html" in said(results["probe.index"])) is (mark == "!")


def test_of_a_site_without_a_release_the_answer_is_learned_and_not_judged(
    probed: Examine, learned: Learned
) -> None:
    assert marks(probed())["probe.index"] == "✓"
    assert learned()["missing_path"] == "404"


# --- the edge ---------------------------------------------------------------------------------


@pytest.mark.parametrize("edge", ["cdn", "eo"])
def test_the_edge_is_known_by_its_marks(probed: Examine, learned: Learned, edge: str) -> None:
    words = {"cdn": "The CDN of CloudBase serves", "eo": "EdgeOne serves"}[edge]
    assert words in said(probed(edge=edge)["probe.cdn"])
    assert learned(edge=edge)["edge"] == edge


def test_edgeone_is_known_by_the_server_alone() -> None:
    assert [_edge({"Server": name}) for name in ("TencentEdgeOne", "tencent-cos")] == ["eo", "none"]


def test_a_move_to_another_edge_is_reported_once_and_remembered(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url()})
    emulator.quirks.edge = "cdn"
    outputs = []
    for edge in ("cdn", "eo", "eo"):
        emulator.quirks.edge = edge
        out = StringIO()
        call_command("wx_doctor", probe=True, stdout=out)
        outputs.append(out.getvalue().partition("Learned")[0])
    moved = "The site moved from the CDN of CloudBase to EdgeOne."
    assert [moved in output for output in outputs] == [False, True, False]
    assert [str(fact.sentence) for fact in facts_of(ENV) if fact.name == "edge_before"] == [moved]


def test_what_the_cdn_does_not_compress_is_counted_in_the_live_release(
    probed: Examine, emulator: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    configure(STORAGES=configure_storages())
    half, large = bytes(2**19), bytes(3 * 2**20)
    tree = {"a.svg": half, "a.js": half, "large.js": large, "large.png": large}
    publish(emulator, tmp_path / "site", SITE | tree)
    assert "sends 3.5 MB of the live release uncompressed" in said(probed()["probe.cdn"])
    assert "uncompressed" not in said(probed(edge="eo")["probe.cdn"])


def test_what_gzip_would_save_is_measured_by_kept_bytes(
    probed: Examine, emulator: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    configure(**configure_releases(tmp_path / "kept"))
    noise = random.Random(1).randbytes(2**19)
    publish(emulator, tmp_path / "site", SITE | {"a.svg": bytes(2**19), "b.svg": noise})
    found = said(probed()["probe.cdn"])
    assert "sends 1.0 MB of the live release uncompressed" in found
    assert "As gzip, these would be 0.5 MB less (option compress)." in found


def test_files_that_are_sent_as_gzip_are_not_named_as_uncompressed(
    probed: Examine, emulator: EmulatorServer, configure: Any, tmp_path: Path
) -> None:
    configure(STORAGES=configure_storages(), WX_STATIC_STORE={"COMPRESS": "gzip"})
    publish(emulator, tmp_path / "site", SITE | {"a.svg": bytes(2**19)})
    assert "0.5 MB" in said(probed()["probe.cdn"])
    assert "0.5 MB" not in said(probed(edge_gzip="decoded")["probe.cdn"])


@pytest.mark.parametrize("edge", ["cdn", "eo"])
@each(
    ("quirk", "fact"),
    [("kept", "kept"), ("decoded", "yes"), ("plain", "plain"), ("dropped", "broken")],
)
def test_a_probe_learns_whether_the_edge_takes_stored_gzip(
    learned: Learned, edge: str, quirk: str, fact: str
) -> None:
    assert learned(edge=edge, edge_gzip=quirk)["gzip"] == fact


def test_a_gzip_that_cos_refuses_is_learned(learned: Learned, emulator: EmulatorServer) -> None:
    refused = {"do": "cos_error", "code": "AccessDenied", "status": 403}
    emulator.script({"on": "put_object", "key": "*.svg", "times": None, **refused})
    assert learned()["gzip"] == "AccessDenied"


def test_a_gzip_that_is_kept_is_a_warning_only_where_gzip_is_wanted(
    probed: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    results = probed()
    assert marks(results)["probe.gzip"] == "✓"
    assert "sends gzip even to clients that did not ask" in said(results["probe.gzip"])
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url(), "COMPRESS": "gzip"})
    results = probed()
    assert marks(results)["probe.gzip"] == "!"
    assert "Nothing is sent as gzip" in said(results["probe.gzip"])
    assert marks(probed(edge_gzip="decoded"))["probe.gzip"] == "✓"


def test_a_slow_address_is_a_warning(probed: Examine, emulator: EmulatorServer) -> None:
    emulator.script({"on": "get_object", "do": "delay", "seconds": 1.4, "skip": 2})
    results = probed()
    assert marks(results)["probe.speed"] == "!"
    assert "Bind a domain" in said(results["probe.speed"])


def test_an_old_copy_that_ends_soon_is_well(probed: Examine, learned: Learned) -> None:
    assert marks(probed(site_stale_seconds=0.5))["probe.cdn"] == "✓"
    facts = learned()
    assert (facts["stale_seconds"], facts["cache_busting"]) == ("1", "yes")


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("busting", "fact"), [(True, "yes"), (False, "no")])
def test_an_old_copy_that_does_not_end_is_a_warning(
    probed: Examine, learned: Learned, busting: bool, fact: str
) -> None:
    timeout = loaded(0.3)
    results = probed(site_stale_seconds=3600, site_cache_busting=busting, timeout=timeout)
    assert marks(results)["probe.cdn"] == "!"
    assert re.search(r"Visitors see an old file for over \d+ s\.", said(results["probe.cdn"]))
    facts = learned(timeout=timeout)
    assert (facts["stale_seconds"][-1], facts["cache_busting"]) == ("+", fact)


def test_a_replacement_that_fails_is_wrong(probed: Examine, emulator: EmulatorServer) -> None:
    refused = {"do": "cos_error", "code": "PaymentRequired", "status": 402, "skip": 1}
    emulator.script({"on": "put_object", "key": "*.html", **refused})
    assert "PaymentRequired" in said(probed()["probe.cdn"])


@pytest.mark.usefixtures("no_pauses")
@each(("encoding", "body"), [("gzip", "no gzip"), ("br", "brotli")])
def test_an_edge_that_names_a_wrong_encoding_ends_an_old_fact(
    learned: Learned, emulator: EmulatorServer, encoding: str, body: str
) -> None:
    """Else deploys would send gzip on, although no visitor can read it."""
    answer = {"do": "status", "status": 200, "headers": {"Content-Encoding": encoding}}
    emulator.script({"on": "get_object", "key": "*.svg", "times": None, "body": body, **answer})
    assert learned(edge_gzip="decoded", timeout=0.3)["gzip"] == "broken"


def test_a_move_to_another_edge_ends_the_fact_of_gzip_unless_it_is_learned_anew(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    emulator.quirks.edge_gzip = "decoded"
    refused = {"on": "staticuploadfile", "key": "*.svg", "do": "errcode", "errcode": 40097}
    found = []
    for edge in ("cdn", "cdn", "eo"):
        emulator.quirks.edge = edge
        with suppress(SystemExit):
            call_command("wx_doctor", probe=True, stdout=StringIO())
        found.append([fact.value for fact in facts_of(ENV) if fact.name == "gzip"])
        emulator.script(refused | {"times": None})
    assert found == [["yes"], ["yes"], []]


def test_an_edge_may_keep_the_gzip_of_a_probe(learned: Learned, emulator: EmulatorServer) -> None:
    """What it keeps of an asset for one client, it may send to another one that takes none."""
    learned()
    [put, _end] = [
        each for each in emulator.journal if each.name == "put_object" and each.key.endswith(".svg")
    ]
    assert put.headers["cache-control"] == "public, max-age=300"


@pytest.mark.usefixtures("no_pauses")
def test_an_error_of_cos_that_passes_ends_no_fact(
    learned: Learned, emulator: EmulatorServer
) -> None:
    away = {"do": "cos_error", "code": "ServiceUnavailable", "status": 503}
    emulator.script({"on": "put_object", "key": "*.svg", "times": None, **away})
    assert "gzip" not in learned()
