"""What the environment's list and the log say of a file, and which of them is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils.translation import override

from tests.conftest import ENV, lost_table
from tests.deploys import bodies, deploy, item, items, lists, names, plan_of, sent
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.upload.uploader import Uploader, get_uploader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]


@pytest.fixture
def trusting(uploader: Uploader) -> Uploader:
    """Asks the log alone."""
    return Uploader(replace(uploader.options, trust_log=True))


@pytest.fixture
def mute(cloud: EmulatorServer) -> EmulatorServer:
    """Return a cloud whose list shows no MD5: size and time say whether the newest row fits."""
    cloud.quirks.list_md5 = "multipart"
    return cloud


def to_send(uploader: Uploader, **files: bytes) -> list[str]:
    return names(plan_of(uploader, items(**files)).assets)


def newest(key: str) -> UploadLog:
    return UploadLog.objects.newest(ENV, [key])[key]


def killed() -> None:
    """Leave the row of a deploy, and nothing else."""
    Deployment.objects.create(env=ENV, source="wx_deploy")


def no_list(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})


# --- a list with MD5s -------------------------------------------------------------------------


def test_what_somebody_else_overwrote_is_sent(cloud: EmulatorServer, uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1", b_js=b"2"))
    cloud.put_object("a.js", b"3")
    assert to_send(uploader, a_js=b"1", b_js=b"2") == ["a.js"]


def test_what_somebody_else_removed_is_sent(cloud: EmulatorServer, uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1"))
    cloud.delete_object("a.js")
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_what_a_killed_run_replaced_is_sent(cloud: EmulatorServer, uploader: Uploader) -> None:
    """It stored a newer body, whose row was never written."""
    deploy(uploader, items(a_js=b"old", b_js=b"same"))
    killed()
    cloud.put_object("a.js", b"new")
    assert to_send(uploader, a_js=b"old", b_js=b"same") == ["a.js"]


def test_what_is_there_already_is_not_sent_whoever_put_it_there(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.put_object("a.js", b"never logged")
    assert to_send(uploader, a_js=b"never logged", b_js=b"2") == ["b.js"]


@pytest.mark.parametrize("before", [b"old", b"new"])
def test_what_somebody_else_replaced_by_these_very_bytes_is_sent_for_its_headers(
    cloud: EmulatorServer, uploader: Uploader, before: bytes
) -> None:
    """As a killed run leaves it that changed the headers: the newest row has those before."""
    deploy(uploader, items(a_js=before))
    cloud.advance(60)
    cloud.put_object("a.js", b"new")
    assert to_send(uploader, a_js=b"new") == ["a.js"]


@pytest.mark.parametrize("do", ["drop_reply", "hang"])
def test_what_failed_last_is_sent_again_even_if_the_list_has_it(
    cloud: EmulatorServer, do: str
) -> None:
    """A PUT that got no answer may arrive at any time."""
    uploader = Uploader(replace(get_uploader().options, deadline=0.3))
    details = {"seconds": 1} if do == "hang" else {}
    cloud.script({"on": "put_object", "do": do, "apply": True, **details})
    assert not deploy(uploader, items(a_js=b"1")).ok
    assert bodies(cloud) == {"a.js": b"1"}
    assert to_send(uploader, a_js=b"1") == ["a.js"]


@pytest.mark.parametrize("trust_log", [False, True])
@pytest.mark.parametrize("change", [{"cache_control": "no-store"}, {"content_type": "text/plain"}])
def test_a_file_whose_headers_changed_is_sent(
    uploader: Uploader, trust_log: bool, change: dict[str, str]
) -> None:
    """No list shows them: the row says what they are."""
    deploy(uploader, [item("a.js", b"1")])
    uploader = Uploader(replace(uploader.options, trust_log=trust_log))
    assert names(plan_of(uploader, [item("a.js", b"1", **change)]).assets) == ["a.js"]
    assert names(plan_of(uploader, [item("a.js", b"1")]).assets) == []


# --- a list that lags -------------------------------------------------------------------------


def test_a_file_whose_row_is_younger_than_the_listed_object_is_sent_and_the_row_stays(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Back to the first body: the list shows it still, and the second one is there."""
    deploy(uploader, items(a_js=b"first"))
    cloud.advance(60)
    cloud.quirks.list_lag_seconds = 600
    deploy(uploader, items(a_js=b"second"))
    cloud.advance(60)
    deploy(uploader, items(a_js=b"first"))
    assert bodies(cloud) == {"a.js": b"first"}
    assert not UploadLog.objects.filter(source="list").exists()


