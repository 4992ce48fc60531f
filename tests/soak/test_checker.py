"""The checker can fail: each kind of violation is found in data that is made by hand."""

import ast
import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.soak import checker
from tests.soak.checker import Deployment, Ending, Row, Told, Violation
from wx_static_store.emulator import EmulatorServer

ENV = "demo-1a2b3c4d5e6f7g8h"
KEY = "site/a.css"
BODY, OTHER = b"new", b"old"


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def row(key: str = KEY, body: bytes = BODY, **columns: Any) -> Row:
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    given: dict[str, Any] = {"id": 1, "env": ENV, "status": "stored", "source": "wx_deploy"}
    given |= {"md5": md5(body), "size": len(body), "digest": digest}
    return Row(key=key, **given | columns)


def rules(violations: Iterable[Violation]) -> list[int]:
    return [violation.rule for violation in violations]


def test_the_checker_imports_nothing_of_the_package() -> None:
    """Import nothing of this folder either, as that does."""
    tree = ast.parse(Path(checker.__file__).read_text())
    names = [
        alias.name for it in ast.walk(tree) if isinstance(it, ast.Import) for alias in it.names
    ]
    froms = [it for it in ast.walk(tree) if isinstance(it, ast.ImportFrom)]
    assert not [it for it in froms if it.level]
    roots = {name.partition(".")[0] for name in [*names, *(str(it.module) for it in froms)]}
    assert not roots & {"wx_static_store", "tests", "django", "importlib"}


# --- rules 1 and 2 --------------------------------------------------------------------------------


def test_a_missing_file_of_the_tree_is_found() -> None:
    assert rules(checker.judge_tree({KEY: BODY}, {})) == [1]


def test_other_bytes_than_those_of_the_tree_are_found() -> None:
    assert rules(checker.judge_tree({KEY: BODY}, {KEY: OTHER})) == [1]


def test_objects_that_are_not_in_the_tree_may_stay() -> None:
    assert rules(checker.judge_tree({KEY: BODY}, {KEY: BODY, "site/b.css": OTHER})) == []


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(body=OTHER)],
        [row(status="failed")],
        [row(status="unknown")],
        [row(id=1), row(id=2, body=OTHER)],
        [row(id=2, body=OTHER), row(id=1)],
        [row(key="site/b.css")],
    ],
)
def test_a_deployed_object_whose_newest_row_is_not_about_it_is_found(rows: list[Row]) -> None:
    assert rules(checker.judge_tree_rows({KEY: BODY}, {KEY: BODY}, rows)) == [2]


def test_an_older_row_may_say_anything() -> None:
    rows = [row(id=1, body=OTHER), row(id=2)]
    assert rules(checker.judge_tree_rows({KEY: BODY}, {KEY: BODY}, rows)) == []


# --- rule 3 ---------------------------------------------------------------------------------------


def test_a_row_of_an_object_that_never_was_is_found() -> None:
    history = {(KEY, md5(OTHER), 3), ("site/b.css", md5(BODY), 3)}
    assert rules(checker.judge_claims([row()], history)) == [3]


def test_a_row_of_an_object_that_was_there_once_is_true() -> None:
    history = {(KEY, md5(OTHER), 3), (KEY, md5(BODY), 3)}
    assert rules(checker.judge_claims([row(), row(body=OTHER)], history)) == []


def test_a_row_under_the_digest_of_another_key_is_found() -> None:
    assert rules(checker.judge_claims([row(digest="0" * 40)], {(KEY, md5(BODY), 3)})) == [3]


def test_a_failed_row_claims_nothing() -> None:
    assert rules(checker.judge_claims([row(status="failed")], set())) == []


def test_a_row_without_md5_is_judged_by_its_size() -> None:
    assert rules(checker.judge_claims([row(md5="")], {(KEY, md5(OTHER), 3)})) == []
    assert rules(checker.judge_claims([row(md5="")], {(KEY, md5(OTHER), 4)})) == [3]


# --- rule 4 ---------------------------------------------------------------------------------------

MEDIA = "media/a.txt"
GONE = b"this file was deleted\n"


@pytest.mark.parametrize(
    ("body", "newest"),
    [
        (BODY, None),
        (BODY, row(MEDIA, OTHER)),
        (BODY, row(MEDIA, status="unknown")),
        (None, row(MEDIA)),
        (GONE, row(MEDIA)),
        (GONE, row(MEDIA, status="unknown")),
        (BODY, row(MEDIA, GONE)),
        (BODY, row(MEDIA, md5="")),
    ],
)
def test_a_false_row_outside_the_folder_is_found(body: bytes | None, newest: Row | None) -> None:
    assert rules(_judge_other(body, newest)) == [4]


