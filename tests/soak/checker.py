"""
Judge one environment from outside: what is public, what the log says, how processes ended.

Nothing of the package is imported here, so that a mistake of the package cannot hide itself: the
cloud is read over HTTP, the tables with plain SQL, and every digest is made here.
"""

import hashlib
import json
import signal
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

DELETED_MD5 = hashlib.md5(b"this file was deleted\n").hexdigest()
INTERRUPTED = 130  # exit code of a deploy that Ctrl-C or SIGTERM ended
UNNOTICED = 1.5  # seconds that a process which was about to end anyway may still take

_OPEN = build_opener(ProxyHandler({})).open  # loopback needs no proxy
_ROWS = "SELECT id, env, key, key_digest, status, md5, size, source FROM wx_static_store_uploadlog"
_DEPLOYMENTS = "SELECT id, label, outcome FROM wx_static_store_deployment"

Put = tuple[float, str, str]  # moment, key, MD5, in the order of the moments
Version = tuple[str, str, int]  # key, MD5 and size of an object that was there at some moment


@dataclass(frozen=True)
class Violation:
    """One broken promise; `rule` is its number in ``__main__.py``."""

    rule: int
    what: str


@dataclass(frozen=True)
class Row:
    """One row of the log."""

    id: int
    env: str
    key: str
    digest: str
    status: str
    md5: str
    size: int | None
    source: str

    def __str__(self) -> str:
        return f"row {self.id} says {self.status} {self.md5 or '-'} ({self.size} bytes)"


@dataclass(frozen=True)
class Deployment:
    """One row of the table of deployments."""

    id: int
    label: str
    outcome: str


@dataclass(frozen=True)
class Told:
    """
    What a process was told: the MD5s of files, and two moments between which they were there.

    `kind`: ``saved``, ``owned`` (a row of the project has the file), ``201``, ``201 without
    replace``, ``done``; ``deletes``: from `began` on, no row has the file.
    """

    process: str
    kind: str
    began: float
    ended: float
    files: Mapping[str, str]


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    name: str
    code: int
    signals: tuple[str, ...] = ()  # what was sent to it, in this order
    seconds: float = 0.0  # from the first signal, or else from the start, to the end
    limit: float = 5.0  # seconds that this may take
    label: str = ""  # of the deploy in which it ended, if it ended in one
    output: str = ""


# --- read -----------------------------------------------------------------------------------------


def read_cloud(api_url: str, site_url: str, env: str) -> dict[str, bytes]:
    """Return the public bytes of each object, past the caches."""
    with _OPEN(f"{api_url}/__emulator__/objects?env={env}", timeout=10) as answer:
        keys = list(json.load(answer))
    return {key: _get(f"{site_url}/{quote(key)}?past-the-caches") for key in keys}


