"""The environments of the platform, against those of the settings."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.conftest import Dead
from tests.conftest import ENV
from wx_static_store.conf import platform_options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Result
from wx_static_store.upload.hosting import Hostings

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

GROUP = [f"environments.{name}" for name in ("listed", "known", "usable", "hosting")]
OF_PLATFORM = {"ENVIRONMENTS": "wx_static_store.environments.of_platform"}


def group(results: dict[str, Result]) -> str:
    """Return the marks of the group, in its order."""
    return "".join(marks(results)[id] for id in GROUP)


def offer(*envs: str) -> dict[str, Any]:
    return {"ENVIRONMENTS": lambda user: {env: env for env in envs}}


def test_a_platform_that_is_well_is_four_lines(examined: Examine, emulator: EmulatorServer) -> None:
    found = examined()
    domain = emulator.site_url().removeprefix("http://")
    assert [said(found[id]).strip() for id in GROUP] == [
        "✓ Environments of the platform: 2.",
        f"✓ The platform has: {ENV}.",
        f"✓ Ready: {ENV}.",
        f"✓ Static hosting is open: {domain}.",
    ]


def test_many_environments_that_are_well_are_one_finding_each(
    examined: Examine, emulator: EmulatorServer
) -> None:
    found = examined(envs=[ENV, "tenant-b"])
    sites = [emulator.site_url(env).removeprefix("http://") for env in (ENV, "tenant-b")]
    assert [said(found[id]).strip() for id in GROUP[1:]] == [
        f"✓ The platform has: {ENV}, tenant-b.",
        f"✓ Ready: {ENV}, tenant-b.",
        f"✓ Static hosting is open: {sites[0]}, {sites[1]}.",
    ]


# --- which there are ----------------------------------------------------------------------------


def test_batch_cloud_development_that_is_not_open_is_the_one_thing_that_is_wrong(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"batch_opened": False})
    found = examined()
    assert [id for id, mark in marks(found).items() if mark == "✗"] == ["environments.listed"]
    assert "Open cloud development for your platform" in said(found["environments.listed"])
    assert group(found) == "✗–––"


@pytest.mark.parametrize("form", ["null", "[]", "missing"])
def test_a_platform_without_environments_is_wrong(
    examined: Examine, emulator: EmulatorServer, form: str
) -> None:
    emulator.quirks.update({"envs_as": form})
    found = examined()
    assert "createenv" in said(found["environments.listed"])
    assert group(found) == "✗–––"


def test_a_list_that_may_be_cut_off_is_a_warning(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"more_envs": 3000})
    found = examined()
    assert "3002 environments" in said(found["environments.listed"])
    assert group(found) == "!✓✓✓"


def test_another_refusal_is_shown_as_it_is(examined: Examine, emulator: EmulatorServer) -> None:
    emulator.script({"on": "describeenvs", "do": "errcode", "errcode": -501005, "times": None})
    assert "errcode -501005" in said(examined()["environments.listed"])


# --- those of the settings ----------------------------------------------------------------------


def test_a_misspelt_environment_of_a_store_names_the_nearest_and_the_store(
    examined: Examine, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"ENV": "demo-1a2b3c4d5e6f7g8"})
    found = examined()
    text = said(found["environments.known"])
    assert "no environment demo-1a2b3c4d5e6f7g8" in text
    assert f"Did you mean {ENV}? It is set for: default, staticfiles." in text
    assert group(found) == "✓✗––"


def test_a_misspelt_environment_of_the_command_names_the_nearest(examined: Examine) -> None:
    text = said(examined(envs=["tenant-c", ENV])["environments.known"])
    assert "✗ The platform has no environment tenant-c. Did you mean tenant-b?" in text


def test_the_others_are_asked_if_one_is_missing(
    examined: Examine, emulator: EmulatorServer
) -> None:
    found = examined(envs=["tenant-c", ENV])
    assert group(found) == "✓✗✓✓"
    assert {call.env for call in emulator.calls("describestaticstore")} == {ENV}


def test_an_offered_environment_that_the_platform_lacks_is_wrong(
    examined: Examine, configure: Any
) -> None:
    configure(WX_STATIC_STORE=offer(ENV, "tenant-d"))
    found = examined()
    text = said(found["environments.known"])
    assert "ENVIRONMENTS offers tenant-d, which the platform does not have." in text
    assert "Did you mean tenant-b?" in text
    assert group(found) == "✓✗✓✓"


def test_an_environment_that_is_not_offered_is_only_mentioned(
    examined: Examine, configure: Any
) -> None:
    configure(WX_STATIC_STORE=offer(ENV))
    result = examined()["environments.known"]
    assert said(result).strip() == (
        f"✓ The platform has: {ENV}. ENVIRONMENTS does not offer: tenant-b."
    )
    assert result.findings[0].data["not_offered"] == ["tenant-b"]


def test_many_that_are_not_offered_are_counted(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"more_envs": 100})
    configure(WX_STATIC_STORE=offer(ENV))
    assert " and 96 more." in said(examined()["environments.known"])


def test_a_halted_environment_that_is_no_longer_offered_is_a_warning(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=OF_PLATFORM)
    emulator.add_env("tenant-b", condition="HALTED")
    found = examined()
    assert group(found) == "✓!✓✓"
    text = said(found["environments.known"])
    assert "! tenant-b is halted (HALTED)" in text
    assert "its bills in the CloudBase console" in text
    assert "ENVIRONMENTS does not offer: tenant-b." in text


def test_a_halted_environment_of_a_store_is_wrong_beside_those_that_are_offered(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=OF_PLATFORM)
    emulator.add_env(ENV, condition="HALTED")
    found = examined(envs=["tenant-b"])
    assert group(found) == "✓✗✓✓"
    assert f"✗ {ENV} is halted (HALTED)" in said(found["environments.known"])


def test_a_halted_environment_is_named_without_asking_a_cache_that_is_away(
    examined: Examine, configure: Any, settings: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=OF_PLATFORM)
    settings.CACHES = {"default": {"BACKEND": f"{Dead.__module__}.{Dead.__name__}"}}
    emulator.add_env("tenant-b", condition="HALTED")
    assert group(examined()) == "✓!✓✓"
    assert len(emulator.calls("describeenvs")) == 1


def test_a_halted_environment_that_is_looked_at_is_named_once(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=OF_PLATFORM)
    emulator.add_env(ENV, condition="HALTED")
    assert group(examined()) == "✓✓✗–"


def test_a_function_that_fails_is_wrong(examined: Examine, configure: Any) -> None:
    def fail(user: Any) -> dict[str, str]:
        raise LookupError("no such table")

    configure(WX_STATIC_STORE={"ENVIRONMENTS": fail})
    found = examined()
    assert "ENVIRONMENTS failed (LookupError: no such table)" in said(found["environments.known"])
    assert group(found) == "✓✗✓✓"


# --- whether they are ready ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("HALTED", "its quota is used up, or it is banned"),
        ("UNAVAILABLE", "describeenvs begins the initialisation"),
        ("SLEEPING", "its status is SLEEPING"),
        ("\x1b[2J", r"its status is \x1b[2J"),
    ],
)
def test_an_environment_that_is_not_normal_is_wrong_and_not_asked_further(
    examined: Examine, emulator: EmulatorServer, condition: str, text: str
) -> None:
    emulator.add_env("tenant-b", condition=condition)
    found = examined(envs=[ENV, "tenant-b"])
    assert text in said(found["environments.usable"])
    assert f"✓ Ready: {ENV}." in said(found["environments.usable"])
    assert group(found) == "✓✓✗✓"
    assert {call.env for call in emulator.calls("describestaticstore")} == {ENV}


def test_without_a_ready_environment_none_is_asked_further(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"unavailable_calls": 1})
    assert group(examined()) == "✓✓✗–"
    assert emulator.calls("describestaticstore") == []
    assert group(examined()) == "✓✓✓✓", "the first call began the initialisation"


# --- their static hosting -----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["null", "[]", "missing", "no_domain"])
def test_hosting_that_was_never_opened_is_wrong(
    examined: Examine, emulator: EmulatorServer, form: str
) -> None:
    emulator.quirks.update({"describe_empty": form})
    emulator.add_env(ENV, "none")
    found = examined()
    text = said(found["environments.hosting"])
    assert f"Static hosting of {ENV}: it was never opened." in text
    assert "createstaticstore" in text
    assert group(found) == "✓✓✓✗"


@pytest.mark.parametrize(
    ("status", "mark", "text"),
    [
        ("init", "!", "it is being opened (init)"),
        ("process", "!", "it is being opened (process)"),
        ("offline", "✗", "it is closed (offline)"),
        ("destroying", "✗", "it is being closed (destroying)"),
        ("create_fail", "✗", "it could not be opened (create_fail)"),
        ("destroy_fail", "✗", "it could not be closed (destroy_fail)"),
        ("frozen", "!", "its status is not a known one (frozen)"),
    ],
)
def test_hosting_that_is_not_online_says_what_it_is(
    examined: Examine, emulator: EmulatorServer, status: str, mark: str, text: str
) -> None:
    emulator.quirks.update({"store_status": status})
    found = examined()["environments.hosting"]
    assert (found.mark.value, text in said(found)) == (mark, True)


def test_a_store_with_another_default_domain_is_a_warning(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"domain": "{env}-1300000000.tcloudbaseapp.com"})
    configure(WX_STATIC_STORE={"BASE_URL": "https://old-1300000000.tcloudbaseapp.com/"})
    found = examined()["environments.hosting"]
    assert found.mark.value == "!"
    assert f"Set base_url to https://{ENV}-1300000000.tcloudbaseapp.com/" in said(found)


@pytest.mark.parametrize(
    "address", ["https://static.example.com/", f"https://{ENV}-1300000000.tcloudbaseapp.com/"]
)
def test_a_custom_domain_and_the_right_default_domain_are_well(
    examined: Examine, configure: Any, emulator: EmulatorServer, address: str
) -> None:
    emulator.quirks.update({"domain": "{env}-1300000000.tcloudbaseapp.com"})
    configure(WX_STATIC_STORE={"BASE_URL": address})
    assert marks(examined())["environments.hosting"] == "✓"


def test_environments_that_fail_alike_are_one_finding(
    examined: Examine, emulator: EmulatorServer
) -> None:
    fault = {"on": "describestaticstore", "do": "errcode", "errcode": -501005, "times": None}
    emulator.script(fault)
    found = examined(envs=[ENV, "tenant-b"])["environments.hosting"]
    [finding] = found.findings
    assert f"Static hosting of {ENV}, tenant-b: describestaticstore was refused" in said(found)
    assert (finding.data["errcode"], finding.data["envs"]) == (-501005, [ENV, "tenant-b"])


def test_one_environment_that_hangs_does_not_hide_the_others(
    examined: Examine, emulator: EmulatorServer
) -> None:
    hang = {"on": "describestaticstore", "env": "tenant-b", "do": "hang", "seconds": 30}
    emulator.script({**hang, "times": None})
    found = examined(envs=[ENV, "tenant-b"], timeout=1.0)["environments.hosting"]
    assert found.mark.value == "✗"
    assert "Static hosting of tenant-b: " in said(found)
    assert "✓ Static hosting is open: " in said(found)


def test_two_hundred_environments_cost_few_calls_and_little_time(
    examined: Examine, emulator: EmulatorServer
) -> None:
    envs = [f"tenant-{number:03}" for number in range(200)]
    for env in envs:
        emulator.add_env(env)
    emulator.quirks.update({"latency_api": 0.04})
    started = time.monotonic()
    found = examined(envs=envs)
    assert time.monotonic() - started < 20
    assert len(emulator.calls()) <= 2 * len(envs) + 6
    assert group(found) == "✓✓✓✓"
    assert "and 195 more." in said(found["environments.hosting"])


def test_the_list_of_the_platform_is_no_reason_for_many_calls(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=OF_PLATFORM)
    envs = [f"tenant-{number:02}" for number in range(20)]
    for env in envs:
        emulator.add_env(env)
    assert group(examined(envs=envs)) == "✓✓✓✓"
    assert len(emulator.calls()) <= 2 * len(envs) + 6


def test_the_states_of_the_hosting_are_remembered_for_the_overview(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.state.add("tenant-b", "offline")
    examined(envs=[ENV, "tenant-b"])
    found = Hostings(platform_options()).get_many([ENV, "tenant-b"])
    assert [each.status for each in found.values()] == ["online", "offline"]
