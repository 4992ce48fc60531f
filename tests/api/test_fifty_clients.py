"""Fifty clients, four threads, a cloud that fails at random: answers, log and cloud agree."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.conftest import PNG
from tests.api.servers import Site, serving
from tests.conftest import ENV, slow
from wx_static_store.api.problems import PROBLEMS
from wx_static_store.emulator import EmulatorServer

pytestmark = slow
CLIENTS = 50
SECONDS = 30.0
SHARED_FOR = 0.5  # seconds in which clients meet at a name; a claim that is left lasts for a minute
# No PUT takes effect after its client has given up: the result would be unknown to all.
OPTIONS = {"MAX_ATTEMPTS": 2, "CONNECT_TIMEOUT": 2, "READ_TIMEOUT": 2, "DEADLINE": 5}
CACHE = "locmem.LocMemCache"  # of the one process; add() of the file-based one has two winners
FAULTS: tuple[dict[str, Any], ...] = (
    {"on": "put_object", "do": "drop_reply"},
    {"on": "put_object", "do": "drop_reply", "apply": False},
    {"on": "put_object", "do": "reset"},
    {"on": "put_object", "do": "reset", "apply": True},
    {"on": "put_object", "do": "reset_after", "bytes": 3},
    {"on": "put_object", "do": "html", "status": 502},
    {"on": "put_object", "do": "html", "status": 502, "apply": True},
    {"on": "put_object", "do": "html", "status": 504, "apply": True},
    {"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"},
    {"on": "put_object", "do": "cos_error", "status": 503, "code": "SlowDown"},
    {"on": "put_object", "do": "delay", "seconds": 0.4},
    {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
    {"on": "staticuploadfile", "do": "errcode", "errcode": 45011},
    {"on": "staticuploadfile", "do": "errcode", "errcode": 48001},
    {"on": "staticuploadfile", "do": "reset"},
    {"on": "staticuploadfile", "do": "html"},
    {"on": "staticuploadfile", "do": "delay", "seconds": 0.3},
    {"on": "staticfilelist", "do": "errcode", "errcode": -1},
    {"on": "staticfilelist", "do": "drop_reply"},
    {"on": "staticfilelist", "do": "html", "status": 502},
    {"on": "staticfilelist", "do": "delay", "seconds": 0.2},
    {"on": "get_object", "do": "reset"},
    {"on": "connection", "do": "accept_then_close"},
)


@dataclass(frozen=True)
class Answer:
    """What a request asked for, and its answer."""

    key: str
    md5: str
    status: int
    reply: dict[str, Any]  # empty where it is no JSON
    headers: dict[str, str]
    first: bool  # not an earlier answer again

    @property
    def row(self) -> int | None:
        """The id of its row in the log."""
        found: int | None = self.reply.get("id", self.reply.get("upload_id"))
        return found


class Row(NamedTuple):
    id: int
    key: str
    status: str
    md5: str
    source: str


# --- what the clients do --------------------------------------------------------------------------


class Client:
    """One of the fifty; draws what it does from the seed and its number."""

    def __init__(self, site: Site, seed: int, number: int, answers: list[Answer]) -> None:
        self.site, self.number, self.answers = site, number, answers
        self.random = random.Random(f"{seed} {number}")
        self.own: list[Answer] = []

    def run(self, start: float) -> None:
        kinds = (self.fresh, self.shared, self.shared, self.replacing, self.once, self.retry)
        while (elapsed := time.monotonic() - start) < SECONDS:
            if self.random.random() < 0.25:
                fault = self.random.choice(FAULTS)
                self.site.cloud.script(fault | {"times": self.random.choice((1, 1, 2, 3))})
            answer = self.random.choice(kinds)(int(elapsed / SHARED_FOR))
            if answer:
                self.answers.append(answer)

    def fresh(self, _period: int) -> Answer:
        """Upload to a name that nobody else has."""
        return self.upload(f"uploads/fresh/{self.drawn()}.png", self.drawn())

    def shared(self, period: int) -> Answer:
        """Upload to a name that others want at this moment, some with the same bytes."""
        name = f"uploads/shared/{period}-{self.random.randrange(3)}.png"
        return self.upload(name, self.random.choice(("the same", self.drawn())))

    def replacing(self, _period: int) -> Answer:
        """Replace this client's own file, at which nobody else writes."""
        name = f"uploads/own/{self.number}.png"
        answer = self.upload(name, self.drawn(), overwrite="true")
        self.own.append(answer)
        return answer

    def once(self, period: int) -> Answer:
        """Send a request with a key that others send at this moment, or a little before."""
        name = f"{max(0, period - self.random.randrange(4))}-{self.random.randrange(2)}"
        return self.upload(f"uploads/once/{name}.png", name, {"Idempotency-Key": name})

    def retry(self, _period: int) -> Answer | None:
        """Retry a row; of replaced files only this client's own."""
        others = [a for a in self.answers[-300:] if a.key.split("/")[1] in ("fresh", "shared")]
        known = [answer for answer in (*others, *self.own[-5:]) if answer.row]
        if not known:
            return None
        old = self.random.choice(known)
        return self.send(old.key, old.md5, "POST", f"/wx/uploads/{old.row}/retry/")

    def upload(self, name: str, text: str, headers: Any = None, **query: str) -> Answer:
        """PUT the body; POST a form with it where there is no key, now and then."""
        body = PNG + text.encode()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if headers or self.random.random() < 0.5:
            asked = "".join(f"?{option}={value}" for option, value in query.items())
            return self.send(name, md5, "PUT", f"/wx/uploads/default/{name}{asked}", body, headers)
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        form = _form({"store": "default", "path": name, **query}, body)
        return self.send(name, md5, "POST", "/wx/uploads/", form, kind)

    def send(self, key: str, md5: str, *request: Any) -> Answer:
        status, headers, body = self.site.exchange(*request)
        reply = json.loads(body) if "json" in headers.get("Content-Type", "") else {}
        first = headers.get("Idempotent-Replayed") is None
        return Answer(key, md5, status, reply, dict(headers), first)

    def drawn(self) -> str:
        return f"{self.number}-{self.random.getrandbits(64):x}"


