"""The API as the example project shows it: a page whose script calls it, and Swagger UI."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.api.operations import OPERATIONS
from tests.conftest import ENV
from tests.demo import Site

from .axe import findings, policy
from .conftest import rows, shoot

PICTURE = b"\x89PNG\r\n\x1a\n" + b"not much of a picture"


@pytest.fixture
def warnings(page: Page) -> Iterator[list[str]]:
    """Collect the browser's complaints; a test that ends with any fails."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield complaints
    page.wait_for_load_state("networkidle")
    assert complaints == []


@pytest.fixture
def name() -> str:
    """Of one test only."""
    return f"uploads/{uuid4().hex}.png"


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def upload(page: Page, site: Site) -> Page:
    page.goto(f"{site.site}/")
    page.click("text=Upload by the API")
    return page


def send(page: Page, name: str, content: bytes = PICTURE) -> None:
    file = {"name": name.rpartition("/")[2], "mimeType": "image/png", "buffer": content}
    page.set_input_files("[name=file]", [file])
    page.fill("[name=path]", name)
    page.click("#upload button")
    expect(page.locator("#result:not([data-kind=sending])")).not_to_be_empty()


@pytest.mark.usefixtures("warnings")
def test_the_script_uploads_a_file_and_shows_where_it_is_public(
    upload: Page, site: Site, name: str
) -> None:
    send(upload, name)
    url = upload.locator("#result a").get_attribute("href")
    assert url == f"{site.public}/media/{name}"
    assert requests.get(url, timeout=10).content == PICTURE


def test_what_the_script_uploads_is_in_the_log(upload: Page, name: str) -> None:
    send(upload, name)
    [row] = rows(key=f"media/{name}")
    assert (row["status"], row["source"]) == ("stored", "api")
    assert row["md5"] == hashlib.md5(PICTURE).hexdigest()


def test_the_script_replaces_a_file_on_request(upload: Page, site: Site, name: str) -> None:
    send(upload, name)
    upload.check("[name=overwrite]")
    send(upload, name, PICTURE + b", but newer")
    assert site.published(f"media/{name}") == PICTURE + b", but newer"


def test_a_refused_file_shows_the_problem(upload: Page, site: Site, name: str) -> None:
    send(upload, name)
    send(upload, name, PICTURE + b", but newer")
    expect(upload.locator("#result[data-kind=failed]")).to_contain_text(f"media/{name} already")
    assert site.published(f"media/{name}") == PICTURE


def test_a_wrong_field_is_reported(upload: Page) -> None:
    upload.evaluate("document.querySelector('[name=store]').remove()")
    send(upload, "uploads/a.png")
    expect(upload.locator("#result[data-kind=failed]")).to_contain_text("Name the store.")


def test_without_a_script_the_form_is_sent_and_answered(
    browse: Callable[..., Any], site: Site, name: str
) -> None:
    page = browse(java_script_enabled=False)
    page.goto(f"{site.site}/upload/")
    page.set_input_files("[name=file]", [{"name": "a.png", "mimeType": "", "buffer": PICTURE}])
    page.fill("[name=path]", name)
    page.click("#upload button")
    expect(page.locator("body")).to_contain_text('"status":"stored"')
    assert site.published(f"media/{name}") == PICTURE


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_no_grave_fault_on_the_page_of_the_api(
    browse: Callable[..., Any],
    site: Site,
    name: str,
    options: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    page = browse(**options)
    page.goto(f"{site.site}/upload/")
    send(page, name)
    shoot(page, f"api-{request.node.callspec.id}")
    assert findings(page) == []


@pytest.mark.parametrize("path", ["/upload/", "/api/swagger/"])
def test_a_stranger_is_asked_to_log_in(chromium: Any, site: Site, path: str) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(site.site + path)
        assert page.url == f"{site.admin}/login/?next={path}"


# --- Swagger UI -----------------------------------------------------------------------------------


@pytest.fixture
def swagger(page: Page, site: Site) -> Page:
    page.goto(f"{site.site}/api/swagger/")
    return page


@pytest.mark.usefixtures("warnings")
def test_swagger_shows_each_operation(swagger: Page) -> None:
    ours = swagger.locator(".opblock-tag-section:has([data-tag=wx_static_store]) .opblock")
    expect(ours).to_have_count(len(OPERATIONS))


@pytest.mark.usefixtures("warnings")
def test_swagger_calls_the_api_with_the_session(swagger: Page) -> None:
    operation = swagger.locator("#operations-wx_static_store-wx_stores_list")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").last).to_have_text("200")
    expect(answer).to_contain_text('"store": "default"')


@pytest.mark.usefixtures("warnings")
def test_swagger_uploads_with_the_session(swagger: Page, site: Site, name: str) -> None:
    """Its script has the CSRF token."""
    operation = swagger.locator("#operations-wx_static_store-wx_uploads_create")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    file = {"name": "a.png", "mimeType": "image/png", "buffer": PICTURE}
    operation.locator("input[type=file]").set_input_files([file])
    for field, value in {"store": "default", "path": name, "env": ENV}.items():
        operation.locator(f"[data-property-name={field}] input").first.fill(value)
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").last).to_have_text("201")
    assert site.published(f"media/{name}") == PICTURE


def test_swagger_alone_may_show_pictures_of_its_style_sheet(page: Page, site: Site) -> None:
    policies = {path: policy(page.goto(site.site + path)) for path in ("/upload/", "/api/swagger/")}
    loosened = {path for path, [policy] in policies.items() if "data:" in policy}
    assert loosened == {"/api/swagger/"}
    assert "unsafe" not in str(policies)
