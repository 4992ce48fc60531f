"""What ``wx_deploy`` would do: a line for each file and for each environment."""

from collections.abc import Iterable

from ..core.types import UploadItem
from ..deploy.environments import Order, address_of, stale_files
from ..deploy.plan import Plan
from ..deploy.verify import sweep
from ..i18n import gettext_lazy as _, labelled, ngettext, padded, shown
from ..upload.uploader import Uploader

STATES = {
    "new": _("new"),
    "changed": _("changed"),
    "unchanged": _("unchanged"),
    "refused": _("refused"),
    "rejected": _("rejected"),
    "stale": _("stale"),
    "uploaded": _("uploaded"),
}


def environment_line(uploader: Uploader, order: Order, plan: Plan) -> str:
    counts = ngettext(
        "%(env)s: %(count)d file to send, %(size)s bytes, %(unchanged)d unchanged",
        "%(env)s: %(count)d files to send, %(size)s bytes, %(unchanged)d unchanged",
        len(plan),
        env=uploader.env,
        size=f"{plan.size:,}",
        unchanged=len(plan.unchanged),
    )
    return f"{counts}  {address_of(uploader, order.prefix)}"


def file_lines(states: Iterable[tuple[str, UploadItem]], plan: Plan) -> list[str]:
    return [
        *(_line(state, f"{item.size or 0:,}", shown(item.name)) for state, item in states),
        *(_line("rejected", "", labelled(shown(one.name), one.error)) for one in plan.rejected),
    ]


def stale_lines(uploader: Uploader, order: Order) -> list[str]:
    """Return a line for each file that only the cloud has; raise what the list raises."""
    found = stale_files(uploader, order, sweep(uploader, order.prefix))
    return [
        _line(state, f"{file.size:,}", shown(file.key))
        for state, files in zip(("stale", "uploaded"), found, strict=True)
        for file in files
    ]


def _line(state: str, size: str, what: str) -> str:
    return f"{padded(str(STATES[state]), 9)} {size:>13}  {what}"
