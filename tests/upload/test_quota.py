"""How many calls WeChat allows: asked once, remembered for ten minutes."""

from __future__ import annotations

from typing import Any

import pytest

from wx_static_store import conf
from wx_static_store.clients.platform import PlatformClient, Quota
from wx_static_store.clients.wechat import LINKS, LIST
from wx_static_store.core.retry import Deadline
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.upload.platform import platform_for
from wx_static_store.upload.quota import quota_of

BROKEN = {"default": {"BACKEND": "tests.callback.conftest.BrokenCache"}}


def quota(path: str = LINKS) -> Quota:
    options = conf.options_for("default")
    platform = platform_for(options)
    client = PlatformClient(platform.transport, options.api_base_url)

    def ask() -> Quota:
        return platform.ask(
            lambda token, left: client.quota(token, path, deadline=left),
            deadline=Deadline.after(10),
            max_attempts=1,
        )

    return quota_of(platform, path, ask)


def test_what_was_asked_is_not_asked_again(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    emulator.quirks.update({"daily_limit": 100})
    assert quota() == quota() == Quota(daily_limit=100, remain=100)
    assert len(emulator.calls("quota_get")) == 1


def test_each_call_has_a_quota_of_its_own(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    quota(LINKS)
    quota(LIST)
    assert len(emulator.calls("quota_get")) == 2


@pytest.mark.parametrize("errcode", [76021, 76022, 45009])
def test_a_path_without_a_figure_is_not_asked_again(
    configure: Any, emulator: EmulatorServer, errcode: int
) -> None:
    configure()
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": errcode, "times": None})
    assert quota() == quota() == Quota()
    assert len(emulator.calls("quota_get")) == 1


def test_another_refusal_is_raised_and_asked_again(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError, match="40097"):
        quota()
    assert quota() == Quota()


def test_without_a_cache_it_is_asked_each_time(configure: Any, emulator: EmulatorServer) -> None:
    configure(CACHES=BROKEN)
    quota()
    quota()
    assert len(emulator.calls("quota_get")) == 2
