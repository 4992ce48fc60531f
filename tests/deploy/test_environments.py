"""Many environments: one after the other, and each is reported whatever becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO, StringIO
from itertools import chain, groupby, repeat
from typing import Any

import pytest
from django.utils.translation import override

from tests import deploys
from tests.deploys import bodies, refusing_rows
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.deploy import environments as sites, locks, records
from wx_static_store.deploy.environments import Order, deploy_to_all, site_uploader
from wx_static_store.deploy.records import Records
from wx_static_store.deploy.report import EnvironmentReport
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog, key_digest
from wx_static_store.signals import upload_finished
from wx_static_store.upload import store, workers
from wx_static_store.upload.uploader import Uploader

pytestmark = pytest.mark.django_db

ENVS = ["tenant-1", "tenant-2", "tenant-3"]
NAMES = ["00.js", "01.js", "index.html"]


def order_of(**opens: Callable[[], BytesIO]) -> Order:
    """Two assets and a page, each with its name in it; or what `opens` gives in its place."""
    items = [
        UploadItem(
            name,
            open=opens.get(name.split(".")[0], lambda name=name: BytesIO(name.encode())),
            size=len(name),
        )
        for name in NAMES
    ]
    return Order(items, UploadContext(source="wx_deploy"))


def when_sent(happens: Callable[[], None]) -> Callable[[], BytesIO]:
    """Make a file that is hashed as any other, and at whose sending something happens."""
    bodies = chain([BytesIO(b"00.js")], repeat(None))

    def opened() -> BytesIO:
        if (body := next(bodies)) is None:
            happens()
        return body or BytesIO(b"00.js")

    return opened


ORDER = order_of()


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_WORKERS": 8})
    for env in ENVS:
        cloud.add_env(env)
    return cloud


@pytest.fixture
def uploaders(cloud: EmulatorServer) -> list[Uploader]:
    return [site_uploader("default", env) for env in ENVS]


def deploy(uploaders: list[Uploader], order: Order = ORDER, **how: Any) -> list[EnvironmentReport]:
    return list(deploy_to_all([(uploader, order) for uploader in uploaders], **how))


def outcomes() -> dict[str, str]:
    return dict(Deployment.objects.values_list("env", "outcome"))


def ends(reports: list[EnvironmentReport]) -> str:
    return ", ".join(report.outcome for report in reports)


# --- in turn ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 8])
def test_environments_are_deployed_in_turn(
    cloud: EmulatorServer, uploaders: list[Uploader], workers: int
) -> None:
    """Whoever watches sees one begin when the other has ended, its checks included."""
    uploaders = [Uploader(replace(each.options, max_workers=workers)) for each in uploaders]
    deploy(uploaders, replace(ORDER, verify=True))
    begun = [env for env, _calls in groupby(call.env for call in cloud.calls())]
    assert [env for env in begun if env] == ENVS
    assert all(bodies(cloud, env).keys() == {*NAMES} for env in ENVS)


def test_each_environment_is_reported_and_logged_as_if_it_were_alone(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    cloud.script({"on": "put_object", "env": ENVS[1], "key": "00.js", "do": "cos_error",
                  "status": 403, "code": "AccessDenied", "times": None})  # fmt: skip
    reports = deploy(uploaders)
    assert [report.env for report in reports] == ENVS
    assert ends(reports) == "done, failed, done"
    assert [report.report.stored for report in reports] == [3, 1, 3]
    assert outcomes() == dict(zip(ENVS, ["done", "failed", "done"], strict=True))
    rows = UploadLog.objects.values_list("env", "key", "deployment__env").filter(status="stored")
    assert sorted(rows) == sorted((env, key, env) for env in ENVS for key in cloud.objects(env)), (
        "each object has its row, and each row the deployment of its environment"
    )


@contextmanager
def beside(happens: Callable[[], object]) -> Iterator[None]:
    """Let another process do something each time that this one has written rows."""

    def written(**_result: Any) -> None:
        happens()

    upload_finished.connect(written)
    yield
    upload_finished.disconnect(written)


def test_a_deploy_is_not_done_if_one_that_ran_before_it_wrote_beside_it(
    cloud: EmulatorServer, uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache was cleared: the rows know what the lock does not."""
    monkeypatch.setattr(locks, "LAST_PUT", 0)
    other = Deployment.objects.create(env=ENVS[0], source="wx_deploy")
    row = {"key": "index.html", "key_digest": key_digest("index.html"), "status": "stored"}
    with beside(lambda: other.uploads.create(env=ENVS[0], **row)):
        reports = deploy(uploaders[:2])
    assert ends(reports) == "failed, done"
    assert f"Deployment {other.pk} wrote to {ENVS[0]} beside this one" in reports[0].error
    assert Deployment.objects.filter(env=ENVS[0]).latest("pk").outcome == "failed"


