"""Show what a rollout starts with: which store, folder, release and environments."""

from pathlib import Path

import pytest
from django.core.management import CommandError

from tests.deploys import run
from tests.rollouts.conftest import (
    Broker,
    broker as broker,
    cloud as cloud,
    envs as envs,
    release as release,
)
from tests.rollouts.management.test_options import read
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.management.deploy_options import CommandLine
from wx_static_store.models import Release
from wx_static_store.releases.payload import Payload
from wx_static_store.rollouts.management.options import payload_of
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db


def start(*words: object) -> Payload:
    return payload_of(CommandLine.of_options(read("start", *map(str, words))))


def test_a_folder_that_was_deployed_is_its_release(
    dist: Path, envs: list[str], release: Release
) -> None:
    found = start(dist, "--using", "site", "--env", *envs[:2])
    assert (found.using, found.folder, found.targets) == (
        "site",
        "",
        dict.fromkeys(envs[:2], release),
    )


def test_a_folder_of_the_site_may_be_named(dist: Path, envs: list[str]) -> None:
    assert start(dist, "shop", "--using", "site", "--env", *envs).folder == "shop/"


def test_a_release_goes_to_the_folder_that_it_was_deployed_to(
    cloud: EmulatorServer, dist: Path, envs: list[str]
) -> None:
    run(dist, "shop", "--using", "site", "--env", "tenant-b", "--label", "v5")
    assert start("--release", "v5", "--env", *envs).folder == "shop/"


def test_links_that_lead_nowhere_are_warned_of(dist: Path, envs: list[str]) -> None:
    (dist / "index.html").write_text("<script src=assets/gone.js></script>")
    found = start(dist, "--using", "site", "--env", *envs)
    assert any("gone.js" in warning for warning in found.warnings())


def test_a_quota_that_is_too_small_is_warned_of(
    cloud: EmulatorServer, dist: Path, envs: list[str]
) -> None:
    for number in range(100):
        (dist / f"{number}.txt").write_text("")
    cloud.quirks.update({"daily_limit": 99})
    found = start(dist, "--using", "site", "--env", *envs)
    assert any("staticuploadfile" in warning for warning in found.warnings())


WRONG = {
    "no environment": ("--release v2", "Which environments?"),
    "nothing to bring": ("--env tenant-00", "a folder, or --release"),
    "no such release": ("--release v9 --env tenant-00", "No release is named"),
    "a tag without ENVIRONMENTS": ("--release v2 --tag ring/early", "ENVIRONMENTS"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_start_says_what_is_missing(
    envs: list[str], release: Release, broker: Broker, name: str
) -> None:
    words, text = WRONG[name]
    with pytest.raises((CommandError, WxStaticStoreError), match=text):
        start(*words.split())
    assert not Rollout.objects.exists()
