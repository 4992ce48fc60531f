"""A rollout's page refreshes itself until it is over; without a script a reload does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site, shell

from .pages import rolled_out

SQUARE = ".wx-squares .wx-square"
ENDS = (
    "from wx_static_store.rollouts.models import Rollout, RolloutEnvironment as Row\n"
    "rollout = Rollout.objects.get(pk={pk})\n"
    "rollout.environments.filter(state='running').update(state='{state}')\n"
    "Rollout.objects.filter(pk={pk}).update(state='{rollout}')\n"
)


@pytest.fixture
def running(site: Site) -> int:
    return rolled_out(site, "drw", label="v9", state="running")


def become(pk: int, state: str, rollout: str) -> None:
    """Let what runs end so, as a worker writes it."""
    shell(ENDS.format(pk=pk, state=state, rollout=rollout))


def open_page(page: Page, site: Site, pk: int) -> None:
    page.goto(f"{site.admin}/wx_static_store_rollouts/rollout/{pk}/change/")
    expect(page.locator(SQUARE)).to_have_count(3)


def test_a_square_changes_while_one_looks(page: Page, site: Site, running: int) -> None:
    open_page(page, site, running)
    expect(page.locator(f"{SQUARE}.wx-running")).to_have_count(1)
    become(running, "done", "running")
    expect(page.locator(f"{SQUARE}.wx-done")).to_have_count(2)


def test_what_is_over_is_said_and_asks_no_more(page: Page, site: Site, running: int) -> None:
    open_page(page, site, running)
    become(running, "failed", "stopped")
    expect(page.locator("#wx-news")).to_contain_text("stopped")
    expect(page.locator("[data-refresh]")).to_have_count(0)


def test_the_keyboard_stays_at_its_button(page: Page, site: Site, running: int) -> None:
    open_page(page, site, running)
    page.locator("#wx-stop").focus()
    become(running, "done", "running")
    expect(page.locator(f"{SQUARE}.wx-done")).to_have_count(2)
    expect(page.locator("#wx-stop")).to_be_focused()


def test_a_button_of_a_fetched_part_works(page: Page, site: Site, running: int) -> None:
    open_page(page, site, running)
    become(running, "done", "running")
    expect(page.locator(f"{SQUARE}.wx-done")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#wx-said")).to_contain_text("by hand")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_whoever_is_logged_out_keeps_what_was_shown(page: Page, site: Site, running: int) -> None:
    open_page(page, site, running)
    page.context.clear_cookies()
    with page.expect_response("**/progress/"):
        pass
    expect(page.locator(SQUARE)).to_have_count(3)


def test_without_a_script_a_reload_shows_the_same(
    browse: Callable[..., Any], site: Site, running: int
) -> None:
    page = browse(java_script_enabled=False)
    open_page(page, site, running)
    become(running, "done", "running")
    page.reload()
    expect(page.locator(f"{SQUARE}.wx-done")).to_have_count(2)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#wx-said")).to_contain_text("paused")


def test_who_may_only_look_sees_no_button(
    browse: Callable[..., Any], site: Site, member: Callable[..., str], running: int
) -> None:
    page = browse(user=member("view_deployment"))
    open_page(page, site, running)
    expect(page.locator("#wx-progress button")).to_have_count(0)
