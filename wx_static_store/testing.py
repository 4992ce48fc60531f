"""
A pytest plugin for projects that use this app (it loads by itself).

Fixtures: `wx_emulator` (the project's stores write to an emulator on this machine) and
`wx_storage` (a `WxStorage` over it). And a guard: no test uploads to the real WeChat, or to the
emulator that the project's own settings name, unless it is marked ``wx_real``.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from .emulator import EmulatorServer

__all__ = ["wx_emulator", "wx_storage"]

ENV = "demo-1a2b3c4d5e6f7g8h"  # where a project names none
REAL = ("api_base_url", "base_url", "token_provider", "upload_hosts")  # removed in tests


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "wx_real: this test may publish files for real")


@pytest.fixture
def wx_emulator() -> Iterator["EmulatorServer"]:
    """Start an emulator, to which every store of the project writes while the test runs."""
    from django.test import override_settings

    from .conf.settings import general_settings, setting, stores
    from .emulator import EmulatorServer

    own = {k.upper(): v for k, v in general_settings().items() if v is not None}
    own.setdefault("ENV", ENV)
    wanted = (own["ENV"], *(dict(given).get("env") for _kind, given in stores().values()))
    envs = dict.fromkeys(env() if callable(env) else env for env in wanted if env)
    storages = {alias: dict(config) for alias, config in setting("STORAGES").items()}
    for alias in stores():
        options = storages[alias].get("OPTIONS", {})
        storages[alias]["OPTIONS"] = {k: v for k, v in options.items() if k not in REAL}
    absolute = [name for name in ("STATIC_URL", "MEDIA_URL") if "//" in str(setting(name))]
    addresses = {name: f"/{name.lower()}/" for name in absolute}
    own |= dict.fromkeys(map(str.upper, REAL))
    with EmulatorServer(envs=envs) as emulator:
        own |= {"API_BASE_URL": emulator.api_url, "ACCESS_TOKEN": emulator.access_token}
        with override_settings(WX_STATIC_STORE=own, STORAGES=storages, **addresses):
            yield emulator


@pytest.fixture
def wx_storage(wx_emulator: "EmulatorServer") -> Any:
    """Return a `WxStorage` that writes to the emulator."""
    from django.core.files.storage import storages

    return storages.create_storage({"BACKEND": "wx_static_store.storage.WxStorage"})


@pytest.fixture(scope="session")
def _wx_own_addresses() -> frozenset[str]:
    """Return the API hosts of the project's settings, before a test changes them."""
    from .conf.settings import all_options, configured, platform_options
    from .exceptions import ConfigurationError

    if not configured():
        return frozenset()
    options = [*all_options().values()]
    with suppress(ConfigurationError):
        options.append(platform_options())
    return frozenset(urlsplit(each.api_base_url).netloc for each in options)


@pytest.fixture(autouse=True)
def _wx_static_store_guard(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _wx_own_addresses: frozenset[str],
) -> None:
    from .conf.settings import configured

    if not configured() or request.node.get_closest_marker("wx_real"):
        return
    from .clients.transport import Transport
    from .upload import claims, recorder

    recorder.reset()
    # Without a log, a name stays claimed for a minute, longer than a test.
    monkeypatch.setattr(claims, "SCOPE", uuid4().hex)
    monkeypatch.setattr(Transport, "_perform", _guard(Transport._perform, _wx_own_addresses))


def _guard(perform: Any, own: frozenset[str]) -> Any:
    """Guard the last step of an exchange, behind which bytes leave this process."""
    from .clients.links import is_loopback
    from .i18n import gettext as _, sentences

    def guarded(self: Any, request: Any, origin: str, *args: Any) -> Any:
        host, is_here = urlsplit(origin).netloc, is_loopback(origin)
        if is_here and host not in own:
            return perform(self, request, origin, *args)
        if is_here:
            why = _(
                "This test was about to write to the emulator that your settings name, %(host)s, "
                "where it would change the files you develop with.",
                host=host,
            )
        else:
            why = _("This test was about to publish a file for real, through %(host)s.", host=host)
        advice = _(
            "Use the fixture wx_storage or wx_emulator, or Django's InMemoryStorage; a test that "
            "must reach %(host)s is marked @pytest.mark.wx_real.",
            host=host,
        )
        return pytest.fail(sentences([why, advice]), pytrace=False)

    return guarded
