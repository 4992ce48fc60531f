"""
Whatever a killed `collectstatic` leaves, the next one repairs.

It publishes a release over an older one. Each run is killed once; then the same release is
collected again. SIGKILL comes at two points, or at each with ``WX_SLOW``; then the other signals
come at four of them, or at each with ``WX_ALL_KILLS``.
"""

import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes.conftest import PLANTED, Process, Project, copy_of, new_project
from tests.waiting import loaded, wait_for

COLLECT = ("-m", "django", "collectstatic", "--noinput")

# Where the process halts by itself, or the call that the emulator leaves hanging.
POINTS: dict[str, dict[str, Any]] = {
    "before_link": {},
    "after_link": {},
    "mid_body": {},
    "body_sent": {"on": "put_object", "key": "static/big*", "apply": True},
    "reply_received": {},
    "rows_written": {},
    "token_lock": {"on": "api_component_token"},
    "in_manifest": {},
}
# Steps that no interruption breaks off: they go on to their end.
BOOKKEEPING = ("rows_written", "in_manifest")
INT, TERM, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
# The others come where they meet another code: a body that is on its way, an answer that does not
# come, the lock of the token, and a step that goes on to its end.
FEW = ("mid_body", "body_sent", "token_lock", "in_manifest")

OLD = {
    "site.css": b"body { background: url('logo.svg') }",
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "same.txt": b"the same in both releases",
    "index.html": b"<link rel=stylesheet href=site.css>old",
    "big.bin": b"old" * 200_000,
    **{f"js/{number}.js": b"export const old = %d" % number for number in range(8)},
}
NEW = {
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg' id='new'/>",
    "index.html": b"<link rel=stylesheet href=site.css>new",
    "big.bin": b"new" * 200_000,
    "only-new.txt": b"new",
    **{f"js/{number}.js": b"export const young = %d" % number for number in range(8)},
}


