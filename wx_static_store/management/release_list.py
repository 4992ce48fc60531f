"""The deployments of one environment, as ``wx_deploy --list`` shows them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..deploy.state import folders, from_log
from ..i18n import aligned, gettext as _, labelled, listed, ngettext, shown
from ..models import Deployment
from ..upload.database import deployments, with_users
from .deploy_options import RELEASES, CommandLine
from .report_file import write_json

VERSION = 1  # of the JSON; it grows when a member changes its meaning or goes
LIVE = "*"
_COLUMNS = ("source", "label", "using", "folder", "outcome", "checked")  # in the JSON
FOLDERS = 1000  # whose live deployments are listed, however old


def show(envs: Sequence[str], line: CommandLine, write: Callable[[str], object]) -> None:
    """Write the list of each environment, and the file of --json; needs the log."""
    found = {env: from_log(partial(_newest, env)) for env in envs}
    for env, rows in found.items():
        write("\n".join(_lines(env, rows)))
    each = [{"env": env, "deployments": [*map(_deployment, rows)]} for env, rows in found.items()]
    write_json(line.json, {"version": VERSION, "environments": each})


def _newest(env: str) -> list[Deployment]:
    """Return the newest deployments, then older ones that are live."""
    rows = deployments().filter(env=env).order_by("-id")
    live = folders().with_live().filter(env=env).values_list("live", flat=True)[:FOLDERS]
    ids = {*live, *rows.values_list("pk", flat=True)[:RELEASES]}
    found = rows.filter(pk__in=ids).select_related("release").defer("release__files")
    return [*with_users(found.with_is_live())]


def _lines(env: str, rows: Sequence[Deployment]) -> list[str]:
    """Return a heading, a line for each deployment, and the legend."""
    head = ngettext(
        "%(env)s: %(count)d deployment",
        "%(env)s: %(count)d deployments, the newest first",
        len(rows),
        env=shown(env),
    )
    titles = [_("id"), _("when"), _("outcome"), _("release"), _("store"), _("folder"), _("what")]
    table = [["", *titles], *map(_cells, rows)]
    legend = _("%(mark)s live: what visitors of the folder get", mark=LIVE)
    return [head, *(aligned(table) if rows else ()), *[legend] * any(row.is_live for row in rows)]


def _cells(deployment: Deployment) -> list[str]:
    when = f"{deployment.created:%Y-%m-%d %H:%M:%S %Z}"
    release = str(deployment.release or "-")
    # Older runs recorded neither.
    folder = f"/{deployment.folder}" if deployment.using else "-"
    endings = deployment.get_outcome_display(), deployment.get_checked_display()
    mark, outcome = LIVE * deployment.is_live, listed(map(str, filter(None, endings)))
    what = [release, deployment.using or "-", folder, _what(deployment)]
    return [mark, str(deployment.pk), when, str(outcome), *map(shown, what)]


def _what(row: Deployment) -> str:
    counts = _(
        "stored %(stored)d, unchanged %(skipped)d, failed %(failed)d, "
        "not attempted %(not_attempted)d; %(bytes)s bytes",
        **vars(row) | {"bytes": f"{row.bytes:,}"},
    )
    what = f"{row.source} {row.shown_label}".rstrip()
    if row.user:
        what = _("%(what)s by %(user)s", what=what, user=row.user)
    if row.ends:
        what = _("%(what)s, a preview until %(when)s", what=what, when=f"{row.ends:%F %R %Z}")
    if row.duration_ms is not None:
        counts = _("%(counts)s, %(seconds).1f s", counts=counts, seconds=row.duration_ms / 1000)
    return labelled(what, counts)


def _deployment(row: Deployment) -> dict[str, Any]:
    counts = ("stored", "skipped", "failed", "not_attempted")
    return {
        "id": row.pk,
        "created": row.created.isoformat(timespec="seconds"),
        "user": str(row.user) if row.user else None,
        **{name: vars(row)[name] for name in _COLUMNS},
        "release": row.release.digest if row.release else None,
        "live": row.is_live,
        "ends": row.ends and row.ends.isoformat(timespec="seconds"),
        "counts": {"unchanged" if name == "skipped" else name: vars(row)[name] for name in counts},
        "bytes": row.bytes,
        "seconds": None if row.duration_ms is None else row.duration_ms / 1000,
    }
