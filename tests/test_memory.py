"""Memory does not grow with the size of a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer

MIB = 1024 * 1024

SAVE = """
import os, resource, django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=[], DATABASES={},
    STORAGES={"default": {"BACKEND": "wx_static_store.storage.WxStorage"}},
    WX_STATIC_STORE={
        "ENV": os.environ["WX_ENV"], "ACCESS_TOKEN": os.environ["WX_ACCESS_TOKEN"],
        "API_BASE_URL": os.environ["WX_API"],
    },
)
django.setup()
from django.core.files import File
from django.core.files.storage import default_storage
with open(os.environ["WX_FILE"], "rb") as raw:
    default_storage.save("big.bin", File(raw))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_of_a_save(size: int, folder: Path) -> int:
    """Most bytes that a process of its own held while it saved a file of `size` bytes."""
    folder.mkdir()
    path = folder / "big.bin"
    with path.open("wb") as file:
        file.truncate(size)
    with EmulatorServer(envs=(ENV,), directory=folder / "cloud") as cloud:
        names = {"WX_ENV": ENV, "WX_ACCESS_TOKEN": cloud.access_token, "WX_API": cloud.api_url}
        done = subprocess.run(
            [sys.executable, "-c", SAVE],
            env=os.environ | names | {"WX_FILE": str(path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert cloud.objects()["big.bin"].size == size
    return int(done.stdout) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_a_save_of_300_mb_needs_no_more_than_one_of_1_mb(tmp_path: Path) -> None:
    small, large = (peak_of_a_save(size * MIB, tmp_path / str(size)) for size in (1, 300))
    assert large - small < 16 * MIB
