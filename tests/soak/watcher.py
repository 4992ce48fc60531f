"""
Watch a site as its visitors see it: is a page ever shown with what is not of its release?

Nothing of the package is imported here, so that a mistake of the package cannot hide itself. What
each name of an asset holds is known: it never changes.
"""

import http.client
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

DELETED = b"this file was deleted\n"
START = "index.html"

_LOADED = re.compile(rb'<(?:link|script|img) [^>]*(?:href|src)="/([^"]+)"|url\("/([^"]+)"\)')
_LINKED = re.compile(rb'<a href="/([^"]+)"')

Get = Callable[[str], bytes | None]  # what is at a key; None: nothing


@lru_cache(maxsize=4096)
def loaded_by(body: bytes) -> tuple[str, ...]:
    """Return what a page or a style sheet is shown with."""
    return tuple((page or css).decode() for page, css in _LOADED.findall(body))


@lru_cache(maxsize=4096)
def linked_by(body: bytes) -> tuple[str, ...]:
    """Return to which pages a page leads."""
    return tuple(key.decode() for key in _LINKED.findall(body))


def live(get: Get, key: str) -> bytes | None:
    """Return a page; None where it is not there, or was blanked."""
    body = get(key)
    return None if body == DELETED else body


def mixed(get: Get, body: bytes, assets: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what this page, or a style sheet of it, loads and is not as its name says."""
    waiting = [*loaded_by(body)]
    for key in waiting:
        if (found := get(key)) == assets[key]:
            waiting += loaded_by(found) if key.endswith(".css") else ()
        else:
            what = {None: "missing", DELETED: "blanked"}.get(found, "other bytes")
            yield f"{key} ({what})"


def dead_ends(get: Get, releases: Collection[Mapping[str, bytes]]) -> Iterator[str]:
    """Yield links to nothing that are met from the start on, by pages of these releases alone."""
    waiting = [START]
    for key in waiting:
        body = live(get, key)
        if body is None:
            yield key
        elif any(release.get(key) == body for release in releases):
            waiting += [key for key in linked_by(body) if key not in waiting]


class Watcher(threading.Thread):
    """
    Fetch every page of a site and all that it loads, again and again.

    A page and its assets are several requests. So a page is judged only if it is the same one
    after them, in the same run of the deploys: else it may have been replaced, perhaps twice.
    """

    def __init__(self, address: str, pages: Collection[str], assets: Mapping[str, bytes]) -> None:
        super().__init__(daemon=True)
        self._host, self._pages, self._assets = urlsplit(address).netloc, pages, assets
        self._connection: http.client.HTTPConnection | None = None
        self._ended = threading.Event()
        self.run_number = 0  # set by whoever starts the runs
        self.judged = self.passes = 0
        self.mixed: list[str] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Watch until the block is left."""
        try:
            while not self._ended.is_set():
                for page in self._pages:
                    self._look_at(page)
                self.passes += 1
        except Exception as error:  # noqa: BLE001 -- raised at the end
            self.error = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it; raise what ended it before."""
        self._ended.set()
        self.join()
        if self._connection:
            self._connection.close()
        if self.error:
            raise self.error

    def _look_at(self, page: str) -> None:
        number, body = self.run_number, live(self._fetch, page)
        if body is None:
            return
        found = [*mixed(self._fetch, body, self._assets)]
        if not found:
            self.judged += 1
        elif (self._fetch(page), self.run_number) == (body, number):
            self.judged += 1
            self.mixed.append(f"run {number}: {page} with {', '.join(found)}")

    def _fetch(self, key: str) -> bytes | None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=30)
        self._connection.request("GET", f"/{key}")
        answer = self._connection.getresponse()
        body = answer.read()
        return body if answer.status == 200 else None
