"""Provide stores over an emulator, for every test that needs a connection."""

import gc
import importlib
import logging
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.dispatch import receiver
from django.test import override_settings
from django.test.signals import setting_changed
from hypothesis import HealthCheck

from tests.catalogue import faults
from tests.parts import LONG, SHARED, paths
from tests.waiting import skipping_clock
from wx_static_store.core import notes
from wx_static_store.deploy import locks
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload import platform as platforms, store, workers

ENV = "demo-1a2b3c4d5e6f7g8h"
_numbers = count(1)


def examples(number: int, *, part: int = 5, **more: Any) -> hypothesis.settings:
    """Return settings for so many random examples with WX_ALL_EXAMPLES, for a part without."""
    wanted = number if "WX_ALL_EXAMPLES" in os.environ else number // part
    return hypothesis.settings(max_examples=wanted, **more)


# The same examples in each run; how long one takes depends on the machine.
hypothesis.settings.register_profile(
    "suite",
    examples(100),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")


# What takes seconds or minutes and is the same on every machine: each run of CI runs it once.
slow = pytest.mark.skipif("WX_SLOW" not in os.environ, reason="takes a while: WX_SLOW=1 runs it")


def slow_on_sqlite(test: Any) -> Any:
    """Mark a test that PostgreSQL and MariaDB run always, and SQLite with WX_SLOW."""
    return slow(test) if connection.vendor == "sqlite" else test


def slow_but(values: Iterable[Any], *quick: Any) -> list[Any]:
    """Return parameters of which only these run without WX_SLOW."""
    return [pytest.param(value, marks=[slow] * (value not in quick)) for value in values]


def pytest_collection() -> None:
    """Collect without a search for garbage: all that is made stays."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with the longest files: at the end all of them are busy with short ones."""
    if hasattr(config, "workerinput"):
        first = {config.rootpath / path: rank for rank, path in enumerate(paths(LONG))}
        ranks = {
            path: min((first[each] for each in (path, *path.parents) if each in first), default=99)
            for path in {item.path for item in items}
        }
        items.sort(key=lambda item: (ranks[item.path], item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker all tests of a file; of one in SHARED, those of one first parameter."""
    from xdist.scheduler import LoadFileScheduling

    shared = {*paths(SHARED)}

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path, _, test = nodeid.partition("::")
            return path + test.partition("[")[2].split("-")[0] if path in shared else path

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Take the tests and modules, which stay, out of each later search for garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add the tests that needed a second try to a file, which the summary of ``.ci/run`` shows."""
    if path := os.environ.get("WX_SECOND_TRIES"):
        with Path(path).open("a") as file:
            file.writelines(f"{each.nodeid}\n" for each in terminalreporter.stats.get("rerun", ()))


def ci_package(name: str) -> Any:
    """Import a package of the extra ``ci``: if it is missing skip, with WX_REQUIRE_CI fail."""
    if "WX_REQUIRE_CI" in os.environ:
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is in the extra ci, not in dev")


def ci_npm() -> None:
    """Skip where npm is missing; with WX_REQUIRE_CI fail."""
    if not shutil.which("npm"):
        (pytest.fail if "WX_REQUIRE_CI" in os.environ else pytest.skip)("npm is missing")


@contextmanager
def lost_table(model: type[Model]) -> Iterator[None]:
    """Let each statement on the model's table fail, as if the table did not exist."""

    def refuse(execute: Any, sql: str, *more: Any) -> Any:
        return execute(sql.replace(model._meta.db_table, "no_such_table"), *more)

    with connection.execute_wrapper(refuse):
        yield


@pytest.fixture
def no_last_put(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for what a killed deploy had sent: nothing was sent."""
    monkeypatch.setattr(locks, "LAST_PUT", 0.0)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a store's clock jump where it would sleep: before the next try, or another look."""
    monkeypatch.setattr(store, "Clock", skipping_clock)


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever ends a run wait a moment for what is under way, not three seconds."""
    monkeypatch.setattr(workers, "GRACE", 0.3)


@receiver(setting_changed)
def end_rests(*, setting: str = "CACHES", **changed: object) -> None:
    """Ask a cache again that failed in the test before, or under other settings."""
    if setting == "CACHES":
        for rest in notes.rests.values():
            rest.since = -math.inf


def close_connections() -> None:
    """Close those to a test's emulators; else the suite has more than select() can count."""
    for platform in platforms._platforms.values():
        platform.transport._pools.close()
    platforms._platforms.clear()
    store._store.cache_clear()


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """
    Forget the tokens and addresses of the test before; fail one that leaves changed settings.

    `configure()` comes before a change by pytest-django's `settings`: they are undone in that order
    only.
    """
    before = settings._wrapped
    # Only where a worker of Celery in this process has set another: it makes all logs look anew.
    if logging.root.level != logging.WARNING:
        logging.root.setLevel(logging.WARNING)
    if settings.configured:
        cache.clear()
    end_rests()
    yield
    close_connections()
    assert settings._wrapped is before, "call configure() before you change `settings`"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with chromium_of_debian() as browser:
        yield browser


@contextmanager
def chromium_of_debian() -> Iterator[Any]:
    """
    Start Debian's Chromium: the one without windows, which needs half of the time, if it is there.

    Playwright's event loop must not outlive it: Django refuses one.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "chromium is required here and missing"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV, "tenant-b")) as server:
        yield server


@contextmanager
def configured(emulator: EmulatorServer, folder: Path, **changes: Any) -> Iterator[None]:
    """Let both aliases write to the emulator; `changes` are other settings."""
    wanted = {
        "STORAGES": {
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {
                "BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage",
                "OPTIONS": {"location": "static"},
            },
        },
        "STATIC_ROOT": str(folder / "static_root"),
        "WX_STATIC_STORE": {
            **settings.WX_STATIC_STORE,
            "ENV": ENV,
            "ACCESS_TOKEN": emulator.access_token,
            "API_BASE_URL": emulator.api_url,
        },
    }
    for name, value in changes.items():
        merged = name == "WX_STATIC_STORE"
        wanted[name] = wanted[name] | value if merged else value
    with override_settings(**wanted):
        yield


@pytest.fixture
def configure(
    emulator: EmulatorServer,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """Return `configure(**settings)`: both aliases write to the emulator until the test ends."""
    # Four of five tests collect no files: a folder for each would take a millisecond.
    has_folder = "tmp_path" in request.fixturenames
    nowhere = tmp_path_factory.getbasetemp() / f"unused-{next(_numbers)}"
    folder = request.getfixturevalue("tmp_path") if has_folder else nowhere
    with ExitStack() as active:

        def apply(**changes: Any) -> EmulatorServer:
            active.enter_context(configured(emulator, folder, **changes))
            return emulator

        yield apply


@pytest.fixture
def whole_catalogue() -> None:
    """Skip a test that reads many Chinese texts while one of them is missing."""
    if faults():
        pytest.skip("tests/test_translations.py says which text has no Chinese")
