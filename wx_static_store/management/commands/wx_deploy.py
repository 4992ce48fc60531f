"""``wx_deploy``: a built site to the static hosting of one environment, or of many."""

import math
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, SystemCheckError

from ...core import interrupts
from ...deploy import environments, report as summary
from ...deploy.link_check import OWN_SECONDS, preflight
from ...deploy.plan import Plan
from ...deploy.state import state
from ...deploy.step_summary import append_step_summary
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _
from ...releases import rollback
from ...upload import kept
from ...upload.uploader import Uploader
from .. import deploy_options, differences, modes, preview, release_list
from ..deploy_options import CommandLine
from ..exits import WRONG_USE


class Command(BaseCommand):
    requires_system_checks = ("wx_static_store",)
    doubtful = False  # a preview found something that will fail, or could not be made

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
            with interrupts.handled():
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
        modes.refuse_media_store(line)
        self.using = modes.store_of(line)
        how = {"report_progress": line.verbosity > 0, "trust_log": line.trust_log}
        envs = modes.environments_of(line)
        uploaders = [environments.site_uploader(self.using, env, **how) for env in envs]
        if line.list:
            release_list.show([uploader.env for uploader in uploaders], line, self.stdout.write)
            return
        if line.diff:
            differences.show(line, self.using, uploaders, self.stdout.write)
            return
        if line.json:
            summary.check_writable(Path(line.json))
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
        left = [state(each.env, folder) for each in uploaders if each.env not in going]
        unsettled = [rollback.unsettled(now, now.wanted) for now in left if now.wanted]
        if self.line.verbosity > 0:
            lines = [*map(preview.move_line, moves), *map(preview.left_out_line, left)]
            self.stdout.write("\n".join(lines))
        plans = self._preview(orders) or [environments.preview_of(*order) for order in orders]
        rollback.refuse_missing(self.using, moves, plans)
        self._warn(found := modes.changes_in_place(orders, plans, moves), stops=bool(found))
        if not self._is_wanted(orders, plans):
            return
        try:
            self._deploy(orders)
        except (CommandError, KeyboardInterrupt):
            self.stderr.writelines(f"{line}\n" for line in modes.how_to_go_on(moves))
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
        self._warn(quota.doubts(), stops=bool(quota.missing))
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
            found = preflight(
                order.items,
                prefix=order.prefix,
                location=uploader.options.location,
                envs=[each.env for each, _order in orders],
                before=modes.live_in(orders),
                seconds=math.inf if self.line.strict else OWN_SECONDS,
            )
            self._warn(found, stops=bool(found))

    def _warn(self, sentences: Iterable[str], *, stops: bool) -> None:
        """Print the warnings; with `--strict`, `stops` ends the run."""
        for sentence in sentences:
            text = _("Warning: %(finding)s", finding=sentence)
            self.stderr.write(self.style.WARNING(text))
        if stops and self.line.strict:
            raise CommandError(_("Nothing was published: --strict."), returncode=1)

    def _ask(self, question: str) -> bool:
        if self.line.yes:
            return True
        if not sys.stdin.isatty():
            text = _("%(question)s There is no terminal to ask: add --yes.", question=question)
            raise CommandError(text, returncode=WRONG_USE)
        try:
            with interrupts.interruptible():
                return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:  # Ctrl-D
            return False

    def _preview(self, orders: environments.Orders) -> list[Plan]:
        """Print and return the plans; with --yes none are made."""
        plans: list[Plan] = []
        # Nobody reads them, and each costs a list of the cloud.
        if self.line.yes and not self.line.dry_run:
            return plans
        shown = None
        if self.line.dry_run:
            envs = [uploader.env for uploader, _order in orders]
            shown = preview.DryRun(self, envs, verbose=self.line.verbosity > 1)
        for uploader, order in orders:
            plan = environments.preview_of(uploader, order)
            plans.append(plan)
            if shown:
                shown.show(uploader, order, plan)
            else:
                self.stdout.write(preview.environment_line(uploader, order, plan))
                self.stderr.write("".join(f"{note}\n" for note in plan.notes), ending="")
        if shown:
            shown.end()
            self.doubtful = shown.doubtful
        return plans

    # --- the deploy ----------------------------------------------------------------------------

    def _deploy(self, orders: environments.Orders) -> None:
        started, clock = time.time(), time.monotonic()
        reports: list[summary.EnvironmentReport] = []
        labels = {order.context.source_ref for _uploader, order in orders}
        try:
            for report in environments.deploy_to_all(orders, canary=self.line.canary):
                reports.append(report)
                self.stdout.write("\n".join(summary.lines(report)))
        finally:
            data = summary.as_dict(
                reports,
                using=self.using,
                source=labels.pop() if len(labels) == 1 else "",
                started=started,
                seconds=time.monotonic() - clock,
            )
            if path := self.line.json:
                summary.write_json(Path(path), data)
            if page := os.environ.get("GITHUB_STEP_SUMMARY"):
                append_step_summary(page, data)
            if len(reports) > 1:
                self.stdout.write("\n".join(summary.total(data)))
        recorded = any(report.release for report in reports)
        if recorded and not kept.alias() and self.line.verbosity > 0:
            self.stdout.write(_("RELEASE_STORAGE is not set: no bytes are kept to roll back to."))
        if all(report.outcome == "skipped" for report in reports):
            raise CommandError(_("Nothing was published."), returncode=WRONG_USE)
        if not all(report.ok for report in reports):
            raise CommandError(_("Some files were not published, or differ from this folder."))
