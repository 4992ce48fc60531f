"""Memory does not grow with the size of a file, and little with the number of files."""

import gc
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENV, slow
from tests.deploys import item
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.deploy.records import Records
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.sources import fingerprint
from wx_static_store.upload.workers import WorkerPool

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


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_a_save_of_300_mb_needs_no_more_than_one_of_1_mb(tmp_path: Path) -> None:
    small, large = (peak_of_a_save(size * MIB, tmp_path / str(size)) for size in (1, 300))
    assert large - small < 16 * MIB


def peak_of_a_release(number: int) -> int:
    """Most bytes that it took to record and keep a release, above its hashed files."""
    bodies = [f"{number}/{each}".encode() for each in range(number)]
    files = [fingerprint(item(f"assets/{body.hex()}.js", body)) for body in bodies]
    uploader = site_uploader("site")
    gc.collect()
    tracemalloc.start()
    try:
        with WorkerPool(1) as pool:
            before = tracemalloc.get_traced_memory()[0]
            Records("site").record(uploader, files, None, pool)
            return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@slow
@pytest.mark.django_db(transaction=True)
def test_a_release_needs_at_most_187_bytes_a_file_while_it_is_kept(configure: Any) -> None:
    """With the SHA-256 of each file, 113 bytes, a deploy takes less than 300 more than without."""
    site = {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"}
    configure(
        STORAGES={"site": site, "releases": {"BACKEND": "tests.doubles.Nowhere"}},
        WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
    )
    small, large = 1000, 5000  # more than are looked at together
    peak_of_a_release(2 * large)  # Python's own table of names grows in steps, and stays so
    first, second = peak_of_a_release(small), peak_of_a_release(large)
    assert second - first < 187 * (large - small)
