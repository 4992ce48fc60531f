"""A store whose files may wait, and an outage of WeChat that begins and ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from wx_static_store.conf import options_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import WaitingFile
from wx_static_store.storage import WxStorage
from wx_static_store.upload.waiting import note_away, note_back

# It ends the first try: nothing is tried twice, so no test waits.
QUOTA = {"on": "*", "do": "errcode", "errcode": 45009, "times": None}


class Shop:
    """A media store that lets its files wait, and what is around it."""

    def __init__(self, cloud: EmulatorServer, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder

    @property
    def storage(self) -> WxStorage:
        storage = storages["default"]
        assert isinstance(storage, WxStorage)
        return storage

    def save(self, content: bytes, name: str = "a.txt") -> str:
        return self.storage.save(name, ContentFile(content))

    def begin_outage(self, **fault: Any) -> None:
        """Let WeChat be away; nobody has noticed yet."""
        self.cloud.script(QUOTA | fault)

    def end_outage(self) -> None:
        """Let WeChat be there again, as everybody knows."""
        self.cloud.state.script.clear()
        note_back(options_for("default"))

    def notice_outage(self) -> None:
        self.begin_outage()
        note_away(options_for("default"), WxStaticStoreError())

    def save_in_outage(self, content: bytes, name: str = "a.txt") -> str:
        """Let a file wait."""
        self.notice_outage()
        saved = self.save(content, name)
        self.end_outage()
        return saved

    def public(self) -> dict[str, bytes]:
        return {key: found.body for key, found in self.cloud.objects().items()}

    def waiting(self) -> dict[str, str]:
        return dict(WaitingFile.objects.values_list("key", "kind"))

    def kept(self) -> list[bytes]:
        """Return the bytes in the waiting storage."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.read_bytes() for path in files)

    def calls(self) -> int:
        return len(self.cloud.journal)


def wait_at_a_wrong_store(shop: Callable[..., "Shop"], settings: Any) -> "Shop":
    """Let b.txt wait at a store whose settings are wrong, and a.txt at a good one."""
    here = shop()
    here.save_in_outage(b"tea", "b.txt")
    here.save_in_outage(b"tea")
    WaitingFile.objects.filter(key="b.txt").update(using="wrong")
    wrong = settings.STORAGES["default"] | {"OPTIONS": {"max_attempts": "many"}}
    settings.STORAGES = settings.STORAGES | {"wrong": wrong}
    return here


@pytest.fixture
def shop(configure: Any, emulator: EmulatorServer, tmp_path: Path) -> Callable[..., Shop]:
    """`shop(wait="outage", …)`: a store with these options."""

    def make(**options: Any) -> Shop:
        folder = tmp_path / "kept"
        local = "django.core.files.storage.FileSystemStorage"
        cloud = configure(
            STORAGES={
                "default": {
                    "BACKEND": "wx_static_store.storage.WxStorage",
                    "OPTIONS": {"wait": "outage"} | options,
                },
                "staticfiles": {"BACKEND": local},
                "kept": {"BACKEND": local, "OPTIONS": {"location": str(folder)}},
            },
            WX_STATIC_STORE={"WAITING_STORAGE": "kept", "BASE_URL": emulator.site_url()},
        )
        return Shop(cloud, folder)

    return make
