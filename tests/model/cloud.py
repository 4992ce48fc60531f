"""The cloud of the model: the emulator under a clock that stands still, and what can be known."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.apps import apps
from django.core.cache import cache
from django.db.models import DateTimeField, F

from tests.conftest import ENV
from wx_static_store.core.types import DELETED_MD5
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.bucket import StoredObject

SLACK = 2  # seconds by which clocks of COS may differ: within them a list counts more than the log
LATEST = 60  # seconds for which the log may know more than the list

Object = StoredObject | None


def is_public(there: Object) -> bool:
    return there is not None and there.md5 != DELETED_MD5


@dataclass
class Cloud:
    """
    The bucket, the late list of it, and the objects of which somebody was told that they are there.

    The clock of the emulator moves by `wait` alone. The clock of the project does not move: its
    rows and notes become older.
    """

    seconds: float = field(default_factory=lambda: float(int(time.time())))
    told: dict[str, Object] = field(default_factory=dict)
    told_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = EmulatorServer(envs=[ENV], clock=lambda: self.seconds)
        self.server.start()

    # --- what happens ---------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self.seconds += seconds
        for key in cache._expire_info:  # type: ignore[attr-defined]
            cache._expire_info[key] -= seconds  # type: ignore[attr-defined]
        for model in apps.get_app_config("wx_static_store").get_models():
            fields = [each.name for each in model._meta.fields if isinstance(each, DateTimeField)]
            # `stored_at` is a time of COS, not of the database.
            older = {name: F(name) - timedelta(seconds=seconds) for name in fields}
            older.pop("stored_at", None)
            if older:
                model._base_manager.update(**older)

    def write(self, key: str, body: bytes | None) -> None:
        """Write an object as somebody else does, or remove it."""
        if body is None:
            self.server.delete_object(key)
        else:
            self.server.put_object(key, body)

    def tell(self, key: str) -> None:
        """Note that somebody was told of what is there now."""
        self.told[key], self.told_at[key] = self.at(key), self.seconds

    # --- what is there --------------------------------------------------------------------------

    def at(self, key: str) -> Object:
        return self.server.state.find(ENV).bucket.get(key)

    def all(self) -> dict[str, StoredObject]:
        return self.server.objects()

    def listed(self, key: str) -> Object:
        """Return the object as the list shows it now."""
        as_of = self.seconds - self.server.quirks.list_lag_seconds
        return self.server.state.find(ENV).bucket.all(as_of=as_of).get(key)

    def is_told(self, key: str) -> bool:
        """Return whether what is there is what somebody was told of last."""
        return key in self.told and self.told[key] is self.at(key)

    def is_certain(self, key: str) -> bool:
        """
        Return whether the package can know what is there: by the list, or by the log.

        It cannot know what somebody else wrote and no list shows yet, nor what it was not told of;
        within two seconds it may take the one for the other.
        """
        there, shown = self.at(key), self.listed(key)
        if _same(there, shown):
            fresh = self.told_at.get(key, 0) > self.seconds - LATEST
            return bool(there) or not fresh or not is_public(self.told[key])
        if not self.is_told(key) or there is None:
            return False
        return shown is None or abs(there.last_modified - shown.last_modified) > SLACK


def _same(one: Object, other: Object) -> bool:
    if one is None or other is None:
        return one is other
    return (one.md5, one.last_modified) == (other.md5, other.last_modified)