def test_a_deploy_is_not_done_if_another_one_began_beside_it(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    create = partial(Deployment.objects.create, env=ENVS[0], source="wx_deploy")
    with beside(create):
        reports = deploy(uploaders[:2])
    assert ends(reports) == "failed, done"
    assert f"wrote to {ENVS[0]} beside this one" in reports[0].error


@pytest.mark.parametrize(
    ("mine", "others", "outcome"),
    [("", "docs/", "failed"), ("docs/", "", "failed"), ("shop/", "docs/", "done")],
)
def test_a_deploy_is_done_beside_one_of_another_folder_only(
    uploaders: list[Uploader], mine: str, others: str, outcome: str
) -> None:
    create = partial(Deployment.objects.create, env=ENVS[0], folder=others)
    with beside(create):
        reports = deploy(uploaders[:1], replace(ORDER, records=Records(prefix=mine)))
    assert ends(reports) == outcome


def test_a_deploy_is_done_beside_one_that_was_killed_and_uploads_of_people(
    cloud: EmulatorServer, uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LAST_PUT", 0)
    Deployment.objects.create(env=ENVS[0], source="wx_deploy")
    row = {"key": "photo.jpg", "key_digest": key_digest("photo.jpg"), "status": "stored"}
    with beside(lambda: UploadLog.objects.create(env=ENVS[0], **row)):
        assert ends(deploy(uploaders[:1])) == "done"


def test_three_environments_without_an_answer_of_wechat_end_the_run(
    configure: Any,
) -> None:
    configure(WX_STATIC_STORE={"API_BASE_URL": "http://127.0.0.1:1", "MAX_ATTEMPTS": 1})
    uploaders = [site_uploader("default", f"tenant-{number}") for number in range(6)]

    reports = deploy(uploaders)

    assert [report.outcome for report in reports] == ["failed"] * 3 + ["skipped"] * 3
    assert reports[3].error == (
        "Not begun: WeChat did not answer for tenant-0, tenant-1, tenant-2."
    )
    assert reports[5].error == reports[3].error
    with override("zh-hans"):
        [report] = deploy(uploaders)[5:]
        assert "tenant-0、tenant-1、tenant-2" in report.error


def test_a_token_provider_that_fails_is_asked_for_one_environment_only(configure: Any) -> None:
    def down() -> str:
        raise OSError("the token service is down")

    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": down, "MAX_ATTEMPTS": 1})
    reports = deploy([site_uploader("default", env) for env in ENVS])
    assert ends(reports) == "failed, skipped, skipped"
    assert ENVS[0] in reports[2].error
    assert outcomes() == {ENVS[0]: "failed"}


def test_each_environment_is_planned_by_its_own_list(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    deploy(uploaders)
    cloud.put_object("00.js", b"somebody else's", env=ENVS[1])
    cloud.journal.clear()
    deploy(uploaders)
    assert [call.env for call in cloud.calls("staticfilelist")] == ENVS
    assert [(call.env, call.key) for call in cloud.calls("put_object")] == [(ENVS[1], "00.js")]


@pytest.mark.parametrize(
    ("call", "deadline"),
    [("staticfilelist", None), ("staticuploadfile", 0.3), ("put_object", 0.3)],
    ids=["list", "link", "put"],
)
def test_an_environment_whose_calls_hang_costs_its_time_and_the_others_are_published(
    cloud: EmulatorServer,
    uploaders: list[Uploader],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    deadline: float | None,
) -> None:
    """Only what hangs is in a hurry: the list has 0.3 s, and so have the first one's uploads."""
    monkeypatch.setattr(store, "INTERACTIVE_SECONDS", 0.3)
    hurried = replace(uploaders[0].options, deadline=deadline, max_attempts=1)
    cloud.script({"on": call, "env": ENVS[0], "do": "hang", "seconds": 30, "times": None})
    reports = deploy([Uploader(hurried), *uploaders[1:]])
    assert ends(reports[1:]) == "done, done"
    assert reports[0].ok is (call == "staticfilelist"), "for the list there is the log"
    assert reports[0].seconds < 20, "the call hangs for 30"


def test_a_deploy_whose_time_is_up_is_stopped_and_sends_no_page(
    cloud: EmulatorServer, uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while all calls hang."""
    monkeypatch.setattr(workers, "GRACE", 0.1)
    cloud.script({"on": "put_object", "key": "01.js", "do": "hang", "seconds": 30})
    (report,) = deploy(uploaders[:1], replace(ORDER, seconds=1.0))
    assert (report.outcome, report.seconds < 20) == ("failed", True)
    assert "stopped after 1 s" in report.error
    assert report.report.numbers == {
        "stored": 1,
        "unchanged": 0,
        "failed": 0,
        "unknown": 1,
        "held_back": 0,
        "not_attempted": 1,
    }
    assert outcomes() == {ENVS[0]: "failed"}


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_each_environment_has_its_bar_in_a_line_of_its_own(
    uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the line with the outcome would be written over the next one's bar."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    deploy(uploaders)
    assert all(f"{env}: 3/3 files" in stream.getvalue() for env in ENVS)
    assert "\x1b[A" not in stream.getvalue(), "no cursor goes up"


# --- interrupted ------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    with deploys.ctrl_c() as press:
        yield press


def interrupted(uploaders: list[Uploader], order: Order) -> list[EnvironmentReport]:
    reports: list[EnvironmentReport] = []
    with pytest.raises(KeyboardInterrupt):
        reports.extend(deploy_to_all([(uploader, order) for uploader in uploaders]))
    return reports


def test_an_interruption_ends_the_environment_and_leaves_out_the_rest(
    cloud: EmulatorServer, uploaders: list[Uploader], ctrl_c: Callable[[], None]
) -> None:
    reports = interrupted(uploaders, order_of(**{"00": when_sent(ctrl_c)}))
    assert ends(reports) == "interrupted, skipped, skipped"
    assert "the run was interrupted" in reports[2].error
    assert outcomes() == {ENVS[0]: "failed"}
    rows = UploadLog.objects.filter(status="stored").values_list("env", "key")
    assert sorted(rows) == sorted((env, key) for env in ENVS for key in cloud.objects(env))


@pytest.mark.parametrize("place", [(records, "make_plan"), (sites, "sweep")])
@pytest.mark.parametrize(
    ("number", "outcome"),
    [(0, "interrupted, skipped, skipped"), (1, "done, interrupted, skipped")],
)
def test_an_interruption_during_plan_or_verification_ends_that_environment(
    uploaders: list[Uploader],
    ctrl_c: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[Any, str],
    number: int,
    outcome: str,
) -> None:
    before = getattr(*place)

    def pressed(uploader: Uploader, *args: Any, **how: Any) -> Any:
        if uploader is uploaders[number]:
            ctrl_c()
        return before(uploader, *args, **how)

    monkeypatch.setattr(*place, pressed)
    assert ends(interrupted(uploaders, replace(ORDER, verify=True))) == outcome
    assert "running" not in outcomes().values()


def test_an_interruption_that_a_project_handles_itself_is_reported_and_raised_alike(
    uploaders: list[Uploader],
) -> None:
    """Its own handler of SIGINT raises wherever the program stands."""

    def interrupting() -> BytesIO:
        raise KeyboardInterrupt

    reports = interrupted(uploaders, order_of(index=interrupting))
    assert ends(reports) == "interrupted, skipped, skipped"


class Surprise(BaseException):
    """As a defect raises it."""


def test_an_unexpected_error_ends_the_run_and_no_deployment_stays_running(
    uploaders: list[Uploader],
) -> None:
    def surprise() -> None:
        raise Surprise

    with pytest.raises(Surprise):
        deploy(uploaders, order_of(index=when_sent(surprise)))
    assert outcomes() == {ENVS[0]: "failed"}


def test_a_caller_who_stops_listening_leaves_no_upload_under_way(uploaders: list[Uploader]) -> None:
    """A reader of the output that went away, say."""
    reports = deploy_to_all([(uploader, ORDER) for uploader in uploaders])
    next(reports)
    reports.close()  # type: ignore[attr-defined]
    assert outcomes() == {ENVS[0]: "done"}
    assert ends(deploy(uploaders)) == "done, done, done"


# --- rows that are missing --------------------------------------------------------------------


@pytest.mark.usefixtures("no_pauses")
def test_a_deployment_whose_rows_are_missing_stays_incomplete_whatever_its_check_finds(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    """Only so the next plan knows that older rows may be outdated."""
    cloud.script({"on": "get_object", "do": "html", "times": None})
    with refusing_rows():
        (report,) = deploy(uploaders[:1], replace(ORDER, verify=True))
    assert (report.outcome, bool(report.findings)) == ("failed", True)
    assert outcomes() == {ENVS[0]: "incomplete"}


def test_a_deployment_whose_blanked_files_have_no_rows_is_incomplete(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    """Else the log alone would take the files that were there for public."""
    cloud.put_object("old.js", b"old", env=ENVS[0])
    order = replace(ORDER, stale=True, blank_stale=lambda question: True)
    with refusing_rows(skip=1):
        (report,) = deploy(uploaders[:1], order)
    assert (report.outcome, report.blanked) == ("done", 1)
    assert outcomes() == {ENVS[0]: "incomplete"}