@pytest.mark.parametrize(
    ("body", "newest"),
    [
        (BODY, row(MEDIA)),
        (BODY, row(MEDIA, OTHER, status="failed")),
        (None, row(MEDIA, status="failed")),
        (GONE, row(MEDIA, GONE)),
        (GONE, row(MEDIA, status="failed")),
        (GONE, None),
    ],
)
def test_a_true_row_outside_the_folder_is_left_alone(
    body: bytes | None, newest: Row | None
) -> None:
    assert rules(_judge_other(body, newest)) == []


def test_without_md5s_in_lists_only_another_size_is_found() -> None:
    for newest in (row(MEDIA, md5=""), row(MEDIA, status="unknown")):
        assert rules(_judge_other(BODY, newest, bare_md5=False)) == []
        assert rules(_judge_other(BODY + b".", newest, bare_md5=False)) == [4]


def test_what_lies_in_the_folder_is_another_rule() -> None:
    assert rules(checker.judge_other_rows("site/", {KEY: BODY}, [], bare_md5=True)) == []


def _judge_other(
    body: bytes | None, newest: Row | None, *, bare_md5: bool = True
) -> Iterable[Violation]:
    cloud = {} if body is None else {MEDIA: body}
    rows = [] if newest is None else [newest]
    return checker.judge_other_rows("site/", cloud, rows, bare_md5=bare_md5)


# --- rules 5 and 6 --------------------------------------------------------------------------------

RUNNING, DONE = Deployment(1, "1.x.0", "running"), Deployment(1, "1.x.0", "done")


def test_a_deployment_that_is_left_running_is_found() -> None:
    assert rules(checker.judge_deployments([RUNNING], set())) == [5]
    assert rules(checker.judge_deployments([RUNNING], {"1.x.0"})) == []
    assert rules(checker.judge_deployments([DONE], set())) == []


def ending(code: int, *signals: str, **more: Any) -> Ending:
    given: dict[str, Any] = {"seconds": 0.2, "label": "1.x.0"}
    return Ending("1.x", code, signals, **given | more)


@pytest.mark.parametrize(
    "bad",
    [
        ending(1),
        ending(130),
        ending(0, seconds=26, limit=25.0),
        ending(130, "SIGINT", seconds=5.1),
        ending(130, "SIGTERM", "SIGTERM", seconds=5.1),
        ending(0, "SIGTERM", seconds=2, label=""),
        ending(-15, "SIGTERM"),
        ending(1, "SIGINT"),
    ],
)
def test_a_bad_ending_is_found(bad: Ending) -> None:
    assert rules(checker.judge_ending(bad, [RUNNING])) == [6]


def test_an_interrupt_that_left_the_command_by_a_traceback_is_found() -> None:
    bad = ending(-2, "SIGINT", output='File "management/commands/wx_deploy.py", line 1, in handle')
    assert rules(checker.judge_ending(bad, [DONE])) == [6]


@pytest.mark.parametrize(
    ("good", "deployments"),
    [
        (ending(0), [DONE]),
        (ending(130, "SIGINT"), [DONE]),
        (ending(130, "SIGTERM", seconds=9, limit=10.0), [DONE]),
        (ending(-9, "SIGKILL", seconds=9), [RUNNING]),
        (ending(-15, "SIGTERM"), []),  # before the deploy had begun
        (ending(-15, "SIGTERM"), [DONE]),  # after it had printed its outcome
        (ending(-2, "SIGINT", label=""), [RUNNING]),  # in a save, say
        (ending(0, "SIGINT", label=""), []),  # at its last moment
        (ending(0, "SIGINT", label="", seconds=2, output="Exception ignored in: ..."), []),
        (ending(-15, "SIGTERM", "SIGTERM"), [DONE]),
    ],
)
def test_a_good_ending_is_left_alone(good: Ending, deployments: list[Deployment]) -> None:
    assert rules(checker.judge_ending(good, deployments)) == []


# --- rules 7 and 8 --------------------------------------------------------------------------------

OLD_MD5, NEW_MD5, GONE_MD5 = md5(OTHER), md5(BODY), md5(GONE)


def told(kind: str, began: float, ended: float, **files: str) -> Told:
    return Told("1.x", kind, began, ended, files)


DONE_AT = told("done", 10, 20, a=NEW_MD5, b=NEW_MD5)


