"""``wx_doctor``: what is wrong with settings, token and environments, and what probes learned."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, OperationalError

from .... import conf
from ....core import interrupts
from ....core.frames import described
from ....deploy.log_lines import shown_warnings
from ....exceptions import ConfigurationError, WxStaticStoreError
from ....i18n import gettext as _, here, shown, with_facts
from ....management.exits import WRONG_USE
from ....management.report_file import prepare_report, write_json
from ...doctor.examination import examine, verdict
from ...doctor.facts import Remembered, facts_of, remember
from ...doctor.findings import Mark, Result
from ...doctor.latest import keep
from ...doctor.report import as_dict, lines, verdict_line
from ...doctor.table import CHECKS
from ...doctor.target import TIMEOUT, CheckTarget

LONGEST = 3600  # seconds that --timeout may give a check
_COLORS = {Mark.OK: "SUCCESS", Mark.WARNING: "WARNING", Mark.WRONG: "ERROR"}


class Command(BaseCommand):
    # They are one of the checks: an error must not keep the others from being asked.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Check what is wrong, and say how to repair it. Exit code 0: nothing is wrong; 1: "
            "something is wrong; 2: wrong use."
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
        add("--json", metavar="FILE", help=_("write the results to FILE"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # Its findings say what the log would.
            with interrupts.handled(), shown_warnings(lambda warning: None):
                self._handle(**options)
        except KeyboardInterrupt:
            raise CommandError(_("Interrupted."), returncode=interrupts.EXIT_CODE) from None

    def _handle(self, **options: Any) -> None:
        try:
            envs = _offered() if options["all"] else options["env"]
            if options["using"]:
                conf.options_for(options["using"])
            prepare_report(options["json"])
        except WxStaticStoreError as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        if not 0 < options["timeout"] <= LONGEST:
            text = _("--timeout takes a number above 0, and at most %(most)d.", most=LONGEST)
            raise CommandError(text, returncode=WRONG_USE)
        target = CheckTarget(
            options["using"], envs, probe=options["probe"], timeout=options["timeout"]
        )
        results = [self._shown(result) for result in examine(target, CHECKS)]
        self._end(target, results)
        if not (options["using"] or envs or target.cache_is_away):
            keep(results)
        if path := options["json"]:
            write_json(path, as_dict(results) | {"learned": learned_list(target)})
        if verdict(results) is Mark.WRONG:
            raise SystemExit(1)

    def _shown(self, result: Result) -> Result:
        style = getattr(self.style, _COLORS.get(result.mark, ""), str)
        first, *others = lines(result)
        self.stdout.write("\n".join([style(first), *others]))
        return result

    def _end(self, target: CheckTarget, results: list[Result]) -> None:
        if not target.probe:  # one line for all checks of the probe
            text = _("Asked with --probe only: it publishes a small file for a moment.")
            self.stdout.write(f"{Mark.NOT_ASKED.value} {'probe.*':<22} {text}")
        elif why := keep_learned(target):
            self.stderr.write(why)
        for line in learned_lines(target):
            self.stdout.write(line)
        self.stdout.write(verdict_line(results))


def _offered() -> list[str]:
    try:
        return list(conf.offers())
    except ConfigurationError:
        if conf.platform_options().environments is None:
            raise
        # A check reports the function that fails.
        return []


SHOWN_ENVS = 5  # environments
ONE_PROBE = timedelta(minutes=5)  # what it learned needs no time each

_NO_DATABASE = (Error, ImproperlyConfigured)


def keep_learned(target: CheckTarget) -> str:
    """Keep the facts that the probe has learned; return why this fails, or an empty text."""
    try:
        _check_database(target)
        remember(target)
    except _NO_DATABASE as error:
        why = described(error)
        return _("What was learned could not be kept (%(why)s).", why=why)
    return ""


def learned_lines(target: CheckTarget) -> Iterator[str]:
    """Yield the facts of the environments and the platform; without a probe, only the advice."""
    with suppress(WxStaticStoreError, *_NO_DATABASE):  # a check says so
        _check_database(target)
        for subject in (*target.envs[:SHOWN_ENVS], target.options.component_appid):
            facts = facts_of(subject)
            if wanted := [fact for fact in facts if target.probe or fact.advice]:
                newest = max(fact.when for fact in facts)
                name = shown(subject) or _("the platform")
                yield _("Learned of %(subject)s, %(when)s:", subject=name, when=_minute(newest))
                yield from _lines(wanted, newest)


def _check_database(target: CheckTarget) -> None:
    """Raise an error if a check could not ask the database: another question may wait as long."""
    if target.database_is_away or "database.log" in target.timed_out:
        raise OperationalError("timeout")


def _lines(facts: list[Remembered], newest: datetime) -> Iterator[str]:
    """Yield facts and advice, with the time of a fact that another probe learned."""
    said = ""
    for fact in facts:
        sentence = shown(str(fact.sentence))
        if newest - fact.when > ONE_PROBE:
            sentence = with_facts(sentence, _minute(fact.when))
        yield f"  {sentence}"
        if fact.advice and str(fact.advice) != said:
            said = str(fact.advice)
            yield f"    {said}"


def _minute(moment: datetime) -> str:
    return f"{here(moment):%Y-%m-%d %H:%M}"


def learned_list(target: CheckTarget) -> list[dict[str, str]]:
    """Return the facts for programs; the texts are in the language of the caller."""
    found = []
    with suppress(WxStaticStoreError, *_NO_DATABASE):
        _check_database(target)
        for subject in (*target.envs, target.options.component_appid):
            for fact in facts_of(subject):
                facts = {"subject": subject, "name": fact.name, "value": fact.value}
                texts = {"sentence": str(fact.sentence), "advice": str(fact.advice)}
                found.append({**facts, **texts, "learned": fact.when.isoformat()})
    return found
