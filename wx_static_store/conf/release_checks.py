"""System check: whether the storages of kept bytes exist, and are private."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.core.files.storage import FileSystemStorage, storages
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from . import settings as conf
from .check_table import CHECKS, PRIVATE, TAG, message
from .options import MEDIA
from .options.validators import import_fault

_RELEASES = "RELEASE_STORAGE"
Fault = tuple[str, dict[str, Any]]


@register(TAG, Tags.staticfiles)
def check_release_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the storages of releases and waiting files are private."""
    given = private_storages()
    found = [fault for one in given for fault in [*_faults(*one)] or _of_folder(*one)]
    waiting = conf.readable_options().waiting_storage
    for name, of in {} if waiting else conf.all_options().items():
        if of.kind == MEDIA and of.wait != "never":
            found.append(("E032", {"alias": name}))
    return [message(id, **facts) for id, facts in found]


def private_storages() -> list[tuple[str, str]]:
    """Return the aliases that must be private, each with the setting that names it."""
    options = conf.readable_options()
    given = [(options.release_storage, _RELEASES), (options.waiting_storage, "WAITING_STORAGE")]
    return [(alias, option) for alias, option in given if alias]


def require_private(alias: str, option: str = _RELEASES, folder: Path | None = None) -> None:
    """Raise ConfigurationError if the storage is not private, or lies in a folder to publish."""
    if not alias:
        raise ConfigurationError(_("%(option)s is not set", option=option), hint=PRIVATE)
    # Asked again where it matters: a run may have skipped the checks.
    for id, facts in _faults(alias, option, folder):
        entry = CHECKS[id]
        text = str(entry.title % facts).rstrip(".。")  # an error's text has no full stop
        raise ConfigurationError(text, cause=id, hint=facts.get("hint") or entry.operator)


def refuse_releases_in(folder: Path) -> None:
    """Raise ConfigurationError if the release storage lies in a folder that will be published."""
    if alias := conf.platform_options().release_storage:
        require_private(alias, folder=folder)


def _faults(alias: str, option: str, folder: Path | None = None) -> Iterator[Fault]:
    """Yield the id of the check and its facts."""
    known = conf.setting("STORAGES")
    if not (isinstance(known, Mapping) and alias in known):
        others = [one for one in known if one not in ("default", "staticfiles", *conf.aliases())]
        hint = conf.nearest(alias, others) if others else ""
        yield "E026", {"hint": hint, "option": option, "alias": alias}
        return
    try:
        why = _why_public(alias, folder)
    except Exception as error:  # noqa: BLE001 -- of a module of the project's, or any OPTIONS
        yield "E028", {"option": option, "alias": alias, "why": import_fault(error)}
        return
    if why:
        yield "E027", {"option": option, "alias": alias, "why": why}


def _of_folder(alias: str, option: str) -> Iterator[Fault]:
    mode = local.file_permissions_mode if (local := _local(alias)) else 0o600
    # With None, the umask decides.
    if mode is None or mode & 0o007:
        yield "W030", {"option": option, "alias": alias}
    if local and option == "WAITING_STORAGE" and not conf.setting("DEBUG"):
        yield "W033", {"alias": alias}


def _why_public(alias: str, folder: Path | None) -> str | Promise:
    """Return why others can read the storage; empty if no reason is known."""
    if alias in conf.aliases():
        return _("it is a store of wx_static_store")
    if alias == "staticfiles":
        return _("it holds the static files")
    local = _local(alias)
    if local is None:
        return ""
    if not local.base_location:
        return _("it has no location")
    location = Path(os.path.realpath(local.location))
    # The settings of served and published folders; Django allows pairs of a prefix and a folder.
    given = ((name, conf.setting(name)) for name in ("MEDIA_ROOT", "STATIC_ROOT"))
    dirs = [d[1] if isinstance(d, list | tuple) else d for d in conf.setting("STATICFILES_DIRS")]
    finders = (("STATICFILES_DIRS", each) for each in dirs)
    for name, other in (*given, *finders, (str(folder), folder)):
        if other and location.is_relative_to(os.path.realpath(other)):
            return _("its location is in %(place)s", place=name)
    return ""


def _local(alias: str) -> FileSystemStorage | None:
    """Return the storage if it keeps local files; raise the error of its module or class."""
    backend = import_string(conf.setting("STORAGES")[alias]["BACKEND"])
    is_local = isinstance(backend, type) and issubclass(backend, FileSystemStorage)
    return storages[alias] if is_local else None  # type: ignore[return-value]
