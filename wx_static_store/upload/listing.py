"""The objects at some thousand keys, by few calls of `staticfilelist`."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic

from ..core.interrupts import interruptible
from ..core.naming import common_prefix
from ..core.types import RemoteFile
from ..exceptions import WxStaticStoreError
from .store import Store
from .workers import WorkerPool

PAGE = 1000  # keys that one call lists


def most_calls(keys: Sequence[str]) -> int:
    """Return how many calls to spend on these keys."""
    folders = {key.partition("/")[0] for key in keys}
    return max(10, 2 * -(-len(keys) // PAGE) + len(folders))


@dataclass
class Listing:
    """The objects that were listed; keys are `unseen` if calls or time were up, or by `error`."""

    files: dict[str, RemoteFile] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    error: WxStaticStoreError | None = None


class Lookup:
    """
    Ask the list for sorted keys by at most `calls` calls; keys that are close share a call.

    After `until`, a moment of the monotonic clock, no call begins.
    """

    def __init__(self, store: Store, pool: WorkerPool, calls: int, until: float = math.inf) -> None:
        self._store, self._pool, self._until = store, pool, until
        self._calls, self._used = calls, count()
        self._error: WxStaticStoreError | None = None

    def ask(self, keys: Sequence[str]) -> Listing:
        """Return the objects that the list shows at these sorted keys, and between them."""
        parts = [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)]
        whole = Listing()
        for future in [self._pool.submit(self._ask, part) for part in parts]:
            with interruptible():
                files, unseen = future.result()
            whole.files |= files
            whole.unseen.update(unseen)
        whole.error = self._error
        return whole

    def _ask(self, keys: Sequence[str]) -> tuple[dict[str, RemoteFile], Sequence[str]]:
        """Return what is listed, and the keys that were not asked for."""
        files, at, marker = dict[str, RemoteFile](), 0, ""
        prefix = common_prefix([keys[0], keys[-1]])
        while at < len(keys):
            late = monotonic() >= self._until
            if late or self._error or next(self._used) >= self._calls:
                return files, keys[at:]
            # A list is in the order of its keys (wechat-cos.md, 1.4): begun shortly before the next
            # key that is wanted, it skips a folder with a million other objects.
            marker = max(marker, _before(keys[at]))
            try:
                page = self._store.page(prefix, marker)
            except WxStaticStoreError as error:
                self._error = error  # all others would fail alike
                return files, keys[at:]
            files |= {file.key: file for file in page.files}
            if page.marker is None:
                break
            marker = page.marker
            at = bisect_right(keys, marker, at)
        return files, ()


def _before(key: str) -> str:
    """Return a marker (exclusive) shortly before the key, whatever the keys beside it are."""
    start, last = key[:-1], ord(key[-1])
    return f"{start}{chr(last - 1)}~" if 0x21 <= last < 0x7F else start
