"""Show what ``wx_deploy`` would do: lines of files, a row for each environment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand

from ..core.releases import label_in_words
from ..deploy.environments import Order, may_be_stale, stale_files
from ..deploy.plan import Plan
from ..deploy.report import by_text
from ..exceptions import WxStaticStoreError
from ..i18n import gettext, gettext_lazy as _, joined, labelled, ngettext, padded, shown, width
from ..models import Deployment, FolderState
from ..releases.rollback import Move, title
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
# Columns with fixed widths: a row is printed before the later rows are known.
COLUMNS = {"new": 7, "changed": 7, "unchanged": 9, "rejected": 8, "stale": 7, "bytes": 13}

File = tuple[str, int | None, str]  # its state, size, and name


def move_line(move: Move) -> str:
    """Return the line on a move: from which release to which."""
    return labelled(shown(move.env), label_in_words(move.describe(_deployment)))


def left_out_line(now: FolderState) -> str:
    """Return the line on an environment that a repair leaves out."""
    text = gettext("left out: nothing is live in /%(folder)s", folder=shown(now.folder))
    if now.wanted:
        text = gettext("left out: its newest release did not end well")
    return labelled(shown(now.env), text)


def _deployment(row: Deployment) -> str:
    name, digest = title(row), str(row.release)
    facts = [row.pk, *[digest] * (name != digest), f"{row.created:%Y-%m-%d %H:%M}"]
    return gettext("%(what)s (%(facts)s)", what=shown(name), facts=joined(facts))


class Preview:
    """Print what a run will do: a line for each environment, and at its end the notes."""

    def __init__(
        self, command: BaseCommand, envs: Sequence[str], *, dry: bool, verbose: bool
    ) -> None:
        self.out, self.err = command.stdout, command.stderr
        # A dry run shows the files of one environment, or a table of many as they are known.
        self.dry, self.many = dry, len(envs) > 1
        self.doubtful = False  # whether something will fail or could not be checked
        self.lists_files = verbose or not self.many
        self.sums, self.notes = Counter[str](), list[tuple[str, str]]()
        heading = gettext("environment")
        self.places = max(map(width, [heading, *map(shown, envs)]))
        self.widest = max(width(str(title)) for title in STATES.values())
        if self.dry and self.many:
            self._write_row(heading, STATES | {"bytes": _("bytes")}, gettext("address"))

    def show(self, uploader: Uploader, order: Order, plan: Plan) -> None:
        self.notes += [(uploader.env, note) for note in (*order.notes, *plan.notes)]
        if self.dry:
            self._show_files(uploader, order, plan)
        if not (self.dry and self.many):
            counts = ngettext(
                "%(env)s: %(count)d file to send, %(size)s bytes, %(unchanged)d unchanged",
                "%(env)s: %(count)d files to send, %(size)s bytes, %(unchanged)d unchanged",
                len(plan),
                env=uploader.env,
                size=f"{plan.size:,}",
                unchanged=len(plan.unchanged),
            )
            self.out.write(f"{counts}  {uploader.store.address(order.prefix)}")

    def _show_files(self, uploader: Uploader, order: Order, plan: Plan) -> None:
        files: list[File] = [
            (state, item.size or 0, shown(item.name)) for state, item in plan.states(uploader)
        ]
        for one in plan.rejected:
            files.append(("rejected", None, labelled(shown(one.name), one.error)))
        stale = self._stale(uploader, order)
        counts = Counter(state for state, _size, _name in [*files, *(stale or ())])
        counts.update(rejected=counts["refused"], bytes=plan.size)
        self.doubtful |= counts["rejected"] > 0 or stale is None
        self.doubtful |= order.must_compare and not plan.compared
        if self.lists_files:
            for state, size, name in [*files, *(stale or ())]:
                places = "" if size is None else f"{size:,}"
                self.out.write(f"{padded(str(STATES[state]), self.widest)} {places:>13}  {name}")
        if self.many:
            self.sums.update(counts)
            cells = {**counts, **({} if stale is not None else {"stale": "?"})}
            self._write_row(uploader.env, cells, uploader.store.address(order.prefix))

    def end(self) -> None:
        if self.dry and self.many:
            self._write_row(gettext("total"), self.sums)
        self.err.writelines(f"{line}\n" for line in by_text(self.notes, many=self.many))

    def _stale(self, uploader: Uploader, order: Order) -> list[File] | None:
        """Return the files that only the cloud has; None if the list cannot be read."""
        try:
            stale, uploaded = stale_files(uploader, order, may_be_stale(uploader, order))
        except WxStaticStoreError as error:
            why = error.in_general()
            if any(why.full_hint in note for env, note in self.notes if env == uploader.env):
                why.hint = ""  # the plan's note says it
            text = gettext("The stale files cannot be listed: %(why)s", why=why)
            self.notes.append((uploader.env, text))
            return None
        pairs = [*(("stale", file) for file in stale), *(("uploaded", file) for file in uploaded)]
        return [(state, file.size, shown(file.key)) for state, file in pairs]

    def _write_row(self, first: str, cells: Mapping[str, Any], last: str = "") -> None:
        row = [padded(shown(first), self.places)]
        for name, places in COLUMNS.items():
            cell = cells.get(name, 0)
            text = f"{cell:,}" if isinstance(cell, int) else str(cell)
            row.append(padded(text, max(places, width(str(STATES.get(name, "")))), right=True))
        self.out.write("  ".join([*row, last]).rstrip())
