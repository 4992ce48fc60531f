"""The only worker threads: bounded in flight, the first surprise surfaces, serial with one."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_GRACE = 3.0  # seconds that an interrupted run waits for what is in flight
_DONE = object()


class Gate:
    """At most `width` inside at once: fewer calls at the API host than there are workers."""

    def __init__(self, width: int) -> None:
        self._semaphore = threading.BoundedSemaphore(width)

    def __enter__(self) -> None:
        self._semaphore.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._semaphore.release()


def run(
    function: Callable[[Item], Result], items: Iterable[Item], *, max_workers: int
) -> Iterator[Result]:
    """
    `function` of each item, as they finish; `items` is read only as far ahead as there is room.

    What `function` raises surfaces here, and what was not started then is dropped. Left early
    (an exception, Ctrl-C, a closed generator), it waits a few seconds at most: the workers are
    daemons, so that a hanging peer does not keep the process.
    """
    if max_workers == 1:
        yield from map(function, items)
        return
    yield from _Crew(function, max_workers).work(items)


class _Crew:
    def __init__(self, function: Callable[[Any], Any], size: int) -> None:
        self._function = function
        self._size = size
        self._todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def work(self, items: Iterable[Any]) -> Iterator[Any]:
        source, in_flight = iter(items), 0
        try:
            for item in source:
                self._submit(item)
                in_flight += 1
                if in_flight == 2 * self._size:
                    in_flight -= 1
                    yield self._next()
            while in_flight:
                in_flight -= 1
                yield self._next()
        finally:
            self._dismiss()

    def _submit(self, item: Any) -> None:
        self._todo.put(item)
        if len(self._threads) < self._size:
            thread = threading.Thread(target=self._serve, daemon=True, name="wx-static-store")
            self._threads.append(thread)
            thread.start()

    def _next(self) -> Any:
        result, error = self._done.get()
        if error is not None:
            raise error
        return result

    def _serve(self) -> None:
        while (item := self._todo.get()) is not _DONE:
            if self._stopped:
                continue
            try:
                self._done.put((self._function(item), None))
            except BaseException as error:  # noqa: BLE001 -- it is raised again by `_next`
                self._done.put((None, error))

    def _dismiss(self) -> None:
        self._stopped = True
        for _ in self._threads:
            self._todo.put(_DONE)
        for thread in self._threads:
            thread.join(_GRACE / len(self._threads))
