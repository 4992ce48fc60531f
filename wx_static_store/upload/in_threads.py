"""
The async twins of a storage's methods, by threads of their own.

Django's threads would run one call after the other, and those of the event loop are few.
"""

import os
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from functools import lru_cache, partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from ..conf import Options
from ..core.notes import own_caches
from .database import close_connections
from .workers import WorkerPool

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(
    method: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """
    Return the async twin of a method of a storage, which calls it in a thread.

    If the twin is cancelled, a call that has begun goes on.
    """

    @wraps(method)
    async def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        options: Options = self.options
        # Asked here: the function may look at the thread or the context.
        env = options.settled().env
        pool: Any = _pool(os.getpid(), options.max_workers)
        function: Callable[[], T] = partial(getattr(self, method.__name__), *args, **kwargs)

        def call() -> T:
            # What is set in a context of its own never comes back to the caller.
            return copy_context().run(_call, options, env, function)

        return await sync_to_async(call, thread_sensitive=False, executor=pool)()

    return twin


def _call(options: Options, env: object, function: Callable[[], T]) -> T:
    options.keep_env(env)
    with own_caches():
        try:
            return function()
        finally:
            close_connections()


@lru_cache(maxsize=8)
def _pool(pid: int, max_workers: int) -> WorkerPool:
    # By process: a fork has no thread of its parent's. One worker would be the event loop's thread.
    return WorkerPool(max(2, max_workers))
