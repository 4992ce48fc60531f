"""The pages of ours, in each state that an editor or operator may see them in."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.demo import Site

BUSY = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}


def list_page(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/")
    expect(page.locator("#result_list")).to_be_visible()


def detail(page: Page, site: Site) -> None:
    list_page(page, site)
    page.goto(site.site + first_link(page, "/uploadlog/"))


def upload(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/upload/")
    expect(page.locator("#wx-upload")).to_be_visible()


def chosen(page: Page, site: Site) -> None:
    upload(page, site)
    page.select_option("[name=store]", value=media_store(page))
    page.fill("[name=folder]", f"uploads/{uuid4().hex}/")
    page.set_input_files("[name=file]", [file("a.txt", b"tea"), file("b.txt", b"more tea")])
    expect(page.locator("#wx-queue .wx-tick :checked")).to_have_count(2)


def refused(page: Page, site: Site) -> None:
    """Before a byte is sent: one name can be no key."""
    upload(page, site)
    page.select_option("[name=store]", value=media_store(page))
    page.set_input_files("[name=file]", [file("a.txt", b"tea"), file("bad?.txt", b"tea")])
    expect(page.locator(".wx-state.wx-refused")).to_have_count(1)


def uploaded(page: Page, site: Site) -> None:
    """One file is public, another failed."""
    chosen(page, site)
    site.script(BUSY | {"key": "*/b.txt"})
    page.click("#wx-upload [type=submit]")
    expect(page.locator(".wx-result.wx-stored")).to_have_count(1)
    expect(page.locator(".wx-result.wx-failed")).to_have_count(1)
    page.locator(".wx-result summary").first.click()


def failed_list(page: Page, site: Site) -> None:
    uploaded(page, site)
    page.goto(f"{site.log}/?status=failed")
    expect(page.locator("#result_list")).to_contain_text("45009")


def failed_detail(page: Page, site: Site) -> None:
    failed_list(page, site)
    page.goto(site.site + first_link(page, "/uploadlog/"))


def received(page: Page, site: Site) -> None:
    """Ask WeChat what it received with a refused upload."""
    failed_detail(page, site)
    page.click(".wx-ask")
    expect(page.locator(".wx-body")).to_have_count(2)


def not_received(page: Page, site: Site) -> None:
    failed_detail(page, site)
    site.script({"on": "rid_get", "do": "errcode", "errcode": 76003})
    page.click(".wx-ask")
    expect(page.locator("#wx-received")).to_contain_text("76003")


def compared(page: Page, site: Site) -> None:
    """One file as it is, one that the log has as failed."""
    uploaded(page, site)
    list_page(page, site)
    for box in page.locator("#result_list .action-select").all()[:3]:
        box.check()
    page.select_option("[name=action]", value="compare")
    page.click("#changelist-form [name=index]")
    expect(page.locator(".wx-lines tbody tr")).to_have_count(3)


def retry(page: Page, site: Site) -> None:
    uploaded(page, site)
    page.goto(f"{site.log}/retry-failed/")
    expect(page.locator("#content")).to_contain_text("b.txt")


def deployments(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/")
    expect(page.locator("#result_list")).to_be_visible()


def deployment(page: Page, site: Site) -> None:
    deployments(page, site)
    page.goto(site.site + first_link(page, "/deployment/"))


def health(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/health/")
    page.get_by_role("button").last.click()
    expect(page.locator(".wx-check").first).to_be_visible()


def document(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/documents/document/1/change/")
    expect(page.locator(".wx-file")).to_have_count(2)
    for summary in page.locator(".wx-file summary").all():
        summary.click()


def failed_document(page: Page, site: Site) -> None:
    document(page, site)
    site.script(BUSY)
    page.set_input_files("[name=file]", [file("new.txt", b"new")])
    page.click("[name=_continue]")
    expect(page.locator(".errorlist").first).to_contain_text("45009")


def file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def media_store(page: Page) -> str:
    values = page.locator("[name=store] option").evaluate_all("all => all.map(one => one.value)")
    return next(value for value in values if value.startswith("default"))


def first_link(page: Page, part: str) -> str:
    """Open the page of the first row."""
    link = page.locator(f'#result_list a[href*="{part}"][href*="/change/"]').first
    return str(link.get_attribute("href"))


PAGES: dict[str, Callable[[Page, Site], None]] = {
    "list": list_page,
    "list-failed": failed_list,
    "detail": detail,
    "detail-failed": failed_detail,
    "detail-received": received,
    "detail-not-received": not_received,
    "upload": upload,
    "upload-chosen": chosen,
    "upload-refused": refused,
    "upload-after": uploaded,
    "compare": compared,
    "retry-failed": retry,
    "deployments": deployments,
    "deployment": deployment,
    "health": health,
    "document": document,
    "document-failed": failed_document,
}
