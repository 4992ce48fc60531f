"""Plans and reports of many files."""

import os
import re
import sys
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.utils.translation import override

from tests.conftest import ENV, can_share_a_cpu
from wx_static_store import deploy
from wx_static_store.deploy import PublishFailed, Report, publish
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.plan import make_plan
from wx_static_store.transfers import UploadContext, UploadItem, UploadResult
from wx_static_store.uploader import Uploader, get_uploader

pytestmark = pytest.mark.django_db

CONTEXT = UploadContext(source="test", source_ref="v1")


def items(**files: bytes) -> list[UploadItem]:
    """`a_js=b"…"` is ``a.js``."""
    return [
        UploadItem(
            name.replace("_", "."),
            open=lambda content=content: BytesIO(content),  # type: ignore[misc]
            size=len(content),
        )
        for name, content in files.items()
    ]


def names(part: tuple[UploadItem, ...]) -> list[str]:
    return [item.name for item in part]


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "MAX_WORKERS": 1})
    return server


@pytest.fixture
def uploader(cloud: EmulatorServer) -> Uploader:
    return get_uploader()


def run(uploader: Uploader, **files: bytes) -> Report:
    return publish(uploader, make_plan(uploader, items(**files)), CONTEXT)


def test_a_plan_puts_assets_before_pages(uploader: Uploader) -> None:
    plan = make_plan(uploader, items(index_html=b"1", z_css=b"2", a_js=b"3"))
    assert (names(plan.assets), names(plan.pages)) == (["a.js", "z.css"], ["index.html"])
    assert (len(plan), plan.size) == (3, 3)


def test_a_plan_leaves_out_what_is_stored(uploader: Uploader) -> None:
    run(uploader, a_js=b"1", b_js=b"2")
    plan = make_plan(uploader, items(a_js=b"1", b_js=b"changed"))
    assert (names(plan.unchanged), names(plan.assets)) == (["a.js"], ["b.js"])


def test_a_plan_makes_no_call(cloud: EmulatorServer, uploader: Uploader) -> None:
    make_plan(uploader, items(a_js=b"1"))
    assert cloud.journal == []


