"""The only worker threads: bounded in flight, the first surprise surfaces, serial with one."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from .cpus import a_cpu, kept_to

Item = TypeVar("Item")
Result = TypeVar("Result")

_GRACE = 3.0  # seconds that an interrupted run waits for what is in flight
_ROUNDS_BEFORE_REFUSED = 20  # of successes, before a width that was refused is tried again


class Gate:
    """
    How many may be inside at once: half as many after a throttle, then slowly more again.

    A round of successes at the present width makes room for one more; the width that was refused
    last is tried again only after many rounds. Without `most` the first throttle sets a width.
    """

    def __init__(self, throttle: type[Exception], most: float = math.inf) -> None:
        self.width = self._most = most
        self._throttle = throttle
        self._inside = 0
        self._peak = 0  # most that were inside at once since it narrowed
        self._refused = 0  # the width that was too much the last time
        self._successes = 0
        self._elders = 0  # went in before it narrowed: what they meet says nothing of the new width
        self._news = threading.Condition()

    @contextmanager
    def entered(self, left: Callable[[], float]) -> Iterator[None]:
        """Inside, once there is room; or no time is `left`, which the call itself will say."""
        with self._news:
            self._news.wait_for(self._has_room, min(left(), threading.TIMEOUT_MAX))
            self._inside += 1
            self._peak = max(self._peak, self._inside)
        try:
            yield
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)

    def _has_room(self) -> bool:
        return self._inside < self.width

    def _leave(self, error: BaseException | None) -> None:
        with self._news:
            self._inside -= 1
            if self._elders:
                self._elders -= 1  # near enough: calls end about in the order in which they began
            elif isinstance(error, self._throttle):
                self._narrow()
            elif error is None:
                self._widen()
            self._news.notify(2)  # the room that is left, and what was added to it

    def _narrow(self) -> None:
        self._refused, self.width = self._peak, max(1, self._peak // 2)
        self._peak = self._successes = 0
        self._elders = self._inside

    def _widen(self) -> None:
        self._successes += 1
        rounds = _ROUNDS_BEFORE_REFUSED if self.width + 1 == self._refused else 1
        if self._successes >= rounds * self.width and self.width < self._most:
            self.width, self._successes = self.width + 1, 0


@contextmanager
def every(seconds: float, function: Callable[[], object]) -> Iterator[None]:
    """Calls `function` now and then while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            function()

    thread = threading.Thread(target=beat, daemon=True, name="wx-static-store-beat")
    try:
        thread.start()
        yield
    finally:
        ended.set()
        if thread.ident:
            thread.join(_GRACE)


@contextmanager
def beside(function: Callable[[], object]) -> Iterator[None]:
    """Calls `function` while the block runs; waits a little for it, unless the block broke off."""
    thread = threading.Thread(target=function, daemon=True, name="wx-static-store-beside")
    thread.start()
    yield
    thread.join(_GRACE)


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    max_workers: int,
    crew: Crew | None = None,
) -> Iterator[Result]:
    """`function` of each item, as they finish; by a crew of its own if none is given."""
    with nullcontext(crew) if crew else Crew(max_workers) as crew:
        batch = Batch(crew, function)
        yield from arrivals(batch.finished, batch.steps(items))


def arrivals(
    finished: Sequence[Result], steps: Generator[None, None, None]
) -> Generator[Result, None, None]:
    """What each step adds to `finished`."""
    taken = 0
    with closing(steps):
        for _step in steps:
            while taken < len(finished):
                taken += 1
                yield finished[taken - 1]


