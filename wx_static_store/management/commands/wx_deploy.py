"""``wx_deploy``: a built site to the static hosting of one environment, or of many."""

import gc
import math
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, SystemCheckError

from ...core import interrupts, qr
from ...deploy import environments, report as summary
from ...deploy.link_check import OWN_SECONDS, preflight
from ...deploy.log_lines import shown_warnings
from ...deploy.plan import Plan
from ...deploy.report import EnvironmentReport
from ...deploy.state import states
from ...deploy.step_summary import append, step_summary
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _
from ...releases import rollback
from ...upload import kept
from ...upload.uploader import Uploader
from .. import deploy_options, differences, modes, preview, release_list
from ..deploy_options import CommandLine
from ..exits import WRONG_USE, confirmed
from ..report_file import prepare_report, write_json


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Collect garbage seldom: to look at all files of a tree took a fifth of a run."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Command(BaseCommand):
    requires_system_checks = ("wx_static_store",)
    doubtful = False  # a preview found something that will fail, or could not be made
    noted: Collection[str] = ()  # notes that the preview has shown

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Publish a folder, such as the dist/ of a front end, to the static hosting of one or "
            "more environments. Files that did not change are not sent; HTML goes last, when all "
            "else is stored. Exit code 0: all is published; 1: something failed, or --strict "
            "stopped it before anything was sent; 2: nothing was begun; 130: interrupted."
        )
        deploy_options.add_arguments(parser)

    def check(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().check(*args, **kwargs)
        except SystemCheckError as error:
            error.returncode = WRONG_USE
            raise

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with interrupts.handled(), shown_warnings(self.stderr.write), collecting_seldom():
                self._handle(**options)
        except KeyboardInterrupt:
            self.stderr.write(_("Interrupted."))
            interrupts.leave(for_good=getattr(self, "_called_from_command_line", False))
        except BrokenPipeError:
            # The reader of the output has ended, as `head` does.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except WxStaticStoreError as error:
            # It was raised before anything was sent: later errors are in the report.
            raise CommandError(str(error), returncode=WRONG_USE) from None

    def _handle(self, **options: Any) -> None:
        self.line = line = CommandLine.of_options(options)
        deploy_options.check_line(line)
        prepare_report(line.json)
        modes.refuse_media_store(line)
        self.using = modes.store_of(line)
        how = {"report_progress": line.verbosity > 0, "trust_log": line.trust_log}
        envs = modes.environments_of(line)
        uploaders = [environments.site_uploader(self.using, env, **how) for env in envs]
        if line.preview:
            self.line = line = modes.at_preview(line, uploaders[0])
        if line.list:
            release_list.show([uploader.env for uploader in uploaders], line, self.stdout.write)
            return
        if line.diff:
            differences.show(line, self.using, uploaders, self.stdout.write)
            return
        if line.publishes_release:
            self._publish_releases(uploaders)
        else:
            orders = modes.of_tree(line, self.using, uploaders, self._ask)
            self._warn_of_links(orders)
            if self._is_wanted(orders, self._preview(orders)):
                self._deploy(orders)

    def _publish_releases(self, uploaders: Sequence[Uploader]) -> None:
        orders, moves = modes.of_releases(self.line, self.using, uploaders, self._ask)
        if self.line.write_manifest:
            modes.check_manifest(self.using, orders)
        going, folder = {move.env for move in moves}, moves[0].target.folder
        left = states([each.env for each in uploaders if each.env not in going], folder)
        unsettled = [rollback.unsettled(now, now.wanted) for now in left if now.wanted]
        if self.line.verbosity > 0:
            lines = [*map(preview.move_line, moves), *map(preview.left_out_line, left)]
            self.stdout.write("\n".join(lines))
        plans = self._preview(orders) or [environments.preview_of(*order) for order in orders]
        rollback.refuse_incomplete(self.using, {move.target.release for move in moves}, plans)
        self._warn(orders, modes.changes_in_place(orders, plans, moves))
        if not self._is_wanted(orders, plans):
            return
        try:
            self._deploy(orders)
        except (CommandError, KeyboardInterrupt):
            # Without a name, the next roll back would return to the release before.
            names = dict.fromkeys(str(move.target.release) for move in moves if not move.repair)
            text = _("To go on with it, name the release: --rollback %(release)s")
            self.stderr.writelines(f"{text % {'release': name}}\n" for name in names)
            raise
        if unsettled:
            raise CommandError("\n".join(map(str, unsettled)))
        reminder = rollback.manifest_reminder(moves[0], orders[0][1])
        if self.line.write_manifest:
            self.stdout.write(modes.write_manifest(self.using, orders))
        elif reminder and self.line.verbosity > 0:
            self.stdout.write(reminder)

    # --- before it begins ----------------------------------------------------------------------

    def _is_wanted(self, orders: environments.Orders, plans: Sequence[Plan]) -> bool:
        """Warn of the quota and ask; a dry run ends here."""
        quota = environments.allowance(orders, plans)
        self._warn(orders, quota.doubts(), stops=bool(quota.missing))
        if self.line.dry_run:
            if self.doubtful:
                raise CommandError(_("Not everything could be published, or looked at."))
            return False
        if not any(plans) or self._ask(_("Publish this?")):
            return True
        self.stdout.write(_("Nothing was published."))
        return False

    def _warn_of_links(self, orders: environments.Orders) -> None:
        """Warn of broken links of the pages of a folder."""
        # Collected static files have no pages of their own.
        if self.line.directory:
            uploader, order = orders[0]
            # A preview may change under the eyes of those who look at it.
            changing = () if self.line.preview else orders
            found = preflight(
                order.items,
                prefix=order.prefix,
                location=uploader.options.location,
                envs=[each.env for each, _order in changing],
                before=modes.live_in(changing),
                seconds=math.inf if self.line.strict else OWN_SECONDS,
            )
            self._warn(orders, found)

    def _warn(
        self, orders: environments.Orders, sentences: Iterable[str], *, stops: bool = True
    ) -> None:
        """Print the warnings; with `--strict`, those that stop a run end it with its reports."""
        warnings = [_("Warning: %(finding)s", finding=sentence) for sentence in sentences]
        self.stderr.writelines(f"{self.style.WARNING(text)}\n" for text in warnings)
        if warnings and stops and self.line.strict:
            refused = _("Nothing was published: --strict.")
            why, envs = "\n".join([refused, *warnings]), [each.env for each, _order in orders]
            left = [EnvironmentReport(env, outcome="skipped", error=why) for env in envs]
            self._report(orders, left)
            raise CommandError(refused, returncode=1)

    def _ask(self, question: str) -> bool:
        return self.line.yes or confirmed(question)

    def _preview(self, orders: environments.Orders) -> list[Plan]:
        """Print and return the plans; with --yes none are made."""
        plans: list[Plan] = []
        # Nobody reads them, and each costs a list of the cloud.
        if self.line.yes and not self.line.dry_run:
            return plans
        envs = [uploader.env for uploader, _order in orders]
        how = {"dry": self.line.dry_run, "verbose": self.line.verbosity > 1}
        shown = preview.Preview(self, envs, **how)
        for uploader, order in orders:
            plan = environments.preview_of(uploader, order)
            plans.append(plan)
            shown.show(uploader, order, plan)
        shown.end()
        self.doubtful, self.noted = shown.doubtful, {note for _env, note in shown.notes}
        return plans

    # --- the deploy ----------------------------------------------------------------------------

    def _deploy(self, orders: environments.Orders) -> None:
        started = time.monotonic()
        reports: list[EnvironmentReport] = []
        try:
            for report in environments.deploy_to_all(orders, canary=self.line.canary):
                reports.append(report)
                self.stdout.write(summary.line(report))
                if self.line.preview and report.address and self.stdout.isatty():
                    self.stdout.write(qr.lines(report.address, self.stdout.encoding))
        finally:
            self._report(orders, reports, time.monotonic() - started)
        recorded = any(report.release for report in reports)
        if recorded and not kept.alias() and self.line.verbosity > 0:
            self.stdout.write(_("RELEASE_STORAGE is not set: no bytes are kept to roll back to."))
        if all(report.outcome == "skipped" for report in reports):
            raise CommandError(_("Nothing was published."), returncode=WRONG_USE)
        if not all(report.ok for report in reports):
            raise CommandError(_("Some files were not published, or differ from this folder."))

    def _report(
        self, orders: environments.Orders, reports: Sequence[EnvironmentReport], seconds: float = 0
    ) -> None:
        """Print how a run ended, unless it was refused; write what --json and GitHub ask for."""
        labels = {order.context.source_ref for _uploader, order in orders}
        source, started = labels.pop() if len(labels) == 1 else "", time.time() - seconds
        facts: dict[str, Any] = {"source": source, "started": started, "seconds": seconds}
        data = summary.as_dict(reports, using=self.using, **facts)
        if reports and seconds:
            self.stdout.write("\n".join(summary.ending(data, self.noted)))
        write_json(self.line.json, data)
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            append(page, step_summary(data))
        if (output := os.environ.get("GITHUB_OUTPUT")) and data["url"]:
            append(output, f"url={data['url']}\n")