@pytest.mark.parametrize(
    "puts",
    [
        [],
        [(1, "a", NEW_MD5)],
        [(1, "a", NEW_MD5), (12, "b", OLD_MD5)],
        [(1, "a", NEW_MD5), (12, "a", OLD_MD5), (13, "b", NEW_MD5)],
        [(1, "a", NEW_MD5), (21, "b", NEW_MD5)],
        [(1, "a", NEW_MD5), (2, "b", NEW_MD5), (3, "a", OLD_MD5)],
    ],
)
def test_what_was_never_true_while_the_process_waited_is_found(puts: list[checker.Put]) -> None:
    assert rules(checker.judge_told([DONE_AT], puts)) == [7]


@pytest.mark.parametrize(
    "puts",
    [
        [(1, "a", NEW_MD5), (2, "b", NEW_MD5), (15, "a", OLD_MD5)],
        [(1, "a", OLD_MD5), (2, "b", NEW_MD5), (15, "a", NEW_MD5), (16, "b", OLD_MD5)],
        [(11, "a", NEW_MD5), (12, "c", OLD_MD5), (20, "b", NEW_MD5)],
    ],
)
def test_what_was_true_at_one_moment_is_left_alone(puts: list[checker.Put]) -> None:
    assert rules(checker.judge_told([DONE_AT, told("deletes", 10, 11, a="")], puts)) == []


@pytest.mark.parametrize("kind", ["owned", "201 without replace"])
def test_a_save_to_a_free_name_that_replaced_other_bytes_is_found(kind: str) -> None:
    puts = [(9.0, "a", OLD_MD5), (11.0, "a", NEW_MD5)]
    assert rules(checker.judge_free_names([told(kind, 10, 12, a=NEW_MD5)], puts)) == [8]


@pytest.mark.parametrize(
    ("kind", "puts"),
    [
        ("saved", [(9, "a", OLD_MD5), (11, "a", NEW_MD5)]),
        ("owned", [(11, "a", NEW_MD5)]),
        ("owned", [(9, "a", NEW_MD5), (11, "a", NEW_MD5)]),
        ("owned", [(8, "a", OLD_MD5), (9, "a", GONE_MD5), (11, "a", NEW_MD5)]),
        ("owned", [(9, "b", OLD_MD5), (11, "a", NEW_MD5), (13, "a", OLD_MD5)]),
        ("owned", [(9, "a", NEW_MD5)]),  # a form before left it
    ],
)
def test_a_save_that_replaced_nothing_is_left_alone(kind: str, puts: list[checker.Put]) -> None:
    assert rules(checker.judge_free_names([told(kind, 10, 12, a=NEW_MD5)], puts)) == []


def test_a_file_of_two_rows_is_found_unless_the_first_was_deleted_before() -> None:
    first, second = told("owned", 1, 2, a=NEW_MD5), told("owned", 5, 6, a=NEW_MD5)
    assert rules(checker.judge_owners([second, first])) == [8]
    assert rules(checker.judge_owners([first, told("deletes", 7, 7, a=""), second])) == [8]
    assert rules(checker.judge_owners([first, told("deletes", 3, 3, a=""), second])) == []


# --- what is read ---------------------------------------------------------------------------------


def test_the_cloud_is_read_past_faults_of_its_list(tmp_path: Path) -> None:
    with EmulatorServer(envs=[ENV], list_md5="multipart") as emulator:
        for key, body in {"media/中 文.txt": BODY, "site/index.html": b""}.items():
            emulator.put_object(key, body)
        cloud = checker.read_cloud(emulator.api_url, emulator.site_url(ENV), ENV)
    assert cloud == {"media/中 文.txt": BODY, "site/index.html": b""}


def test_a_tree_is_read_with_its_subfolders(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").write_bytes(BODY)
    assert checker.read_tree(tmp_path, "site") == {"site/css/a.css": BODY}


def test_the_tables_are_read_for_one_environment(tmp_path: Path) -> None:
    path = str(tmp_path / "db.sqlite3")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE wx_static_store_uploadlog "
            "(id, env, key, key_digest, status, md5, size, source)"
        )
        database.execute("CREATE TABLE wx_static_store_deployment (id, label, outcome)")
        database.execute("INSERT INTO wx_static_store_deployment VALUES (1, '1.x.0', 'done')")
        for env in (ENV, "another"):
            values = (1, env, KEY, row().digest, "stored", md5(BODY), 3, "wx_deploy")
            database.execute(
                "INSERT INTO wx_static_store_uploadlog VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values
            )
    assert checker.read_log(path, ENV) == ([row()], [DONE])