class Crew:
    """
    Worker threads, for the batches of the block that it is entered for.

    They are daemons, so that a hanging peer does not keep the process. With `one_cpu` they and
    the caller share one, from the first item to the end of the block: Python's lock lets one of
    them run at a time, and to hand it over to another CPU takes longer than what is done between
    two hand-overs. What the caller starts meanwhile stays there, too.
    """

    def __init__(self, max_workers: int, *, one_cpu: bool = False) -> None:
        self.max_workers = max_workers
        self.stopped = False
        self.feeding = 0  # batches that have more items
        self._cpu = a_cpu() if one_cpu and max_workers > 1 else set()
        self._kept = ExitStack()
        self._todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._until = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._kept:
            self.stop()
            for _thread in self._threads:
                self._todo.put(None)
            for thread in self._threads:
                if thread.ident:  # it was started
                    thread.join(self.patience())

    def stop(self) -> None:
        """Nothing more is begun: a batch that is not at its end ends with KeyboardInterrupt."""
        self.stopped = True

    def heed(self) -> None:
        if self.stopped:
            raise KeyboardInterrupt

    @property
    def has_room(self) -> bool:
        """Whether workers will soon have nothing to do, unless another batch begins."""
        dry = not self.feeding and self._todo.qsize() < self.max_workers // 2
        return dry and not self.stopped

    def patience(self) -> float:
        """Seconds that are left to wait for what is in flight, for all batches together."""
        now = time.monotonic()
        self._until = min(self._until, now + _GRACE)
        return max(0.0, self._until - now)

    def hand_out(self, batch: Batch[Item, Any], item: Item) -> None:
        self.heed()
        if len(self._threads) < self.max_workers:
            self._hire()
        batch.handed += 1  # first: an interruption must not leave it uncounted
        self._todo.put((batch, item))

    def _hire(self) -> None:
        if not self._threads:
            self._kept.enter_context(kept_to(self._cpu, threading.get_native_id()))
        thread = threading.Thread(target=self._serve, daemon=True, name="wx-static-store")
        self._threads.append(thread)  # first: an interruption must not leave it unknown
        thread.start()

    def _serve(self) -> None:
        for batch, item in iter(self._todo.get, None):
            batch.serve(item)


@dataclass(eq=False)
class Batch(Generic[Item, Result]):
    """`function` applied to items by a crew; the results are in `finished` in order of arrival."""

    crew: Crew
    function: Callable[[Item], Result]
    lost: Callable[[Item], Result] | None = None
    finished: list[Result] = field(default_factory=list)
    handed: int = 0
    _served: list[None] = field(default_factory=list)  # as many as the workers are done with
    _in_work: dict[int, Item] = field(default_factory=dict)
    _news: queue.SimpleQueue[BaseException | None] = field(default_factory=queue.SimpleQueue)
    _dismissed: bool = False

    def steps(self, items: Iterable[Item]) -> Generator[None, None, None]:
        """
        One when half of the workers have something to do, and one whenever a result came.

        Whoever begins it beside another batch leaves it there: that one needs the other half.
        What `function` raises surfaces here, and so does Ctrl-C: what was not started then is
        dropped, what is in flight gets a few seconds, and its results come before the exception:
        `lost(item)` for what did not end in time. The crew is stopped then.
        """
        try:
            yield from self._here(items) if self.crew.max_workers == 1 else self._by_crew(items)
        except GeneratorExit:
            raise
        except BaseException:
            self.crew.stop()
            self.dismiss()
            yield
            raise
        finally:
            self.dismiss()

    def dismiss(self) -> None:
        """No more work; waits a few seconds at most for what is in flight."""
        if self._dismissed:
            return
        self._dismissed = True
        with suppress(queue.Empty):
            while len(self._served) < self.handed:
                self._news.get(timeout=self.crew.patience())
        if self.lost is not None:
            self.finished += map(self.lost, list(self._in_work.values()))

    def _here(self, items: Iterable[Item]) -> Iterator[None]:
        for item in items:
            self.crew.heed()
            self._do(item)
            yield

    def _by_crew(self, items: Iterable[Item]) -> Iterator[None]:
        """With twice as many in flight, later, as there are workers."""
        half, room, heard = self.crew.max_workers // 2, 2 * self.crew.max_workers, 0
        self.crew.feeding += 1
        try:
            for item in items:
                self.crew.hand_out(self, item)
                if self.handed == half:
                    yield
                if self.handed - heard == room:
                    heard += self._wait()
                    yield
        finally:
            self.crew.feeding -= 1
        if self.handed < half:
            yield
        while heard < self.handed:
            heard += self._wait()
            yield

    def _wait(self) -> int:
        """One that is done; raises what it ended with."""
        self.crew.heed()
        if (error := self._news.get()) is not None:
            raise error
        return 1

    def serve(self, item: Item) -> None:
        """In a worker's thread."""
        error = None
        try:
            if not (self._dismissed or self.crew.stopped):
                self._do(item)
        except BaseException as caught:  # noqa: BLE001 -- it is raised again by `_wait`
            error = caught
        self._served.append(None)
        self._news.put(error)

    def _do(self, item: Item) -> None:
        me = threading.get_ident()
        self._in_work[me] = item
        self.finished.append(self.function(item))
        del self._in_work[me]
