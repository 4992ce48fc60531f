"""Which files a deploy will send, in which order, and what it leaves alone."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from tests.deploys import CONTEXT, bodies, deploy, item, items, lists, names, plan_of, sent
from wx_static_store.core.types import UploadItem, deletion
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import Uploader

pytestmark = pytest.mark.django_db


# --- order ------------------------------------------------------------------------------------


def test_a_plan_puts_assets_before_pages(uploader: Uploader) -> None:
    plan = plan_of(uploader, items(index_html=b"1", z_css=b"2", a_js=b"3"))
    assert (names(plan.assets), names(plan.pages)) == (["a.js", "z.css"], ["index.html"])
    assert (len(plan), plan.size) == (3, 3)


def test_a_plan_leaves_out_what_is_stored(uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1", b_js=b"2"))
    plan = plan_of(uploader, items(a_js=b"1", b_js=b"changed"))
    assert (names(plan.unchanged), names(plan.assets)) == (["a.js"], ["b.js"])


def test_a_plan_of_nothing_makes_no_call(cloud: EmulatorServer, uploader: Uploader) -> None:
    assert not plan_of(uploader, [])
    assert cloud.journal == []


def test_a_plan_of_many_parts_is_the_same(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.plan.AT_ONCE", 2)
    deploy(uploader, items(a_js=b"1", b_js=b"2", c_js=b"3", d_js=b"4", e_js=b"5"))
    tree = items(a_js=b"1", b_js=b"new", c_js=b"3", d_js=b"4", e_js=b"new")
    plan = plan_of(uploader, tree, last="m.json")
    assert (names(plan.assets), names(plan.unchanged)) == (
        ["b.js", "e.js"],
        ["a.js", "c.js", "d.js"],
    )


def test_force_sends_what_is_stored_and_asks_no_list(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1"))
    cloud.journal.clear()
    plan = plan_of(uploader, items(a_js=b"1", b_js=b"2"), force=True)
    assert names(plan.assets) == ["a.js", "b.js"]
    assert plan.existing == {"a.js"}
    assert cloud.journal == []


def test_an_unchanged_tree_costs_few_calls(cloud: EmulatorServer, uploader: Uploader) -> None:
    """Some 2,000 files in three folders, and two in the root."""
    folders = [
        f"{folder}/{number:03}.js" for folder in ("css", "img", "js") for number in range(667)
    ]
    tree = [item(name, name.encode()) for name in (*folders, "index.html", "robots.txt")]
    for file in tree:
        cloud.put_object(file.name, file.open().read())
    plan = plan_of(uploader, tree)
    assert (len(plan), len(plan.unchanged), plan.notes) == (0, 2003, ())
    assert lists(cloud) <= 5
    assert {call.name for call in cloud.calls()} == {"staticfilelist"}


# --- files that cannot go ---------------------------------------------------------------------


def test_names_of_one_key_are_rejected_and_each_names_the_other(uploader: Uploader) -> None:
    composed, decomposed = "é.js", unicodedata.normalize("NFD", "é.js")
    plan = plan_of(uploader, [item(composed), item(decomposed), *items(a_js=b"1")])
    assert {result.name for result in plan.rejected} == {composed, decomposed}
    assert all("are the same key" in str(result.error) for result in plan.rejected)
    assert names(plan.assets) == ["a.js"]


def test_a_file_that_cannot_be_read_is_planned_and_fails_when_its_turn_comes(
    uploader: Uploader,
) -> None:
    def gone() -> Any:
        raise FileNotFoundError("gone.js")

    assert names(plan_of(uploader, [UploadItem("gone.js", open=gone)]).assets) == ["gone.js"]


# --- what is shown of each file ----------------------------------------------------------------


def states(uploader: Uploader, **files: bytes) -> dict[str, str]:
    plan = plan_of(uploader, items(**files))
    return {item.name: state for state, item in plan.states(uploader)}


@pytest.mark.parametrize("trust_log", [False, True])
def test_each_file_of_a_plan_is_new_changed_or_unchanged(
    uploader: Uploader, trust_log: bool
) -> None:
    deploy(uploader, items(b_js=b"old", c_js=b"3"))
    uploader = Uploader(replace(uploader.options, trust_log=trust_log))
    shown = states(uploader, a_js=b"1", b_js=b"new", c_js=b"3")
    assert shown == {"a.js": "new", "b.js": "changed", "c.js": "unchanged"}


def test_a_file_that_was_never_stored_is_new(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403})
    assert not deploy(uploader, items(a_js=b"1")).ok
    assert states(uploader, a_js=b"1") == {"a.js": "new"}


@pytest.mark.parametrize("how", ["list", "list without MD5", "log"])
def test_what_was_overwritten_as_deleted_is_new(
    cloud: EmulatorServer, uploader: Uploader, how: str
) -> None:
    """So it is sent before the pages that will name it."""
    deploy(uploader, items(a_js=b"1"))
    uploader.upload(deletion("a.js"), CONTEXT)
    cloud.quirks.list_md5 = "multipart" if how == "list without MD5" else "plain"
    uploader.options = replace(uploader.options, trust_log=how == "log")
    assert states(uploader, a_js=b"1") == {"a.js": "new"}


def test_a_name_that_can_be_no_key_is_refused(uploader: Uploader) -> None:
    plan = plan_of(uploader, [item("a\x1b.js", b"1")])
    assert [state for state, _item in plan.states(uploader)] == ["refused"]


# --- the file that comes last -----------------------------------------------------------------


def test_the_last_file_is_looked_up_with_the_others(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    def both() -> None:
        deploy(uploader, items(a_js=b"1"), last=lambda: item("m.json", b"{}"))

    both()
    rows = UploadLog.objects.count()
    cloud.journal.clear()
    both()
    assert (sent(cloud), UploadLog.objects.count()) == ([], rows)
    assert lists(cloud) == 1


def test_a_last_file_that_somebody_else_overwrote_is_sent(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    for _ in range(2):
        deploy(uploader, items(a_js=b"1"), last=lambda: item("m.json", b"{}"))
        cloud.put_object("m.json", b"other")
    assert sent(cloud).count("m.json") == 2


# --- after a kill -----------------------------------------------------------------------------


def test_a_file_that_a_killed_run_stored_is_not_sent_again(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Its row was never written: the list shows it."""
    cloud.put_object("b.js", b"never logged")
    deploy(uploader, items(a_js=b"1", b_js=b"never logged"))
    assert sent(cloud) == ["a.js"]
    assert bodies(cloud) == {"a.js": b"1", "b.js": b"never logged"}


