"""Each system check in one entry: its id, what is wrong, what to do. The docs are made of it."""

from operator import mod
from typing import Any, cast

from django.core.checks import CheckMessage, Error, Warning
from django.utils.functional import Promise, lazy

from ..causes import Cause, offer, with_docs
from ..causes.cause import Text
from ..i18n import gettext_lazy as _

TAG = "wx_static_store"
PREFIX = "wx_static_store."  # of each id

_UNFIT = _("The cache %(alias)r, which is to hold the platform's token, %(why)s.")
_SHARED = _("Set TOKEN_CACHE to an alias of CACHES with Redis or Memcached.")
_WITHOUT = _("The callback of WeChat cannot work without %(name)s.")
_WRITE = _('Set WX_STATIC_STORE["%(name)s"]. The page of your platform at WeChat shows the value.')
PRIVATE = _(
    "Name a separate alias of STORAGES, such as a FileSystemStorage outside of all folders that "
    "are served or published."
)

_ONE_TOKEN = _(
    "A platform has one token. Processes without a shared cache fetch one each, and each new token "
    "ends the others."
)
_PUSHES = _("WeChat's pushes are encrypted and signed. Without this value no push can be read.")


def _check(id: str, text: Text, hint: Text, means: Text) -> Cause:
    """Return the entry of a check; its texts have parts such as ``%(alias)r``."""
    return Cause(id, text, means, hint, page="checks")