def _form(fields: dict[str, str], body: bytes) -> bytes:
    head = '--b\r\nContent-Disposition: form-data; name="{}"'
    texts = [f"{head.format(name)}\r\n\r\n{value}\r\n" for name, value in fields.items()]
    file = f'{head.format("file")}; filename="a.png"\r\n\r\n'
    return "".join([*texts, file]).encode() + body + b"\r\n--b--\r\n"


# --- what must agree ------------------------------------------------------------------------------

Rows = dict[int, Row]
Objects = dict[str, str]  # the MD5 of each key


def bad_answers(answers: list[Answer], _rows: Rows, _objects: Objects) -> Iterator[str]:
    """Find answers that are neither a stored file nor a problem of ours."""
    for a in answers:
        code = a.reply.get("code", "")
        if a.status != 201 and PROBLEMS.get(code, (0,))[0] != a.status:
            yield f"no problem of ours: {a}"
        if a.headers.get("X-WX-Code", "") != code:
            yield f"another code in the header ({a.headers.get('X-WX-Code')}): {a}"


def false_rows(answers: list[Answer], rows: Rows, _objects: Objects) -> Iterator[str]:
    """Find answers that differ from their row, and rows that no answer names."""
    for a in (a for a in answers if a.row or a.status == 201):
        row = rows.get(a.row or 0)
        code = a.reply.get("code")
        status = {None: "stored", "unknown": "unknown"}.get(code, "failed")
        if row is None or (row.key, row.status) != (a.key, status) or row.md5 not in (a.md5, ""):
            yield f"{row} for {a}"
        if a.headers.get("X-WX-Status") != status or a.headers.get("X-WX-Upload-Id") != str(a.row):
            yield f"{a.headers} for {a}"
    known = Counter(a.row for a in answers if a.first)
    # Of a retry that was unknown and then found in the list, the answer names the newer row.
    settled = {(r.key, r.md5) for r in rows.values() if r.source == "list"}
    for row in rows.values():
        mended = row.status == "unknown" and (row.key, row.md5) in settled
        if known[row.id] != 1 and not (mended and known[row.id] == 0):
            yield f"{known[row.id]} answers name {row}"


def false_objects(answers: list[Answer], rows: Rows, objects: Objects) -> Iterator[str]:
    """Find objects that are not as the newest stored row says, or an unknown one after it."""
    of_key = defaultdict(list)
    for row in rows.values():
        of_key[row.key].append(row)
    for key in objects.keys() | of_key.keys():
        possible: set[str | None] = {None}
        for row in of_key[key]:
            possible = {row.md5} if row.status == "stored" else possible
            possible |= {row.md5} if row.status == "unknown" else set()
        if objects.get(key) not in possible:
            yield f"{key} is {objects.get(key)}, its rows are {of_key[key]}"


def repeated(answers: list[Answer], rows: Rows, _objects: Objects) -> Iterator[str]:
    """Find keys with which two uploads came to an end, and free names that two files got."""
    ended = Counter(row.key for row in rows.values() if row.status != "failed")
    for key in ended:
        if key.startswith("uploads/once/") and ended[key] > 1:
            yield f"{ended[key]} uploads of {key}"
    for key in {a.key for a in answers if "/shared/" in a.key}:
        stored = {a.md5 for a in answers if (a.key, a.status) == (key, 201)}
        if len(stored) > 1:
            yield f"{len(stored)} files got the name {key}"


JUDGES = (bad_answers, false_rows, false_objects, repeated)


def test_answers_rows_and_objects_agree_after_fifty_clients_under_faults(tmp_path: Path) -> None:
    seed = int(os.environ.get("WX_SEED") or random.SystemRandom().randrange(10**6))
    answers: list[Answer] = []
    with EmulatorServer(envs=(ENV,)) as cloud:
        with serving(Site(cloud, tmp_path, OPTIONS, CACHE), "gunicorn 4 threads") as site:
            clients = [Client(site, seed, number, answers) for number in range(CLIENTS)]
            with ThreadPoolExecutor(CLIENTS) as pool:
                start = time.monotonic()
                running = [pool.submit(client.run, start) for client in clients]
                assert [each.result() for each in running] == [None] * CLIENTS
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
            query = "SELECT id, key, status, md5, source FROM wx_static_store_uploadlog ORDER BY id"
            rows = {row[0]: Row(*row) for row in database.execute(query)}
        objects = {key: found.md5 for key, found in cloud.objects().items()}
    found = [text for judge in JUDGES for text in judge(answers, rows, objects)]
    assert not found, "\n".join([f"{len(found)} differences, WX_SEED={seed}:", *found[:20]])
    assert {row.status for row in rows.values()} == {"stored", "failed", "unknown"}
    assert {a.first for a in answers} == {True, False}
