"""
The book of a storm: who saves writes what it begins and what returned, a judge reads it.

Each process has some names of its own, which it replaces and deletes again and again. If it is
killed in between, either is right: what was there before, or what it had begun.
"""

import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import uuid4

BEGINS, SAVED, DELETED, ROLLED_BACK, RAISED = "begins", "saved", "deleted", "rolled back", "raised"
NAMES = 20  # that persons give to their files
OWN = 3  # of each process
PAUSE = 0.2  # seconds between two saves of a process, at most
BLANK = md5(b"this file was deleted\n").hexdigest()


@dataclass(frozen=True)
class Line:
    """A change that begins, or how it ended; a deletion has no MD5."""

    how: str
    name: str
    md5: str = ""
    began: float = 0.0
    seconds: float = 0.0
    waited: bool = False


class Saver:
    """Saves, replaces and deletes; a tenth of the saves is rolled back."""

    def __init__(self, book: Path) -> None:
        from wx_static_store.signals import upload_waiting

        self._file, self._own = book.open("a"), uuid4().hex[:8]
        self._waiting: list[object] = []
        self._hear = lambda **facts: self._waiting.append(facts)
        upload_waiting.connect(self._hear)

    def run(self) -> None:
        """Go on until somebody kills this process."""
        while True:
            time.sleep(random.uniform(0, PAUSE))
            random.choice((self.save, self.save, self.replace, self.delete))()

    def save(self) -> None:
        """Save what a program or a person brings: its name may be taken."""
        from django.core.files.base import ContentFile
        from django.core.files.storage import storages
        from django.core.files.uploadedfile import SimpleUploadedFile

        body, name = _body(), f"{uuid4().hex}.txt"
        content: Any = ContentFile(body)
        if random.random() < 0.5:
            name = f"{random.randrange(NAMES)}.txt"
            content = SimpleUploadedFile(name, body)
        self._change(name, body, lambda: storages["default"].save(name, content))

    def replace(self) -> None:
        from django.core.files.base import ContentFile
        from django.core.files.storage import storages

        body, name = _body(), self._own_name()
        self._write(Line(BEGINS, name, md5(body).hexdigest()))
        self._change(name, body, lambda: storages["overwrite"].save(name, ContentFile(body)))

    def delete(self) -> None:
        from django.core.files.storage import storages

        name = self._own_name()
        self._write(Line(BEGINS, name))
        self._change(name, b"", lambda: storages["overwrite"].delete(name))

    def _own_name(self) -> str:
        return f"{self._own}/{random.randrange(OWN)}.txt"

    def _change(self, name: str, body: bytes, change: Callable[[], str | None]) -> None:
        """Make the change, with or without a transaction around it, and write how it ended."""
        from django.db import transaction

        from wx_static_store.exceptions import WxStaticStoreError

        chance, how = random.random(), SAVED if body else DELETED
        self._waiting.clear()
        with transaction.atomic() if chance < 0.3 else nullcontext():
            began = time.time()
            try:
                name = change() or name
                if chance < 0.1 and body:
                    transaction.set_rollback(True)
                    how = ROLLED_BACK
            except WxStaticStoreError as error:
                how, name = RAISED, f"{name}: {error}"
            seconds = time.time() - began
        digest = md5(body).hexdigest() if body else ""
        self._write(Line(how, name, digest, began, seconds, bool(self._waiting)))

    def _write(self, line: Line) -> None:
        self._file.write(json.dumps(vars(line)) + "\n")
        self._file.flush()


def _body() -> bytes:
    return os.urandom(random.randrange(1, 5000))


def read(book: Path) -> list[Line]:
    return [Line(**json.loads(line)) for line in book.read_text().splitlines()]


def judge(
    book: Sequence[Line], objects: Mapping[str, tuple[str, float]], *, direct: bool
) -> Iterator[str]:
    """
    Yield what is not as the book says of the objects: the MD5 of each, and when it came.

    A `direct` save is public though it is rolled back. One whose answer was lost waits as well.
    """
    right: defaultdict[str, set[str]] = defaultdict(lambda: {""})
    for line in book:
        if line.how == RAISED:
            yield f"it raised: {line.name}"
        elif line.how == BEGINS:
            right[line.name].add(line.md5)
        elif line.how == ROLLED_BACK:
            _, came = objects.get(line.name, ("", 0.0))
            was_sent = direct and (not line.waited or 0 <= came - line.began <= line.seconds)
            right[line.name] |= {line.md5} if was_sent else set()
            right[line.name] -= set() if was_sent else {line.md5}
        else:
            right[line.name] = {line.md5}
    for name, digests in right.items():
        found, _ = objects.get(name, (BLANK, 0.0))
        if ("" if found == BLANK else found) not in digests:
            yield f"{name} is lost" if found == BLANK else f"{name} has bytes that are not its own"
