"""
Take the pictures of the documentation in the running example: ``make pictures``.

The argument is the language of the browser, which is that of the pictures. Sphinx takes
``log.zh_CN.png`` in place of ``log.png`` on Chinese pages. Times and ids are fixed.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from shutil import copytree, which
from tempfile import TemporaryDirectory
from typing import Any

import django
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect, sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "example_project"))

import demo  # noqa: E402 - of the example project

IMAGES = DOCS / "images"
SUFFIXES = {"en": ".png", "zh-CN": ".zh_CN.png"}
SITE = "https://tea.example.com"  # the emulator's site answers under this name, in the browser
LOG = "/admin/wx_static_store/uploadlog/"
SIZE = {"width": 1280, "height": 800}
MARGIN = 20
MOST_BYTES = 80_000
FIRST_DAY = datetime.fromisoformat("2026-03-02T09:30:00+08:00")
FOLDER = "uploads/spring/"
FAILING = "price-list.csv"
TEXTS = {
    "opening-hours.txt": b"Monday to Saturday, 9:00 to 18:00\n" * 12,
    FAILING: b"Longjing,88.00\nBiluochun,96.00\nBaihao,74.50\n" * 40,
}
QUOTA = {
    "do": "errcode",
    "errcode": 45009,
    "errmsg": "reach max api daily quota limit",
    "on": "staticuploadfile",
}

# Three files are sent at a time: these delays keep the order of the rows.
DELAYS = [
    {"do": "delay", "seconds": 2, "on": "put_object", "key": "*.png"},
    {"do": "delay", "seconds": 4, "on": "put_object", "key": "*.txt"},
]


def main(language: str) -> None:
    with TemporaryDirectory() as folder, demo.EmulatorServer() as emulator:
        set_up(emulator, folder)
        with demo.closing_databases(), demo.served() as address:
            publish(emulator, address)
            with browser(emulator, address, language) as page:
                take_all(emulator, page, SUFFIXES[language])


def set_up(emulator: demo.EmulatorServer, folder: str) -> None:
    os.environ |= {
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright has an event loop in this thread
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "EMULATOR_API": emulator.api_url,
        "EMULATOR_SITE": SITE,
        "EXAMPLE_VAR": folder,
    }
    from django.conf import settings
    from django.contrib import admin

    settings.WX_STATIC_STORE["MAX_WORKERS"] = 1  # the rows in the same order each time
    django.setup()
    demo.migrate()
    admin.site.enable_nav_sidebar = False


def publish(emulator: demo.EmulatorServer, address: str) -> None:
    """Fill the log: static files, three deploys of which one fails, media."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    emulator.push_to(f"{address}/wx/callback/")
    demo.first_push(emulator)
    demo.collect(emulator)
    demo.DIST = copytree(demo.DIST, Path(os.environ["EXAMPLE_VAR"]) / "dist")
    demo.deploy(emulator, label="v1.4.0")
    for path in (*demo.DIST.glob("*.html"), *demo.DIST.glob("assets/*.css")):
        path.write_bytes(path.read_bytes() + b"\n")
    emulator.script(QUOTA | {"key": "*.html"})
    with suppress(demo.CommandError):
        demo.deploy(emulator, label="v1.5.0")
    demo.deploy(emulator, label="v1.5.0")
    demo.save_document(emulator)
    default_storage.save(f"{FOLDER}opening-hours.txt", ContentFile(b"Closed until March"))


@contextmanager
def browser(emulator: demo.EmulatorServer, address: str, language: str) -> Iterator[Page]:
    """Open a page of the logged-in user; the public site is the emulator's."""
    public = emulator.site_url()

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(SITE, public)))

    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=which("chromium"),
            args=["--no-sandbox", f"--lang={language}"],
            env=os.environ | {"LANGUAGE": language.replace("-", "_"), "LC_ALL": "C.UTF-8"},
        )
        context = started.new_context(base_url=address, locale=language, viewport=SIZE)
        context.route(f"{SITE}/**", answer)
        page = context.new_page()
        page.goto("/admin/")
        page.fill("[name=username]", "demo")
        page.fill("[name=password]", "demo")
        page.click("[type=submit]")
        yield page
        started.close()


# --- the pictures ---------------------------------------------------------------------------------