def _get(url: str) -> bytes:
    with _OPEN(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def read_tree(folder: Path, prefix: str) -> dict[str, bytes]:
    """Return the files of a folder by the keys that they should have."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}


def read_log(database: str, env: str) -> tuple[list[Row], list[Deployment]]:
    """Return both tables of a database (a path, or an address that psycopg takes)."""
    with closing(_connect(database)) as connection:
        rows = [Row(*values) for values in _select(connection, _ROWS) if values[1] == env]
        return rows, [Deployment(*values) for values in _select(connection, _DEPLOYMENTS)]


def _connect(database: str) -> Any:
    if database.startswith("postgresql://"):
        import psycopg

        return psycopg.connect(database, connect_timeout=10)
    return sqlite3.connect(database, timeout=10)


def _select(connection: Any, query: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(f"{query} ORDER BY id")
    return cursor.fetchall()


def newest_rows(rows: Collection[Row]) -> dict[str, Row]:
    """Return the row with the greatest id of each key, found by the digest as the index does."""
    newest = {row.digest: row for row in sorted(rows, key=lambda row: row.id)}
    return {row.key: row for row in newest.values()}


# --- judge ----------------------------------------------------------------------------------------


def judge_tree(tree: Mapping[str, bytes], cloud: Mapping[str, bytes]) -> Iterator[Violation]:
    """Find what breaks rule 1: each file of the deployed tree is public, byte for byte."""
    for key, body in tree.items():
        if key not in cloud:
            yield Violation(1, f"{key} was deployed and is not there")
        elif cloud[key] != body:
            yield Violation(1, f"{key} is {_shown(cloud[key])}, the tree has {_shown(body)}")


def judge_tree_rows(
    tree: Collection[str], cloud: Mapping[str, bytes], rows: Collection[Row]
) -> Iterator[Violation]:
    """Find what breaks rule 2: the newest row of each such object is `stored`, with its MD5."""
    newest = newest_rows(rows)
    for key in sorted(cloud.keys() & set(tree)):
        row, md5 = newest.get(key), _md5(cloud[key])
        if row is None:
            yield Violation(2, f"{key} was deployed and has no row")
        elif (row.status, row.md5) != ("stored", md5):
            yield Violation(2, f"{key}: {row}, the object is {_shown(cloud[key])}")


def judge_claims(rows: Collection[Row], history: Collection[Version]) -> Iterator[Violation]:
    """Find what breaks rule 3: what a row calls `stored` was an object at some moment."""
    digests = {(key, md5) for key, md5, _size in history}
    sizes = {(key, size) for key, _md5, size in history}
    for row in rows:
        if row.digest != hashlib.sha256(row.key.encode()).hexdigest()[:40]:
            yield Violation(3, f"{row.key}: {row} under the digest {row.digest} of another key")
        # Where the list shows no MD5, a row that was made from it has none.
        known = (row.key, row.md5) in digests if row.md5 else (row.key, row.size) in sizes
        if row.status == "stored" and not known:
            yield Violation(3, f"{row.key}: {row}, which never was an object")


def judge_other_rows(
    folder: str, cloud: Mapping[str, bytes], rows: Collection[Row], *, bare_md5: bool
) -> Iterator[Violation]:
    """
    Find what breaks rule 4: reconciled, the newest row of each object outside the folder is true.

    `bare_md5` says that the list shows MD5s; without them a size is all that can be compared. A
    `failed` row is not judged: it tells of an upload, not of an object.
    """
    newest = newest_rows(rows)
    for key in sorted(key for key in cloud.keys() | newest.keys() if not key.startswith(folder)):
        if fault := _other_fault(cloud.get(key), newest.get(key), bare_md5=bare_md5):
            yield Violation(4, f"{key}: {fault}")


def _other_fault(body: bytes | None, row: Row | None, *, bare_md5: bool) -> str:
    if body is not None and _md5(body) == DELETED_MD5:
        body = None if row is None or row.md5 != DELETED_MD5 else body  # a list leaves it out
    if row is None:
        return "" if body is None else f"{_shown(body)} has no row"
    if row.status == "failed":
        return ""
    if body is None:
        return f"{row}, and there is no object"
    same_size = not bare_md5 and row.size == len(body)
    if row.status == "unknown":
        return "" if same_size else f"{row}, though the object could be looked at"
    same = row.md5 == _md5(body) or (same_size and not row.md5)
    return "" if same else f"{row}, the object is {_shown(body)}"


def judge_deployments(
    deployments: Collection[Deployment], excused: Collection[str]
) -> Iterator[Violation]:
    """Find what breaks rule 5: no run that could write how it ended is left as running."""
    for deployment in deployments:
        if deployment.outcome == "running" and deployment.label not in excused:
            yield Violation(5, f"deployment {deployment.id} ({deployment.label}) is left running")


def judge_ending(ending: Ending, deployments: Collection[Deployment]) -> Iterator[Violation]:
    """Find what breaks rule 6: a signal ends a process soon, a deploy with code 130."""
    if "SIGKILL" not in ending.signals and (fault := _ending_fault(ending, deployments)):
        after = f" after {' and '.join(ending.signals)}" if ending.signals else ""
        yield Violation(6, f"{ending.name} {fault}{after}:\n{ending.output}")


def _ending_fault(ending: Ending, deployments: Collection[Deployment]) -> str:
    if ending.seconds > ending.limit:
        return f"took {ending.seconds:.1f} s to end, not {ending.limit:.1f} s"
    ended = f"ended with code {ending.code}"
    if not ending.signals:
        return ended if ending.code else ""
    # Python itself loses a Ctrl-C that meets a destructor.
    ignored = ending.seconds > UNNOTICED and "Exception ignored" not in ending.output
    if ending.code == 0 and ignored:
        return f"went on for {ending.seconds:.1f} s to its end"
    wrong = len(ending.signals) == 1 and _has_wrong_code(ending, deployments)
    return f"{ended} in the deploy {ending.label}" if wrong else ""


def _has_wrong_code(ending: Ending, deployments: Collection[Deployment]) -> bool:
    """
    Return whether a deploy was ended in another way than as the command promises.

    Before its row is there the command may not have begun, and once it has said how the run went
    the command may be over: a signal then ends the process as it ends any other.
    """
    outcome = {it.label: it.outcome for it in deployments}.get(ending.label)
    if outcome is None or ending.code == INTERRUPTED:
        return False
    died = ending.code in (-signal.SIGINT, -signal.SIGTERM)
    return not died or outcome == "running" or "wx_deploy.py" in ending.output


def judge_told(told: Collection[Told], puts: Collection[Put]) -> Iterator[Violation]:
    """Find what breaks rule 7: the files were there together at a moment when they could be."""
    for it in told:
        if it.kind != "deletes" and not _was_true(it, puts):
            yield Violation(7, f"{it.process} was told {it.kind}, which was never true: {it}")


def _was_true(it: Told, puts: Collection[Put]) -> bool:
    there: dict[str, str] = {}
    before = [put for put in puts if put[0] < it.began and put[1] in it.files]
    there |= {key: md5 for _moment, key, md5 in before}
    if there == it.files:
        return True
    for moment, key, md5 in puts:
        if it.began <= moment <= it.ended and key in it.files:
            there[key] = md5
            if there == it.files:
                return True
    return False


def judge_free_names(told: Collection[Told], puts: Collection[Put]) -> Iterator[Violation]:
    """Find what breaks rule 8: a file that was sent to a free name replaced no other bytes."""
    for it in told:
        if it.kind in ("owned", "201 without replace"):
            [(key, md5)] = it.files.items()
            before = ""
            for moment, put_key, put_md5 in puts:
                if put_key == key and moment <= it.ended:
                    sent = moment >= it.began and put_md5 == md5
                    if sent and before not in ("", md5, DELETED_MD5):
                        yield Violation(8, f"{it.process} replaced {before} at {key}: {it}")
                    before = put_md5


def judge_owners(told: Collection[Told]) -> Iterator[Violation]:
    """Find what breaks rule 8, too: a file belongs to one row until that is deleted."""
    owners: dict[str, Told] = {}
    for it in sorted(told, key=lambda it: it.began if it.kind == "deletes" else it.ended):
        for key in it.files:
            if it.kind == "deletes":
                owners.pop(key, None)
            elif it.kind == "owned":
                if key in owners:
                    yield Violation(8, f"{key} belongs to two rows: {owners[key]} and {it}")
                owners[key] = it


def _md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def _shown(body: bytes) -> str:
    return f"{_md5(body)} ({body[:30]!r}, {len(body)} bytes)"