# --- what a plan is --------------------------------------------------------------------------


def test_a_plan_is_true_where_a_file_is_sent_or_rejected(uploader: Uploader) -> None:
    assert plan_of(uploader, items(a_js=b"1"))
    same = [item(unicodedata.normalize(form, "é.js")) for form in ("NFC", "NFD")]
    assert plan_of(uploader, same)
    deploy(uploader, items(a_js=b"1"))
    assert not plan_of(uploader, items(a_js=b"1"))


def test_the_states_of_a_plan_are_in_the_order_of_names(uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1", c_js=b"3"))
    assert [*states(uploader, c_js=b"3", b_js=b"2", a_js=b"1")] == ["a.js", "b.js", "c.js"]


def test_the_size_of_a_plan_counts_a_changed_file_whose_size_was_not_given(
    uploader: Uploader,
) -> None:
    deploy(uploader, items(a_js=b"1"))
    assert plan_of(uploader, [UploadItem("a.js", open=lambda: BytesIO(b"two"))]).size == 3


def test_a_rejected_name_is_a_failed_result_of_its_key(uploader: Uploader) -> None:
    names = [unicodedata.normalize(form, "é.js") for form in ("NFC", "NFD")]
    plan = plan_of(uploader, map(item, names))
    assert sorted((one.name, one.key, one.status, one.env, one.stage) for one in plan.rejected) == [
        (name, "é.js", "failed", uploader.env, "name") for name in sorted(names)
    ]


def test_a_last_file_that_comes_first_by_name_hides_no_other(uploader: Uploader) -> None:
    assert names(plan_of(uploader, items(a_js=b"1"), last="0.json").assets) == ["a.js"]


def test_a_forced_plan_sends_the_last_file_in_any_case(uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1"), last=lambda: item("m.json", b"{}"))
    assert plan_of(uploader, [], last="m.json").last
    assert plan_of(uploader, [], last="m.json", force=True).last is None


def test_a_stored_file_without_a_row_is_corrected_by_its_name(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.put_object("a.js", b"1")
    assert [row.name for row in plan_of(uploader, items(a_js=b"1")).corrections] == ["a.js"]


@pytest.mark.parametrize("force", [False, True])
def test_every_file_is_read_once_for_its_digests(
    cloud: EmulatorServer, uploader: Uploader, force: bool
) -> None:
    read: list[str] = []

    def noted(name: str) -> UploadItem:
        return UploadItem(name, open=lambda: BytesIO(read.append(name) or b"1"))

    deploy(uploader, items(old_js=b"1"))
    plan = plan_of(uploader, [noted("new.js"), noted("old.js")], force=force)
    assert ({item.md5 for item in (*plan.sent, *plan.unchanged)}, read) == (
        {hashlib.md5(b"1").hexdigest()},
        ["new.js", "old.js"],
    )