def take_all(emulator: demo.EmulatorServer, page: Page, suffix: str) -> None:
    def take(name: str, **part: Locator) -> None:
        save(page, IMAGES / f"{name}{suffix}", **part)

    upload(emulator, page, take)
    fix_log()
    page.goto(LOG)
    take("log")
    page.locator("#result_list tr", has_text=FAILING).locator("a[href*='/change/']").first.click()
    take("failed", until=page.locator("fieldset").first)
    page.goto("/admin/wx_static_store/deployment/")
    take("deployments", until=page.locator(".paginator"))
    page.goto("/admin/wx_static_store_rollouts/overview/")
    take("overview", until=page.locator(".wx-environments"))
    page.goto("/api/swagger/")
    expect(page.locator(".opblock").first).to_be_visible()
    take("api")


def upload(emulator: demo.EmulatorServer, page: Page, take: Callable[..., None]) -> None:
    """Choose files, of which one is public with other bytes; send them all; one fails."""
    page.goto(f"{LOG}upload/")
    media = page.locator("[name=store] option", has_text="default")
    page.select_option("[name=store]", value=media.get_attribute("value"))
    page.fill("[name=folder]", FOLDER)
    page.set_input_files("[name=file]", files())
    ticked = page.locator("#wx-queue .wx-tick :checked")
    expect(ticked).to_have_count(len(files()) - 1)
    page.evaluate("document.activeElement.blur()")
    take("upload", until=page.locator("#wx-upload"))
    page.select_option("[name=clash]", "replace")
    expect(ticked).to_have_count(len(files()))
    emulator.script(QUOTA | {"key": f"*/{FAILING}"}, *DELAYS)
    page.click("#wx-upload [type=submit]")
    results = page.locator(".wx-result")
    expect(results).to_have_count(len(files()))
    results.filter(has_text="tea-hills.png").locator("summary").click()
    take("results", since=page.locator("#wx-said"), until=page.locator("#content"))


def files() -> list[Any]:
    from documents import sample

    found = {"tea-hills.png": sample.picture()} | TEXTS
    return [
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        for name, content in found.items()
    ]


def fix_log() -> None:
    """Give each deployment a day of its own, and what differs from run to run a fixed value."""
    from wx_static_store.models import Deployment, UploadLog

    for number, deployment in enumerate(Deployment.objects.order_by("id")):
        moment = {"created": FIRST_DAY + timedelta(days=number, minutes=17 * number)}
        took = 1800 + 170 * number
        Deployment.objects.filter(pk=deployment.pk).update(duration_ms=took, **moment)
        deployment.uploads.update(duration_ms=64, **moment)
    last = FIRST_DAY + timedelta(days=7)
    for number, row in enumerate(UploadLog.objects.filter(deployment=None).order_by("id")):
        moment = {"created": last + timedelta(minutes=number)}
        UploadLog.objects.filter(pk=row.pk).update(duration_ms=80 + 7 * number, **moment)
    UploadLog.objects.exclude(rid="").update(rid="69ae23c1-5f0b72d4-1c8e93a6")


def save(
    page: Page, path: Path, since: Locator | None = None, until: Locator | None = None
) -> None:
    """Save what the window shows as a small PNG; or a part, from one element to another."""
    page.wait_for_load_state("networkidle")
    top, bottom = 0, SIZE["height"]
    if since:
        top = round(box(since)["y"]) - MARGIN
    if until:
        bottom = round(box(until)["y"] + box(until)["height"]) + MARGIN
    clip = {"x": 0, "y": top, "width": SIZE["width"], "height": bottom - top}
    shot = page.screenshot(full_page=True, clip=clip, animations="disabled")
    path.parent.mkdir(exist_ok=True)
    # Without the two rounds of kmeans, grey becomes pink.
    Image.open(BytesIO(shot)).convert("RGB").quantize(
        256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
    ).save(path, optimize=True)
    size = path.stat().st_size
    demo.say(f"{path.name:<24}{size:>8,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{path.name} has more than {MOST_BYTES:,} bytes")


def box(element: Locator) -> Any:
    """Return where an element is on the page, which may be scrolled."""
    return element.evaluate(
        """(element) => {
            const { top, height } = element.getBoundingClientRect();
            return { y: top + scrollY, height };
        }"""
    )


if __name__ == "__main__":
    main(sys.argv[1])