# An id that begins with E is an error, one that begins with W a warning.
# An entry is read as one.
# fmt: off
CHECKS = {each.id: each for each in (
    _check("E001", _("STORAGES[%(alias)r]: %(fault)s"),
        _("Correct the option that the message names."),
        _("An option is unknown or has a wrong value, so the store cannot be used.")),
    _check("E002", _("STORAGES[%(alias)r] has no source of a component_access_token."),
        _("Set COMPONENT_APPID and COMPONENT_APPSECRET in WX_STATIC_STORE, or ACCESS_TOKEN, or "
          "TOKEN_PROVIDER."),
        _("Every upload begins with a call to WeChat, and every call needs the token.")),
    _check("E003",
        _("STORAGES['staticfiles'] is a WxStorage, which would upload each file on its own."),
        _("Use wx_static_store.staticfiles.WxManifestStaticFilesStorage."),
        _("collectstatic would send the files one after the other, and without hashes.")),
    _check("E004", _("STORAGES[%(alias)r] collects into STATIC_ROOT, which is not set."),
        _("Set STATIC_ROOT to a folder of this machine."),
        _("Static files are collected on this machine first, and published at the end.")),
    _check("W005",
        _("STORAGES[%(alias)r] does not know its public address, so rendering a page may ask "
          "WeChat for it."),
        _("Set base_url to the site's public address, or STATIC_URL to an absolute one."),
        _("The question to WeChat takes time, and may fail.")),
    _check("W006", _("STORAGES[%(alias)r]: with on_delete='ignore' deleted files stay public."),
        _("Use 'blank', which overwrites them, or 'raise'."),
        _("WeChat's API cannot delete. Without a text that overwrites it, a deleted file "
          "stays.")),
    *(_check(id, _UNFIT, _SHARED, _ONE_TOKEN) for id in ("W007", "E009")),
    *(_check(id, _WITHOUT, _WRITE, _PUSHES) for id in ("E010", "E011", "E012")),
    _check("W013", _("A CALLBACK_TOKEN is shorter than %(length)d characters: it can be guessed."),
        _("Choose a long random token, here and at WeChat. Until both have it, the setting may be "
          "a list of both."),
        _("Whoever guesses the token can send false tickets to the callback.")),
    _check("E014", _("wx_static_store.callback stands in INSTALLED_APPS without wx_static_store."),
        _('Add "wx_static_store" to INSTALLED_APPS.'),
        _("The callback keeps the ticket for the app, and reads its settings.")),
    _check("E015", _("STORAGES[%(alias)r] has no source of the component_verify_ticket."),
        _("Put 'wx_static_store.callback' into INSTALLED_APPS, which receives WeChat's pushes, "
          "or set VERIFY_TICKET in WX_STATIC_STORE."),
        _("A token is fetched with the newest ticket, which WeChat pushes.")),
    _check("E016", _("UPLOAD_STORES names %(alias)r, which is no store of STORAGES."),
        _("Name aliases of STORAGES whose BACKEND is a storage of wx_static_store."),
        _("The alias does not exist, or its storage is not one of this app.")),
    _check("E017", _("STORAGES[%(alias)r] has no BACKEND."),
        _('Write it as {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {…}}.'),
        _("Django cannot create a storage without its class.")),
    _check("E018", _("STORAGES[%(alias)r]: token_provider cannot be imported (%(why)s)."),
        _("It must be a function or a class, or the dotted path of one."),
        _("The dotted path has a typing error, or its module fails when it is imported.")),
    _check("E019", _("The cache %(alias)r cannot hold the platform's token: %(why)s."),
        _SHARED,
        _("The cache does not exist, its module cannot be imported, or its library is "
          "missing.")),
    _check("W020",
        _("%(aliases)s of STORAGES write to one environment at one location: a file of one "
          "replaces a file of the other that has its name."),
        _('Give each a "location" of its own in OPTIONS, as "media" and "static".'),
        _("Both stores can write the same key. The log cannot say which store a file belongs "
          "to.")),
    _check("W021",
        _("No address of ROOT_URLCONF leads to wx_static_store.callback: no push arrives."),
        _('Add path("wx/callback/", include("wx_static_store.callback.urls")) to the urlpatterns '
          "of your project."),
        _("The app is installed, but WeChat's pushes end with a 404.")),
    _check("W022", _("The platform's token stands in the cache %(alias)r as plain text."),
        _("Install the package that encrypts it, in all processes: "
          'pip install "wx_static_store[callback]"'),
        _("Whoever can read the cache can read the token.")),
    _check("W023",
        _("drf_spectacular is in INSTALLED_APPS, but DEFAULT_SCHEMA_CLASS of REST_FRAMEWORK is "
          "not its own: the OpenAPI document answers 500."),
        _('Set "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema" there.'),
        _("The views of this app describe themselves by a class of drf-spectacular. It fails "
          "beside views that lack this class.")),
    _check("W024", _("COMPONENT_APPID is no appid: it is a placeholder, or has a typing error."),
        _("Write the appid of your platform in WX_STATIC_STORE: wx and 16 letters and digits. It "
          "stands on the page of your platform at WeChat."),
        _("WeChat answers every call with 40013, and no push can be read. With the emulator "
          "nothing is reported: its own appid is a placeholder.")),
    _check("W025",
        _("A storage of wx_static_store is used, but the app is not in INSTALLED_APPS: there is "
          "no log of uploads, no admin and no wx_ command."),
        _('Add "wx_static_store" to INSTALLED_APPS, and run manage.py migrate.'),
        _("The storages work without the app, but Django does not know its tables, pages and "
          "commands. The check sees this only if a storage is imported before it runs.")),
    _check("E026", _("%(option)s names %(alias)r, which is not in STORAGES."), PRIVATE,
        _("Without a storage no release can be kept, and none can be rolled back to. The same "
          "check looks at WAITING_STORAGE.")),
    _check("E027", _("%(option)s names %(alias)r, which is public: %(why)s."), PRIVATE,
        _("It holds the bytes of every release, also of files that should no longer be public. "
          "collectstatic and wx_deploy stop before they write into it.")),
    _check("E028", _("%(option)s names %(alias)r, which cannot be used (%(why)s)."),
        _("Correct BACKEND and OPTIONS of this alias in STORAGES."),
        _("Its module cannot be imported, or its class refuses the OPTIONS.")),
    _check("W029",
        _("Each process keeps API_RATE for itself: they do not count in one cache %(alias)r."),
        _SHARED,
        _("Four processes then make up to four times as many calls a second as API_RATE says.")),
    _check("W030", _("%(option)s names %(alias)r: every user of this machine can read its files."),
        _('Set "file_permissions_mode": 0o600 in OPTIONS of this alias (0o640, if users of one '
          "group share it), and change the mode of the files that are there."),
        _("Django makes files with the mode 0o644. The storage holds the bytes of every release, "
          "or of uploads that failed. The check knows nothing about files of other kinds of "
          "storages.")),
    _check("W031", _("ALERTS names functions, but the app that sends alerts is not installed."),
        _('Add "wx_static_store.health" to INSTALLED_APPS, and run manage.py migrate.'),
        _("Nothing else calls these functions.")),
    _check("E032", _("STORAGES[%(alias)r] lets files wait, but there is no WAITING_STORAGE."),
        _("Set WAITING_STORAGE in WX_STATIC_STORE to the alias of a private storage, or take "
          '"wait" out of the OPTIONS.'),
        _("A waiting file needs a place for its bytes until the cloud takes them.")),
    _check("W033", _("WAITING_STORAGE names %(alias)r, a folder of this machine."),
        _("With several machines, name a bucket of S3 or COS, or put the folder on a shared disk. "
          "Do not use a bucket that fails together with that of the environment. With one machine, "
          "silence W033 by SILENCED_SYSTEM_CHECKS."),
        _("Every machine that saves, reads or sends waiting files needs their bytes. The check "
          "reports nothing while DEBUG is on.")),
)}
# fmt: on


def message(
    id: str, *, text: str | Promise = "", hint: str | Promise = "", **facts: Any
) -> CheckMessage:
    """Return the message of a check; `text` and `hint` replace those of its entry."""
    entry = CHECKS[id]
    kind = Error if id.startswith("E") else Warning
    advice = hint or _filled_in(entry.operator, facts)
    found: CheckMessage = kind(
        cast(str, text or _filled_in(entry.title, facts)),
        hint=_with_docs(advice, id),
        obj=facts.get("alias") if id == "E001" else None,
        id=f"{PREFIX}{id}",
    )
    # Without the place in the documentation.
    found.advice = advice  # type: ignore[attr-defined]
    return found


offer(CHECKS.values)
# Their reader may have another language.
_filled_in = lazy(mod, str)
_with_docs = lazy(with_docs, str)