def test_after_a_run_that_was_killed_the_list_must_agree_too(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """The killed run stored a newer body, whose row was never written."""
    run(uploader, a_js=b"old", b_js=b"same")
    Deployment.objects.create(env=uploader.env, source="killed")
    cloud.put_object("a.js", b"new")
    plan = make_plan(uploader, items(a_js=b"old", b_js=b"same"))
    assert (names(plan.assets), names(plan.unchanged)) == (["a.js"], ["b.js"])


def test_what_a_killed_run_stored_is_not_sent_again(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    run(uploader, a_js=b"old")
    Deployment.objects.create(env=uploader.env, source="killed")
    cloud.put_object("a.js", b"new")
    cloud.put_object("b.js", b"never logged")
    plan = make_plan(uploader, items(a_js=b"new", b_js=b"never logged", c_js=b"3"))
    assert (names(plan.assets), names(plan.unchanged)) == (["c.js"], ["a.js", "b.js"])


def test_what_a_killed_run_stored_is_known_to_the_log_from_then_on(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    """Else a release that goes back would find its own older row, and believe it."""
    run(uploader, a_js=b"old")
    Deployment.objects.create(env=uploader.env, source="killed")
    cloud.put_object("a.js", b"new")
    run(uploader, a_js=b"new")
    run(uploader, a_js=b"old")
    assert cloud.objects()["a.js"].body == b"old"


def test_what_failed_last_is_sent_again_even_if_the_list_has_it(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403})
    assert not run(uploader, a_js=b"1").ok
    Deployment.objects.create(env=uploader.env, source="killed")
    cloud.put_object("a.js", b"1")
    assert names(make_plan(uploader, items(a_js=b"1")).assets) == ["a.js"]


def test_a_file_that_was_never_stored_is_new(cloud: EmulatorServer, uploader: Uploader) -> None:
    run(uploader, b_js=b"old")
    cloud.script({"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403})
    assert not run(uploader, a_js=b"1").ok
    plan = make_plan(uploader, items(a_js=b"1", b_js=b"new"))
    assert [state for state, _item in plan.states(uploader)] == ["new", "changed"]


def test_a_last_file_that_the_log_knows_leaves_no_row_after_a_killed_run(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    def publish_both() -> None:
        plan = make_plan(uploader, items(a_js=b"1"), also=["m.json"])
        publish(uploader, plan, CONTEXT, last=lambda: items(m_json=b"{}")[0])

    publish_both()
    Deployment.objects.create(env=uploader.env, source="killed")
    publish_both()
    assert UploadLog.objects.count() == 2


def test_a_plan_of_many_parts_is_the_same(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.plan.AT_ONCE", 2)
    run(uploader, a_js=b"1", b_js=b"2", c_js=b"3", d_js=b"4", e_js=b"5")
    plan = make_plan(
        uploader, items(a_js=b"1", b_js=b"new", c_js=b"3", d_js=b"4", e_js=b"new"), also=["m.json"]
    )
    assert (names(plan.assets), names(plan.unchanged)) == (
        ["b.js", "e.js"],
        ["a.js", "c.js", "d.js"],
    )


def test_the_run_after_a_killed_one_settles_it(cloud: EmulatorServer, uploader: Uploader) -> None:
    run(uploader, a_js=b"1")
    Deployment.objects.create(env=uploader.env, source="killed")
    run(uploader, a_js=b"1")
    before = len(cloud.journal)
    run(uploader, a_js=b"1")
    assert len(cloud.journal) == before


def test_a_file_without_an_md5_in_the_list_is_sent(
    cloud: EmulatorServer, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy.recorders, "in_database", lambda work, otherwise: otherwise)
    cloud.quirks.list_md5 = "multipart"
    cloud.put_object("a.js", b"1")
    assert names(make_plan(uploader, items(a_js=b"1")).assets) == ["a.js"]


def test_where_neither_log_nor_list_tell_all_is_sent_and_the_logger_says_why_in_english(
    cloud: EmulatorServer,
    uploader: Uploader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(deploy.recorders, "in_database", lambda work, otherwise: otherwise)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with override("zh-hans"):
        assert names(make_plan(uploader, items(a_js=b"1")).assets) == ["a.js"]
    assert "so all is sent: staticfilelist was refused (" in caplog.text


def test_a_file_that_cannot_be_read_fails_and_the_others_go(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    def gone() -> Any:
        raise FileNotFoundError("gone.js")

    plan = make_plan(uploader, [UploadItem("gone.js", open=gone), *items(a_js=b"1")])
    report = publish(uploader, plan, CONTEXT)
    assert set(cloud.objects()) == {"a.js"}
    assert [result.stage for result in report.failures] == ["source"]


def test_the_last_file_is_made_when_all_is_stored(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    seen: list[set[str]] = []

    def last() -> UploadItem:
        seen.append(set(cloud.objects()))
        return items(manifest_json=b"{}")[0]

    plan = make_plan(uploader, items(a_js=b"1", index_html=b"2"))
    publish(uploader, plan, CONTEXT, last=last)
    assert seen == [{"a.js", "index.html"}]
    assert "manifest.json" in cloud.objects()


def test_the_last_file_is_not_made_after_a_failure(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    plan = make_plan(uploader, items(a_js=b"1"))
    report = publish(uploader, plan, CONTEXT, last=lambda: pytest.fail("too early"))
    assert report.counts.startswith("stored 0, unchanged 0, failed 1, unknown 0, held back 1")


def test_a_report_tells_unknown_from_failed(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script(
        {"on": "put_object", "key": "a.js", "do": "drop_reply"},
        {"on": "staticuploadfile", "key": "b.js", "do": "errcode", "errcode": 40097},
    )
    report = run(uploader, a_js=b"1", b_js=b"2", c_js=b"3")
    assert report.counts == (
        "stored 1, unchanged 0, failed 1, unknown 1, held back 0, not attempted 0"
    )
    with pytest.raises(PublishFailed, match=r"b\.js: .*errcode 40097"):
        report.raise_for_failures()


def test_a_deployment_tells_how_it_ended(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script({"on": "staticuploadfile", "key": "a.js", "do": "errcode", "errcode": 40097})
    run(uploader, a_js=b"1", b_js=b"22", index_html=b"3")
    row = Deployment.objects.get()
    told = (row.outcome, row.label, row.stored, row.failed, row.not_attempted, row.bytes)
    assert told == ("failed", "v1", 1, 1, 1, 2)


@can_share_a_cpu
def test_the_workers_of_a_deploy_share_one_cpu(uploader: Uploader) -> None:
    seen: set[frozenset[int]] = set()
    before = os.sched_getaffinity(0)

    class Looked(Uploader):
        def transfer(self, item: UploadItem, *, batch: bool = False) -> UploadResult:
            seen.add(frozenset(os.sched_getaffinity(0)))
            return super().transfer(item, batch=batch)

    run(Looked(replace(uploader.options, max_workers=3)), a_js=b"1", b_js=b"2", c_js=b"3")
    (shared,) = seen
    assert len(shared) == 1
    assert os.sched_getaffinity(0) == before


def test_control_characters_of_a_name_do_not_reach_the_terminal(uploader: Uploader) -> None:
    plan = make_plan(uploader, [UploadItem("a\x1b[31m.js", open=lambda: BytesIO(b"1"))])
    with pytest.raises(PublishFailed) as caught:
        publish(uploader, plan, CONTEXT).raise_for_failures()
    assert "\x1b" not in str(caught.value)


def test_rows_that_are_missing_are_counted(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P11: the database goes away in mid-run."""
    monkeypatch.setattr("wx_static_store.uploader.RECORD_AT_ONCE", 2)
    insert, taken = deploy.recorders._insert, []

    def dies(results: Any, context: Any) -> int:
        if taken:
            raise OSError("the server has gone away")
        taken.append(insert(results, context))
        return taken[0]

    monkeypatch.setattr(deploy.recorders, "_insert", dies)
    assert run(uploader, a_js=b"1", b_js=b"2", c_js=b"3", d_js=b"4").ok
    assert "4 files were sent, 2 of them logged" in caplog.text


def test_a_manifest_alone_is_a_deployment_too(uploader: Uploader) -> None:
    publish(uploader, make_plan(uploader, []), CONTEXT, last=lambda: items(m_json=b"{}")[0])
    assert Deployment.objects.get().stored == 1


def test_an_interrupted_run_says_how_far_it_came(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(Uploader):
        def sending(self, items: Any, *args: Any) -> Any:
            yield from super().sending(list(items)[:2], *args)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(uploader.options), a_js=b"1", b_js=b"2", c_js=b"3")
    assert f"{ENV}: Interrupted: stored 2," in capsys.readouterr().err
    assert Deployment.objects.get().outcome == "failed"


def test_an_interruption_before_anything_is_sent_still_leaves_a_killed_run_to_the_next_one(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which asks the cloud then what the killed run has sent."""
    Deployment.objects.create(env=uploader.env, source="wx_deploy")

    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploy.recorders, "was_cut_short", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(uploader, a_js=b"1")
    assert Deployment.objects.cut_short(uploader.env)


def test_a_run_that_was_killed_counts_as_failed_when_the_next_one_begins(configure: Any) -> None:
    configure()
    Deployment.objects.create(env=get_uploader().env, source="wx_deploy")
    run(get_uploader(), a_js=b"1")
    assert [row.outcome for row in Deployment.objects.order_by("id")] == ["failed", "done"]


# --- progress ---------------------------------------------------------------------------------


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "terminal", "told"),
    [
        (None, False, ""),
        (False, True, ""),
        (True, False, rf"({ENV}: [12]/2 files, 0\.0/0\.0 MiB, .*\n){{2}}"),
    ],
)
def test_progress_is_told_where_it_is_wanted(
    configure: Any, monkeypatch: pytest.MonkeyPatch, progress: Any, terminal: bool, told: str
) -> None:
    configure(WX_STATIC_STORE={"PROGRESS": progress})
    stream = Terminal() if terminal else StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    run(get_uploader(), a_js=b"1", b_js=b"2")
    assert re.fullmatch(told, stream.getvalue())


def test_a_line_tells_rate_time_left_and_failures(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = configure(WX_STATIC_STORE={"PROGRESS": True, "MAX_WORKERS": 1})
    cloud.script(
        {
            "on": "put_object",
            "key": "a.js",
            "do": "cos_error",
            "status": 403,
            "code": "AccessDenied",
            "times": None,
        }
    )
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    run(get_uploader(), a_js=b"1" * 2**20, b_js=b"2" * 2**20)
    last = stream.getvalue().splitlines()[-1]
    assert re.fullmatch(
        rf"{ENV}: 2/2 files, 1\.0/2\.0 MiB, [\d.]+ MiB/s, [01] s left, 1 failed", last
    )


def test_a_terminal_gets_a_bar_with_files_and_bytes(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run(get_uploader(), a_js=b"1" * 1024, b_js=b"2" * 1024)
    assert f"{ENV}: 2/2 files" in stream.getvalue()
    assert "2.00k/2.00k" in stream.getvalue()


def test_a_terminal_that_tells_no_width_gets_a_bar_too(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(os, "get_terminal_size", lambda number=1: os.terminal_size((0, 0)))
    run(get_uploader(), a_js=b"1")
    assert "1/1 files" in stream.getvalue()


def test_a_terminal_without_tqdm_gets_plain_lines(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    run(get_uploader(), a_js=b"1", b_js=b"2")
    assert stream.getvalue().splitlines()[-1].startswith(f"{ENV}: 2/2 files, 0.0/0.0 MiB")
