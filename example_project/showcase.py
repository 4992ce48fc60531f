"""
Give the demo's admin something to show: two shops, two releases, and failures of three kinds.

``demo.py`` calls it when all of its own work is done and compared.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.translation import gettext as _
from example.tenants import HANGZHOU, SUZHOU
from front_end import APP, DIST, HASHED

from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.storage import WxStorage

PAGE = "index.html"
NEWS = {  # of the second release, in place of the first one's heading
    "一杯好茶的时间": "新茶到店",
    "Time for a good cup": "The new teas are here",
}
ALWAYS = {"times": None}
QUOTA = {
    **ALWAYS,
    "on": "staticuploadfile",
    "do": "errcode",
    "errcode": 45009,
    "errmsg": "reach max api daily quota limit",
}
REFUSED = {**ALWAYS, "on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403}
NO_ANSWER = {**ALWAYS, "on": "put_object", "do": "drop_reply"}
FAILING = {
    "prices/green.csv": QUOTA,
    "prices/white.csv": QUOTA,
    "prices/oolong.csv": QUOTA,
    "poster.png": REFUSED,
    "opening-hours.txt": NO_ANSWER,
}
WANTED = {
    (HANGZHOU, "failed", 45009, ""): 3,
    (HANGZHOU, "failed", 0, "AccessDenied"): 1,
    (HANGZHOU, "unknown", 0, ""): 1,
    (SUZHOU, "failed", 45009, ""): 1,
}


def fill(emulator: EmulatorServer, work: Path) -> str:
    """Fill the log; return what went otherwise than it should, empty if nothing did."""
    second = second_release(work)
    deploy(DIST, "v1.0", HANGZHOU, SUZHOU)
    deploy(second, "v1.1", HANGZHOU)
    with playing(emulator, QUOTA):
        deploy(second, "v1.1", SUZHOU)
    for name, fault in FAILING.items():
        with playing(emulator, fault):
            save(name)
    save("prices/green.csv")  # mended: it is not among what still fails
    # What the cloud has, for the overview.
    call_command("wx_reconcile", "--all", "--using", "site", stdout=StringIO())
    return "" if found() == WANTED else f"other uploads failed than should: {found()}"


def found() -> Counter[tuple[Any, ...]]:
    """Count the rows that are not stored, by shop and cause."""
    from wx_static_store.models import UploadLog

    rows = UploadLog.objects.exclude(status=UploadLog.Status.STORED)
    return Counter(rows.values_list("env", "status", "errcode", "cos_code"))


def sights() -> Iterator[tuple[str, str]]:
    """Say what happened, each with the address of the page that shows it."""
    yield (
        _("Two shops have a site each, Hangzhou and Suzhou. The overview shows how they stand."),
        reverse("admin:wx_static_store_overview_changelist"),
    )
    yield (
        _(
            "Release v1.0 went to both. Release v1.1 has another heading and one page more. It is "
            "live in Hangzhou; in Suzhou WeChat refused a file, so v1.0 is still live. Compare the "
            "two, or roll back."
        ),
        reverse("admin:wx_static_store_deployment_changelist"),
    )
    yield (
        _(
            "Five uploads did not succeed: for three WeChat's daily quota was used up (45009), one "
            "was refused by COS, and one got no answer. One of the three was sent again since."
        ),
        reverse("admin:wx_static_store_uploadlog_failing"),
    )


def second_release(work: Path) -> Path:
    """Copy the front end, with another heading and one page more."""
    copy = Path(shutil.copytree(DIST, work / "second"))
    page = copy / PAGE
    text = page.read_text("utf-8")
    for old, new in NEWS.items():
        text = text.replace(old, new)
    page.write_text(text, "utf-8")
    (copy / "new.html").write_text(text, "utf-8")
    return copy


def deploy(tree: Path, label: str, *shops: str) -> None:
    """Deploy to these shops; one that fails is what the admin is to show."""
    options = {"using": "site", "env": shops, "label": label, "map": [HASHED], "yes": True}
    options |= {"verbosity": 0}  # no lines of progress among what the demo tells
    with suppress(CommandError):
        call_command("wx_deploy", str(tree), APP, **options, stdout=StringIO(), stderr=StringIO())


def save(name: str) -> None:
    """Save as a form does, but with a single attempt: nobody waits for the failures."""
    with suppress(UploadFailed):
        WxStorage(location="media", max_attempts=1).save(
            f"spring/{name}", ContentFile(b"Longjing,88.00\n")
        )


@contextmanager
def playing(emulator: EmulatorServer, fault: dict[str, Any]) -> Iterator[None]:
    """Play this fault of WeChat or COS until the block ends."""
    emulator.script(fault)
    try:
        yield
    finally:
        emulator.state.script.clear()
