"""``wx_rollout``: a release to many environments, in waves that stop themselves."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, close_old_connections
from django.db.models import QuerySet

from ....core import interrupts
from ....deploy.log_lines import shown_warnings
from ....exceptions import WxStaticStoreError
from ....i18n import gettext as _, with_facts
from ....management.deploy_options import CommandLine
from ....management.exits import FAILED, WRONG_USE, wrong_use
from ....management.report_file import prepare_report, write_json
from ....upload.database import with_users
from ... import lifecycle as rollouts
from ...advance import advance
from ...models import Rollout
from ...snapshot import Snapshot
from .. import lines as rollout_lines, options as rollout_options
from ..options import manner_of, payload_of

LISTED = 20
POLL = 1.0  # seconds between two looks
PATIENCE = 60.0  # seconds for which a database may be away while one looks
VERSION = 1  # of the JSON

T = TypeVar("T")


class Command(BaseCommand):
    requires_system_checks = ("wx_static_store",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.description = _(
            "Bring one release to many environments with Celery, in waves, and stop when more fail "
            "than is tolerated. Exit code 0: as asked; 1: with --wait or --watch, not every "
            "environment has its release, or the database failed after something was begun; with "
            "status, no worker or no beat goes on with it; 2: nothing was begun; 130: interrupted, "
            "the rollout goes on."
        )
        rollout_options.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.options, self.line = options, CommandLine.of_options(options)
        try:
            with interrupts.handled(), shown_warnings(self.stderr.write):
                rollout_options.check_options(options["action"], self.line)
                prepare_report(options["json"])
                getattr(self, f"_{options['action'].replace('-', '_')}", self._act)()
        except KeyboardInterrupt:
            self.stderr.write(_("Interrupted."))
            interrupts.leave(for_good=getattr(self, "_called_from_command_line", False))
        except (WxStaticStoreError, Error, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None

    # --- the actions ---------------------------------------------------------------------------

    def _start(self) -> None:
        payload, manner = payload_of(self.line), manner_of(self.options)
        for warning in payload.warnings():
            self.stderr.write(self.style.WARNING(_("Warning: %(finding)s", finding=warning)))
        brought = (payload.using, payload.folder, payload.targets)
        self._show_and_follow(_begin(lambda: rollouts.start(*brought, manner)))

    def _rollback(self) -> None:
        pk, manner = self.options["id"], manner_of(self.options)
        rollout, warnings = _begin(lambda: rollouts.roll_back(pk, manner))
        for warning in warnings:
            self.stderr.write(self.style.WARNING(warning))
        self._show_and_follow(rollout)

    def _status(self) -> None:
        self._show_and_follow(self._rollout())

    def _act(self) -> None:
        pk, action = self.options["id"], self.options["action"]
        self._show_and_follow(_begin(lambda: rollouts.act(pk, action)))

    def _list(self) -> None:
        found = [Snapshot.of_rollout(row) for row in _rollouts()[:LISTED]]
        self.stdout.write("\n".join(rollout_lines.table(found)))
        self._write_json([each.as_dict() for each in found])

    # --- what is shown -------------------------------------------------------------------------

    def _rollout(self) -> Rollout:
        if row := _rollouts().filter(pk=self.options["id"]).first():
            return row
        text = _("There is no rollout %(pk)s: wx_rollout list shows all.", pk=self.options["id"])
        raise wrong_use(text)

    def _show_and_follow(self, rollout: Rollout) -> None:
        """Show the progress; with --watch and --wait, until the rollout is over."""
        self.options["id"] = rollout.pk
        follows = self.options["watch"] or self.options["wait"]
        try:
            snapshot = self._follow() if follows else Snapshot.of_rollout(self._rollout())
        except KeyboardInterrupt:
            self.stderr.write(rollout_lines.where_to_look(rollout))
            raise
        except CommandError as error:
            # Somebody has deleted it: it was begun, so this is no wrong use.
            error.returncode = FAILED
            raise
        except (WxStaticStoreError, Error) as error:
            text = f"{error}\n{rollout_lines.where_to_look(rollout)}"
            raise CommandError(text, returncode=FAILED) from None
        self.stdout.write("\n".join(rollout_lines.lines(snapshot)))
        self._write_json([snapshot.as_dict()])
        is_new = self.options["action"] != "status"
        if step := rollout_lines.next_step(snapshot, is_new=is_new):
            self.stdout.write(step)
        if follows and not snapshot.ok:
            raise CommandError(_("Not every environment has its release."), returncode=FAILED)
        if not is_new and snapshot.stalled:
            raise CommandError(
                _("Nobody works on this rollout. It goes on by itself as soon as a worker runs."),
                returncode=FAILED,
            )

    def _follow(self) -> Snapshot:
        """Show the progress until the rollout is over; a terminal's lines are overwritten."""
        live = self.options["watch"] and self.stdout.isatty()
        last: list[str] = []
        while True:
            snapshot = self._progress()
            last = self._show(snapshot, last, live=live)
            if snapshot.is_over:
                break
            sleep(POLL)
        if live:
            self._erase(last)
        return snapshot

    def _progress(self) -> Snapshot:
        until = monotonic() + PATIENCE
        while True:
            try:
                # Nothing stalls while one looks, whether a schedule runs or not.
                advance(self.options["id"])
                return Snapshot.of_rollout(self._rollout())
            except Error:
                # A database that restarts must not end the watching.
                if monotonic() >= until:
                    raise
            close_old_connections()
            sleep(POLL)

    def _show(self, snapshot: Snapshot, last: list[str], *, live: bool) -> list[str]:
        if live:
            lines = new = rollout_lines.lines(snapshot)
            self._erase(last)
        else:
            lines = [str(snapshot.stalled)] if snapshot.stalled else []
            if self.options["watch"]:
                counts = rollout_lines.counts_line(snapshot.counts)
                lines = [with_facts(rollout_lines.head(snapshot), counts)]
                lines += rollout_lines.waits(snapshot)
            new = [line for line in lines if line not in last]
        if new:
            self.stdout.write("\n".join(new))
            self.stdout.flush()
        return lines

    def _erase(self, lines: list[str]) -> None:
        """Move to the first of these lines on the terminal, and clear them."""
        if lines:
            self.stdout.write(f"\x1b[{len(lines)}F\x1b[J", ending="")

    def _write_json(self, found: list[dict[str, Any]]) -> None:
        write_json(self.options["json"], {"version": VERSION, "rollouts": found})


def _begin(begin: Callable[[], T]) -> T:
    try:
        return begin()
    except Error as error:
        # The transaction may have been committed before the connection broke.
        text = _("What was begun is uncertain: wx_rollout list shows it.")
        raise CommandError(f"{error}\n{text}", returncode=FAILED) from None


def _rollouts() -> QuerySet[Rollout]:
    """Return the rollouts with the rows that are shown."""
    return with_users(Rollout.objects.primary().select_related("release").defer("release__files"))
