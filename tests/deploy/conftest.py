"""A store that tries once and sends one file at a time, and its uploader."""

from typing import Any

import pytest

from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.uploader import Uploader, get_uploader


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "MAX_WORKERS": 1})
    return cloud


@pytest.fixture
def uploader(cloud: EmulatorServer) -> Uploader:
    return get_uploader()
