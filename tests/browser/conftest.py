"""The example project, serving, and Debian's browsers before it."""

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import chromium_of_debian, ci_package
from tests.demo import Site, serving, shell

HERE = Path(__file__).parent
SCREENSHOTS = HERE / "screenshots"  # ignored by git
REQUIRED = "WX_REQUIRE_BROWSER" in os.environ
# A token that was refused may be followed by the next one a second later.
IMPATIENT = 'settings.WX_STATIC_STORE["TOKEN_MIN_INTERVAL"] = 1'
WINDOW = {"width": 1280, "height": 720}

# A colour that is on its way from one look to the next has too little contrast for a moment.
END_TRANSITIONS = """() => document.getAnimations()
    .filter(each => Number.isFinite(each.effect.getComputedTiming().endTime))
    .forEach(each => each.finish())"""
# The page stays at its address: to come from about:blank, or in a new page, takes a new process.
FORGET = """() => {
    if (origin !== "null") [localStorage, sessionStorage].forEach((each) => each.clear());
    stop();
    document.open();
}"""


if REQUIRED:  # milliseconds: a machine may have other things to do
    ci_package("playwright.sync_api").expect.set_options(timeout=20_000)


class LeftOut(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        why = "takes minutes: WX_REQUIRE_BROWSER=1 runs it, in Debian's Chromium and Firefox"
        pytest.skip(why, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    return None if REQUIRED else LeftOut.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the data of all demos come from, those of other workers included."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "demo"


@pytest.fixture(scope="session")
def demo(build: Path) -> Iterator[Site]:
    """Run the demo, once for all tests of a worker."""
    with serving(IMPATIENT, build) as site:
        yield site


@pytest.fixture
def site(demo: Site) -> Iterator[Site]:
    """Return the demo, without faults before and after a test."""
    demo.script()
    yield demo
    demo.script()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Start Chromium, once for all tests of a worker."""
    with chromium_of_debian() as browser:
        yield browser


@pytest.fixture
def browse(chromium: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """`browse(user=..., **options)`: a page of somebody who is logged in."""
    opened = []

    def browse(**options: Any) -> Any:
        opened.append(page_of(chromium, site, **options))
        return opened[-1]

    yield browse
    for page in opened:
        leave(page)


def page_of(
    browser: Any,
    site: Site,
    user: str = "demo",
    password: str = "demo",
    viewport: dict[str, int] = WINDOW,
    color_scheme: str = "light",
    **options: Any,
) -> Any:
    """
    Return the page of all tests with these options, as if nobody had used it.

    A new page is a new process, which costs as much as what three pages show.
    """
    context = context_of(browser, *options.items())
    context.clear_cookies()
    context.add_cookies(log_in_once(browser, site, user, password))
    page = context.pages[0] if context.pages else context.new_page()
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=color_scheme)
    return page


@cache
def context_of(browser: Any, *options: tuple[str, Any]) -> Any:
    return browser.new_context(**dict(options))


def leave(page: Any) -> None:
    """End what the page does, and forget what a test let it have; close those beside it."""
    context = page.context
    for other in context.pages:
        if other != context.pages[0]:
            other.close()
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
        page.evaluate(FORGET)
    context.clear_permissions()


@cache
def log_in_once(browser: Any, site: Site, user: str, password: str) -> list[dict[str, Any]]:
    """Return the cookies of a user who logged in before any test did something with them."""
    context = browser.new_context()
    log_in(context, site, user, password)
    cookies: list[dict[str, Any]] = context.cookies()
    context.close()
    return cookies


def log_in(context: Any, site: Site, user: str, password: str) -> None:
    """By the form, without opening a page: it is as good without a script."""
    for _ in range(5):  # an open page, which asks meanwhile, may get another token's cookie
        page = context.request.get(f"{site.admin}/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text())
        assert token
        answer = context.request.post(
            f"{site.admin}/login/",
            form={"username": user, "password": password, "csrfmiddlewaretoken": token[1]},
            headers={"Referer": f"{site.admin}/login/"},
        )
        if answer.status != 403:
            break
    kept = [cookie["name"] for cookie in context.cookies()]
    assert "sessionid" in kept, f"{user} cannot log in: {answer.status} {answer.text()}"


@pytest.fixture
def page(browse: Callable[..., Any]) -> Any:
    """Return a page of the superuser."""
    return browse()


@pytest.fixture
def member(site: Site) -> Callable[..., str]:
    """`member(*permissions)`: the name of a staff user with exactly these; the password is demo."""

    def create(*permissions: str) -> str:
        name = "-".join(["staff", *permissions])
        code = (
            "from django.contrib.auth.models import Permission, User\n"
            "same = User.objects.get(username='demo').password\n"
            f"given = {{'username': {name!r}, 'password': same, 'is_staff': True}}\n"
            "user, _new = User.objects.get_or_create(**given)\n"
            f"user.user_permissions.set(Permission.objects.filter(codename__in={permissions!r}))"
        )
        shell(code)
        return name

    return create


def rows(*, key: str) -> list[dict[str, Any]]:
    """Return the rows of the demo's log for this key, the newest first."""
    code = (
        "import json; from wx_static_store.models import UploadLog\n"
        f"found = UploadLog.objects.filter(key={key!r}).order_by('-id')\n"
        "print(json.dumps(list(found.values('status', 'errcode', 'source', 'md5', 'size'))))"
    )
    rows: list[dict[str, Any]] = json.loads(shell(code))
    return rows


def shoot(page: Any, name: str) -> None:
    """With WX_SCREENSHOTS, save a picture of the whole page: a person wants to look at it."""
    if "WX_SCREENSHOTS" in os.environ:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def upload(page: Any, site: Site) -> Any:
    """Return the upload page, at the store of media."""
    from .upload_page import opened

    return opened(page, site)


@pytest.fixture
def folder() -> str:
    """Below uploads/, and of one test only."""
    return f"uploads/{uuid4().hex}/"