@dataclass
class Outcome:
    """What was seen of one kill and of the run after it."""

    code: int
    seconds: float  # from the signal to the end
    output: str
    dead_names: set[str]  # of the manifest that the kill left
    false_rows: set[str]  # of the killed run
    second_code: int
    second_output: str
    project: Project  # as the second run left it


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Collect, store and record the older release."""
    with new_project(tmp_path_factory.mktemp("published")) as project:
        project.write(OLD)
        code, output = project.run(*COLLECT[2:])
        assert code == 0, output
        yield project


@pytest.fixture(scope="module")
def outcomes(
    published: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, int], "Future[Outcome]"]]:
    """All of them, four at a time: they mostly wait."""
    folder = tmp_path_factory.mktemp("killed")
    with ThreadPoolExecutor(4) as pool:
        yield {
            (point, number): pool.submit(
                kill, published, folder / f"{point}-{number}", point, number
            )
            for point in POINTS
            for number in (INT, TERM, KILL)
            if not left_out(point, number)
        }


@pytest.fixture
def outcome(outcomes: dict[tuple[str, int], "Future[Outcome]"], point: str, number: int) -> Outcome:
    return outcomes[point, number].result()


def kill(published: Project, folder: Path, point: str, number: int) -> Outcome:
    """Collect the release, kill that, look, and collect it again."""
    with copy_of(published, folder) as project:
        project.write(NEW)
        before = project.rows()[-1][0]
        with project.process(*COLLECT, **hold(project, point)) as process:
            wait_at(project, process, point)
            started = time.monotonic()
            process.popen.send_signal(number)
            if point in BOOKKEEPING and number != KILL:
                process.release()
            code, output = process.finish()
            seconds = time.monotonic() - started
        dead_names, false_rows = project.dead_names(), project.false_rows(before)
        second = project.run(*COLLECT[2:])
        return Outcome(code, seconds, output, dead_names, false_rows, *second, project)


def hold(project: Project, point: str) -> dict[str, str]:
    """Sees to it that the run comes to the point and no further."""
    if fault := POINTS[point]:
        project.cloud.script({**fault, "do": "hang", "seconds": 300, "times": 1})
        return {}
    return {"halt": point}


def wait_at(project: Project, process: Process, point: str) -> None:
    if POINTS[point]:
        wait_for(lambda: any(entry.fault for entry in project.cloud.calls()))
    else:
        process.wait_until_halted()


def left_out(point: str, number: int) -> str:
    """Return the variable that asks for this kill, where it is not set."""
    if number == KILL and point in ("mid_body", "in_manifest"):
        return ""
    wanted = "WX_SLOW" if number == KILL or point in FEW else "WX_ALL_KILLS"
    return "" if {wanted, "WX_ALL_KILLS"} & {"", *os.environ} else wanted


def killed_by(*signals: signal.Signals, points: Iterable[str] = POINTS) -> pytest.MarkDecorator:
    cases = [
        pytest.param(
            point,
            number,
            marks=pytest.mark.skipif(bool(variable), reason=f"{variable}=1 runs it"),
            id=f"{point}-{number.name}",
        )
        for number in signals
        for point in points
        for variable in [left_out(point, number)]
    ]
    return pytest.mark.parametrize(("point", "number"), cases)


every_kill = killed_by(INT, TERM, KILL)


@every_kill
def test_the_exit_code_of_a_killed_run_names_the_signal(outcome: Outcome, number: int) -> None:
    """SIGTERM ends it like Ctrl-C: in order."""
    assert outcome.code == -(KILL if number == KILL else INT), outcome.output


@killed_by(INT, TERM)
def test_an_interrupted_run_ends_within_five_seconds(outcome: Outcome) -> None:
    assert outcome.seconds <= loaded(5)


@every_kill
def test_the_manifest_that_stays_names_existing_objects_only(outcome: Outcome) -> None:
    assert outcome.dead_names == set()


@every_kill
def test_no_row_of_a_killed_run_says_stored_of_a_missing_object(outcome: Outcome) -> None:
    assert outcome.false_rows == set()


@killed_by(INT, TERM, points=[point for point in POINTS if point != "token_lock"])
def test_an_interrupted_run_tells_how_far_it_came(outcome: Outcome) -> None:
    """Where it has begun to publish; the token is asked for before that, by the plan."""
    assert re.search(
        r"^[\w-]+: Interrupted: stored \d+, unchanged \d+, ", outcome.output, re.MULTILINE
    )


@every_kill
def test_the_run_after_a_kill_succeeds(outcome: Outcome) -> None:
    assert outcome.second_code == 0, outcome.second_output


@every_kill
def test_after_the_next_run_the_release_is_stored_byte_for_byte(outcome: Outcome) -> None:
    stored, collected = outcome.project.stored(), outcome.project.collected()
    release = OLD | NEW
    assert {name: stored.get(name) for name in release} == release
    assert {name: stored.get(name) for name in collected} == collected


@every_kill
def test_after_the_next_run_every_stored_row_has_its_object(outcome: Outcome) -> None:
    assert outcome.project.false_rows() == set()
    assert {key for _id, key, status, _md5 in outcome.project.rows() if status == "stored"} == set(
        outcome.project.cloud.objects()
    )


@every_kill
def test_after_the_next_run_the_manifest_is_the_new_one(outcome: Outcome) -> None:
    assert outcome.project.dead_names() == set()
    assert set(outcome.project.manifest()) == set(OLD | NEW)


@every_kill
def test_a_killed_run_leaves_no_temporary_file(outcome: Outcome, published: Project) -> None:
    project = outcome.project
    hashed = {*project.manifest().values(), *published.manifest().values()}
    assert set(project.collected()) == {"staticfiles.json", *OLD, *NEW, *hashed}
    assert list((project.folder / "tmp").iterdir()) == []


@every_kill
def test_a_killed_run_prints_no_secret(outcome: Outcome) -> None:
    printed = outcome.output + outcome.second_output
    secrets = (*PLANTED.values(), outcome.project.cloud.access_token, "planted-django-secret-key")
    assert [secret for secret in secrets if secret in printed] == []
    assert re.findall("q-signature=[0-9a-f]{40}", printed) == []
    assert "POST /componenttcb/staticuploadfile" in printed  # it did print what it does
