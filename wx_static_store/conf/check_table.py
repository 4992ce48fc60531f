"""Each system check in one entry: its id, what is wrong, what to do. The docs are made of it."""

from collections.abc import Iterator
from operator import mod
from typing import Any, NamedTuple, cast

from django.core.checks import CheckMessage, Error, Warning
from django.utils.functional import Promise, lazy

from ..causes import Cause, offer, with_docs
from ..i18n import gettext_lazy as _

PREFIX = "wx_static_store."  # of each id


class SystemCheck(NamedTuple):
    """Describe one check; a text has parts such as ``%(alias)r``."""

    text: str
    hint: str


_UNFIT = _("The cache %(alias)r, which is to hold the platform's token, %(why)s.")
_SHARED = _("Set TOKEN_CACHE to an alias of CACHES with Redis or Memcached.")
_WITHOUT = _("The callback of WeChat cannot work without %(name)s.")
_WRITE = _(
    'Write it as WX_STATIC_STORE["%(name)s"]: it stands on the page of your platform at WeChat.'
)
_PRIVATE = _(
    "Name an alias of STORAGES of its own, such as a FileSystemStorage whose location is outside "
    "of all folders that are served or published."
)

# An id that begins with E is an error, one that begins with W a warning.
# An entry is read as one.
# fmt: off
CHECKS = {
    "E001": SystemCheck(
        _("STORAGES[%(alias)r]: %(fault)s"),
        _("Correct the option that the message names.")),
    "E002": SystemCheck(
        _("STORAGES[%(alias)r] has no source of a component_access_token."),
        _("Set COMPONENT_APPID and COMPONENT_APPSECRET in WX_STATIC_STORE, or ACCESS_TOKEN, or "
          "TOKEN_PROVIDER.")),
    "E003": SystemCheck(
        _("STORAGES['staticfiles'] is a WxStorage, which would upload each file on its own."),
        _("Use wx_static_store.staticfiles.WxManifestStaticFilesStorage.")),
    "E004": SystemCheck(
        _("STORAGES[%(alias)r] collects into STATIC_ROOT, which is not set."),
        _("Set STATIC_ROOT to a folder of this machine.")),
    "W005": SystemCheck(
        _("STORAGES[%(alias)r] does not know its public address, so rendering a page may ask "
          "WeChat for it."),
        _("Set base_url to the site's public address, or STATIC_URL to an absolute one.")),
    "W006": SystemCheck(
        _("STORAGES[%(alias)r]: with on_delete='ignore' deleted files stay public."),
        _("Use 'blank', which overwrites them, or 'raise'.")),
    "W007": SystemCheck(_UNFIT, _SHARED),
    "W008": SystemCheck(
        _("MIGRATION_MODULES takes the migrations of wx_static_store away, so there is no table "
          "for the log of uploads."),
        _('Remove "wx_static_store" from MIGRATION_MODULES, or run makemigrations there.')),
    "E009": SystemCheck(_UNFIT, _SHARED),
    "E010": SystemCheck(_WITHOUT, _WRITE),
    "E011": SystemCheck(_WITHOUT, _WRITE),
    "E012": SystemCheck(_WITHOUT, _WRITE),
    "W013": SystemCheck(
        _("A CALLBACK_TOKEN is shorter than %(length)d characters: it can be guessed."),
        _("Take a long random one, at WeChat too; both may stand in a list meanwhile.")),
    "E014": SystemCheck(
        _("wx_static_store.callback stands in INSTALLED_APPS without wx_static_store."),
        _('Add "wx_static_store" to INSTALLED_APPS.')),
    "E015": SystemCheck(
        _("STORAGES[%(alias)r] has no source of the component_verify_ticket."),
        _("Put 'wx_static_store.callback' into INSTALLED_APPS, which receives WeChat's pushes, "
          "or set VERIFY_TICKET in WX_STATIC_STORE.")),
    "E016": SystemCheck(
        _("UPLOAD_STORES names %(alias)r, which is no store of STORAGES."),
        _("Name aliases of STORAGES whose BACKEND is a storage of wx_static_store.")),
    "E017": SystemCheck(
        _("STORAGES[%(alias)r] has no BACKEND."),
        _('Write it as {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {…}}.')),
    "E018": SystemCheck(
        _("STORAGES[%(alias)r]: token_provider cannot be imported (%(why)s)."),
        _("It must be the dotted path of a function or of a class, or one of them.")),
    "E019": SystemCheck(
        _("The cache %(alias)r cannot hold the platform's token: %(why)s."),
        _SHARED),
    "W020": SystemCheck(
        _("%(aliases)s of STORAGES write to one environment at one location: a file of one "
          "replaces a file of the other that has its name."),
        _('Give each a "location" of its own in OPTIONS, as "media" and "static".')),
    "W021": SystemCheck(
        _("No address of ROOT_URLCONF leads to wx_static_store.callback: no push arrives."),
        _('Add path("wx/callback/", include("wx_static_store.callback.urls")) to the urlpatterns '
          "of your project.")),
    "W022": SystemCheck(
        _("The platform's token stands in the cache %(alias)r as plain text."),
        _("Install the package that encrypts it, in all processes: "
          'pip install "wx_static_store[callback]"')),
    "W023": SystemCheck(
        _("drf_spectacular is in INSTALLED_APPS, but DEFAULT_SCHEMA_CLASS of REST_FRAMEWORK is "
          "not its own: the OpenAPI document answers 500."),
        _('Set "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema" there.')),
    "W024": SystemCheck(
        _("COMPONENT_APPID is no appid: it is a placeholder, or has a typing error."),
        _("Write the appid of your platform in WX_STATIC_STORE: wx and 16 letters and digits. It "
          "stands on the page of your platform at WeChat.")),
    "W025": SystemCheck(
        _("A storage of wx_static_store is used, but the app is not in INSTALLED_APPS: there is "
          "no log of uploads, no admin and no wx_ command."),
        _('Add "wx_static_store" to INSTALLED_APPS, and run manage.py migrate.')),
    "E026": SystemCheck(_("%(option)s names %(alias)r, which is not in STORAGES."), _PRIVATE),
    "E027": SystemCheck(_("%(option)s names %(alias)r, which is public: %(why)s."), _PRIVATE),
    "E028": SystemCheck(
        _("%(option)s names %(alias)r, which cannot be used (%(why)s)."),
        _("Correct BACKEND and OPTIONS of this alias in STORAGES.")),
    "W029": SystemCheck(
        _("Each process keeps API_RATE for itself: they do not count in one cache %(alias)r."),
        _SHARED),
    "W030": SystemCheck(
        _("%(option)s names %(alias)r: every user of this machine can read its files."),
        _('Set "file_permissions_mode": 0o600 in OPTIONS of this alias (0o640, if users of one '
          "group share it), and change the mode of the files that are there.")),
    "W031": SystemCheck(
        _("ALERTS names functions, but the app that sends alerts is not installed."),
        _('Add "wx_static_store.health" to INSTALLED_APPS, and run manage.py migrate.')),
}
# fmt: on


def message(
    id: str, *, text: str | Promise = "", hint: str | Promise = "", **facts: Any
) -> CheckMessage:
    """
    Return the message of a check, in the words of its entry unless `text` or `hint` is given.

    The texts are lazy: their reader may have another language. `advice` is the hint
    without the place in the documentation.
    """
    entry = CHECKS[id]
    kind = Error if id.startswith("E") else Warning
    advice = hint or _filled_in(entry.hint, facts)
    found: CheckMessage = kind(
        cast(str, text or _filled_in(entry.text, facts)),
        hint=_with_docs(advice, id),
        obj=facts.get("alias") if id == "E001" else None,
        id=f"{PREFIX}{id}",
    )
    found.advice = advice  # type: ignore[attr-defined]
    return found


def _entries() -> Iterator[Cause]:
    for id, entry in CHECKS.items():
        yield Cause(id, entry.text, operator=entry.hint, page="checks")


offer(_entries)
_filled_in = lazy(mod, str)
_with_docs = lazy(with_docs, str)
