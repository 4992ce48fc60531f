"""The upload page in a browser, as its tests use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import ci_package
from tests.demo import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = ci_package("playwright.sync_api").expect

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
SUBMIT = "#wx-upload [type=submit]"
NAMES = ".wx-result .wx-name"
STORED, FAILED = ".wx-result.wx-stored", ".wx-result.wx-failed"
REFUSED = ".wx-result.wx-refused"


def opened(page: Page, site: Site) -> Page:
    page.goto(f"{site.log}/upload/")
    page.select_option("[name=store]", label=media_store(page))
    return page


def media_store(page: Page) -> str:
    """Return the store whose keys begin with media/."""
    labels = page.locator("[name=store] option").all_inner_texts()
    return next(label for label in labels if label.startswith("default"))


def choose(page: Page, folder: str, *files: tuple[str, bytes], into: str = "[name=file]") -> None:
    page.fill("[name=folder]", folder)
    page.set_input_files(into, [memory_file(*file) for file in files])


def memory_file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def states(page: Page) -> dict[str, str]:
    """Each key in the list with the class of its state, once all of them were compared."""
    expect(page.locator("#wx-said")).to_contain_text("Nothing is sent yet")
    found = page.locator("#wx-queue tbody tr").all()
    return {
        row.locator(".wx-key").inner_text(): str(
            row.locator(".wx-state").get_attribute("class")
        ).removeprefix("wx-state wx-")
        for row in found
    }


def wait_for(condition: Callable[[], bool], page: Page, seconds: int = 10) -> None:
    for _ in range(seconds * 10):
        if condition():
            return
        page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    raise AssertionError("it did not come to pass")


def folder_of_one(path: Path) -> Path:
    (path / "teas" / "black").mkdir(parents=True)
    (path / "teas" / "black" / "a.txt").write_bytes(b"tea")
    return path / "teas"


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Drop files on the page, as a browser does."""
    page.evaluate(
        """(files) => {
            const dataTransfer = new DataTransfer();
            for (const [name, text] of files) dataTransfer.items.add(new File([text], name));
            const options = { dataTransfer, bubbles: true, cancelable: true };
            document.querySelector("#wx-drop").dispatchEvent(new DragEvent("dragover", options));
            document.querySelector("#wx-drop").dispatchEvent(new DragEvent("drop", options));
        }""",
        [(name, content.decode()) for name, content in files],
    )
