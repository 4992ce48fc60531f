"""``wx_deploy``: a built site to the static hosting of one environment, or of many."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DatabaseError

from ... import conf
from ...core import interrupts
from ...core.naming import NO_CACHE
from ...core.types import UploadContext
from ...deploy import environments, report as summary
from ...deploy.allowance import allowance
from ...deploy.link_check import preflight
from ...deploy.plan import Plan, hash_items
from ...deploy.step_summary import append_step_summary
from ...deploy.tree import read_tree
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _
from ...upload.uploader import Uploader
from ...upload.workers import WorkerPool
from .. import deploy_line, preview
from ..exits import WRONG_USE
from ..release_list import release_lines


class Command(BaseCommand):
    requires_system_checks = ("wx_static_store",)
    doubtful = False  # a preview had something that will fail, or could not look

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Publish a folder, such as the dist/ of a front end, to the static hosting of one or "
            "more environments. Files that did not change are not sent; HTML goes last, when all "
            "else is stored. Exit code 0: all is published; 1: something failed, or --strict "
            "stopped it before anything was sent; 2: nothing was begun; 130: interrupted."
        )
        deploy_line.add_arguments(parser)

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
        except BrokenPipeError:  # whoever reads the output has gone, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except WxStaticStoreError as error:  # raised before anything was sent
            raise CommandError(str(error), returncode=WRONG_USE) from None

    def _handle(self, **options: Any) -> None:
        self.options = options
        deploy_line.check_line(options)
        how = {"report_progress": options["verbosity"] > 0, "trust_log": options["trust_log"]}
        uploaders = [
            environments.site_uploader(self._using, env, **how) for env in self._environments()
        ]
        if options["list"]:
            for uploader in uploaders:
                self.stdout.write("\n".join(release_lines(uploader.env)))
            return
        if options["json"]:
            summary.check_writable(Path(options["json"]))
        order = self._order(uploaders)
        self._warn_of_links(order, uploaders[0])
        plans = self._preview(uploaders, order)
        self._warn_of_quota(order, uploaders, plans)
        if options["dry_run"]:
            if self.doubtful:
                raise CommandError(_("Not everything could be published, or looked at."))
        elif not any(plans) or self._ask(_("Publish this?")):
            self._deploy(uploaders, order)
        else:
            self.stdout.write(_("Nothing was published."))

    # --- what is asked for ---------------------------------------------------------------------

    @property
    def _using(self) -> str:
        return deploy_line.alias_of(self.options)

    def _environments(self) -> Sequence[str | None]:
        """Return the environments that are asked for; None is the store's own."""
        if self.options["all"]:
            return deploy_line.some(conf.environments(), _("ENVIRONMENTS offers no environment."))
        if path := self.options["envs_file"]:
            none = _("%(path)s names no environment.", path=path)
            return deploy_line.offered(deploy_line.some(deploy_line.read_lines(path), none))
        return deploy_line.offered(list(dict.fromkeys(self.options["env"] or []))) or [None]

    def _order(self, uploaders: Sequence[Uploader]) -> environments.Order:
        options = self.options
        root, skip, hashed, manifest = self._source()
        tree = read_tree(
            root,
            options["prefix"],
            ignore=options["ignore"],
            rules=deploy_line.rules(options["map"]),
        )
        items = [
            replace(item, hashed=item.hashed or item.name in hashed)
            for item in tree.items
            if item.name not in skip
        ]
        asks_first = not (options["yes"] or options["dry_run"])
        compares = options["verify"] or options["canary"]
        counts = uploaders[0].options.trust_log
        if len(uploaders) > 1 or asks_first or compares or counts:  # each look would read them
            items = hash_items(items)
        last = next((item for item in items if item.name == manifest), None)
        return environments.Order(
            items=[item for item in items if item is not last],
            last=replace(last, cache_control=NO_CACHE) if last else None,
            prefix=tree.prefix,
            context=self._context(),
            force=options["force"],
            wait=options["wait"],
            verify=options["verify"],
            stale=options["stale"] or options["blank_stale"],
            blank_stale=self._ask if options["blank_stale"] else None,
            include_uploads=options["include_uploads"],
        )

    def _source(self) -> tuple[Path, set[str], set[str], str]:
        """Return the folder; names left out; names with a hash; the manifest, sent last."""
        if self.options["directory"]:
            return Path(self.options["directory"]), set(), set(), ""
        storage: Any = storages[self._using]
        if not getattr(storage, "location", ""):
            text = _(
                "Name a DIR: the alias %(alias)r has no folder on this machine, as static files "
                "have in STATIC_ROOT.",
                alias=self._using,
            )
            raise CommandError(text, returncode=WRONG_USE)
        manifest = str(getattr(storage, "manifest_name", ""))
        names = dict(storage.hashed_files) if manifest else {}
        hidden = set(names) if names and storage.options.keep_only_hashed else set()
        return Path(storage.location), hidden, set(names.values()), manifest

    def _context(self) -> UploadContext:
        labels = map(os.environ.get, deploy_line.LABELS)
        label = self.options["label"] or next(filter(None, labels), "")
        return UploadContext(source="wx_deploy", source_ref=label, user_id=self._user_id())

    def _user_id(self) -> int | None:
        name = self.options["user"]
        if name is None:
            return None
        model = get_user_model()
        try:
            return int(model._default_manager.get_by_natural_key(name).pk)
        except model.DoesNotExist:
            why = _("There is no user %(name)r.", name=name)
        except (DatabaseError, ImproperlyConfigured):
            why = _("There is no database that knows users: leave --user out.")
        raise CommandError(why, returncode=WRONG_USE)

    # --- before it begins ----------------------------------------------------------------------

    def _warn_of_links(self, order: environments.Order, uploader: Uploader) -> None:
        """Warn of what will be a 404; collected static files have no pages of their own."""
        if self.options["directory"]:
            options = uploader.options
            found = preflight(order.items, prefix=order.prefix, location=options.location)
            self._warn(found, stops=bool(found))

    def _warn_of_quota(
        self, order: environments.Order, uploaders: Sequence[Uploader], plans: Sequence[Plan]
    ) -> None:
        found = allowance(uploaders, order, plans)
        self._warn(found.doubts(), stops=bool(found.missing))

    def _warn(self, sentences: Iterable[str], *, stops: bool) -> None:
        """Print the warnings; those that count stop a run that is `--strict`."""
        for sentence in sentences:
            text = _("Warning: %(finding)s", finding=sentence)
            self.stderr.write(self.style.WARNING(text))
        if stops and self.options["strict"]:
            raise CommandError(_("Nothing was published: --strict."), returncode=1)

    def _ask(self, question: str) -> bool:
        if self.options["yes"]:
            return True
        if not sys.stdin.isatty():
            text = _("%(question)s Nobody is there to ask: add --yes.", question=question)
            raise CommandError(text, returncode=WRONG_USE)
        try:
            with interrupts.interruptible():
                return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:  # Ctrl-D
            return False

    def _preview(self, uploaders: Sequence[Uploader], order: environments.Order) -> list[Plan]:
        """Print what would be done, and return it; with --yes there is nobody to read it."""
        plans: list[Plan] = []
        if self.options["yes"] and not self.options["dry_run"]:
            return plans
        whole = replace(order, items=order.everything, last=None)
        for uploader in uploaders:
            with WorkerPool(uploader.options.max_workers) as pool:
                plan = environments.plan_of(uploader, whole, pool)
            plans.append(plan)
            if self.options["dry_run"]:
                self._list_files(uploader, order, plan)
            self.stdout.write(preview.environment_line(uploader, order, plan))
            self.stderr.write("".join(f"{note}\n" for note in plan.notes), ending="")
        return plans

    def _list_files(self, uploader: Uploader, order: environments.Order, plan: Plan) -> None:
        states = plan.states(uploader)
        refused = any(state == "refused" for state, _item in states)
        self.doubtful |= refused or bool(plan.rejected)
        lines = preview.file_lines(states, plan)
        try:
            lines += preview.stale_lines(uploader, order)
        except WxStaticStoreError as error:
            self.stderr.write(_("The stale files cannot be listed: %(why)s", why=error))
            self.doubtful = True
        self.stdout.writelines(f"{line}\n" for line in lines)

    # --- the deploy ----------------------------------------------------------------------------

    def _deploy(self, uploaders: Sequence[Uploader], order: environments.Order) -> None:
        started, clock = time.time(), time.monotonic()
        reports: list[summary.EnvironmentReport] = []
        try:
            for report in environments.deploy_to_all(
                uploaders, order, canary=self.options["canary"]
            ):
                reports.append(report)
                self.stdout.write("\n".join(summary.lines(report)))
        finally:
            whole = summary.Summary(
                using=self._using,
                source=order.context.source_ref,
                started=started,
                seconds=time.monotonic() - clock,
                environments=tuple(reports),
            )
            data = summary.as_dict(whole)
            if path := self.options["json"]:
                summary.write_json(Path(path), data)
            append_step_summary(data)
            if len(reports) > 1:
                self.stdout.write("\n".join(summary.total(whole)))
        if all(report.outcome == "skipped" for report in reports):
            raise CommandError(_("Nothing was published."), returncode=WRONG_USE)
        if not all(report.ok for report in reports):
            raise CommandError(_("Not everything was published, or not as it is here."))
