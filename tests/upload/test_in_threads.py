"""The async twins of a storage: many at once, each for its caller, while the event loop goes on."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.backends.signals import connection_created
from django.utils import translation

from tests.bookshop.models import Book
from tests.conftest import ENV
from tests.upload.conftest import Shop
from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, UploadFailed
from wx_static_store.models import UploadLog
from wx_static_store.signals import upload_finished
from wx_static_store.storage import WxStorage

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "tenant-b"
here = threading.local()
tenant: ContextVar[str] = ContextVar("tenant", default=ENV)


def save(name: str, content: bytes = b"tea") -> Coroutine[Any, Any, str]:
    found: Coroutine[Any, Any, str] = default_storage.asave(name, ContentFile(content))
    return found


async def save_many(count: int) -> list[str]:
    return await asyncio.gather(*(save(f"{n}.txt", b"%d" % n) for n in range(count)))


def bodies(cloud: EmulatorServer, env: str = ENV) -> dict[str, bytes]:
    return {key: found.body for key, found in cloud.objects(env).items()}


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


@pytest.fixture
def ended() -> Iterator[list[str]]:
    """Return the names of the uploads that have ended, with their rows."""
    names: list[str] = []

    def note(result: Any, **more: Any) -> None:
        names.append(result.name)

    upload_finished.connect(note)
    yield names
    upload_finished.disconnect(note)


# --- what a twin does ----------------------------------------------------------------------------


def test_each_twin_does_what_its_method_does(configure: Any, emulator: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url()})

    async def work() -> list[Any]:
        name = await default_storage.asave("a.txt", ContentFile(b"tea"), max_length=50)
        size = await default_storage.asize(name)
        when = await default_storage.aget_modified_time(name)
        with await default_storage.aopen(name) as file:
            read = file.read()
        await default_storage.adelete(name)
        return [name, size, when.year > 2000, read, await default_storage.aexists(name)]

    assert asyncio.run(work()) == ["a.txt", 3, True, b"tea", False]


def test_an_error_is_that_of_the_method(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088})
    with pytest.raises(UploadFailed):
        asyncio.run(save("a.txt"))
    assert UploadLog.objects.get(name="a.txt").errcode == 85088


def test_the_method_of_a_subclass_is_called(cloud: EmulatorServer) -> None:
    class Upper(WxStorage):
        def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
            return super().save(str(name).upper(), content, max_length)

    assert asyncio.run(Upper().asave("a.txt", ContentFile(b"tea"))) == "A.TXT"


def test_a_file_may_wait(shop: Callable[..., Shop]) -> None:
    here = shop(wait="always", env=tenant.get)
    asyncio.run(here.storage.asave("a.txt", ContentFile(b"tea")))
    assert (here.waiting(), here.calls()) == ({"a.txt": "save"}, 0)


# --- many at once --------------------------------------------------------------------------------


def test_many_saves_are_sent_at_once(cloud: EmulatorServer) -> None:
    cloud.quirks.latency_api = 0.05
    assert len(asyncio.run(save_many(50))) == 50
    assert bodies(cloud) == {f"{n}.txt": b"%d" % n for n in range(50)}
    assert cloud.busiest > 4


@pytest.mark.parametrize("workers", [1, 20])
def test_the_event_loop_goes_on_during_a_save(configure: Any, workers: int) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": workers})
    cloud.quirks.latency_api = 0.1

    async def turns() -> int:
        count, task = 0, asyncio.create_task(save("a.txt"))
        while not task.done():
            await asyncio.sleep(0.001)
            count += 1
        return count

    assert asyncio.run(turns()) > 5


def test_no_connection_of_a_thread_is_left_open(cloud: EmulatorServer) -> None:
    opened: list[Any] = []

    def note(connection: Any, **more: Any) -> None:
        opened.append(connection)

    connection_created.connect(note)
    try:
        asyncio.run(save_many(5))
    finally:
        connection_created.disconnect(note)
    assert opened
    assert [one for one in opened if one.connection is not None] == []


class Handle(LocMemCache):
    """A cache whose handles know whether they are open."""

    made: ClassVar[list["Handle"]] = []

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self.is_open = True
        self.made.append(self)

    def close(self, **kwargs: Any) -> None:
        self.is_open = False


def test_a_thread_closes_its_handles_of_a_cache_and_not_that_of_the_caller(
    cloud: EmulatorServer, settings: Any
) -> None:
    Handle.made.clear()
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.Handle"}}
    cache.get("any")
    asyncio.run(save_many(5))
    callers, *others = Handle.made
    assert callers.is_open
    assert others
    assert not any(handle.is_open for handle in others)


# --- for whom ------------------------------------------------------------------------------------


def test_each_task_saves_at_the_environment_of_its_context(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"ENV": tenant.get})

    async def save_for(env: str) -> None:
        tenant.set(env)
        await save("a.txt", env.encode())

    async def work() -> None:
        await asyncio.gather(save_for(ENV), save_for(OTHER))

    asyncio.run(work())
    assert [bodies(cloud, env) for env in (ENV, OTHER)] == [
        {"a.txt": ENV.encode()},
        {"a.txt": OTHER.encode()},
    ]


def test_a_thread_local_is_that_of_the_caller(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"ENV": lambda: here.env})
    here.env = OTHER
    asyncio.run(save("a.txt"))
    assert (bodies(cloud), bodies(cloud, OTHER)) == ({}, {"a.txt": b"tea"})


def test_a_task_may_go_on_for_another_environment(configure: Any, ended: list[str]) -> None:
    """Even after a time-out, when the thread of the first save is still at work."""
    cloud = configure(WX_STATIC_STORE={"ENV": tenant.get})
    cloud.quirks.latency_api = 0.2

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await save("a.txt")
        tenant.set(OTHER)
        await save("b.txt")

    asyncio.run(work())
    wait_for(lambda: len(ended) == 2)
    assert ([*bodies(cloud)], [*bodies(cloud, OTHER)]) == (["a.txt"], ["b.txt"])


def test_an_env_that_fails_is_an_error_before_any_call(configure: Any) -> None:
    """As one that asks the database does, which Django refuses in the event loop."""
    cloud = configure(WX_STATIC_STORE={"ENV": lambda: Book.objects.get().title})
    with pytest.raises(ConfigurationError, match=r"env failed \(SynchronousOnlyOperation"):
        asyncio.run(save("a.txt"))
    assert cloud.journal == []


def test_an_error_is_in_the_language_of_the_caller(cloud: EmulatorServer) -> None:
    with translation.override("zh-hans"), pytest.raises(FileNotFoundError, match="环境中没有"):
        asyncio.run(default_storage.asize("a.txt"))


# --- cancelled -----------------------------------------------------------------------------------


def test_a_cancelled_save_goes_on_and_has_its_row(cloud: EmulatorServer, ended: list[str]) -> None:
    cloud.quirks.latency_put = 0.5

    async def work() -> None:
        task = asyncio.create_task(save("a.txt"))
        while not cloud.calls("staticuploadfile"):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    wait_for(lambda: ended)
    assert bodies(cloud) == {"a.txt": b"tea"}
    assert UploadLog.objects.get().status == "stored"


def test_a_save_that_is_cancelled_before_its_turn_sends_nothing(
    configure: Any, ended: list[str]
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 2})
    cloud.quirks.latency_api = 0.1

    async def work() -> None:
        task = asyncio.create_task(save_many(6))
        while not cloud.journal:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    wait_for(lambda: len(ended) == 2)
    assert {*bodies(cloud)} == {"0.txt", "1.txt"}
