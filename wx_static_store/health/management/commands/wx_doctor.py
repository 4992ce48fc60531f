"""``wx_doctor``: what is wrong with the settings, the token and the environments."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .... import conf
from ....core import interrupts
from ....deploy.report import check_writable, write_json
from ....exceptions import ConfigurationError, WxStaticStoreError
from ....i18n import gettext as _
from ....management.exits import WRONG_USE
from ...doctor.examination import examine, verdict
from ...doctor.findings import Mark, Result
from ...doctor.latest import keep
from ...doctor.report import as_dict, lines, verdict_line
from ...doctor.table import CHECKS
from ...doctor.target import TIMEOUT, CheckTarget
from .. import learned

LONGEST = 3600  # seconds that --timeout may give a check
_COLORS = {Mark.OK: "SUCCESS", Mark.WARNING: "WARNING", Mark.WRONG: "ERROR"}


class Command(BaseCommand):
    requires_system_checks = []  # they are one of the doctor's own checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Ask what is wrong, and say what to do about it. Exit code 0: nothing is wrong; 1: "
            "something is; 2: wrong use."
        )
        add = parser.add_argument
        add("--using", metavar="ALIAS", default="", help=_("alias in STORAGES (default: all)"))
        which = parser.add_mutually_exclusive_group().add_argument
        text = _("environments to look at, in place of the stores' own")
        which("--env", nargs="+", action="extend", default=[], metavar="ID", help=text)
        text = _("every environment that ENVIRONMENTS offers")
        which("--all", action="store_true", help=text)
        add("--probe", action="store_true", help=_("publish a small file, and look at it"))
        text = _("seconds for each check (default: %(default)s)")
        add("--timeout", type=float, default=TIMEOUT, metavar="SECONDS", help=text)
        add("--json", metavar="FILE", help=_("write the results there"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with interrupts.handled():
                self._handle(**options)
        except KeyboardInterrupt:
            raise CommandError(_("Interrupted."), returncode=interrupts.EXIT_CODE) from None

    def _handle(self, **options: Any) -> None:
        try:
            envs = _offered() if options["all"] else options["env"]
            if options["using"]:
                conf.options_for(options["using"])
            if options["json"]:
                check_writable(Path(options["json"]))
        except WxStaticStoreError as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        if not 0 < options["timeout"] <= LONGEST:
            text = _("--timeout takes a number above 0, and at most %(most)d.", most=LONGEST)
            raise CommandError(text, returncode=WRONG_USE)
        target = CheckTarget(
            options["using"], envs, probe=options["probe"], timeout=options["timeout"]
        )
        results = [self._shown(result, target) for result in examine(target, CHECKS)]
        self._end(target, results)
        if not (options["using"] or envs or target.cache_is_away):
            keep([each for each in results if target.probe or not each.check.probe])
        if options["json"]:
            report = as_dict(results) | {"learned": learned.as_list(target)}
            write_json(Path(options["json"]), report)
        if verdict(results) is Mark.WRONG:
            raise SystemExit(1)

    def _shown(self, result: Result, target: CheckTarget) -> Result:
        """Write the lines of a check; without --probe, all checks of the probe share one line."""
        if result.check.probe and not target.probe:
            return result
        style = getattr(self.style, _COLORS.get(result.mark, ""), str)
        first, *others = lines(result)
        self.stdout.write("\n".join([style(first), *others]))
        return result

    def _end(self, target: CheckTarget, results: list[Result]) -> None:
        if not target.probe:  # one line for all checks of the probe
            [finding, *_others] = next(each.findings for each in results if each.check.probe)
            self.stdout.write(f"{Mark.NOT_ASKED.value} {'probe.*':<22} {finding.text}")
        elif why := learned.keep(target):
            self.stderr.write(why)
        for line in learned.learned_lines(target):
            self.stdout.write(line)
        self.stdout.write(verdict_line(results))


def _offered() -> list[str]:
    """Return the environments that ENVIRONMENTS offers; if it fails, a check reports it."""
    try:
        return list(conf.offers())
    except ConfigurationError:
        if conf.platform_options().environments is None:
            raise
        return []