# --- a list without MD5s ----------------------------------------------------------------------


def test_without_md5_an_unchanged_file_is_not_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1"))
    assert to_send(uploader, a_js=b"1") == []


def test_without_md5_a_changed_file_of_the_same_size_is_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1"))
    assert to_send(uploader, a_js=b"2") == ["a.js"]


def test_without_md5_a_file_whose_object_is_younger_than_its_row_is_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1"))
    mute.advance(60)
    mute.put_object("a.js", b"2")
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_a_file_whose_object_has_another_size_is_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    """Also if the size of the file is unknown before it is read."""
    deploy(uploader, items(a_js=b"1"))
    mute.put_object("a.js", b"22")
    for size in (1, None):
        (file,) = items(a_js=b"1")
        assert names(plan_of(uploader, [replace(file, size=size)]).assets) == ["a.js"]


def test_without_md5_a_file_whose_object_is_missing_is_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1"))
    mute.delete_object("a.js")
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_a_file_without_a_row_is_sent(mute: EmulatorServer, uploader: Uploader) -> None:
    mute.put_object("a.js", b"1")
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_a_file_whose_row_does_not_say_when_it_was_stored_is_sent(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    """As rows of an older version, or an answer of COS without a `Date`."""
    deploy(uploader, items(a_js=b"1"))
    UploadLog.objects.update(stored_at=None)
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_a_row_beside_another_put_of_the_same_second_is_not_believed(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    """`Date` has whole seconds, so it is unknown which of the two was the last."""
    deploy(uploader, items(a_js=b"1"))
    other = newest("a.js")
    other.pk, other.md5 = None, "f" * 32
    other.save()
    row = newest("a.js")
    row.pk, row.md5 = None, UploadLog.objects.earliest("id").md5
    row.save()
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_no_row_older_than_an_unfinished_deployment_is_believed(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    """The killed run may have stored other bytes of that size a moment later."""
    deploy(uploader, items(a_js=b"1"))
    killed()
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_md5_a_younger_object_makes_a_row_without_an_md5(
    mute: EmulatorServer, uploader: Uploader
) -> None:
    """Its bytes are unknown, except that they are not those of the row."""
    deploy(uploader, items(a_js=b"1", b_js=b"1", c_js=b"1"))
    mute.advance(60)
    mute.put_object("b.js", b"2")
    deploy(uploader, items(a_js=b"1", c_js=b"1"))
    assert (newest("b.js").source, newest("b.js").md5) == ("list", "")
    assert to_send(uploader, b_js=b"1") == ["b.js"]


# --- rows in another order than PUTs ----------------------------------------------------------


@pytest.mark.parametrize("how", ["list", "list without MD5", "log"])
def test_a_newest_row_that_is_not_of_the_last_put_is_not_believed(
    cloud: EmulatorServer, uploader: Uploader, trusting: Uploader, how: str
) -> None:
    """Another process wrote its row first, and stored its bytes last."""
    deploy(uploader, items(a_js=b"first"))
    (first,) = UploadLog.objects.all()
    cloud.advance(1)
    deploy(uploader, items(a_js=b"other"))
    first.pk = None
    first.save()
    cloud.quirks.list_md5 = "multipart" if how == "list without MD5" else "plain"
    assert to_send(trusting if how == "log" else uploader, a_js=b"first") == ["a.js"]


# --- corrections ------------------------------------------------------------------------------


def test_a_younger_object_corrects_its_row(cloud: EmulatorServer, uploader: Uploader) -> None:
    """Between the keys of the tree, too: the list has shown it anyway."""
    deploy(uploader, items(a_js=b"1", b_js=b"1", c_js=b"1"))
    cloud.advance(60)
    cloud.put_object("b.js", b"22")
    deploy(uploader, items(a_js=b"1", c_js=b"1"))
    row, there = newest("b.js"), cloud.objects()["b.js"]
    assert (row.source, row.status, row.md5, row.size) == ("list", "stored", there.md5, 2)
    assert row.stored_at is not None
    assert abs(row.stored_at.timestamp() - there.last_modified) < 1


def test_an_object_is_corrected_once(cloud: EmulatorServer, uploader: Uploader) -> None:
    deploy(uploader, items(a_js=b"1", b_js=b"1", c_js=b"1"))
    cloud.advance(60)
    cloud.put_object("b.js", b"22")
    for _ in range(2):
        deploy(uploader, items(a_js=b"1", c_js=b"1"))
    assert UploadLog.objects.filter(source="list").count() == 1


def test_a_correction_belongs_to_the_deployment_and_the_store_s_names(
    configure: Any, cloud: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE={"LOCATION": "static"})
    uploader = get_uploader()
    deploy(uploader, items(a_js=b"1", b_js=b"1", c_js=b"1"))
    cloud.advance(60)
    cloud.put_object("static/b.js", b"22")
    deploy(uploader, items(a_js=b"1", c_js=b"1"), always=True)
    row = newest("static/b.js")
    assert (row.name, row.deployment) == ("b.js", Deployment.objects.latest("id"))


def test_an_object_without_a_row_between_the_keys_of_the_tree_gets_none(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """It was not uploaded by us: the log has our uploads."""
    cloud.put_object("b.js", b"1")
    deploy(uploader, items(a_js=b"1", c_js=b"1"))
    assert set(UploadLog.objects.values_list("key", flat=True)) == {"a.js", "c.js"}


def test_an_unchanged_file_that_the_log_does_not_know_gets_a_row_of_the_list(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.put_object("a.js", b"1")
    deploy(uploader, items(a_js=b"1"))
    row = newest("a.js")
    assert (row.source, row.content_type, row.cache_control) == ("list", "", "")
    assert sent(cloud) == []


def test_a_row_of_the_list_says_nothing_of_headers(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Else each run would send what the log came to know by the list."""
    cloud.put_object("a.js", b"1")
    for _ in range(2):
        deploy(uploader, items(a_js=b"1"))
    assert sent(cloud) == []
    assert UploadLog.objects.count() == 1


@pytest.mark.parametrize("trust_log", [False, True])
@pytest.mark.parametrize("change", [{"cache_control": "no-store"}, {"content_type": "text/plain"}])
def test_a_changed_header_is_sent_once_for_a_file_that_the_log_knows_by_the_list(
    cloud: EmulatorServer, uploader: Uploader, trust_log: bool, change: dict[str, str]
) -> None:
    cloud.put_object("a.js", b"1")
    deploy(uploader, items(a_js=b"1"))
    uploader = Uploader(replace(uploader.options, trust_log=trust_log))
    for _ in range(2):
        deploy(uploader, [item("a.js", b"1", **change)])
    assert len(cloud.calls("put_object")) == 1
    deploy(uploader, items(a_js=b"1"))
    assert len(cloud.calls("put_object")) == 2


def test_a_header_of_a_rule_is_sent_once_for_an_object_without_a_row(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Its headers are not known, and differ from the usual ones if the rule is a new one."""
    cloud.put_object("a.js", b"1")
    ruled = Uploader(replace(uploader.options, cache_control=(("*.js", "no-store"),)))
    for _ in range(2):
        deploy(ruled, items(a_js=b"1"))
    assert len(cloud.calls("put_object")) == 1


def test_without_a_log_an_object_is_not_sent_again_and_again_for_its_headers(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.put_object("a.js", b"1")
    with lost_table(UploadLog):
        plan = plan_of(uploader, [item("a.js", b"1", cache_control="no-store")])
    assert names(plan.assets) == []


def test_a_correction_is_believed_where_the_log_decides(
    cloud: EmulatorServer, uploader: Uploader, trusting: Uploader
) -> None:
    """A release that goes back would find its own older row else, and believe it."""
    deploy(uploader, items(a_js=b"1", b_js=b"old", c_js=b"1"))
    cloud.advance(60)
    cloud.put_object("b.js", b"new")
    deploy(uploader, items(a_js=b"1", c_js=b"1"))
    assert to_send(trusting, b_js=b"new") == []
    assert to_send(trusting, b_js=b"old") == ["b.js"]


# --- where the log decides --------------------------------------------------------------------


def test_a_list_that_fails_is_one_warning_in_english_and_one_note(
    cloud: EmulatorServer,
    uploader: Uploader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.plan.AT_ONCE", 1)
    no_list(cloud)
    with override("zh-hans"):
        report = deploy(uploader, items(a_js=b"1", b_js=b"2", c_js=b"3"))
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage().startswith("The list could not be read: staticfilelist was refused")
    assert len(report.notes) == 1
    assert report.ok


def test_a_list_that_fails_leaves_the_log_to_decide(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    deploy(uploader, items(a_js=b"1", b_js=b"2"))
    no_list(cloud)
    plan = plan_of(uploader, items(a_js=b"1", b_js=b"new", c_js=b"3"))
    assert (names(plan.unchanged), names(plan.assets)) == (["a.js"], ["b.js", "c.js"])
    assert plan.notes[0].startswith("The list could not be read, so the log decided: ")
    assert "45009" in plan.notes[0]


def test_where_neither_list_nor_log_can_be_asked_all_is_sent(
    cloud: EmulatorServer, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(uploader, items(a_js=b"1"))
    monkeypatch.setattr(
        "wx_static_store.upload.presence.in_database", lambda work, otherwise: otherwise
    )
    no_list(cloud)
    assert to_send(uploader, a_js=b"1") == ["a.js"]


def test_without_a_log_the_list_decides_and_no_row_is_corrected(
    cloud: EmulatorServer, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_object("a.js", b"1")
    monkeypatch.setattr(
        "wx_static_store.upload.presence.in_database", lambda work, otherwise: otherwise
    )
    plan = plan_of(uploader, items(a_js=b"1", b_js=b"2"))
    assert (names(plan.unchanged), names(plan.assets)) == (["a.js"], ["b.js"])
    assert plan.corrections == ()


def test_trust_log_makes_no_call(cloud: EmulatorServer, trusting: Uploader) -> None:
    deploy(trusting, items(a_js=b"1"))
    cloud.journal.clear()
    plan = plan_of(trusting, items(a_js=b"1", b_js=b"2"))
    assert (names(plan.unchanged), names(plan.assets)) == (["a.js"], ["b.js"])
    assert cloud.journal == []
    assert plan.notes == ("The log alone says what is unchanged: the cloud's list was not read.",)


@pytest.mark.parametrize("outcome", ["running", "incomplete"])
def test_where_the_log_decides_no_row_older_than_an_unfinished_deployment_is_trusted(
    trusting: Uploader, outcome: str
) -> None:
    """That one may have stored other bytes, whose rows were never written."""
    deploy(trusting, items(a_js=b"1"))
    Deployment.objects.create(env=ENV, source="wx_deploy", outcome=outcome)
    assert to_send(trusting, a_js=b"1") == ["a.js"]
    deploy(trusting, items(a_js=b"1"))
    assert to_send(trusting, a_js=b"1") == [], "this row is younger"


def test_a_row_between_two_unfinished_deployments_is_not_trusted(trusting: Uploader) -> None:
    killed()
    deploy(trusting, items(a_js=b"1"))
    killed()
    assert to_send(trusting, a_js=b"1") == ["a.js"]


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_rows_older_than_a_deployment_whose_rows_are_written_are_trusted(
    trusting: Uploader, outcome: str
) -> None:
    deploy(trusting, items(a_js=b"1"))
    Deployment.objects.create(env=ENV, source="wx_deploy", outcome=outcome)
    assert to_send(trusting, a_js=b"1") == []


def test_an_unfinished_deployment_of_another_environment_is_nothing_to_this_one(
    trusting: Uploader,
) -> None:
    deploy(trusting, items(a_js=b"1"))
    Deployment.objects.create(env="tenant-b", source="wx_deploy")
    assert to_send(trusting, a_js=b"1") == []


# --- the bound of calls -----------------------------------------------------------------------


def many(**details: Any) -> list[UploadItem]:
    """40 files of one folder, for which ten calls are made at most."""
    return [item(f"js/{number:02}.js", b"%d" % number, **details) for number in range(40)]


def test_beyond_the_bound_of_calls_the_log_decides_and_a_note_says_so(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(uploader, many())
    cloud.put_object("js/00.js", b"seen")
    cloud.put_object("js/39.js", b"not seen")
    cloud.quirks.page_size = 1
    cloud.journal.clear()
    report = deploy(uploader, many())
    assert (lists(cloud), sent(cloud)) == (10, ["js/00.js"])
    shown = "The log decided about 30 files: to list them would take too many calls."
    assert report.notes == (shown,)
    assert "The log decides about 30 files: too many calls" in caplog.text


def test_beyond_the_bound_of_calls_what_has_no_row_is_sent(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    for file in many():
        cloud.put_object(file.name, file.open().read())
    cloud.quirks.page_size = 1
    deploy(uploader, many())
    assert sorted(sent(cloud)) == [file.name for file in many()[10:]]


def test_an_unfinished_deployment_makes_only_rows_doubtful_that_no_list_confirms(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """The row of a listed file still says its headers."""
    deploy(uploader, many())
    killed()
    cloud.quirks.page_size = 1
    seen, unseen = many(cache_control="no-store")[:10], many()[10:]
    plan = plan_of(uploader, [*seen, *unseen])
    assert names(plan.assets) == names([*seen, *unseen])
    assert plan.corrections == ()
