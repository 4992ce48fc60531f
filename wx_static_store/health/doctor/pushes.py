"""WeChat's pushes: the newest verify ticket, and whether pushes arrive."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router
from django.utils.functional import lazy
from django.utils.timesince import timesince

from ... import conf
from ...clients.tokens import current_ticket
from ...conf import Options
from ...core.pushes import HINTS, NEEDED, UNSIGNED, newest_refused
from ...core.secrets import Secret
from ...i18n import gettext_lazy as _, listed, ngettext, sentences_lazy
from ...upload.platform import ticket_source
from .database import NO_DATABASE, away
from .findings import Finding, explained, not_asked, not_well, ok, warning, wrong
from .target import CheckTarget

MINUTE, HOUR = 60, 3600
LIFE = 12 * HOUR  # of a ticket, in seconds
EPOCH = datetime(1970, 1, 1)
# WeChat pushes every ten minutes, and a push may take a while.
BETWEEN = 11 * 60

_CALLBACK = "wx_static_store.callback"

_GIVE_A_FUNCTION = _(
    "Set VERIFY_TICKET to a function that gives the newest ticket, or install "
    "wx_static_store.callback in its place."
)


def _in_words(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 2 * MINUTE:
        return ngettext("%(count)d second", "%(count)d seconds", whole)
    # A terminal would show the spaces that break no line as their codes.
    return timesince(EPOCH, EPOCH + timedelta(seconds=whole)).replace("\xa0", " ")


span = lazy(_in_words, str)


def name_of(given: Any) -> str:
    """Return the dotted path of a project's function or class."""
    if isinstance(given, str):
        return given
    kind = given if hasattr(given, "__qualname__") else type(given)
    return f"{kind.__module__}.{kind.__qualname__}"


# --- the ticket ---------------------------------------------------------------------------------


def check_ticket(target: CheckTarget) -> Iterator[Finding]:
    options = target.options
    if not options.fetches_tokens:
        yield not_asked(_("No token is fetched here, so no verify ticket is needed."))
    elif isinstance(options.verify_ticket, Secret):
        text = _("VERIFY_TICKET is a fixed text, and a ticket lives 12 hours.")
        yield warning(text, hint=_GIVE_A_FUNCTION, data={"source": "VERIFY_TICKET"})
    elif options.verify_ticket:
        current_ticket(options.verify_ticket)
        name = name_of(options.verify_ticket)
        text = _("VERIFY_TICKET gives a verify ticket (%(name)s); its age is unknown.", name=name)
        yield ok(text, data={"source": "VERIFY_TICKET"})
    elif apps.is_installed(_CALLBACK):
        yield _of_row(target, partial(_pushed_ticket, target))
    else:
        text = _("Nothing receives the verify ticket.")
        yield explained(target, "settings.checks") or wrong(text, cause="E015")


def _pushed_ticket(target: CheckTarget, row: Any) -> Finding:
    if row is None:
        return explained(target, "token.pushes") or wrong(_("No verify ticket has come yet."))
    age = max(0.0, time.time() - row.created)
    text = _("The newest verify ticket is %(age)s old.", age=span(age))
    more: dict[str, Any] = {"data": {"source": _CALLBACK, "age": round(age)}}
    if age > LIFE:
        text = _("The newest verify ticket is %(age)s old, and it lived 12 hours.", age=span(age))
        return explained(target, "token.pushes") or wrong(text, **more)
    current_ticket(ticket_source(target.options))
    return warning(text, **more) if age > HOUR else ok(text, **more)


def _of_row(target: CheckTarget, judge: Callable[[Any], Finding]) -> Finding:
    """Return what `judge` finds of the newest ticket's row or of None, or why it is not read."""
    if target.database_is_away:
        return not_well("database.tables")
    model = apps.get_model("wx_static_store_callback", "VerifyTicket")
    alias, appid = router.db_for_write(model), conf.platform_options().component_appid
    try:
        row = model._default_manager.using(alias).filter(appid=appid).first()
    except ImproperlyConfigured:
        return not_asked(NO_DATABASE)
    except Error as error:
        return explained(target, "database.tables") or away(alias, error)
    return judge(row)


# --- the pushes ---------------------------------------------------------------------------------


def check_pushes(target: CheckTarget) -> Iterator[Finding]:
    if not apps.is_installed(_CALLBACK):
        yield not_asked(_("wx_static_store.callback, which receives pushes, is not installed."))
        return
    options = conf.platform_options()
    if missing := [name.upper() for name in NEEDED if not getattr(options, name)]:
        text = _("No push can be read without %(names)s.", names=listed(missing))
        yield explained(target, "settings.checks") or not_asked(text)
        return
    yield _of_row(target, partial(_newest, target, options))


def _newest(target: CheckTarget, options: Options, row: Any) -> Finding:
    cache, appid = options.token_cache, options.component_appid
    refused = None if target.cache_is_away else newest_refused(cache, appid)
    needed = options.fetches_tokens and not options.verify_ticket
    if not (row or refused or needed):
        return not_asked(_("No push has come, and nothing here needs one."))
    now, figures = time.time(), dict[str, Any]()
    since, text = math.inf, _("No push was accepted yet.")
    if row:
        since = max(0.0, now - row.received.timestamp())
        figures["accepted_seconds_ago"] = round(since)
        text = _("The newest push was accepted %(ago)s ago.", ago=span(since))
    if refused:
        ago, reason = now - refused.at, refused.reason
        figures |= {"refused_seconds_ago": round(ago), "reason": reason}
        other = _("One was refused %(ago)s ago (%(reason)s).", ago=span(ago), reason=reason)
        text = sentences_lazy([text, other])
        hint = HINTS[reason]
        if ago < since:
            # While WeChat's pushes come in time, one without a right signature may be a stranger's.
            doubtful = since < BETWEEN and reason in UNSIGNED
            return (warning if doubtful else wrong)(text, hint=hint, data=figures)
        if since <= HOUR:
            return warning(text, hint=hint, data=figures)
    return (ok if since <= HOUR else wrong)(text, data=figures)
