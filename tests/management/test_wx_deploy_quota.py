"""``wx_deploy`` and WeChat's quota: it warns before it begins, and stops only if it is told to."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from tests.deploys import TREE, bodies, fails, run, sent, tenants, write
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db

WARNING = "Warning: Needed calls of staticuploadfile: 100. WeChat allows 99 today.\n"
SITE = TREE | {f"{n}.txt": b"%d" % n for n in range(47)}  # WeChat is asked if all is a hundred


@pytest.fixture
def dist(dist: Path) -> Path:
    write(dist, SITE)
    return dist


def test_a_quota_that_is_too_small_for_all_environments_is_a_warning(
    stores: EmulatorServer, dist: Path
) -> None:
    envs = tenants(2, stores)
    stores.quirks.update({"daily_limit": 99})
    err = StringIO()
    fails(dist, env=envs, code=1, stderr=err)
    assert err.getvalue().startswith(WARNING)
    assert bodies(stores, envs[0]) == SITE


@pytest.mark.parametrize("how", [{}, {"dry_run": True}], ids=["deploy", "dry run"])
def test_with_strict_nothing_is_published(
    stores: EmulatorServer, dist: Path, how: dict[str, bool]
) -> None:
    stores.quirks.update({"daily_limit": 99})
    err = StringIO()
    said = fails(dist, env=tenants(2, stores), code=1, strict=True, stderr=err, **how)
    assert err.getvalue() == WARNING
    assert said.endswith("Nothing was published: --strict.")
    assert sent(stores) == []
    assert not Deployment.objects.exists()


def test_what_lasts_longer_than_a_minute_is_announced_and_strict_lets_it_be(
    stores: EmulatorServer, dist: Path
) -> None:
    stores.quirks.update({"minute_limit": 98, "period_seconds": 120})
    err = StringIO()
    run(dist, env=tenants(2, stores), dry_run=True, strict=True, stderr=err)
    text = "Warning: WeChat allows 98 calls in 120 seconds, so this takes 2 minutes or more.\n"
    assert err.getvalue() == text


def test_a_quota_that_is_enough_is_not_mentioned(stores: EmulatorServer, dist: Path) -> None:
    stores.quirks.update({"daily_limit": 100, "minute_limit": 100})
    err = StringIO()
    run(dist, env=tenants(2, stores), strict=True, stderr=err)
    assert "Warning" not in err.getvalue()
    assert len(stores.calls("quota_get")) == 1


def test_a_quota_that_cannot_be_had_stops_nothing(stores: EmulatorServer, dist: Path) -> None:
    stores.script({"on": "quota_get", "do": "errcode", "errcode": -1, "times": None})
    err = StringIO()
    envs = tenants(2, stores)
    run(dist, env=envs, strict=True, stderr=err)
    assert "Warning" not in err.getvalue()
    assert bodies(stores, envs[1]) == SITE


def test_a_preview_that_was_shown_is_not_made_again(stores: EmulatorServer, dist: Path) -> None:
    stores.quirks.update({"daily_limit": 99})
    err = StringIO()
    run(dist, env=tenants(2, stores), dry_run=True, stderr=err)
    assert err.getvalue() == WARNING
    assert len(stores.calls("staticfilelist")) == 4, "one for the plan, one for stale files"
