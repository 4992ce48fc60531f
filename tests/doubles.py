"""Files and storages that say what was done with them."""

import io
import random
import time
from typing import Any, ClassVar

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


class CountingFile(io.BytesIO):
    """A file that counts how many of its bytes were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block


class ObjectStore(Storage):
    """
    A storage like S3: it overwrites, stores all of a file or nothing, and opens files lazily.

    It asks a file for its size, reads it from its start to its end, and closes it.
    """

    objects: ClassVar[dict[str, bytes]] = {}
    looks = 0

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def exists(self, name: str) -> bool:
        type(self).looks += 1
        return name in self.objects

    def size(self, name: str) -> int:
        return len(self.objects[name])

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def _save(self, name: str, content: Any) -> str:
        if content.seekable():
            content.seek(0)
        body = b"".join(iter(lambda: content.read(100_000), b""))
        assert content.size == len(body)
        self.objects[name] = body
        content.close()
        return name

    def _open(self, name: str, mode: str = "rb") -> Any:
        return _Lazy(self.objects, name)


class _Lazy(File):
    def __init__(self, objects: dict[str, bytes], name: str) -> None:
        if name not in objects:
            raise FileNotFoundError(name)
        self.name, self._objects, self._body = name, objects, None

    @property
    def file(self) -> Any:
        self._body = self._body or io.BytesIO(self._objects[self.name])
        return self._body

    @property
    def closed(self) -> bool:
        return False


class Nowhere(ObjectStore):
    """A storage that keeps nothing."""

    def _save(self, name: str, content: Any) -> str:
        content.read()
        return name


class Dawdling(FileSystemStorage):
    """A folder that takes its time, as a busy disk does."""

    def exists(self, name: str) -> bool:
        self._wait()
        return super().exists(name)

    def delete(self, name: str) -> None:
        self._wait()
        super().delete(name)
        self._wait()

    def _save(self, name: str, content: Any) -> str:
        self._wait()
        return super()._save(name, content)

    def _wait(self) -> None:
        time.sleep(random.choice((0, 0, random.uniform(0, 0.02))))
