"""The options of one store: ``OPTIONS`` of its entry in ``STORAGES``, or ``WX_STATIC_STORE``."""

# ruff: noqa: RUF009 -- `option` makes a field

from dataclasses import dataclass

from . import validators
from .entries import Callback, Scope, option_of

STATIC, MEDIA = "static", "media"

option = option_of(Scope.STORE)


# An entry is read as one.
# fmt: off
@dataclass(frozen=True)
class StoreOptions:
    kind: str = MEDIA
    env: str | Callback = option("", validators.env,
        "Id of the cloud environment; or a function that returns it, or the dotted path of one. "
        "The function is called for each operation, and WeChat is asked for the address of its "
        "environment. In ``OPTIONS`` write the path: some packages, such as Wagtail, save the "
        "options of a storage as JSON.",
        shown="required")
    location: str = option(
        "", validators.location, "Folder in the environment; it comes before every name."
    )
    base_url: str = option("", validators.url,
        "Public address of the site. The address of a file is ``base_url`` + ``location`` + name. "
        "An absolute ``STATIC_URL`` or ``MEDIA_URL`` replaces ``base_url`` and ``location`` "
        "together. Without any of them WeChat is asked once, and the cache keeps the answer.",
        shown="asked of WeChat")
    url_prefix: str = ""  # an absolute STATIC_URL or MEDIA_URL: it includes the location
    file_overwrite: bool = option(False, validators.flag,
        "``WxStorage``: whether a save may replace a file. A save makes three calls, or two with "
        "``True``. Two saves of one name at the same time get two names if the cache "
        "``token_cache`` is shared.")
    on_delete: str = option("blank", validators.on_delete,
        "``WxStorage``: ``blank`` overwrites a deleted file with a short text, ``raise`` refuses "
        "to delete, ``ignore`` leaves the file public.")
    keep_only_hashed: bool = option(False, validators.flag,
        "Manifest storage: publish only the names with a hash, which halves the objects. Pages "
        "that are made with ``DEBUG = True`` name the plain files, which are missing then.")
    trust_log: bool = option(False, validators.flag,
        "A deploy decides by the log alone what changed. An unchanged tree then costs no call. "
        "Files that somebody else wrote and rows that were lost are not noticed: "
        "``wx_reconcile --fix`` finds them.")
    cache_control: tuple[tuple[str, str], ...] = option((), validators.rules,
        'List of (pattern, value), such as ``[("*.html", "no-cache")]``. The first match wins.',
        shown="hashed static files a year, static HTML ``no-cache``, all else five minutes")
    max_attempts: int = option(
        4, validators.count, "Tries for one file. Each try asks for a new link."
    )
    deadline: float | None = option(None, validators.number,
        "Seconds for one file, all tries together. A second for each MiB is added (for each 200 "
        "KiB in a batch). Waiting for a slot of the limiter is not counted: for as long again, or "
        "in a batch for as long as it takes.",
        shown="25, or 300 in a batch")
    progress: bool | None = option(None, validators.flag,
        "A bar on a terminal (extra ``progress``, else plain lines). ``True``: also where there "
        "is no terminal. ``False``: never.",
        shown="on a terminal")
