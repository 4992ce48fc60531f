"""Labels for the words and numbers that the log keeps."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..exceptions import WxStaticStoreError
from ..i18n import gettext, labelled
from ..models import UploadLog

Text = str | Promise

SOURCES: dict[str, Text] = {
    "admin": _("admin"),
    "api": _("API"),
    "collectstatic": "collectstatic",
    "delete": _("deletion"),
    "list": _("the cloud's list"),
    "reconcile": _("comparison with the cloud"),
    "retry": _("repetition"),
    "storage": _("file field"),
    "wx_deploy": "wx_deploy",
}
STAGES: dict[str, Text] = {
    "name": _("checking the name"),
    "source": _("reading the file"),
    "token": _("getting a token"),
    "link": _("asking WeChat for a link"),
    "put": _("sending the file"),
    "verify": _("comparing what is stored"),
}


def describe_error(row: UploadLog) -> str:
    """Return the row's English message in the reader's language, or an empty text."""
    translated = gettext(row.message) if row.message else ""
    if translated != row.message:
        return translated
    if row.why is None:
        return ""
    stage, title = str(STAGES.get(row.stage, "")), str(row.why.title)
    return labelled(capfirst(stage), title) if stage else title


def sentence(error: WxStaticStoreError) -> str:
    """Return for an editor what happened, the code to look up, and what to do."""
    text = error.what
    if error.code:
        text = gettext("%(what)s (%(facts)s)", what=text, facts=error.code)
    return gettext("%(what)s. %(hint)s", what=text, hint=error.hint) if error.hint else text
