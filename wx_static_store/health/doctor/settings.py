"""The settings: Django's own system checks of this app, and the stores that they make."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, run_checks

from ...conf import aliases
from ...conf.check_table import CHECKS as SYSTEM_CHECKS, PREFIX, TAG
from ...conf.settings import setting
from ...exceptions import ConfigurationError
from ...i18n import gettext_lazy as _, listed
from .findings import Finding, Mark, explained, of_error, ok, wrong
from .target import CheckTarget

SHOWN = 3  # environments

_ENV = _(
    "Correct the function that env names, or say which environments to look at: --env, or --all."
)


def check_system(target: CheckTarget) -> Iterator[Finding]:
    found = run_checks(tags=[TAG], include_deployment_checks=not setting("DEBUG"))
    silenced = sorted({_number(message) for message in found if message.is_silenced()})
    found = [message for message in found if not message.is_silenced()]
    if not found:
        numbers = sorted(SYSTEM_CHECKS, key=lambda id: id[1:])
        facts = {"count": len(numbers), "first": numbers[0], "last": numbers[-1]}
        text = _("Django's system checks %(first)s to %(last)s find nothing (%(count)d).", **facts)
        if silenced:
            text = _("%(text)s Silenced: %(names)s.", text=text, names=listed(silenced))
        yield ok(text, data={"ids": numbers, "silenced": silenced})
    found.sort(key=lambda message: message.level)
    # Of two with one text, as W007 and E009, the worse one.
    yield from map(_finding, {str(each.msg): each for each in found}.values())


def _finding(message: CheckMessage) -> Finding:
    mark = Mark.WRONG if message.is_serious() else Mark.WARNING
    hint, data = getattr(message, "advice", message.hint or ""), {"id": message.id}
    return Finding(mark, message.msg, hint=hint, cause=_number(message), data=data)


def _number(message: CheckMessage) -> str:
    return str(message.id).removeprefix(PREFIX)


def check_stores(target: CheckTarget) -> Iterator[Finding]:
    try:
        stores = [*target.stores]
    except ConfigurationError as error:
        explanation = explained(target, "settings.checks") if aliases() else None
        yield explanation or of_error(error)
        return
    try:
        envs = target.envs
    except ConfigurationError as error:  # of the project's own function
        yield explained(target, "database.tables") or wrong(error.message, hint=_ENV)
        return
    what = {"stores": listed(stores), "envs": listed(envs, SHOWN)}
    text = _("Stores: %(stores)s. Environments: %(envs)s.", **what)
    yield ok(text, data={"stores": stores, "envs": envs})
