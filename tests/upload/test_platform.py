"""What the stores of one platform share, and what a child process may not share with its parent."""

import math
import os
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.core.types import UploadItem
from wx_static_store.upload.uploader import get_uploader

FORK = """
import os, sys
from wx_static_store.conf.options import Options
from wx_static_store.upload.platform import platform_for
from wx_static_store.core.secrets import Secret

options = Options(env="env-1", access_token=Secret("token"))
of_the_parent = platform_for(options)
assert platform_for(options) is of_the_parent
if (child := os.fork()) == 0:
    os._exit(7 if platform_for(options).transport is of_the_parent.transport else 0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_makes_a_session_of_its_own() -> None:
    """Measured, M15: on a shared connection half of the answers are another process's."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fault", "narrow"),
    [
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 45011}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -501003}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -501004}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "status", "status": 429}, (1, math.inf)),
        ({"on": "put_object", "do": "cos_error", "code": "SlowDown", "status": 503}, (20, 1)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -1}, (20, math.inf)),
        ({"on": "put_object", "do": "reset"}, (20, math.inf)),
    ],
    ids=lambda value: str(next(reversed(value.values()))) if isinstance(value, dict) else "",
)
def test_a_throttle_of_one_environment_slows_all_of_the_platform(
    configure: Any, fault: dict[str, Any], narrow: tuple[float, float]
) -> None:
    """The calls where WeChat throttles, the PUTs where COS does."""
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    cloud.script(fault)
    get_uploader(env=ENV).transfer(UploadItem("a.txt", open=lambda: BytesIO(b"hello")))
    other = get_uploader(env="tenant-b").store
    assert (other.api_limiter.width, other.put_limiter.width) == narrow
